//! Verification of any bytes: it never panics, never believes in a key that the bytes were not written with,
//! and what it calls intact is whole lines that verify to the same end.

#![no_main]

use libfuzzer_sys::fuzz_target;
use palisade_audit::{AuditKey, VerifyOptions, verify};

fuzz_target!(|bytes: &[u8]| {
    let key = AuditKey::from_bytes(*b"0123456789abcdef0123456789abcdef").expect("a key");
    assert!(verify(bytes, &VerifyOptions::new().key(key)).is_err());
    let Ok(report) = verify(bytes, &VerifyOptions::new()) else {
        return;
    };
    let lines = bytes.iter().filter(|byte| **byte == b'\n').count();
    assert!(bytes.ends_with(b"\n"));
    assert_eq!(report.records, lines as u64);
    assert!(report.requests + report.unfinished <= 2 * report.records);
    let anchored = VerifyOptions::new().anchor(report.last);
    assert_eq!(verify(bytes, &anchored).ok(), Some(report));
    assert!(verify(&bytes[..bytes.len() - 1], &anchored).is_err());
});
