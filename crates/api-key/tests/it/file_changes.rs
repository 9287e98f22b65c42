//! Changes through the store: whole, at once, and lost by none of several writers.

use std::fs;

use palisade_api_key::{KeyFileError, TableError};

use crate::{file::Folder, support::NOW};

#[test]
fn a_change_through_the_store_counts_at_once_and_is_on_the_disk() {
    let folder = Folder::new();
    let key = folder.add();
    let store = folder.open();
    store
        .update(|table| table.revoke(crate::support::id_of(&key), NOW))
        .unwrap();
    assert_eq!(folder.send(&store, &key).reason(), Some("key revoked"));
    assert_eq!(
        folder.send(&folder.open(), &key).reason(),
        Some("key revoked")
    );
}

#[test]
fn a_reload_does_not_forget_when_a_key_was_used() {
    let folder = Folder::new();
    let key = folder.add();
    let store = folder.open();
    folder.send(&store, &key);
    folder.add();
    store.refresh().unwrap();
    let table = store.table();
    let used = table.get(crate::support::id_of(&key)).unwrap().last_used();
    assert_eq!((table.len(), used), (2, Some(NOW)));
}

#[test]
fn a_change_that_fails_changes_nothing() {
    let folder = Folder::new();
    let key = folder.add();
    let before = folder.text();
    let id = crate::support::id_of(&key);
    let outcome = folder.open().update(|table| {
        table.revoke(id, NOW)?;
        Err::<(), _>(TableError::Unknown(id))
    });
    assert!(matches!(
        outcome,
        Err(KeyFileError::Table(TableError::Unknown(_)))
    ));
    assert_eq!(folder.text(), before);
}

#[test]
fn writers_at_once_lose_nothing_and_readers_see_whole_files() {
    let folder = Folder::new();
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| (0..5).for_each(|_| drop(folder.add()))))
            .collect();
        let reader = folder.open();
        let mut most = 0;
        while !writers.iter().all(|writer| writer.is_finished()) {
            reader.refresh().expect("a whole file");
            assert!(reader.table().len() >= most, "a key was lost on the way");
            most = reader.table().len();
        }
    });
    assert_eq!(folder.open().table().len(), 40);
    let left: Vec<_> = fs::read_dir(folder.folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(
        left.len(),
        2,
        "the file and its lock, no leavings: {left:?}"
    );
}

#[test]
fn each_change_of_the_file_is_told_once() {
    use std::sync::{Arc, Mutex};

    use palisade_api_key::{FileKeyStore, KeyEvent, KeyEventKind};

    let folder = Folder::new();
    let key = folder.add();
    let told = Arc::new(Mutex::new(Vec::new()));
    let report = Arc::clone(&told);
    let store = FileKeyStore::builder(folder.path())
        .on_change(move |change: &KeyEvent| report.lock().unwrap().push(change.clone()))
        .unwatched()
        .open()
        .unwrap();
    let take = || std::mem::take(&mut *told.lock().unwrap());
    assert!(take().is_empty(), "what was there at the start");
    folder.add();
    store.refresh().unwrap();
    store.refresh().unwrap();
    let kinds: Vec<_> = take().iter().map(KeyEvent::kind).collect();
    assert_eq!(kinds, [KeyEventKind::Created]);
    let id = crate::support::id_of(&key);
    store.update(|table| table.revoke(id, NOW)).unwrap();
    store.refresh().unwrap();
    let changes = take();
    assert_eq!(changes.len(), 1);
    assert_eq!(
        (changes[0].id(), changes[0].kind()),
        (id, KeyEventKind::Revoked)
    );
}
