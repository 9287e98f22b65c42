//! The file of keys: no text makes its reader panic, and what it reads it writes and reads again unchanged.

#![no_main]

use std::{fs, sync::LazyLock};

use libfuzzer_sys::fuzz_target;
use palisade_api_key::{FileKeyStore, KeyFileError, KeyRecord};
use tempfile::TempDir;

static FOLDER: LazyLock<TempDir> = LazyLock::new(|| tempfile::tempdir().expect("a folder"));

fuzz_target!(|text: &[u8]| {
    let path = FOLDER.path().join("keys.toml");
    fs::write(&path, text).expect("a file");
    let open = || FileKeyStore::builder(&path).on_report(|_| ()).unwatched().open();
    let store = match open() {
        Ok(store) => store,
        Err(problem) => return assert!(!problem.to_string().contains('\n'), "{problem}"),
    };
    let read = described(&store);
    store
        .update(|_| Ok::<_, KeyFileError>(()))
        .expect("what was read can be written");
    assert_eq!(
        described(&open().expect("what was written can be read")),
        read
    );
});

fn described(store: &FileKeyStore) -> Vec<String> {
    store
        .table()
        .records()
        .iter()
        .map(|record| describe(record))
        .collect()
}

fn describe(record: &KeyRecord) -> String {
    let previous = record
        .previous()
        .map(|(digest, until)| (digest.to_text(), until));
    let life = (record.created(), record.revoked_at(), previous);
    format!(
        "{} {} {:?} {life:?}",
        record.id().as_str(),
        record.digest().to_text(),
        record.grant()
    )
}
