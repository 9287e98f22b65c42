//! NumPy arrays: one is not larger than its file.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(values) = checkpoint::read_npy(bytes) {
        assert!(values.len() * size_of::<f32>() <= bytes.len());
    }
});
