//! The file of the pepper.

use std::fs;

use palisade_api_key::{KeyScheme, Pepper};
use tempfile::TempDir;

use crate::support::{NOW, live};

#[test]
fn a_pepper_file_is_made_once_and_read_back() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("pepper");
    let scheme = |pepper| KeyScheme::new(pepper);
    let minted = scheme(Pepper::read_or_create_file(&path).unwrap())
        .mint(live(), NOW)
        .unwrap();
    let again = scheme(Pepper::read_or_create_file(&path).unwrap());
    let presented = again.present(minted.key().as_bytes()).unwrap();
    assert_eq!(minted.record().check(&presented, NOW, None), Ok(()));
    assert!(Pepper::create_file(&path).is_err(), "never replaced");
}

#[cfg(unix)]
#[test]
fn a_pepper_that_others_may_read_is_refused() {
    use std::os::unix::fs::PermissionsExt;
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("pepper");
    Pepper::create_file(&path).unwrap();
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    assert!(
        Pepper::read_file(&path)
            .unwrap_err()
            .to_string()
            .contains("0600")
    );
}

#[test]
fn a_damaged_pepper_file_is_refused() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("pepper");
    Pepper::create_file(&path).unwrap();
    let good = fs::read_to_string(&path).unwrap();
    for bad in [
        "",
        "00",
        &good[1..],
        &good.replace(|c: char| c.is_ascii_hexdigit(), "0"),
        &"x".repeat(5000),
    ] {
        fs::write(&path, bad).unwrap();
        assert!(Pepper::read_file(&path).is_err(), "{bad:?}");
    }
}
