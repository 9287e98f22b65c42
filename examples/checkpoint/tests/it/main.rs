//! Checkpoint containers: all kinds hold the same tensors, and damaged or hostile ones are errors.

#![cfg(test)]

mod archives;
mod flat;
mod pickles;
mod properties;
mod views;

use std::{collections::BTreeMap, fs, path::Path};

use candle_core::{DType, Device, Tensor};
use checkpoint::{CheckpointError, Tensors, open};

/// Where a model lies in the checkpoints below.
const ACOUSTIC_PATHS: &[&[&str]] = &[&["model"], &["fsnet"], &[]];
const VOCODER_PATHS: &[&[&str]] = &[&["model", "generator"], &["generator"], &["model"], &[]];

fn folder() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/pth_variants")
}

fn variants() -> Vec<(String, Vec<u8>)> {
    let mut variants = Vec::new();
    for entry in fs::read_dir(folder()).unwrap() {
        let path = entry.unwrap().path();
        variants.push((
            path.file_name().unwrap().to_string_lossy().into_owned(),
            fs::read(&path).unwrap(),
        ));
    }
    variants.sort();
    variants
}

fn variant(name: &str) -> Vec<u8> {
    fs::read(folder().join(name)).unwrap()
}

/// Opens a checkpoint and reads every tensor in it.
fn read(name: &str, bytes: &[u8]) -> Result<BTreeMap<String, Tensor>, CheckpointError> {
    let paths = if name.starts_with("am_") {
        ACOUSTIC_PATHS
    } else {
        VOCODER_PATHS
    };
    take_all(&mut open(bytes.to_vec(), paths)?)
}

fn take_all(tensors: &mut Tensors) -> Result<BTreeMap<String, Tensor>, CheckpointError> {
    let names: Vec<_> = tensors.names().map(str::to_owned).collect();
    let read = names.into_iter().map(|name| {
        let tensor = tensors.take(&name).unwrap()?;
        Ok((name, tensor))
    });
    read.collect()
}

fn values(tensor: &Tensor) -> Vec<f32> {
    let flat = tensor
        .flatten_all()
        .and_then(|flat| flat.to_dtype(DType::F32));
    flat.unwrap().to_vec1().unwrap()
}

fn expected(name: &str) -> BTreeMap<String, Tensor> {
    let file = if name.starts_with("am_") {
        "am_expected.safetensors"
    } else {
        "voc_expected.safetensors"
    };
    candle_core::safetensors::load(folder().join(file), &Device::Cpu)
        .unwrap()
        .into_iter()
        .collect()
}

#[test]
fn every_kind_of_container_holds_the_same_tensors() {
    let variants = variants();
    assert!(variants.len() >= 16);
    for (name, bytes) in &variants {
        let read = read(name, bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        // Their tensors have other names: the crate that knows the model knows these.
        if name.contains("old_modelscope") || name.contains("ddp") {
            let same = |ours: &Tensor, theirs: &Tensor| {
                ours.dims() == theirs.dims() && values(ours) == values(theirs)
            };
            let is_there = |theirs: &Tensor| read.values().any(|ours| same(ours, theirs));
            assert!(expected(name).values().all(is_there), "{name}");
            continue;
        }
        let expected = expected(name);
        assert!(read.keys().eq(expected.keys()), "{name}");
        // Half precision keeps eleven bits.
        let tolerance = if name.contains("fp16") { 2e-3 } else { 0.0 };
        for (key, theirs) in &expected {
            let [ours, theirs] =
                [&read[key], theirs].map(|tensor| tensor.to_dtype(DType::F32).unwrap());
            assert_eq!(ours.dims(), theirs.dims(), "{name}: {key}");
            let off = (ours - theirs)
                .unwrap()
                .abs()
                .unwrap()
                .flatten_all()
                .unwrap();
            let off = off.to_vec1::<f32>().unwrap();
            assert!(off.iter().all(|off| *off <= tolerance), "{name}: {key}");
        }
    }
}

/// A repeatable sequence of positions.
fn positions(seed: u64, below: usize) -> impl Iterator<Item = usize> {
    let mut state = seed;
    std::iter::repeat_with(move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    })
}

#[test]
fn a_cut_container_is_an_error_and_never_a_panic() {
    for (name, bytes) in variants() {
        for length in 0..bytes.len() {
            // The front, where everything is described, byte by byte; the rest in steps.
            if length < 600 || length % 13 == 0 || bytes.len() - length < 120 {
                assert!(
                    read(&name, &bytes[..length]).is_err(),
                    "{name} cut to {length}"
                );
            }
        }
    }
}

#[test]
fn flipped_bits_never_panic_and_never_make_more_of_a_file_than_it_is() {
    for (name, bytes) in variants() {
        for (turn, position) in positions(11, bytes.len()).take(400).enumerate() {
            let mut damaged = bytes.clone();
            damaged[position] ^= 1 << (turn % 8);
            // Some bytes mean nothing, such as those of the optimizer; what is read must still be sound.
            if let Ok(tensors) = read(&name, &damaged) {
                let size = |tensor: &Tensor| tensor.elem_count() * tensor.dtype().size_in_bytes();
                assert!(
                    tensors.values().map(size).sum::<usize>() <= bytes.len(),
                    "{name}"
                );
            }
        }
    }
}

#[test]
fn a_flipped_bit_in_a_weight_of_an_archive_is_always_found() {
    for name in ["am_zip.pth", "am_shared_storage_and_strided.pth"] {
        let bytes = variant(name);
        let intact = read(name, &bytes).unwrap();
        for position in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[position] ^= 0x10;
            if let Ok(read) = read(name, &damaged) {
                let same =
                    |(key, tensor): (&String, &Tensor)| values(tensor) == values(&intact[key]);
                assert!(
                    read.iter().all(same),
                    "{name}: a changed bit at {position} went unseen"
                );
            }
        }
    }
}
