//! Other processes that write to, cut or remove the file.

use std::fs;

use palisade_audit::{AuditBuildError, AuditKey, FileSink, FindingReason, Sink, VerifyOutcome};

use super::{Folder, restarted};
use crate::support::{close, of_type, serve};

#[tokio::test]
async fn a_second_writer_is_refused() {
    let folder = Folder::new();
    let first = FileSink::builder(folder.path()).open().unwrap();
    let second = FileSink::builder(folder.path()).open();
    assert!(matches!(second, Err(AuditBuildError::Locked { .. })));
    close(&first).await;
    drop(first);
}

#[tokio::test]
async fn a_trail_of_another_key_is_refused_and_left_alone() {
    let folder = Folder::new();
    restarted(&folder, 3).await;
    let before = fs::read(folder.path()).unwrap();
    let key = AuditKey::generate().unwrap();
    let opened = FileSink::builder(folder.path()).key(key).open();
    assert!(matches!(opened, Err(AuditBuildError::OtherKey { .. })));
    assert_eq!(fs::read(folder.path()).unwrap(), before);
    assert_eq!(folder.names().len(), 1);
}

#[tokio::test]
async fn a_file_that_is_removed_or_replaced_is_reported_and_loses_no_record() {
    for replacement in [None, Some("forged\n")] {
        let folder = Folder::new();
        let sink = FileSink::builder(folder.path()).open().unwrap();
        serve(&sink, 3).await;
        sink.flush().get().await.unwrap();
        fs::remove_file(folder.path()).unwrap();
        if let Some(text) = replacement {
            fs::write(folder.path(), text).unwrap();
        }
        serve(&sink, 3).await;
        close(&sink).await;
        let (cause, reason) = match replacement {
            None => ("deleted", FindingReason::FileDeleted),
            Some(_) => ("replaced", FindingReason::FileReplaced),
        };
        assert_eq!(of_type(&folder.path(), "recovered")[0]["cause"], cause);
        let report = folder.report();
        assert_eq!((report.requests, report.first), (6, 1), "{report:#?}");
        assert_eq!(report.findings.len(), 1, "{report:#?}");
        assert_eq!(report.findings[0].reason, reason);
        assert_eq!(report.outcome(), VerifyOutcome::Incidents);
    }
}

#[tokio::test]
async fn a_file_that_another_process_cut_or_wrote_to_is_reported() {
    for cut in [true, false] {
        let folder = Folder::new();
        let sink = FileSink::builder(folder.path()).open().unwrap();
        serve(&sink, 3).await;
        sink.flush().get().await.unwrap();
        let file = fs::OpenOptions::new()
            .append(true)
            .open(folder.path())
            .unwrap();
        let length = file.metadata().unwrap().len();
        file.set_len(if cut { length - 10 } else { length + 10 })
            .unwrap();
        serve(&sink, 3).await;
        close(&sink).await;
        assert_eq!(of_type(&folder.path(), "recovered")[0]["cause"], "replaced");
        assert_eq!(folder.broken(), FindingReason::FileReplaced);
        assert_eq!(folder.report().outcome(), VerifyOutcome::Incidents);
    }
}
