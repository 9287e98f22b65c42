//! Layouts.

use std::fs;

use sambert_hifigan::Voice;
use serde_json::json;

use super::{ACOUSTIC, VOCODER, detail, folder, names, speak, write};

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
