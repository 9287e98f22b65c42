//! The models' tensors have today's names, whichever kind of checkpoint they come from.

use std::{fs, path::Path};

use candle_core::{DType, Device, Tensor};

use crate::load::{ACOUSTIC_PATHS, VOCODER_PATHS, read_checkpoint};

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../checkpoint/tests/fixtures/pth_variants")
}

fn values(tensor: &Tensor) -> Vec<f32> {
    let flat = tensor
        .to_dtype(DType::F32)
        .and_then(|tensor| tensor.flatten_all());
    flat.unwrap().to_vec1().unwrap()
}

#[test]
fn every_kind_of_checkpoint_has_the_same_tensors_under_the_same_names() {
    let mut compared = 0;
    for entry in fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let (paths, model) = match name.starts_with("am_") {
            true => (ACOUSTIC_PATHS, "am"),
            false => (VOCODER_PATHS, "voc"),
        };
        let mut tensors = read_checkpoint(&name, fs::read(&path).unwrap(), paths).unwrap();
        let expected = folder().join(format!("{model}_expected.safetensors"));
        let expected = candle_core::safetensors::load(expected, &Device::Cpu).unwrap();
        assert_eq!(tensors.names().count(), expected.len(), "{name}");
        // Half precision keeps eleven bits.
        let tolerance = if name.contains("fp16") { 2e-3 } else { 0.0 };
        for (key, theirs) in &expected {
            let ours = tensors
                .take(key)
                .unwrap_or_else(|| panic!("{name}: {key}"))
                .unwrap();
            assert_eq!(ours.dims(), theirs.dims(), "{name}: {key}");
            let (ours, theirs) = (values(&ours), values(theirs));
            let same = ours
                .iter()
                .zip(&theirs)
                .all(|(a, b)| (a - b).abs() <= tolerance);
            assert!(same, "{name}: {key}");
        }
        compared += 1;
    }
    assert!(compared >= 16);
}
