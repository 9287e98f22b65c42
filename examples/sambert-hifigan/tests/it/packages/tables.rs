//! Symbol tables, speakers, and what is wrong with a voice.

use std::fs;

use sambert_hifigan::Voice;
use serde_json::json;

use super::{ACOUSTIC, VOCODER, folder, speak, write};

#[test]
fn speakers_share_one_voice_and_sound_unlike_each_other() {
    let folder = folder(ACOUSTIC, VOCODER);
    // The embedding has four rows: one speaker and three specials, or two and two.
    write(&folder.path().join("dict/speaker_dict.txt"), b"F8\nF7\n");
    let voice = Voice::load(folder.path()).unwrap();
    assert_eq!(voice.speakers(), ["F8", "F7"]);
    // The reference's front end names no other speaker.
    assert_eq!(voice.speaker(), "F7");
    let other = voice.with_speaker("F8").unwrap();
    assert_eq!(other.speaker(), "F8");
    assert_ne!(speak(&voice), speak(&other));
    assert!(voice.with_speaker("nobody").is_none());

    let chosen = json!({ "speaker": other.speaker() }).to_string();
    write(&folder.path().join("voice.json"), chosen.as_bytes());
    assert_eq!(speak(&Voice::load(folder.path()).unwrap()), speak(&other));
    for wrong in [
        r#"{"speaker": "nobody"}"#,
        r#"{"speakers": ["F7"]}"#,
        r#"{"emotions": ["joy"]}"#,
        "{",
    ] {
        write(&folder.path().join("voice.json"), wrong.as_bytes());
        let error = Voice::load(folder.path()).unwrap_err();
        assert!(error.file().ends_with("voice.json"), "{error}");
    }
}

#[test]
fn a_dictionary_is_used_and_what_differs_is_told() {
    let folder = folder(ACOUSTIC, VOCODER);
    let tones = [
        "tone1",
        "tone_none",
        "tone4",
        "tone2",
        "tone3",
        "tone5",
        "tone0",
    ];
    let dict = folder.path().join("dict/tone_dict.txt");
    let plain = speak(&Voice::load(folder.path()).unwrap());

    write(&dict, tones.join("\r\n").as_bytes());
    let usual = Voice::load(folder.path()).unwrap();
    assert_eq!(usual.warnings(), [""; 0]);
    assert_eq!(speak(&usual), plain);

    let mut swapped = tones;
    swapped.swap(3, 4);
    write(&dict, swapped.join("\n").as_bytes());
    let unusual = Voice::load(folder.path()).unwrap();
    let message = unusual.warnings().join("\n");
    assert!(
        message.contains(r#"line 4 is "tone3", and usually "tone2""#),
        "{message}"
    );
    assert_ne!(speak(&unusual), plain);

    write(&dict, tones[..4].join("\n").as_bytes());
    let error = Voice::load(folder.path()).unwrap_err().to_string();
    for part in [
        "text_encoder.tone_emb.weight has 10 rows",
        "tone_dict.txt has 4 symbols",
    ] {
        assert!(error.contains(part), "{error}");
    }
    write(&dict, b"tone1\n\xff\n");
    let error = Voice::load(folder.path()).unwrap_err();
    assert!(error.file().ends_with("tone_dict.txt"), "{error}");
}

#[test]
fn one_error_tells_what_is_wrong_with_both_models() {
    let folder = folder(ACOUSTIC, VOCODER);
    let widen = |config: &str, from: &str, to: &str| {
        let path = folder.path().join(config);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(from));
        fs::write(path, text.replace(from, to)).unwrap();
    };
    widen("am/config.yaml", "speaker_units: 8", "speaker_units: 9");
    widen(
        "voc/config.yaml",
        "resblock_kernel_sizes: [3, ",
        "resblock_kernel_sizes: [5, ",
    );
    let error = Voice::load(folder.path()).unwrap_err();
    let of = |part: &str| {
        error
            .problems()
            .iter()
            .any(|problem| problem.contains(part))
    };
    assert!(
        of("spk_tokenizer.weight has shape")
            && of("voc/ckpt/checkpoint_1.safetensors: tensor conv_blocks.0."),
        "{error}"
    );
}
