//! Intact voices.

use std::{fs, path::Path};

use super::{check, folder, prepare, root, size};

#[test]
fn whole_voices_load_within_four_times_their_files() {
    prepare();
    let fixtures = root().join("tests/fixtures");
    let weights = ["model.safetensors"; 2];
    let mut voices = vec![folder(
        &fixtures.join("am_plain/seed11"),
        &fixtures.join("hifigan_causal_v1/seed112"),
        weights,
    )];
    let mut paths = vec![root().join("voice")];
    let more = root().join("../../../shared/tts/fixtures");
    if more.is_dir() {
        // Checkpoints as a training run leaves them, one with the state of its optimizer.
        let [am, voc] = [
            more.join("am_plain/seed11"),
            more.join("hifigan_noncausal_v1"),
        ];
        let voc = fs::read_dir(voc)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .min()
            .unwrap();
        let newest = |folder: &Path| -> Option<String> {
            let names = fs::read_dir(folder)
                .unwrap()
                .map(|entry| entry.unwrap().file_name().into_string().unwrap());
            names.filter(|name| name.starts_with("checkpoint")).max()
        };
        let [one, other] = [newest(&am), newest(&voc)].map(Option::unwrap);
        voices.push(folder(&am, &voc, [&one, &other]));
        paths.extend(
            ["tiny_plain_emo", "tiny_nsf_emo"]
                .map(|name| more.join("modelscope_dir/voices").join(name)),
        );
    }
    paths.extend(voices.iter().map(|folder| folder.path().to_owned()));
    // And the demo voice in one file, in either precision.
    let files = tempfile::tempdir().unwrap();
    for half in [false, true] {
        let mut content = Vec::new();
        sambert_hifigan::convert(&root().join("voice"), &mut content, half).unwrap();
        let path = files.path().join(format!("{half}.safetensors"));
        fs::write(&path, content).unwrap();
        paths.push(path);
    }
    for path in &paths {
        let (loaded, times) = check(path);
        let voice = loaded.unwrap();
        println!(
            "{:20} {:8} bytes, {times:.2} times as many at the peak",
            voice.name(),
            size(path)
        );
    }
}
