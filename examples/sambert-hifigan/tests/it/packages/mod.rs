//! Voices in every layout they came in.

mod files;
mod layouts;
mod several;
mod tables;

use std::{
    fs,
    path::{Path, PathBuf},
};

use sambert_hifigan::{StopSignal, Style, Voice};
use serde_json::Value;
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
