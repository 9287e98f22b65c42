//! Who may read and write a key file, and what of it is kept when it is saved: mode, owner, link.

#![cfg(unix)]

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink},
    path::Path,
};

use palisade_api_key::{FileKeyStore, Pepper};

use crate::{
    file::Folder,
    support::{NOW, live},
};

#[test]
fn a_new_file_is_for_its_owner_alone_and_a_saved_one_keeps_its_mode() {
    let folder = Folder::new();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder.path()), 0o600);
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o644)).unwrap();
    folder.add();
    assert_eq!(mode(&folder.path()), 0o644);
}

#[test]
fn a_file_that_others_may_write_is_refused() {
    let folder = Folder::new();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o620)).unwrap();
    let problem = FileKeyStore::open(folder.path()).unwrap_err().to_string();
    assert!(problem.contains("0600"), "{problem}");
}

#[test]
fn a_link_to_the_file_stays_a_link() {
    let folder = Folder::new();
    let link = folder.folder.path().join("link.toml");
    symlink(folder.path(), &link).unwrap();
    let minted = folder.scheme.mint(live(), NOW).unwrap();
    let store = FileKeyStore::builder(&link)
        .on_report(|_| {})
        .unwatched()
        .open()
        .unwrap();
    store
        .update(|table| table.insert(minted.record().clone()))
        .unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(folder.open().table().len(), 1);
}

/// Only root can show this.
#[test]
fn root_does_not_take_the_store_the_lock_or_the_pepper_away_from_the_service() {
    let folder = Folder::new();
    let root = folder.folder.path();
    for path in [root, &folder.path()] {
        if chown(path, Some(1000), Some(1000)).is_err() {
            eprintln!("skipped: only root can show this");
            return;
        }
    }
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o640)).unwrap();
    folder.add();
    Pepper::create_file(root.join("pepper")).unwrap();
    FileKeyStore::create(root.join("more.toml")).unwrap();
    for name in ["keys.toml", "keys.toml.lock", "pepper", "more.toml"] {
        let metadata = fs::metadata(root.join(name)).unwrap();
        assert_eq!((metadata.uid(), metadata.gid()), (1000, 1000), "{name}");
    }
    let mode = fs::metadata(folder.path()).unwrap().mode() & 0o777;
    assert_eq!(mode, 0o640);
}
