//! Trails of schema 1, written by the program before it had schema 2, are verified, read and continued.

use std::{fs, path::PathBuf};

use palisade_audit::{
    AuditKey, AuditLayer, FileSink, RecordFilter, TrailReport, VerifyOptions, prove_record,
    read_trail, verify_file,
};
use tempfile::TempDir;

use crate::support::{close, records, serve};

fn key() -> AuditKey {
    AuditKey::from_bytes(*b"a key of schema one, 32 bytes  01").unwrap()
}

/// A copy of a trail of a gateway: three processes, of which one was killed, in fail-closed mode.
fn old_trail() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let data = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/data/schema-1");
    for name in ["audit.jsonl", "audit.jsonl.checkpoints"] {
        fs::copy(data.join(name), folder.path().join(name)).unwrap();
    }
    let path = folder.path().join("audit.jsonl");
    (folder, path)
}

#[test]
fn a_trail_of_schema_1_is_verified_with_its_checkpoints() {
    let (_folder, path) = old_trail();
    let report = verify_file(&path, &VerifyOptions::new().key(key())).unwrap();
    assert!(report.is_intact() && report.closed, "{report:#?}");
    assert_eq!(
        (report.records, report.requests, report.folded),
        (102, 40, 17)
    );
    assert!(
        report.checkpoints.valid > 5 && report.roots > 5,
        "{report:#?}"
    );
    assert_eq!((report.interruptions, report.unfinished), (1, 0));
    // A change in it is found as before.
    let changed =
        fs::read_to_string(&path)
            .unwrap()
            .replacen("\"status\":200", "\"status\":500", 1);
    fs::write(&path, changed).unwrap();
    let report = verify_file(&path, &VerifyOptions::new().key(key())).unwrap();
    assert_eq!(report.findings_total, 1, "{report:#?}");
}

#[test]
fn every_record_of_schema_1_is_read() {
    let (_folder, path) = old_trail();
    let all: Vec<_> = read_trail(&path).unwrap().map(Result::unwrap).collect();
    assert_eq!(all.len(), 102);
    let folded = all.iter().filter(|it| it.kind() == "folded");
    let principals: Vec<_> = folded.filter_map(|it| it.principal()).collect();
    let [principal] = principals[..] else {
        panic!("{principals:?}");
    };
    let of_principal = RecordFilter::new().principal(principal);
    let report = TrailReport::collect(all.iter().cloned().map(Ok), of_principal).unwrap();
    assert_eq!((report.requests(), report.refused()), (23, 6));
    for record in [1, 50, 102] {
        prove_record(&path, record, None, &VerifyOptions::new().key(key())).unwrap();
    }
}

#[tokio::test]
async fn a_trail_of_schema_1_goes_on_in_schema_2() {
    let (_folder, path) = old_trail();
    let sink = FileSink::builder(&path).key(key()).open().unwrap();
    serve(&sink, 2).await;
    close(&sink).await;
    let versions: Vec<_> = records_of_any_version(&path);
    assert_eq!(versions.iter().filter(|v| **v == 1).count(), 102);
    assert_eq!(
        versions[102..],
        [2, 2, 2, 2],
        "resumed, two requests, closed"
    );
    let report = verify_file(&path, &VerifyOptions::new().key(key())).unwrap();
    assert!(report.is_intact() && report.recoveries == 0, "{report:#?}");
    // A new trail has one version.
    let folder = tempfile::tempdir().unwrap();
    let new = folder.path().join("audit.jsonl");
    let sink = FileSink::builder(&new).open().unwrap();
    let layer = AuditLayer::builder().sink(sink.clone()).build().unwrap();
    drop(layer);
    close(&sink).await;
    assert!(records(&new).iter().all(|it| it["v"] == 2));
}

/// Records of version 1 do not fit the schema, so they are not checked with it.
fn records_of_any_version(path: &std::path::Path) -> Vec<u64> {
    let text = fs::read_to_string(path).unwrap();
    let records = text
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    records.map(|it| it["v"].as_u64().unwrap()).collect()
}
