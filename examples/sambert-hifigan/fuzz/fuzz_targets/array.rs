//! NumPy arrays.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| sambert_hifigan::fuzzing::array(bytes));
