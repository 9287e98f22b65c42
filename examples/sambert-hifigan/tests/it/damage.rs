//! Damaged voices: an error that names the file, never a panic.

use std::{fs, path::Path};

use sambert_hifigan::{StopSignal, Style, Voice};
use tempfile::TempDir;

const FILES: [&str; 5] = [
    "am/config.yaml",
    "am/mvn.npy",
    "am/ckpt/checkpoint_7100.pth",
    "voc/config.yaml",
    "voc/ckpt/checkpoint_13978.pth",
];

fn source() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/voice"))
}

/// A copy of the demo voice with one file changed.
fn with(file: &str, change: impl FnOnce(Vec<u8>) -> Vec<u8>) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for name in FILES {
        let target = folder.path().join(name);
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(source().join(name), target).unwrap();
    }
    let content = fs::read(source().join(file)).unwrap();
    fs::write(folder.path().join(file), change(content)).unwrap();
    folder
}

fn check(file: &str, change: impl FnOnce(Vec<u8>) -> Vec<u8>, says: &str) {
    let folder = with(file, change);
    let error = Voice::load(folder.path()).expect_err(file);
    let name = file.rsplit('/').next().unwrap();
    assert!(error.file().ends_with(name), "{error}");
    assert!(error.to_string().contains(says), "{error}");
}

#[test]
fn an_intact_copy_speaks() {
    let folder = with("am/mvn.npy", |content| content);
    let voice = Voice::load(folder.path()).unwrap();
    assert_eq!(voice.sample_rate(), 16_000);
    assert_eq!(
        voice.parameters()[0],
        Voice::demo().unwrap().parameters()[0]
    );
}

#[test]
fn a_cut_checkpoint_is_one_clear_error() {
    for part in [0, 1, 100, 5_000, 1_000_000] {
        check(FILES[2], |content| content[..part].to_vec(), "");
        check(FILES[4], |content| content[..part].to_vec(), "");
    }
    check(FILES[1], |content| content[..20].to_vec(), "NumPy");
}

#[test]
fn flipped_bits_in_weights_are_found() {
    for position in (30_000..1_100_000).step_by(90_001) {
        let flip = |mut content: Vec<u8>| {
            content[position] ^= 0x10;
            content
        };
        // Weights carry checksums; what is not read may change.
        let folder = with(FILES[4], flip);
        if let Err(error) = Voice::load(folder.path()) {
            assert!(error.file().ends_with("checkpoint_13978.pth"), "{error}");
        }
    }
    check(FILES[4], flip_middle, "hecksum");
}

/// Flips a bit in the middle of the file, which is inside a weight.
fn flip_middle(mut content: Vec<u8>) -> Vec<u8> {
    let middle = content.len() / 2;
    content[middle] ^= 1;
    content
}

#[test]
fn a_configuration_that_does_not_fit_names_every_tensor() {
    let widen = |content: Vec<u8>| {
        String::from_utf8(content)
            .unwrap()
            .replace("decoder_num_layers: 4", "decoder_num_layers: 5")
            .into_bytes()
    };
    let folder = with(FILES[0], widen);
    let error = Voice::load(folder.path()).unwrap_err();
    assert_eq!(error.problems().len(), 16, "{error}");
    assert!(
        error
            .problems()
            .iter()
            .all(|problem| problem.contains("missing tensor mel_decoder.mel_dec.pnca.4."))
    );

    let narrow = |content: Vec<u8>| {
        String::from_utf8(content)
            .unwrap()
            .replace("postnet_lstm_units: 64", "postnet_lstm_units: 32")
            .into_bytes()
    };
    let folder = with(FILES[0], narrow);
    let error = Voice::load(folder.path()).unwrap_err();
    assert!(
        error
            .problems()
            .iter()
            .all(|problem| problem.contains("instead of")),
        "{error}"
    );
    assert!(error.problems().len() >= 4);
}

#[test]
fn a_checkpoint_of_something_else_names_every_tensor() {
    let acoustic = fs::read(source().join(FILES[2])).unwrap();
    let folder = with(FILES[4], |_| acoustic);
    let error = Voice::load(folder.path()).unwrap_err();
    assert!(error.problems().len() > 60, "{error}");
    assert!(
        error
            .to_string()
            .contains("missing tensor conv_pre.conv1d.weight [128, 80, 7]")
    );

    let vocoder = fs::read(source().join(FILES[4])).unwrap();
    let folder = with(FILES[2], |_| vocoder);
    let error = Voice::load(folder.path()).unwrap_err();
    assert!(error.to_string().contains("no tensors"), "{error}");
}

#[test]
fn absurd_and_broken_configurations_are_errors() {
    let replace = |from: &'static str, to: &'static str| {
        move |content: Vec<u8>| {
            String::from_utf8(content)
                .unwrap()
                .replace(from, to)
                .into_bytes()
        }
    };
    check(
        FILES[0],
        replace("embedding_dim: 96", "embedding_dim: 9999999999"),
        "size",
    );
    check(
        FILES[0],
        replace("outputs_per_step: 3", "outputs_per_step: 0"),
        "size",
    );
    check(
        FILES[0],
        replace("encoder_num_heads: 4", "encoder_num_heads: 5"),
        "fit",
    );
    check(FILES[3], replace("      - 10\n", ""), "fit");
    check(FILES[3], replace("channels: 128", "channels: 127"), "fit");
    check(FILES[3], |_| b"{{{{".to_vec(), "");
    check(FILES[0], |_| vec![0xff; 64], "");
}

/// A repeatable sequence of numbers.
fn numbers() -> impl Iterator<Item = usize> {
    let mut state = 5u64;
    std::iter::repeat_with(move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize
    })
}

#[test]
fn a_mistyped_configuration_never_panics() {
    let mut numbers = numbers();
    let mut next = move |below: usize| numbers.next().unwrap() % below;
    for turn in 0..60 {
        let file = FILES[if turn % 2 == 0 { 0 } else { 3 }];
        let mistype = |mut content: Vec<u8>| {
            let digits: Vec<_> = (0..content.len())
                .filter(|at| content[*at].is_ascii_digit())
                .collect();
            let at = if turn % 3 == 0 {
                next(content.len())
            } else {
                digits[next(digits.len())]
            };
            content[at] = b"0123456789-: \ntx"[next(16)];
            content
        };
        let folder = with(file, mistype);
        if let Ok(voice) = Voice::load(folder.path()) {
            // What still loads must still speak, or say why not.
            let plan = voice.plan("好", &Style::default()).unwrap();
            voice.speak(&plan, &StopSignal::new()).for_each(drop);
        }
    }
}

#[test]
fn a_folder_without_a_voice_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let error = Voice::load(folder.path()).unwrap_err();
    assert!(error.to_string().contains("voices.json"), "{error}");
}
