//! Several voices at once.

use sambert_hifigan::Voice;
use serde_json::json;

use super::{ACOUSTIC, VOCODER, detail, names, put, write};

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
    let message = loaded[0].warnings().join("\n");
    for part in [
        "the voice gone has no folder",
        "configuration.json says 8000",
        "has_mask is false",
    ] {
        assert!(message.contains(part), "{part} not in {message}");
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
            error.to_string().contains("is not a valid folder name"),
            "{error}"
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
