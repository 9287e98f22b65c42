//! What the thread that compresses does with the files, called directly.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use super::{
    super::{
        FileSink,
        compression::worker::{Problem, Worker},
        file_locks::PartsLock,
    },
    faulty::Faulty,
    log_lines::logged,
    sink::{Request, open},
};
use crate::{sink::Sink as _, trail_files};

/// A folder with one older part.
struct Folder {
    folder: tempfile::TempDir,
    path: PathBuf,
    part: PathBuf,
}

impl Folder {
    fn new(text: &[u8]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        let part = trail_files::part(&path, 1);
        fs::write(&part, text).unwrap();
        Self { folder, path, part }
    }

    fn worker(&self, reserve: u64) -> Worker {
        Worker::new(self.path.clone(), PartsLock::default(), reserve)
    }

    /// Stores the compressed form of these bytes, as another level writes it.
    fn store(&self, text: &[u8]) -> Vec<u8> {
        let bytes = zstd::encode_all(text, 19).unwrap();
        fs::write(self.compressed(), &bytes).unwrap();
        bytes
    }

    fn compressed(&self) -> PathBuf {
        trail_files::compressed(&self.part)
    }

    fn files(&self) -> usize {
        fs::read_dir(self.folder.path()).unwrap().count()
    }
}

/// Text that is no trail: the thread does not look at records.
fn text() -> Vec<u8> {
    (0..2000)
        .flat_map(|line| format!("record {line}\n").into_bytes())
        .collect()
}

fn decompressed(path: &Path) -> Vec<u8> {
    zstd::decode_all(&*fs::read(path).unwrap()).unwrap()
}

#[test]
fn a_compressed_part_is_not_overwritten_by_an_incomplete_plain_one() {
    let text = text();
    let folder = Folder::new(&text[..text.len() / 2]);
    let stored = folder.store(&text);
    let mut worker = folder.worker(0);
    let mut rounds = |count| {
        logged(|| {
            for _ in 0..count {
                worker.compress_all();
            }
        })
    };
    let lines = rounds(3);
    assert_eq!(lines.len(), 1, "{lines:#?}");
    assert!(
        lines[0].contains("00000000000000000001.jsonl"),
        "{lines:#?}"
    );
    assert_eq!(fs::read(folder.compressed()).unwrap(), stored);
    assert_eq!(fs::read(&folder.part).unwrap(), text[..text.len() / 2]);
    // The operator finished it.
    fs::write(&folder.part, &text).unwrap();
    assert_eq!(rounds(1), Vec::<String>::new());
    assert_eq!(fs::read(folder.compressed()).unwrap(), stored);
    assert_eq!(folder.files(), 1);
}

#[test]
fn a_part_that_is_compressed_already_is_only_removed() {
    let text = text();
    let folder = Folder::new(&text);
    let stored = folder.store(&text);
    // There is no space, and none is needed.
    folder.worker(u64::MAX).compress_all();
    assert_eq!(fs::read(folder.compressed()).unwrap(), stored);
    assert_eq!(folder.files(), 1);
}

#[test]
fn a_compressed_part_that_is_damaged_is_written_again() {
    let text = text();
    let folder = Folder::new(&text);
    let stored = folder.store(&text);
    for damaged in [&stored[..stored.len() / 2], b"", b"no frame"] {
        fs::write(folder.compressed(), damaged).unwrap();
        fs::write(&folder.part, &text).unwrap();
        folder.worker(0).compress_all();
        assert_eq!(decompressed(&folder.compressed()), text);
        assert_eq!(folder.files(), 1);
    }
}

#[test]
fn the_last_space_of_the_disk_is_left_to_the_records() {
    let text = text();
    let folder = Folder::new(&text);
    fs::write(trail_files::part(&folder.path, 2), &text).unwrap();
    let mut worker = folder.worker(u64::MAX / 2);
    let lines = logged(|| {
        worker.compress_all();
        worker.compress_all();
    });
    assert_eq!(lines.len(), 1, "{lines:#?}");
    assert!(lines[0].contains("bytes are free"), "{lines:#?}");
    assert_eq!(folder.files(), 2);
    assert!(folder.part.exists() && !folder.compressed().exists());
    folder.worker(0).compress_all();
    assert!(!folder.part.exists() && folder.compressed().exists());
}

#[test]
fn a_folder_that_cannot_be_listed_is_told_once() {
    let folder = Folder::new(b"");
    let nowhere = folder.folder.path().join("no/such/folder/audit.jsonl");
    let mut worker = Worker::new(nowhere, PartsLock::default(), 0);
    let lines = logged(|| {
        worker.compress_all();
        worker.compress_all();
    });
    assert_eq!(lines.len(), 1, "{lines:#?}");
}

#[cfg(unix)]
#[test]
fn the_group_that_may_read_the_plain_part_may_read_the_compressed_one() {
    use std::os::unix::fs::PermissionsExt as _;
    for (plain, compressed) in [(0o640, 0o640), (0o600, 0o600), (0o664, 0o640)] {
        let folder = Folder::new(&text());
        fs::set_permissions(&folder.part, fs::Permissions::from_mode(plain)).unwrap();
        folder.worker(0).compress_all();
        let metadata = fs::metadata(folder.compressed()).unwrap();
        assert_eq!(metadata.permissions().mode() & 0o777, compressed);
    }
}

#[cfg(unix)]
#[test]
fn a_file_of_another_process_does_not_get_the_name_of_the_part() {
    let folder = Folder::new(&text());
    let begun = trail_files::begun(&folder.part, "1");
    let target = File::create(&begun).unwrap();
    let before = fs::metadata(&folder.part).unwrap();
    fs::rename(&begun, folder.path.with_extension("kept")).unwrap();
    fs::write(&begun, "other").unwrap();
    let worker = folder.worker(0);
    let replaced = worker.replace(&folder.part, Some((&begun, &target)), &before);
    assert!(matches!(replaced, Err(Problem::Retry(_))));
    assert!(folder.part.exists() && !folder.compressed().exists());
}

#[test]
fn a_part_that_was_deleted_meanwhile_is_no_problem() {
    let folder = Folder::new(&text());
    let begun = trail_files::begun(&folder.part, "1");
    let target = File::create(&begun).unwrap();
    let before = fs::metadata(&folder.part).unwrap();
    fs::remove_file(&folder.part).unwrap();
    let worker = folder.worker(0);
    let replaced = worker.replace(&folder.part, Some((&begun, &target)), &before);
    assert!(replaced.is_ok());
    assert_eq!(folder.files(), 0);
}

/// Counts who has the lock of the parts when the store is dropped, and with it the lock of the trail.
#[derive(Debug)]
pub(super) struct Probe {
    lock: PartsLock,
    clones: Arc<AtomicUsize>,
}

impl Drop for Probe {
    fn drop(&mut self) {
        self.clones.store(self.lock.clones(), Ordering::SeqCst);
    }
}

#[tokio::test]
async fn after_a_panic_of_the_writer_the_lock_is_free_only_when_compressing_has_ended() {
    let folder = Folder::new(&text());
    let lock = PartsLock::default();
    let clones = Arc::new(AtomicUsize::new(0));
    let store = Faulty::default();
    store.set().probe = Some(Probe {
        lock: lock.clone(),
        clones: Arc::clone(&clones),
    });
    let mut builder = FileSink::builder(&folder.path).compress_parts();
    builder.parts_lock = Some(lock);
    let sink = open(builder, &store);
    store.set().panics = true;
    drop(store);
    sink.reserve().unwrap();
    drop(sink.record_head(&Request::new().head()));
    while clones.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(clones.load(Ordering::SeqCst), 1, "the thread still had it");
}
