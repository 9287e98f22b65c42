//! A trail under a key, changed by any sequence of edits: without an anchor only a cut after a whole record is
//! possible unseen, with one nothing is.

#![no_main]

use std::{fs, sync::LazyLock};

use futures_util::FutureExt;
use http::Request;
use libfuzzer_sys::fuzz_target;
use palisade_audit::{Anchor, AuditKey, AuditLayer, FileSink, VerifyOptions, verify};
use palisade_core::{
    Layer,
    testing::{EmptyOk, TestBody},
};
use tower::ServiceExt;

/// Longer trails are not changed further.
const MOST: usize = 16 * 1024;

static TRAIL: LazyLock<(Vec<u8>, Anchor)> = LazyLock::new(|| {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("audit.jsonl");
    let sink = FileSink::builder(&path).key(key()).open().expect("a file");
    let layer = AuditLayer::builder().sink(sink).build().expect("a layer");
    for _ in 0..4 {
        let request = Request::get("/hello")
            .body(TestBody::default())
            .expect("a request");
        let response = layer
            .layer(EmptyOk::default())
            .oneshot(request)
            .now_or_never();
        drop(response);
    }
    layer
        .handle()
        .close_blocking()
        .expect("the trail is on the disk");
    let bytes = fs::read(path).expect("the file");
    let report = verify(&*bytes, &VerifyOptions::new().key(key())).expect("intact");
    (bytes, report.last)
});

fn key() -> AuditKey {
    AuditKey::from_bytes(*b"0123456789abcdef0123456789abcdef").expect("a key")
}

fuzz_target!(|edits: &[u8]| {
    let (trail, last) = &*TRAIL;
    let bytes = edits.chunks_exact(6).take(32).fold(trail.clone(), edited);
    if verify(&*bytes, &VerifyOptions::new().key(key())).is_ok() {
        assert!(trail.starts_with(&bytes) && bytes.ends_with(b"\n"));
    }
    let intact = verify(&*bytes, &VerifyOptions::new().key(key()).anchor(*last)).is_ok();
    assert_eq!(intact, bytes == *trail);
});

/// Six bytes are one edit: its kind, a place, a length, and a value.
fn edited(mut bytes: Vec<u8>, edit: &[u8]) -> Vec<u8> {
    let &[kind, high, low, length, other, value] = edit else {
        return bytes;
    };
    if bytes.len() > MOST {
        return bytes; // Copies of copies grow fast.
    }
    let scale = |high: u8, low: u8, most: usize| {
        usize::from(u16::from_be_bytes([high, low])) * most / 65_536
    };
    let from = scale(high, low, bytes.len());
    let to = (from + usize::from(length)).min(bytes.len());
    let mut lines: Vec<Vec<u8>> = bytes
        .split_inclusive(|byte| *byte == b'\n')
        .map(Into::into)
        .collect();
    let count = lines.len();
    match kind % 8 {
        0 if from < bytes.len() => bytes[from] ^= value,
        1 => bytes.insert(from, value),
        2 => drop(bytes.drain(from..to)),
        3 => bytes.truncate(from),
        4 => bytes.extend_from_within(from..to),
        5 if count > 0 => lines.swap(scale(high, low, count), scale(other, value, count)),
        6 if count > 0 => drop(lines.remove(scale(high, low, count))),
        7 if count > 0 => lines.insert(
            scale(high, low, count),
            lines[scale(other, value, count)].clone(),
        ),
        _ => {}
    }
    if kind % 8 >= 5 { lines.concat() } else { bytes }
}
