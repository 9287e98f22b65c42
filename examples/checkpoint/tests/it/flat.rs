//! Hostile safetensors.

use super::{read, variant};

fn file(header: &str, data: usize) -> Vec<u8> {
    let length = (header.len() as u64).to_le_bytes();
    [&length[..], header.as_bytes(), &vec![0; data]].concat()
}

fn refused(header: &str, data: usize, says: &str) {
    let error = read("am_evil.safetensors", &file(header, data))
        .expect_err(header)
        .to_string();
    assert!(error.contains(says), "{error}");
}

#[test]
fn tensors_that_overlap_or_lie_outside_are_refused() {
    let tensor = |from: u64, to: u64| {
        format!(r#"{{"dtype":"F32","shape":[2],"data_offsets":[{from},{to}]}}"#)
    };
    assert!(
        read(
            "am_small",
            &file(&format!(r#"{{"a":{}}}"#, tensor(0, 8)), 8)
        )
        .is_ok()
    );
    refused(
        &format!(r#"{{"a":{},"b":{}}}"#, tensor(0, 8), tensor(4, 12)),
        12,
        "overlap",
    );
    refused(
        &format!(r#"{{"a":{},"a":{}}}"#, tensor(0, 8), tensor(8, 16)),
        16,
        "two tensors",
    );
    for (from, to) in [
        (0, 12),
        (8, 16),
        (8, 0),
        (0, u64::MAX),
        (u64::MAX - 7, u64::MAX),
        (u64::MAX, 7),
    ] {
        refused(
            &format!(r#"{{"a":{}}}"#, tensor(from, to)),
            8,
            "not as large",
        );
    }
}

#[test]
fn absurd_shapes_types_and_counts_are_refused() {
    let of = |dtype: &str, shape: &str, to: u64| {
        format!(r#"{{"a":{{"dtype":"{dtype}","shape":{shape},"data_offsets":[0,{to}]}}}}"#)
    };
    refused(&of("F32", "[4294967296,4294967296]", 0), 8, "not as large");
    refused(&of("F32", "[18446744073709551615,2]", 8), 8, "not as large");
    refused(&of("F32", "[-1]", 8), 8, "");
    refused(&of("F32", "[1,1,1,1,1,1,1,1,1]", 4), 4, "invalid length");
    refused(&of("F99", "[2]", 8), 8, "not as large");
    for (dtype, bytes) in [
        ("BOOL", 2),
        ("I32", 8),
        ("I64", 16),
        ("C64", 16),
        ("F8_E4M3", 2),
    ] {
        refused(&of(dtype, "[2]", bytes), bytes as usize, "not floats");
    }
    let many: Vec<_> = (0..5000)
        .map(|index| format!(r#""{index}":{{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}"#))
        .collect();
    refused(&format!("{{{}}}", many.join(",")), 0, "invalid length");
}

#[test]
fn a_header_that_is_no_list_is_refused() {
    for header in [
        "",
        "[]",
        "{",
        "null",
        r#"{"__metadata__":{"a":1}}"#,
        r#"{"a":{}}"#,
        r#"{"a":null}"#,
    ] {
        refused(header, 8, "neither a PyTorch checkpoint nor safetensors");
    }
    for length in [9, 1 << 20, 1 << 40, u64::MAX] {
        let bytes = [&length.to_le_bytes()[..], b"{}"].concat();
        assert!(read("am_evil.safetensors", &bytes).is_err());
    }
    let deep = "[".repeat(100_000);
    refused(&format!(r#"{{"a":{deep}"#), 0, "");
}

#[test]
fn any_byte_of_the_header_may_be_wrong() {
    let bytes = variant("am_expected.safetensors");
    let header = 8 + u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    for position in 0..header {
        for value in [0, b'"', b'9', b'[', b'}', 0xff] {
            let mut damaged = bytes.clone();
            damaged[position] = value;
            let _ = read("am_expected.safetensors", &damaged);
        }
    }
}
