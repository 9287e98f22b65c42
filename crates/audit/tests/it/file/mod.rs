//! The file of a trail: how it is opened, written and closed.

mod other_writers;
mod parts;
mod restart;

use std::fs;

use palisade_audit::{
    AuditBuildError, AuditKey, FileSink, FindingReason, Sink, VerifyOptions, VerifyReport,
    verify_file,
};
use tempfile::{TempDir, tempdir};

use crate::support::{close, of_type, records, serve, written};

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempdir().unwrap())
    }

    fn path(&self) -> std::path::PathBuf {
        self.0.path().join("audit.jsonl")
    }

    fn report(&self) -> VerifyReport {
        verify_file(self.path(), &VerifyOptions::new()).unwrap()
    }

    fn verified(&self) -> VerifyReport {
        let report = self.report();
        assert!(report.is_intact(), "{report:#?}");
        report
    }

    fn broken(&self) -> FindingReason {
        self.report().findings[0].reason
    }

    fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.0.path()).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| !name.ends_with(".lock") && !name.ends_with(".checkpoints"))
            .collect();
        names.sort();
        names
    }
}

async fn restarted(folder: &Folder, requests: usize) {
    // Without checkpoints, as the files alone: what those find is in `incidents`.
    let sink = FileSink::builder(folder.path()).without_checkpoint_file();
    let sink = sink.open().unwrap();
    serve(&sink, requests).await;
    close(&sink).await;
}

#[tokio::test]
async fn an_anchor_is_what_verification_ends_with() {
    let folder = Folder::new();
    let sink = FileSink::builder(folder.path()).open().unwrap();
    serve(&sink, 3).await;
    close(&sink).await;
    assert_eq!(sink.anchor(), Some(folder.verified().last));
}

#[cfg(unix)]
#[tokio::test]
async fn the_file_is_for_its_owner_alone() {
    use std::os::unix::fs::PermissionsExt;
    let folder = Folder::new();
    restarted(&folder, 1).await;
    for name in ["audit.jsonl", "audit.jsonl.lock"] {
        let mode = fs::metadata(folder.0.path().join(name))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[cfg(unix)]
#[test]
fn a_key_that_others_may_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempdir().unwrap();
    let path = folder.path().join("key");
    fs::write(&path, "0123456789abcdef0123456789abcdef\n").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(matches!(
        AuditKey::from_file(&path),
        Err(AuditBuildError::KeyFile { .. })
    ));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    let key = AuditKey::from_file(&path).unwrap();
    assert_eq!(key.expose(), b"0123456789abcdef0123456789abcdef");
}

#[test]
fn settings_that_cannot_work_are_errors_of_open() {
    let folder = Folder::new();
    let at = || FileSink::builder(folder.path());
    assert!(matches!(
        at().capacity(1).open(),
        Err(AuditBuildError::InvalidSetting { .. })
    ));
    assert!(matches!(
        at().rotate_at(10).open(),
        Err(AuditBuildError::InvalidSetting { .. })
    ));
    let nowhere = FileSink::builder(folder.0.path().join("no/such/folder/audit.jsonl")).open();
    assert!(matches!(nowhere, Err(AuditBuildError::Storage { .. })));
    let device = FileSink::builder(folder.0.path()).open();
    assert!(matches!(device, Err(AuditBuildError::Storage { .. })));
}

#[tokio::test]
async fn the_last_clone_that_goes_lets_the_thread_finish() {
    let folder = Folder::new();
    let sink = FileSink::builder(folder.path()).open().unwrap();
    serve(&sink, 3).await;
    drop(sink);
    // The lock is free when the thread is done. The next one is kept: it would write `closed` as well.
    let _next = loop {
        match FileSink::builder(folder.path()).open() {
            Ok(sink) => break sink,
            Err(_) => tokio::task::yield_now().await,
        }
    };
    assert_eq!(of_type(&folder.path(), "closed").len(), 1);
    assert_eq!(of_type(&folder.path(), "request").len(), 3);
}

#[tokio::test]
async fn records_are_numbered_without_a_gap() {
    let folder = Folder::new();
    written(&folder.path(), 5).await;
    let numbers: Vec<_> = records(&folder.path())
        .iter()
        .map(|it| it["seq"].clone())
        .collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5, 6, 7]);
}
