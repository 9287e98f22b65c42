//! A store that keeps its buckets in a file over a restart.

use std::{fs, io, num::NonZeroU32, path::Path, time::Duration};

use palisade_core::ManualClock;
use palisade_rate_limit::{
    LimitOverride, LimitStore as _, OverrideError, RateLimitLayer, SnapshotStore,
    SnapshotStoreBuildError, Subject,
};

use crate::support::*;

fn open(file: &Path, clock: &ManualClock) -> SnapshotStore {
    let store = SnapshotStore::builder(file).buckets(1_000);
    store.clock(clock.shared()).build().unwrap()
}

/// A process: its stack over the store.
fn process(file: &Path, clock: &ManualClock) -> (TestStack, SnapshotStore) {
    let store = open(file, clock);
    let layer = RateLimitLayer::by_principal()
        .policy(policy("a", "10/hour"))
        .store(store.clone());
    (TestStack::build_at(clock.clone(), layer, true), store)
}

#[tokio::test]
async fn a_deploy_gives_nobody_a_full_bucket() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("limits.snapshot");
    let clock = clock();
    let (before, store) = process(&file, &clock);
    assert_eq!(before.admitted(10, || as_user("anna")).await, 10);
    assert_eq!(before.admitted(4, || as_user("bert")).await, 4);
    let anna = Subject::Named {
        kind: "test",
        id: "carl",
        group: None,
    };
    let more = LimitOverride::new(NonZeroU32::new(15).unwrap());
    before
        .layer
        .set_override(&anna, "a", Some(more))
        .await
        .unwrap();
    store.finish().get().await;
    drop((before, store));
    clock.advance(Duration::from_secs(360));
    let (after, store) = process(&file, &clock);
    assert_eq!(store.restored(), 2);
    assert_eq!(after.admitted(10, || as_user("anna")).await, 1);
    assert_eq!(after.admitted(10, || as_user("bert")).await, 7);
    assert_eq!(after.admitted(20, || as_user("carl")).await, 15);
}

#[test]
fn the_file_is_private_and_holds_no_names() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("limits.snapshot");
    let store = open(&file, &clock());
    assert!(store.save().unwrap() > 0);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
    assert!(
        store.explain().ends_with("fixed, saved every 60 s"),
        "{}",
        store.explain()
    );
}

#[tokio::test]
async fn a_damaged_file_is_told_once_and_all_buckets_begin_full() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("limits.snapshot");
    let clock = clock();
    let (stack, store) = process(&file, &clock);
    assert_eq!(stack.admitted(10, || as_user("anna")).await, 10);
    store.save().unwrap();
    drop((stack, store));
    let whole = fs::read(&file).unwrap();
    let mut damaged = whole.clone();
    damaged[20] ^= 1;
    for bytes in [
        &damaged[..],
        &whole[..whole.len() / 2],
        b"",
        b"something else",
    ] {
        fs::write(&file, bytes).unwrap();
        let mut store = None;
        let lines = palisade_internal::log_lines::count(|| store = Some(open(&file, &clock)));
        assert_eq!((lines, store.unwrap().restored()), (1, 0));
        let kept = fs::read(folder.path().join("limits.snapshot.unusable"));
        assert_eq!(kept.unwrap(), bytes);
    }
    // It was replaced by a whole one, which a restart reads.
    let (stack, _) = process(&file, &clock);
    assert_eq!(stack.admitted(10, || as_user("anna")).await, 10);
}

#[test]
fn a_file_that_may_not_be_used_is_an_error_at_build() {
    let folder = tempfile::tempdir().unwrap();
    let build = |file: &Path| SnapshotStore::builder(file).build().unwrap_err();
    let path = folder.path().join("folder");
    fs::create_dir(&path).unwrap();
    assert_eq!(
        build(&path),
        SnapshotStoreBuildError::NotAFile { file: path }
    );
    let path = folder.path().join("none/limits.snapshot");
    let error = build(&path);
    let kind = io::ErrorKind::NotFound;
    assert!(
        matches!(&error, SnapshotStoreBuildError::Unwritable { kind: found, .. }
            | SnapshotStoreBuildError::Unreadable { kind: found, .. } if *found == kind),
        "{error}"
    );
    for interval in [
        Duration::ZERO,
        Duration::from_millis(999),
        Duration::from_secs(86_401),
    ] {
        let builder = SnapshotStore::builder(folder.path().join("a")).interval(interval);
        assert_eq!(
            builder.build().unwrap_err(),
            SnapshotStoreBuildError::IntervalOutOfRange
        );
    }
}

#[cfg(unix)]
#[test]
fn a_file_that_others_may_read_is_refused() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("limits.snapshot");
    let store = open(&file, &clock());
    drop(store);
    for mode in [0o640, 0o604, 0o620] {
        fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
        let error = SnapshotStore::builder(&file).build().unwrap_err();
        let expected = SnapshotStoreBuildError::NotPrivate { file: file.clone() };
        assert_eq!(error, expected, "{mode:o}");
    }
}

#[cfg(unix)]
#[test]
fn a_file_of_another_user_or_with_a_second_name_is_refused() {
    use std::os::unix::fs::{chown, symlink};
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("limits.snapshot");
    drop(open(&file, &clock()));
    let link = folder.path().join("link");
    symlink(&file, &link).unwrap();
    assert!(
        SnapshotStore::builder(&link).build().is_ok(),
        "of this user"
    );
    let second = folder.path().join("second");
    fs::hard_link(&file, &second).unwrap();
    let refused = SnapshotStore::builder(&file).build().unwrap_err();
    let expected = SnapshotStoreBuildError::NotAFile { file: file.clone() };
    assert_eq!(refused, expected);
    fs::remove_file(second).unwrap();
    if chown(&file, Some(4242), None).is_err() {
        eprintln!("skipped: only root can show this");
        return;
    }
    let refused = SnapshotStore::builder(&file).build().unwrap_err();
    let expected = SnapshotStoreBuildError::ForeignOwner { file: file.clone() };
    assert_eq!(refused, expected);
    // Root starts the service of the owner of the folder.
    chown(folder.path(), Some(4242), None).unwrap();
    assert!(SnapshotStore::builder(&file).build().is_ok());
}

#[test]
fn a_pipe_in_its_place_does_not_block_the_start() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("limits.snapshot");
    let made = std::process::Command::new("mkfifo").arg(&file).status();
    if made.is_ok_and(|made| made.success()) {
        let error = SnapshotStore::builder(&file).build().unwrap_err();
        assert_eq!(error, SnapshotStoreBuildError::NotAFile { file });
    }
}

#[tokio::test]
async fn an_override_is_in_the_file_as_soon_as_it_is_set() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("limits.snapshot");
    let clock = clock();
    let anna = Subject::Named {
        kind: "test",
        id: "anna",
        group: None,
    };
    let (killed, _store) = process(&file, &clock);
    let more = LimitOverride::new(NonZeroU32::new(15).unwrap());
    killed
        .layer
        .set_override(&anna, "a", Some(more))
        .await
        .unwrap();
    let (next, _) = process(&file, &clock);
    assert_eq!(next.admitted(20, || as_user("anna")).await, 15);
}

#[tokio::test]
async fn an_override_that_is_not_in_the_file_says_so_and_applies() {
    let folder = tempfile::tempdir().unwrap();
    let clock = clock();
    let (stack, _store) = process(&folder.path().join("limits.snapshot"), &clock);
    assert_eq!(stack.admitted(20, || as_user("anna")).await, 10);
    drop(folder);
    let anna = Subject::Named {
        kind: "test",
        id: "anna",
        group: None,
    };
    let more = LimitOverride::new(NonZeroU32::new(15).unwrap());
    let set = stack.layer.set_override(&anna, "a", Some(more)).await;
    let kind = io::ErrorKind::NotFound;
    assert_eq!(set, Err(OverrideError::NotSaved { kind }));
    assert!(set.unwrap_err().to_string().contains("applies now"));
    assert_eq!(stack.admitted(20, || as_user("anna")).await, 5);
}

#[tokio::test]
async fn printing_a_store_or_a_layer_prints_no_bucket() {
    let folder = tempfile::tempdir().unwrap();
    let clock = clock();
    let (stack, store) = process(&folder.path().join("limits.snapshot"), &clock);
    for user in 0..200 {
        assert_eq!(stack.status(as_user(&format!("user-{user}"))).await, 200);
    }
    for text in [format!("{store:?}"), format!("{:?}", stack.layer)] {
        assert!(text.len() < 4_000, "{} bytes: {text}", text.len());
        assert!(text.contains("len: 200"), "{text}");
    }
}
