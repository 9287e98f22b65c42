//! What loading takes: never more than four times the files, whether they are intact or not.
//!
//! A binary of its own, because it counts every allocation.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    missing_docs
)]

mod damage;
mod full_size;
mod whole;

use std::{fs, path::Path};

use allocation_counter::measure;
use sambert_hifigan::{LoadError, Voice};

/// Buffers, texts and lists, which even an empty file needs.
const FLOOR: u64 = 1 << 20;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Returns the size of all files of a voice, but for what only tests read.
fn size(path: &Path) -> u64 {
    if path.is_file() {
        let is_test = path.to_string_lossy().contains("expected");
        return if is_test {
            0
        } else {
            path.metadata().unwrap().len()
        };
    }
    fs::read_dir(path)
        .unwrap()
        .map(|entry| size(&entry.unwrap().path()))
        .sum()
}

/// Loads a voice and checks what that took at its peak.
fn check(voice: &Path) -> (Result<Voice, LoadError>, f64) {
    let mut loaded = None;
    let peak = measure(|| loaded = Some(Voice::load(voice))).bytes_max;
    let size = size(voice);
    assert!(
        peak <= 4 * size + FLOOR,
        "{}: {size} bytes took {peak}",
        voice.display()
    );
    (loaded.unwrap(), peak as f64 / size as f64)
}

/// The dictionary of words is everyone's and loaded once; it is no part of a voice.
fn prepare() {
    Voice::demo().unwrap();
}

/// A voice folder of one acoustic model and one vocoder.
fn folder(acoustic: &Path, vocoder: &Path, checkpoints: [&str; 2]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for ((model, from), checkpoint) in [("am", acoustic), ("voc", vocoder)]
        .into_iter()
        .zip(checkpoints)
    {
        let to = folder.path().join(model);
        fs::create_dir_all(to.join("ckpt")).unwrap();
        fs::copy(from.join("config.yaml"), to.join("config.yaml")).unwrap();
        for array in ["mvn.npy", "se.npy"] {
            if from.join(array).is_file() {
                fs::copy(from.join(array), to.join(array)).unwrap();
            }
        }
        let extension = checkpoint.rsplit('.').next().unwrap();
        let target = to.join(format!("ckpt/checkpoint_1.{extension}"));
        fs::copy(from.join(checkpoint), target).unwrap();
    }
    folder
}
