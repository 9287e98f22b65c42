//! Voices in every layout they came in.

use std::{
    fs,
    path::{Path, PathBuf},
};

use sambert_hifigan::{StopSignal, Style, Voice};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A model among the fixtures, with neither trained weights nor a good voice.
#[derive(Clone, Copy)]
struct Model(&'static str);

const ACOUSTIC: Model = Model("am_plain/seed11");
const VOCODER: Model = Model("hifigan_causal_v1/seed112");

impl Model {
    fn file(self, name: &str) -> PathBuf {
        let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
        fixtures.join(self.0).join(name)
    }

    /// Puts the model where training would.
    fn put(self, folder: &Path, checkpoint: &str) {
        write(&folder.join("ckpt").join(checkpoint), &self.weights());
        fs::copy(self.file("config.yaml"), folder.join("config.yaml")).unwrap();
    }

    fn weights(self) -> Vec<u8> {
        fs::read(self.file("model.safetensors")).unwrap()
    }

    fn config(self) -> Value {
        serde_saphyr::from_str(&fs::read_to_string(self.file("config.yaml")).unwrap()).unwrap()
    }
}

fn write(path: &Path, content: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

fn speak(voice: &Voice) -> Vec<f32> {
    let plan = voice.plan("你好。", &Style::default()).unwrap();
    voice
        .speak(&plan, &StopSignal::new())
        .flat_map(Result::unwrap)
        .collect()
}

/// A voice folder, which all other layouts have to sound like.
fn folder(acoustic: Model, vocoder: Model) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    put(folder.path(), acoustic, vocoder);
    folder
}

fn put(folder: &Path, acoustic: Model, vocoder: Model) {
    acoustic.put(&folder.join("am"), "checkpoint_1.safetensors");
    vocoder.put(&folder.join("voc"), "checkpoint_1.safetensors");
}

fn names(voices: &[Voice]) -> Vec<&str> {
    voices.iter().map(Voice::name).collect()
}

fn detail<'a>(voice: &'a Voice, name: &str) -> &'a str {
    let found = voice.details().iter().find(|(detail, _)| *detail == name);
    &found.unwrap().1
}

#[test]
fn a_package_loads_its_voices_in_order_and_tells_what_is_missing() {
    let package = tempfile::tempdir().unwrap();
    let voices = package.path().join("voices");
    put(&voices.join("b"), ACOUSTIC, VOCODER);
    put(&voices.join("a"), ACOUSTIC, VOCODER);
    write(
        &voices.join("voices.json"),
        br#"{"voices": ["b", "gone", "a"]}"#,
    );
    write(
        &package.path().join("configuration.json"),
        br#"{"model": {"sample_rate": 8000, "am": {"linguistic_unit": {"has_mask": false}}}}"#,
    );
    let loaded = Voice::load_all(package.path()).unwrap();
    assert_eq!(names(&loaded), ["b", "a"]);
    assert_eq!(Voice::load(package.path()).unwrap().name(), "b");
    assert_eq!(Voice::load(&voices.join("a")).unwrap().name(), "a");
    let told = loaded[0].warnings().join("\n");
    for part in [
        "the voice gone has no folder",
        "configuration.json says 8000",
        "has_mask is false",
    ] {
        assert!(told.contains(part), "{part} not in {told}");
    }
    assert!(detail(&loaded[0], "layout").contains("voices.json"));
}

#[test]
fn a_name_that_leads_out_of_the_package_is_refused() {
    for name in ["../other", "/etc", "a/b", "..", ""] {
        let package = tempfile::tempdir().unwrap();
        let list = json!({ "voices": [name] }).to_string();
        write(&package.path().join("voices/voices.json"), list.as_bytes());
        let error = Voice::load(package.path()).unwrap_err();
        assert!(
            error.to_string().contains("is no name of a folder"),
            "{error}"
        );
    }
}

/// Gives the vocoder's tensors the names they had in 2022.
fn older(weights: &[u8]) -> Vec<u8> {
    let length = u64::from_le_bytes(weights[..8].try_into().unwrap()) as usize;
    let header = std::str::from_utf8(&weights[8..8 + length]).unwrap();
    let mut header = header
        .replace("repeat_upsamples.", "repeat_ups.")
        .replace("conv_blocks.", "resblocks.");
    for stage in 0..4 {
        let (new, old) = (
            format!("transpose_upsamples.{stage}.1."),
            format!("ups.{stage}."),
        );
        header = header.replace(&new, &old);
    }
    let length = (header.len() as u64).to_le_bytes();
    [
        &length,
        header.as_bytes(),
        &weights[8 + length_of(weights)..],
    ]
    .concat()
}

fn length_of(weights: &[u8]) -> usize {
    u64::from_le_bytes(weights[..8].try_into().unwrap()) as usize
}

#[test]
fn a_package_of_2022_speaks_as_the_same_voice_does_today() {
    let package = tempfile::tempdir().unwrap();
    let voice = package.path().join("voices/old");
    write(&voice.join("am/pytorch_model.bin"), &ACOUSTIC.weights());
    write(
        &voice.join("vocoder/pytorch_model.bin"),
        &older(&VOCODER.weights()),
    );
    write(
        &package.path().join("voices/voices.json"),
        br#"{"voices": ["old"]}"#,
    );
    let acoustic = ACOUSTIC.config();
    let generator = &VOCODER.config()["Model"]["Generator"]["params"];
    let configuration = json!({ "model": {
        "am": {
            "am": acoustic["Model"]["KanTtsSAMBERT"]["params"],
            "linguistic_unit": acoustic["linguistic_unit"],
        },
        "vocoder": {
            "num_mels": generator["in_channels"],
            "sampling_rate": 16000,
            "hop_size": 200,
            "upsample_initial_channel": generator["channels"],
            "upsample_rates": generator["upsample_scales"],
            "upsample_kernel_sizes": generator["upsample_kernal_sizes"],
            "resblock_kernel_sizes": generator["resblock_kernel_sizes"],
            "resblock_dilation_sizes": generator["resblock_dilations"],
        },
    } });
    let file = package.path().join("configuration.json");
    write(&file, configuration.to_string().as_bytes());
    let old = Voice::load(package.path()).unwrap();
    assert!(detail(&old, "layout").contains("2022"));
    let new = folder(ACOUSTIC, VOCODER);
    assert_eq!(speak(&old), speak(&Voice::load(new.path()).unwrap()));

    fs::remove_file(file).unwrap();
    let error = Voice::load(package.path()).unwrap_err();
    assert!(error.to_string().contains("configuration.json"), "{error}");
}

#[test]
fn a_packed_list_of_voices_has_to_be_unpacked() {
    let package = tempfile::tempdir().unwrap();
    write(&package.path().join("voices.zip"), b"PK");
    let error = Voice::load(package.path()).unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("voices.zip: has to be unpacked"),
        "{error}"
    );
}

#[test]
fn base_models_and_training_folders_are_found_by_what_they_hold() {
    let expected = speak(&Voice::load(folder(ACOUSTIC, VOCODER).path()).unwrap());
    for [acoustic, vocoder] in [
        ["sambert", "hifigan"],
        ["basemodel_16k/sambert", "basemodel_16k/hifigan"],
        ["my_voice_am_ft", "vocoder_run_7"],
    ] {
        let root = tempfile::tempdir().unwrap();
        ACOUSTIC.put(&root.path().join(acoustic), "checkpoint_980000.safetensors");
        VOCODER.put(&root.path().join(vocoder), "checkpoint-340000.safetensors");
        assert_eq!(
            speak(&Voice::load(root.path()).unwrap()),
            expected,
            "{acoustic}"
        );
    }
}

#[test]
fn several_acoustic_models_share_a_vocoder_and_several_vocoders_are_refused() {
    let root = tempfile::tempdir().unwrap();
    for (model, name) in [(ACOUSTIC, "am_one"), (ACOUSTIC, "am_two"), (VOCODER, "voc")] {
        model.put(&root.path().join(name), "checkpoint_5.safetensors");
    }
    assert_eq!(
        names(&Voice::load_all(root.path()).unwrap()),
        ["am_one", "am_two"]
    );
    VOCODER.put(&root.path().join("voc_other"), "checkpoint_5.safetensors");
    let error = Voice::load(root.path()).unwrap_err().to_string();
    assert!(error.contains(r#"["voc", "voc_other"]"#), "{error}");
}

#[test]
fn custom_checkpoints_are_where_the_package_says() {
    let package = tempfile::tempdir().unwrap();
    ACOUSTIC.put(&package.path().join("work/am"), "checkpoint_3.safetensors");
    let elsewhere = tempfile::tempdir().unwrap();
    VOCODER.put(elsewhere.path(), "checkpoint_4.safetensors");
    let configuration = json!({ "model": { "custom_ckpt": {
        "voice_name": "mine",
        "am_ckpt": "work/am/ckpt",
        "am_config": "work/am/config.yaml",
        "voc_ckpt": elsewhere.path().join("ckpt/checkpoint_4.safetensors"),
        "voc_config": elsewhere.path().join("config.yaml"),
    } } });
    write(
        &package.path().join("configuration.json"),
        configuration.to_string().as_bytes(),
    );
    assert_eq!(names(&Voice::load_all(package.path()).unwrap()), ["mine"]);
}

#[test]
fn a_directory_of_packages_and_files_loads_as_a_whole_with_unique_names() {
    let root = tempfile::tempdir().unwrap();
    put(&root.path().join("one"), ACOUSTIC, VOCODER);
    put(&root.path().join("pack/voices/two"), ACOUSTIC, VOCODER);
    write(
        &root.path().join("pack/voices/voices.json"),
        br#"{"voices": ["two"]}"#,
    );
    write(&root.path().join("recordings/a.wav"), b"RIFF");
    let mut file = Vec::new();
    sambert_hifigan::convert(&root.path().join("one"), &mut file, false).unwrap();
    write(&root.path().join("three.safetensors"), &file);
    // The file remembers the name of the voice it was made of.
    let error = Voice::load_all(root.path()).unwrap_err().to_string();
    assert!(error.contains(r#"two voices are called "one""#), "{error}");
    write(&root.path().join("one/voice.json"), br#"{"name": "first"}"#);
    let voices = Voice::load_all(root.path()).unwrap();
    assert_eq!(names(&voices), ["first", "two", "one"]);
    assert!(Voice::load_all(&root.path().join("recordings")).is_err());
}

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
    let told = unusual.warnings().join("\n");
    assert!(
        told.contains(r#"line 4 is "tone3", and usually "tone2""#),
        "{told}"
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
