//! Checkpoint containers: all kinds hold the same tensors, and damaged ones are errors.

use std::{fs, path::Path};

use candle_core::{DType, Device};

use crate::load::{ACOUSTIC_PATHS, Tensors, VOCODER_PATHS, read_checkpoint};

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

fn paths(name: &str) -> &'static [&'static [&'static str]] {
    if name.starts_with("am_") {
        ACOUSTIC_PATHS
    } else {
        VOCODER_PATHS
    }
}

fn expected(name: &str) -> Tensors {
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
        let read =
            read_checkpoint(name, bytes, paths(name)).unwrap_or_else(|error| panic!("{error}"));
        let expected = expected(name);
        assert_eq!(
            read.keys().collect::<Vec<_>>(),
            expected.keys().collect::<Vec<_>>(),
            "{name}"
        );
        // Half precision keeps eleven bits.
        let tolerance = if name.contains("fp16") { 2e-3 } else { 0.0 };
        for (key, theirs) in &expected {
            let ours = read[key].to_dtype(DType::F32).unwrap();
            assert_eq!(ours.dims(), theirs.dims(), "{name}: {key}");
            let theirs = theirs.to_dtype(DType::F32).unwrap();
            let off = (ours - theirs)
                .unwrap()
                .abs()
                .unwrap()
                .flatten_all()
                .unwrap()
                .to_vec1::<f32>()
                .unwrap();
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
        for length in positions(7, bytes.len()).take(60) {
            let read = read_checkpoint(&name, &bytes[..length], paths(&name));
            assert!(read.is_err(), "{name} cut to {length}");
        }
    }
}

#[test]
fn flipped_bits_never_panic() {
    for (name, bytes) in variants() {
        for (turn, position) in positions(11, bytes.len()).take(400).enumerate() {
            let mut damaged = bytes.clone();
            damaged[position] ^= 1 << (turn % 8);
            // Some bytes mean nothing, such as those of the optimizer; what is read must still be sound.
            if let Ok(tensors) = read_checkpoint(&name, &damaged, paths(&name)) {
                assert!(
                    tensors
                        .values()
                        .all(|tensor| tensor.elem_count() * 2 <= bytes.len()),
                    "{name}"
                );
            }
        }
    }
}

#[test]
fn a_pickle_that_wants_to_run_something_is_read_as_data() {
    // os.system("true"), as an attacker would write it.
    let pickle = b"\x80\x02cos\nsystem\nX\x04\x00\x00\x00true\x85R.";
    assert!(read_checkpoint("evil.pth", pickle, ACOUSTIC_PATHS).is_err());
}

#[test]
fn absurd_sizes_are_refused_before_anything_is_allocated() {
    // A text of four gigabytes, and one level of nesting for every byte.
    assert!(read_checkpoint("text.pth", b"\x80\x02X\xff\xff\xff\xff", ACOUSTIC_PATHS).is_err());
    let deep: Vec<u8> = [0x80, 0x02]
        .into_iter()
        .chain(std::iter::repeat_n(b'(', 3 << 20))
        .collect();
    assert!(read_checkpoint("deep.pth", &deep, ACOUSTIC_PATHS).is_err());
}
