//! Where cases lie, and what is in one.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use candle_core::{DType, Device, Tensor};
use serde_json::Value;

/// The tensors of one file.
pub(in crate::parity) type Stored = BTreeMap<String, Tensor>;

pub(in crate::parity) fn floats(tensor: &Tensor) -> Vec<f32> {
    tensor
        .to_dtype(DType::F32)
        .unwrap()
        .flatten_all()
        .unwrap()
        .to_vec1()
        .unwrap()
}

pub(super) fn integers(tensors: &Stored, name: &str) -> Option<Vec<u32>> {
    let tensor = tensors.get(name)?.to_dtype(DType::U32).unwrap();
    Some(tensor.flatten_all().unwrap().to_vec1().unwrap())
}

pub(super) fn read_tensors(path: &Path) -> Stored {
    let bytes = fs::read(path).unwrap();
    candle_core::safetensors::load_buffer(&bytes, &Device::Cpu)
        .unwrap()
        .into_iter()
        .collect()
}

fn shipped() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures")
}

/// Returns the folder of the whole set of cases, where it is there.
#[allow(
    clippy::disallowed_methods,
    reason = "the place of test data is the environment's"
)]
pub(in crate::parity) fn more_cases() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/tts/fixtures");
    let more = std::env::var("SAMBERT_FIXTURES").map_or(beside, PathBuf::from);
    if !more.is_dir() {
        println!(
            "{} is not there: only the shipped cases are compared",
            more.display()
        );
        return None;
    }
    Some(more)
}

/// Returns every case with what its `meta.json` says.
pub(in crate::parity) fn all_cases() -> Vec<(PathBuf, Value)> {
    let mut found = Vec::new();
    [Some(shipped()), more_cases()]
        .iter()
        .flatten()
        .for_each(|folder| cases(folder, &mut found));
    found.sort();
    assert!(!found.is_empty(), "no case was found");
    let meta = |case: PathBuf| {
        let text = fs::read_to_string(case.join("meta.json")).unwrap();
        (case, serde_json::from_str(&text).unwrap())
    };
    found.into_iter().map(meta).collect()
}

/// Finds every folder below with a `meta.json`.
fn cases(root: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = fs::read_dir(root) else {
        return;
    };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.join("meta.json").is_file() {
            found.push(path);
        } else if path.is_dir() {
            cases(&path, found);
        }
    }
}

/// Returns the utterances whose tensors are there: the shipped cases bring only the shortest.
pub(super) fn present<'a>(case: &Path, meta: &'a Value) -> Vec<&'a Value> {
    let utterances = meta["utterances"].as_array().unwrap().iter();
    let present: Vec<_> = utterances
        .filter(|one| case.join(one["file"].as_str().unwrap()).is_file())
        .collect();
    assert!(!present.is_empty(), "{}", case.display());
    present
}

/// Returns the names of the weight files in a case: both containers hold the same.
pub(in crate::parity) fn weight_files(case: &Path) -> Vec<String> {
    let names = fs::read_dir(case)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names
        .filter(|name| name.starts_with("checkpoint") || name.starts_with("model"))
        .collect();
    names.sort();
    names
}
