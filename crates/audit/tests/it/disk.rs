//! Files that are not what they should be, and a reader beside a writer.

use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf, process::Command, thread};

use palisade_audit::{
    AuditBuildError, AuditKey, FileSink, Sink, VerifyError, VerifyOptions, verify_file,
};
use palisade_core::ManualClock;
use tempfile::{TempDir, tempdir};

use crate::support::{NOW, close, of_type, serve};

fn place() -> (TempDir, PathBuf) {
    let folder = tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    (folder, path)
}

#[tokio::test]
async fn a_symbolic_link_makes_no_second_writer() {
    let (folder, path) = place();
    let link = folder.path().join("link.jsonl");
    let first = FileSink::builder(&path).open().unwrap();
    std::os::unix::fs::symlink(&path, &link).unwrap();
    let second = FileSink::builder(&link).open();
    assert!(matches!(second, Err(AuditBuildError::Locked { .. })));
    close(&first).await;
    drop(first);
    // Through the link alone, parts and checkpoints are beside the file itself.
    let sink = FileSink::builder(&link).open().unwrap();
    serve(&sink, 2).await;
    close(&sink).await;
    assert!(link.is_symlink());
    assert_eq!(
        verify_file(&link, &VerifyOptions::new()).unwrap().requests,
        2
    );
}

#[tokio::test]
async fn a_hard_link_makes_no_second_writer() {
    let (folder, path) = place();
    let first = FileSink::builder(&path).open().unwrap();
    let other = folder.path().join("other.jsonl");
    fs::hard_link(&path, &other).unwrap();
    let second = FileSink::builder(&other).open();
    assert!(matches!(second, Err(AuditBuildError::Locked { .. })));
    close(&first).await;
}

#[tokio::test]
async fn a_removed_lock_file_makes_no_second_writer() {
    let (_folder, path) = place();
    let first = FileSink::builder(&path).open().unwrap();
    fs::remove_file(path.with_file_name("audit.jsonl.lock")).unwrap();
    let second = FileSink::builder(&path).open();
    assert!(matches!(second, Err(AuditBuildError::Locked { .. })));
    close(&first).await;
}

#[test]
fn what_is_no_regular_file_is_refused_and_hangs_nothing() {
    let (folder, path) = place();
    let made = Command::new("mkfifo").arg(&path).status().unwrap();
    assert!(made.success());
    for path in [path, PathBuf::from("/dev/null"), folder.path().to_owned()] {
        let opened = FileSink::builder(&path).open();
        let Err(AuditBuildError::Storage { error, .. }) = opened else {
            panic!("{opened:?}");
        };
        assert!(error.to_string().contains("no regular file"), "{error}");
        assert!(matches!(
            verify_file(&path, &VerifyOptions::new()),
            Err(VerifyError::Io(_))
        ));
    }
}

#[tokio::test]
async fn a_file_that_others_may_write_is_taken_from_them() {
    let (_folder, path) = place();
    for (before, after) in [
        (0o666, 0o640),
        (0o644, 0o640),
        (0o600, 0o600),
        (0o640, 0o640),
    ] {
        fs::write(&path, "").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(before)).unwrap();
        close(&FileSink::builder(&path).open().unwrap()).await;
        let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, after, "from {before:o}");
        fs::remove_file(&path).unwrap();
    }
}

#[tokio::test]
async fn a_torn_line_that_cannot_be_copied_stops_no_start() {
    let folder = tempdir().unwrap();
    // There is space for the name of the lock, and not for that of a copy.
    let path = folder.path().join(format!("{}.jsonl", "a".repeat(244)));
    let open = || FileSink::builder(&path).without_checkpoint_file().open();
    let sink = open().unwrap();
    serve(&sink, 3).await;
    close(&sink).await;
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() - 30]).unwrap();
    let sink = open().unwrap();
    serve(&sink, 1).await;
    close(&sink).await;
    let recovered = &of_type(&path, "recovered")[0];
    assert_eq!(recovered["cause"], "torn_line");
    assert!(
        recovered["text"].as_str().unwrap().starts_with("{\"v\":2"),
        "{recovered}"
    );
    let options = VerifyOptions::new().checkpoints(folder.path().join("none"));
    let report = verify_file(&path, &options).unwrap();
    assert!(report.is_intact() && report.requests == 4, "{report:#?}");
}

#[test]
fn a_trail_that_is_written_and_rotated_verifies_at_any_moment() {
    let (_folder, path) = place();
    let key = AuditKey::generate().unwrap();
    let sink = FileSink::builder(&path).key(key.clone()).rotate_at(4096);
    let sink = sink.keep_at_most(64 * 1024).open().unwrap();
    let options = VerifyOptions::new().key(key);
    let writer = thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        runtime.unwrap().block_on(async {
            for _ in 0..300 {
                serve(&sink, 8).await;
                sink.flush().get().await.unwrap();
            }
            close(&sink).await;
        });
    });
    let mut looked = 0;
    while !writer.is_finished() || looked == 0 {
        let report = verify_file(&path, &options).unwrap();
        assert!(report.is_intact(), "{report:#?}");
        looked += 1;
    }
    writer.join().unwrap();
    let report = verify_file(&path, &options).unwrap();
    assert!(report.is_intact() && report.closed, "{report:#?}");
}

#[derive(Debug)]
struct Stepped(ManualClock, std::sync::atomic::AtomicU64);

impl palisade_core::Clock for Stepped {
    fn unix_time(&self) -> std::time::Duration {
        let step = self.1.load(std::sync::atomic::Ordering::SeqCst);
        palisade_core::Clock::unix_time(&self.0) - std::time::Duration::from_secs(step)
    }

    fn monotonic(&self) -> std::time::Duration {
        palisade_core::Clock::monotonic(&self.0)
    }
}

#[tokio::test]
async fn a_clock_that_is_set_leaves_a_record() {
    let (_folder, path) = place();
    let clock = std::sync::Arc::new(Stepped(ManualClock::new(NOW), 0.into()));
    let shared: palisade_core::SharedClock = clock.clone();
    let sink = FileSink::builder(&path).clock(shared).open().unwrap();
    serve(&sink, 1).await;
    sink.flush().get().await.unwrap();
    clock.1.store(3600, std::sync::atomic::Ordering::SeqCst);
    close(&sink).await;
    let step = &of_type(&path, "clock_step")[0];
    assert_eq!(
        (&step["direction"], &step["milliseconds"]),
        (&"back".into(), &3_600_000.into())
    );
    assert_eq!(
        verify_file(&path, &VerifyOptions::new())
            .unwrap()
            .clock_steps,
        1
    );
}
