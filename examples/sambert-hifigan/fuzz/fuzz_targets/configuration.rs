//! The configuration files of a package, each as all of them.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| sambert_hifigan::fuzzing::configuration(text));
