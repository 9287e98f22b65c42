//! Checkpoints of all three containers: archives, pickles in a row, safetensors. All tensors together are not larger than the file.

#![no_main]

use libfuzzer_sys::fuzz_target;

const PATHS: [&[&[&str]]; 2] = [
    &[&["model"], &["fsnet"], &[]],
    &[&["model", "generator"], &["generator"], &["model"], &[]],
];

fuzz_target!(|bytes: &[u8]| {
    for paths in PATHS {
        let Ok(mut tensors) = checkpoint::open(bytes.to_vec(), paths) else {
            continue;
        };
        let names: Vec<_> = tensors.names().map(str::to_owned).collect();
        let mut taken = 0;
        for name in names {
            if let Some(Ok(tensor)) = tensors.take(&name) {
                taken += tensor.elem_count() * tensor.dtype().size_in_bytes();
            }
        }
        assert!(taken <= bytes.len(), "{taken} bytes of tensors in a file of {}", bytes.len());
    }
});
