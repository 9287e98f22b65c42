//! What is wrong with a key file is told with file and line, and never with a key.

use std::fs;

use palisade_api_key::{FileKeyStore, KeyFileError};

use crate::file::Folder;

/// Breaks the file in one way and looks for what the error must say.
fn check_broken(change: impl FnOnce(&str) -> String, line: Option<usize>, says: &str) {
    let folder = Folder::new();
    folder.add();
    let text = folder.text();
    fs::write(folder.path(), change(&text)).unwrap();
    let problem = FileKeyStore::builder(folder.path())
        .on_report(|_| {})
        .unwatched()
        .open()
        .unwrap_err();
    let shown = problem.to_string();
    assert!(shown.contains(says), "{shown}");
    assert!(
        shown.contains("keys.toml") && !shown.contains('\n'),
        "{shown}"
    );
    let KeyFileError::Invalid { line: found, .. } = problem else {
        panic!("{shown}")
    };
    assert_eq!(found, line, "{shown}");
}

#[test]
fn errors_name_file_line_and_what_is_wrong() {
    check_broken(
        |text| text.replace("version = 1", "version = 2"),
        Some(4),
        "version = 1",
    );
    check_broken(
        |text| text.replace("created", "craeted"),
        Some(10),
        "craeted",
    );
    check_broken(
        |text| text.replace("\"live\"", "\"prod\""),
        Some(6),
        "`live` or `test`",
    );
    check_broken(
        |text| text.replace("digest = \"", "digest = \"0"),
        Some(6),
        "no digest",
    );
    check_broken(
        |text| format!("{text}scopes = [\"a b\"]\n"),
        Some(6),
        "scope",
    );
    check_broken(
        |text| format!("{text}networks = [\"10.0.0.1/8\"]\n"),
        Some(6),
        "network",
    );
    check_broken(
        |text| format!("{text}expires = 2027-01-31\n"),
        Some(6),
        "2027-01-31T00:00:00Z",
    );
    check_broken(
        |text| format!("{text}expires = 2027-01-31T00:00:00\n"),
        Some(6),
        "offset",
    );
    check_broken(
        |text| format!("{text}[[key]]{}", text.split_once("[[key]]").unwrap().1),
        Some(11),
        "already a key",
    );
}

#[test]
fn an_error_never_repeats_a_key_that_someone_pasted_into_the_file() {
    let folder = Folder::new();
    let key = folder.add();
    let good = folder.text();
    let secret = key.split('_').nth(3).unwrap();
    let created = good
        .lines()
        .find(|line| line.starts_with("created"))
        .unwrap();
    let broken = [
        good.replace("digest = \"", &format!("digest = \"{key}")),
        good.replace(created, &format!("created = \"{key}\"")),
        good.replace("environment", &key),
        good.replace("id = \"", &format!("id = \"{key}")),
        format!("{good}key = \"{key}\"\n"),
        format!("{good}{key}\n"),
        good.replace("version = 1", &format!("version = \"{key}\"")),
        format!("{good}scopes = [\"{key} x\"]\n"),
        format!("{good}scopes = \"{key}\"\n"),
    ];
    for text in broken {
        fs::write(folder.path(), &text).unwrap();
        let problem = FileKeyStore::builder(folder.path())
            .on_report(|_| {})
            .unwatched()
            .open()
            .unwrap_err();
        assert!(
            !format!("{problem} {problem:?}").contains(secret),
            "{problem:?}"
        );
    }
}
