//! Checkpoints of all three containers: archives, pickles in a row, safetensors.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| sambert_hifigan::fuzzing::checkpoint(bytes));
