use std::{fs, path::Path};

use palisade_core::ManualClock;

use super::*;
use crate::error::AuditBuildError;

const ONE: &[u8] = b"{\"a\":1}\n";

fn settings(limit: u64) -> SpoolSettings {
    SpoolSettings {
        limit,
        batch_bytes: 1 << 19,
        key: Some(AuditKey::from_bytes(*b"4Zc0mQ1vXr7LsT9bYhN2dK6wGjPfUeA8").unwrap()),
        clock: ManualClock::new(Duration::from_secs(1_700_000_000)).shared(),
    }
}

fn open(path: &Path) -> Spool {
    Spool::open(path.to_owned(), settings(1 << 20)).unwrap()
}

fn sealed(spool: &Spool, position: usize) -> StoredBatch {
    spool.seal(position).unwrap().unwrap()
}

fn names(path: &Path, kind: &str) -> Vec<String> {
    let entries = fs::read_dir(path).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<_> = names.filter(|name| name.ends_with(kind)).collect();
    names.sort();
    names
}

#[test]
fn batches_survive_and_keep_their_order_and_identifiers() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("spool");
    let spool = open(&path);
    spool.store(1, b"one\n").unwrap();
    let first = sealed(&spool, 0);
    for body in [b"two\n".as_slice(), b"six\n"] {
        spool.store(1, body).unwrap();
    }
    assert!(matches!(
        Spool::open(path.clone(), settings(1 << 20)),
        Err(AuditBuildError::Locked { .. })
    ));
    drop(spool);
    fs::write(path.join("0123456789abcdef.part"), "begun").unwrap();
    fs::write(path.join("note.txt"), "of somebody").unwrap();
    let spool = open(&path);
    assert_eq!(spool.bytes(), 3 * 4096, "whole blocks");
    assert_eq!(sealed(&spool, 0).id(), first.id(), "it may have been sent");
    assert_eq!(spool.read(&first).unwrap(), b"one\n");
    let second = sealed(&spool, 1);
    assert_eq!(spool.read(&second).unwrap(), b"two\nsix\n");
    assert!(second.id().starts_with("2-3-"), "{}", second.id());
    spool.remove(&first).unwrap();
    spool.remove(&second).unwrap();
    assert!(names(&path, ".part").is_empty() && path.join("note.txt").exists());
    drop(spool);
    let spool = open(&path);
    spool.store(1, ONE).unwrap();
    assert!(sealed(&spool, 0).id().starts_with("4-4-"), "numbers go on");
}

#[test]
fn records_keep_their_age_over_merges_divisions_and_restarts() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("spool");
    let clock = ManualClock::new(Duration::from_secs(1_700_000_000));
    let with_clock = || SpoolSettings {
        clock: clock.shared(),
        ..settings(1 << 20)
    };
    let spool = Spool::open(path.clone(), with_clock()).unwrap();
    let hours = |hours: u64| Duration::from_secs(hours * 3600);
    for _ in 0..2 {
        spool.store(1, ONE).unwrap();
        clock.advance(hours(1));
    }
    let merged = sealed(&spool, 0);
    assert_eq!((merged.records(), spool.age(&merged)), (2, hours(2)));
    drop(spool);
    clock.advance(hours(1));
    let spool = Spool::open(path.clone(), with_clock()).unwrap();
    let merged = sealed(&spool, 0);
    assert_eq!(spool.age(&merged), hours(3));
    spool.split(&merged).unwrap();
    drop(spool);
    let spool = Spool::open(path, with_clock()).unwrap();
    assert_eq!(spool.len(), 2);
    assert_eq!(spool.oldest_age(), Some(hours(3)));
}

#[test]
fn a_full_spool_takes_nothing_and_a_failed_write_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("spool");
    let spool = Spool::open(path.clone(), settings(2 * 4096)).unwrap();
    spool.store(1, ONE).unwrap();
    spool.store(1, ONE).unwrap();
    assert!(matches!(spool.store(1, ONE), Err(NotStored::Full)));
    let merged = sealed(&spool, 0);
    assert_eq!((merged.records(), spool.bytes()), (2, 4096));
    // The rename fails on a folder with the name of the file, which is not known before: the folder itself is gone here.
    fs::rename(&path, folder.path().join("away")).unwrap();
    assert!(matches!(spool.store(1, ONE), Err(NotStored::Io(_))));
    fs::rename(folder.path().join("away"), &path).unwrap();
    assert_eq!(spool.bytes(), 4096);
    assert!(names(&path, ".part").is_empty());
    spool.store(1, ONE).unwrap();
}

#[test]
fn a_folder_that_was_replaced_is_not_written_to() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("spool");
    let spool = open(&path);
    fs::rename(&path, folder.path().join("away")).unwrap();
    let other = open(&path);
    let Err(NotStored::Io(error)) = spool.store(1, ONE) else {
        panic!("two processes write into one folder");
    };
    assert!(error.to_string().contains("replaced"), "{error}");
    other.store(1, ONE).unwrap();
    assert_eq!(names(&path, ".batch").len(), 1);
}

#[test]
fn removing_files_in_it_gives_nobody_a_second_lock() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("spool");
    let _spool = open(&path);
    for entry in fs::read_dir(&path).unwrap() {
        let entry = entry.unwrap().path();
        let _ = fs::remove_file(&entry).or_else(|_| fs::remove_dir_all(&entry));
    }
    let second = Spool::open(path, settings(1 << 20));
    assert!(matches!(second, Err(AuditBuildError::Locked { .. })));
}

#[test]
fn a_merge_or_split_that_did_not_end_leaves_each_record_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("spool");
    let spool = open(&path);
    for _ in 0..4 {
        spool.store(1, ONE).unwrap();
    }
    let small = names(&path, ".batch");
    let contents: Vec<_> = small
        .iter()
        .map(|name| fs::read(path.join(name)).unwrap())
        .collect();
    let merged = sealed(&spool, 0);
    assert!(names(&path, ".batch").is_empty());
    drop(spool);
    // As if the process had ended before it removed them.
    for (name, content) in small.iter().zip(&contents) {
        fs::write(path.join(name), content).unwrap();
    }
    let spool = open(&path);
    assert_eq!((spool.len(), sealed(&spool, 0).id()), (1, merged.id()));
    assert!(names(&path, ".batch").is_empty());
    let whole = fs::read(path.join(merged.name())).unwrap();
    spool.split(&merged).unwrap();
    assert_eq!(spool.len(), 2);
    drop(spool);
    fs::write(path.join(merged.name()), whole).unwrap();
    let spool = open(&path);
    assert_eq!((spool.len(), sealed(&spool, 0).id()), (1, merged.id()));
    drop(spool);
    // A file that only pretends to hold the others removes none of them.
    for (name, content) in small.iter().zip(&contents) {
        fs::write(path.join(name), content).unwrap();
    }
    fs::write(path.join(merged.name()), "nothing").unwrap();
    assert_eq!(open(&path).len(), 5);
}

#[test]
fn small_batches_are_merged_while_the_receiver_is_away() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("spool");
    let spool = Spool::open(path.clone(), settings(1 << 30)).unwrap();
    for _ in 0..600 {
        spool.store(1, ONE).unwrap();
    }
    assert!(spool.wait_until(Duration::ZERO));
    assert_eq!(spool.len(), 1 + 600 - 512);
    let first = sealed(&spool, 0);
    assert_eq!((first.records(), sealed(&spool, 1).records()), (512, 88));
    assert_eq!(spool.read(&first).unwrap().len(), 512 * ONE.len());
    assert_eq!(names(&path, ".sending").len(), 2);
}

#[test]
fn a_file_that_cannot_be_removed_is_not_sent_again_and_still_counts() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("spool");
    let spool = open(&path);
    spool.store(1, ONE).unwrap();
    let batch = sealed(&spool, 0);
    let file = path.join(batch.name());
    // A folder of that name cannot be removed as a file.
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    spool.remove(&batch).unwrap_err();
    assert_eq!((spool.len(), spool.bytes()), (0, 4096));
    fs::remove_dir(&file).unwrap();
    spool.store(1, ONE).unwrap();
    spool.remove(&sealed(&spool, 0)).unwrap();
    assert_eq!(spool.bytes(), 0);
}

#[test]
fn lost_records_leave_a_gap_in_the_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("spool");
    let spool = open(&path);
    spool.store(2, b"a\nb\n").unwrap();
    spool.skip(7);
    spool.store(1, ONE).unwrap();
    spool.skip(3);
    spool.mark_end();
    drop(spool);
    let spool = open(&path);
    spool.store(1, ONE).unwrap();
    let id = |position| sealed(&spool, position).id();
    assert!(id(0).starts_with("1-2-"), "{}", id(0));
    assert!(id(1).starts_with("10-10-"), "{}", id(1));
    assert!(id(2).starts_with("14-14-"), "{}", id(2));
}

#[test]
fn refused_batches_are_kept_in_bounded_space() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("spool");
    // A quarter: space for one.
    let spool = Spool::open(path.clone(), settings(4 * 4096)).unwrap();
    for _ in 0..2 {
        spool.store(1, ONE).unwrap();
        spool.set_aside(&sealed(&spool, 0)).map_or_else(
            |error| assert_eq!(error.kind(), io::ErrorKind::StorageFull),
            |()| assert_eq!(spool.len(), 0),
        );
    }
    assert_eq!(
        (spool.len(), spool.refused()),
        (1, 1),
        "the second one stays"
    );
    let kept = names(&path.join("refused"), ".sending");
    assert_eq!(kept.len(), 1);
    fs::remove_file(path.join("refused").join(&kept[0])).unwrap();
    spool.set_aside(&sealed(&spool, 0)).unwrap();
    assert_eq!((spool.len(), spool.refused()), (0, 2));
}

#[cfg(unix)]
#[test]
fn files_are_for_their_owner_and_a_folder_of_others_is_refused() {
    use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("spool");
    let spool = open(&path);
    spool.store(1, ONE).unwrap();
    let batch = sealed(&spool, 0);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&path), mode(&path.join("refused"))), (0o700, 0o700));
    for kind in [".sending", ".last"] {
        let name = names(&path, kind).pop().unwrap();
        assert_eq!(mode(&path.join(name)), 0o600);
    }
    // A link is not followed.
    let (file, elsewhere) = (path.join(batch.name()), folder.path().join("elsewhere"));
    fs::rename(&file, &elsewhere).unwrap();
    symlink(&elsewhere, &file).unwrap();
    assert!(spool.read(&batch).is_err());
    drop(spool);
    let refused = || {
        Spool::open(path.clone(), settings(1 << 20))
            .unwrap_err()
            .to_string()
    };
    fs::set_permissions(&path, fs::Permissions::from_mode(0o770)).unwrap();
    assert!(refused().contains("chmod 700"), "{}", refused());
    fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
    // Only root can show this.
    if chown(&path, Some(12_345), None).is_ok() {
        assert!(refused().contains("another user"), "{}", refused());
    }
}
