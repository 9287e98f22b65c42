//! A trail of several files.

use std::fs;

use palisade_audit::{FileSink, FindingReason, Sink, VerifyOutcome};

use super::{Folder, restarted};
use crate::support::{close, serve};

#[tokio::test]
async fn a_long_file_becomes_a_part_and_the_chain_goes_through_all() {
    let folder = Folder::new();
    for _ in 0..2 {
        let sink = FileSink::builder(folder.path())
            .rotate_at(4096)
            .open()
            .unwrap();
        for _ in 0..20 {
            serve(&sink, 4).await;
            sink.flush().get().await.unwrap();
        }
        close(&sink).await;
    }
    let report = folder.verified();
    assert_eq!((report.requests, report.recoveries), (160, 0));
    assert!(report.files > 5, "{report:?}");
    assert_eq!(report.first, 1);
    // An older part that is kept elsewhere is an incident, one that is missing in the middle is worse.
    let names = folder.names();
    fs::remove_file(folder.0.path().join(&names[0])).unwrap();
    let report = folder.report();
    assert!(report.first > 1);
    assert_eq!(
        report.outcome(),
        VerifyOutcome::Incidents,
        "it may be kept elsewhere"
    );
    assert!(matches!(
        report.findings[0].reason,
        FindingReason::StartMissing { from: 1, .. }
    ));
    fs::remove_file(folder.0.path().join(&names[2])).unwrap();
    assert!(matches!(folder.broken(), FindingReason::Missing { .. }));
}

#[tokio::test]
async fn a_part_of_another_trail_does_not_fit_in() {
    let (folder, other) = (Folder::new(), Folder::new());
    let part = |folder: &Folder| folder.0.path().join("audit.00000000000000000001.jsonl");
    for folder in [&folder, &other] {
        restarted(folder, 3).await;
        fs::rename(folder.path(), part(folder)).unwrap();
        restarted(folder, 3).await;
    }
    fs::copy(part(&other), part(&folder)).unwrap();
    assert_eq!(folder.broken(), FindingReason::OtherTrail);
}

#[tokio::test]
async fn a_crash_between_two_parts_is_survived() {
    let folder = Folder::new();
    restarted(&folder, 3).await;
    let part = folder.0.path().join("audit.00000000000000000001.jsonl");
    fs::rename(folder.path(), part).unwrap();
    restarted(&folder, 3).await;
    let report = folder.verified();
    assert_eq!((report.requests, report.files), (6, 2));
}
