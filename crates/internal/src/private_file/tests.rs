//! Modes, owners and links of files that are written and replaced.

use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};

use super::*;

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().mode() & 0o777
}

#[test]
fn a_new_file_is_its_owners_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys");
    write_new(&path, b"one").unwrap();
    assert_eq!(mode(&path), 0o600);
    assert_eq!(open_mode(&path).unwrap(), None);
    let again = write_new(&path, b"two").unwrap_err();
    assert_eq!(again.kind(), io::ErrorKind::AlreadyExists);
    assert_eq!(fs::read(&path).unwrap(), b"one");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_replaced_file_keeps_its_mode() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys");
    fs::write(&path, "one").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    assert_eq!(open_mode(&path).unwrap(), Some(0o640));
    replace(&path, b"two").unwrap();
    assert_eq!(
        (fs::read(&path).unwrap(), mode(&path)),
        (b"two".into(), 0o640)
    );
}

/// Only root can show this; another user would be refused by `chown` already.
#[test]
fn root_does_not_take_a_file_away_from_its_owner() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keys");
    fs::write(&path, "one").unwrap();
    if chown(&path, Some(1000), Some(1000)).is_err() {
        return;
    }
    replace(&path, b"two").unwrap();
    let after = fs::metadata(&path).unwrap();
    assert_eq!((after.uid(), after.gid()), (1000, 1000));

    chown(folder.path(), Some(1000), Some(1000)).unwrap();
    let new = folder.path().join("new");
    write_new(&new, b"one").unwrap();
    assert_eq!(fs::metadata(&new).unwrap().uid(), 1000);
}

#[test]
fn a_link_stays_a_link() {
    let folder = tempfile::tempdir().unwrap();
    let (file, link) = (folder.path().join("file"), folder.path().join("link"));
    fs::write(&file, "one").unwrap();
    symlink(&file, &link).unwrap();
    replace(&link, b"two").unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::read(&file).unwrap(), b"two");
}

/// The user of the service made the link, and a command of root writes through its name.
#[test]
fn root_overwrites_no_file_that_a_link_of_the_service_leads_to() {
    let folder = tempfile::tempdir().unwrap();
    let (secret, link) = (folder.path().join("passwd"), folder.path().join("keys"));
    fs::write(&secret, "root:x").unwrap();
    symlink(&secret, &link).unwrap();
    if std::os::unix::fs::lchown(&link, Some(65534), Some(65534)).is_err() {
        return;
    }
    let refused = replace(&link, b"two").unwrap_err();
    assert_eq!(refused.kind(), io::ErrorKind::PermissionDenied);
    replace_unlinked(&link, b"two").unwrap();
    assert_eq!(fs::read(&secret).unwrap(), b"root:x");
    assert_eq!(fs::read(&link).unwrap(), b"two");
}
