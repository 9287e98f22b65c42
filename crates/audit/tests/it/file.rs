//! The file: what a restart finds, and what it makes of it.

use std::fs;

use palisade_audit::{
    AuditBuildError, AuditKey, FileSink, FindingReason, Sink, VerifyOptions, VerifyOutcome,
    VerifyReport, verify_file,
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
async fn a_restart_goes_on_with_the_chain() {
    let folder = Folder::new();
    restarted(&folder, 3).await;
    restarted(&folder, 4).await;
    let report = folder.verified();
    assert_eq!(
        (report.requests, report.files, report.recoveries),
        (7, 1, 0)
    );
    assert_eq!(of_type(&folder.path(), "resumed")[0]["after"], "close");
}

#[tokio::test]
async fn a_torn_line_is_named_set_aside_and_gone_on_after() {
    let folder = Folder::new();
    restarted(&folder, 3).await;
    let whole = fs::read(folder.path()).unwrap();
    fs::write(folder.path(), &whole[..whole.len() - 30]).unwrap();
    restarted(&folder, 2).await;
    let report = folder.verified();
    assert_eq!((report.requests, report.recoveries), (5, 1));
    let recovered = &of_type(&folder.path(), "recovered")[0];
    assert_eq!(recovered["cause"], "torn_line");
    let aside = fs::read(
        folder
            .0
            .path()
            .join(recovered["set_aside"].as_str().unwrap()),
    )
    .unwrap();
    assert_eq!(recovered["bytes"], aside.len());
    assert_eq!(report.torn_bytes, u64::try_from(aside.len()).unwrap());
    assert!(
        whole[..whole.len() - 30].ends_with(&aside),
        "nothing is thrown away"
    );
    assert_eq!(
        of_type(&folder.path(), "resumed")[0]["after"],
        "interruption"
    );
}

#[tokio::test]
async fn a_torn_line_is_recorded_even_if_the_process_is_killed_in_between() {
    let folder = Folder::new();
    restarted(&folder, 3).await;
    // As if killed after the torn line was set aside and before that was recorded.
    let next = folder.verified().last.sequence() + 1;
    let aside = folder.0.path().join(format!("audit.jsonl.torn.{next}"));
    fs::write(aside, "{\"v\":1,\"ty").unwrap();
    restarted(&folder, 1).await;
    assert_eq!(of_type(&folder.path(), "recovered")[0]["bytes"], 10);
    restarted(&folder, 1).await;
    assert_eq!(folder.verified().recoveries, 1, "and recorded once");
}

#[tokio::test]
async fn a_new_part_whose_beginning_is_bad_is_reported() {
    for (beginning, cause) in [
        ("{\"v\":1,\"ty", "torn_line"),
        ("forged\nforged\n", "damaged"),
    ] {
        let folder = Folder::new();
        restarted(&folder, 3).await;
        let part = folder.0.path().join("audit.00000000000000000001.jsonl");
        fs::rename(folder.path(), part).unwrap();
        fs::write(folder.path(), beginning).unwrap();
        restarted(&folder, 1).await;
        assert_eq!(of_type(&folder.path(), "recovered")[0]["cause"], cause);
        assert_eq!(
            records(&folder.path())[0]["seq"],
            6,
            "after those of the older part"
        );
    }
}

#[tokio::test]
async fn every_torn_length_is_recovered() {
    let folder = Folder::new();
    restarted(&folder, 2).await;
    let whole = fs::read(folder.path()).unwrap();
    for length in (0..whole.len()).step_by(37) {
        let folder = Folder::new();
        fs::write(folder.path(), &whole[..length]).unwrap();
        restarted(&folder, 1).await;
        assert!(folder.verified().requests >= 1, "after {length} bytes");
    }
}

#[tokio::test]
async fn damage_is_never_papered_over() {
    let folder = Folder::new();
    restarted(&folder, 5).await;
    let mut bytes = fs::read(folder.path()).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(folder.path(), &bytes).unwrap();
    restarted(&folder, 2).await;
    restarted(&folder, 2).await;
    assert_eq!(of_type(&folder.path(), "request").len(), 4, "it goes on");
    assert_eq!(
        folder.broken(),
        FindingReason::DamageSetAside,
        "and does not verify"
    );
    let recovered = &of_type(&folder.path(), "recovered")[0];
    let aside = folder
        .0
        .path()
        .join(recovered["set_aside"].as_str().unwrap());
    assert_eq!(
        fs::read(aside).unwrap(),
        bytes,
        "the evidence is kept as it was"
    );
}

#[tokio::test]
async fn a_restart_does_not_launder_a_deleted_record() {
    let folder = Folder::new();
    restarted(&folder, 5).await;
    let text = fs::read_to_string(folder.path()).unwrap();
    let mut lines: Vec<_> = text.split_inclusive('\n').collect();
    lines.remove(3);
    fs::write(folder.path(), lines.concat()).unwrap();
    restarted(&folder, 1).await;
    assert_eq!(folder.broken(), FindingReason::DamageSetAside);
}

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
    // The lock is free when the thread is done.
    while FileSink::builder(folder.path()).open().is_err() {
        tokio::task::yield_now().await;
    }
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
