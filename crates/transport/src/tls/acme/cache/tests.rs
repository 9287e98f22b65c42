//! Names, the lock and damage of the cache, and links that another user put there.

use super::*;

const DIRECTORY: &str = "https://acme.example:14000/dir";

fn cache(folder: &Path, domains: &[&str]) -> Cache {
    let domains: Vec<String> = domains.iter().map(|name| (*name).to_owned()).collect();
    Cache::new(folder.to_owned(), DIRECTORY, &domains)
}

#[test]
fn each_authority_and_each_set_of_names_has_files_of_its_own() {
    let folder = Path::new("cache");
    let path = |domains: &[&str]| cache(folder, domains).certificate_path();
    assert_eq!(
        path(&["a.example", "b.example"]).parent(),
        path(&["b.example"]).parent()
    );
    assert_ne!(path(&["a.example"]), path(&["a.example", "b.example"]));
    let other = Cache::new(
        folder.to_owned(),
        "https://acme.example/x",
        &["a.example".to_owned()],
    );
    assert_ne!(path(&["a.example"]), other.certificate_path());
    let strange = Cache::new(
        folder.to_owned(),
        "https://../../etc",
        &["a.example".to_owned()],
    );
    assert!(strange.certificate_path().starts_with("cache"));
    assert!(
        !strange
            .certificate_path()
            .components()
            .any(|part| part.as_os_str() == "..")
    );
}

/// The service owns the folder and plants links; root runs `palisade cert renew`.
#[cfg(unix)]
#[test]
fn root_follows_no_link_that_the_service_put_into_the_cache() {
    use std::os::unix::fs::{MetadataExt, chown, symlink};

    let folder = tempfile::tempdir().unwrap();
    let shadow = folder.path().join("shadow");
    fs::write(&shadow, "root:x").unwrap();
    let service = folder.path().join("acme");
    fs::create_dir(&service).unwrap();
    if chown(&service, Some(65534), Some(65534)).is_err() {
        eprintln!("skipped: only root can show this");
        return;
    }
    let cache = cache(&service, &["a.example"]);
    cache.create().unwrap();
    symlink(&shadow, service.join("lock")).unwrap();
    assert!(cache.try_lock().is_err());
    symlink(&shadow, cache.history_path()).unwrap();
    assert!(cache.history(&[], Duration::ZERO).is_err());
    cache.write_history(&History::default()).unwrap();
    assert!(
        !fs::symlink_metadata(cache.history_path())
            .unwrap()
            .is_symlink()
    );
    assert_eq!(fs::metadata(&shadow).unwrap().uid(), 0);
    assert_eq!(fs::read(&shadow).unwrap(), b"root:x");
    fs::remove_dir(cache.challenges()).unwrap();
    symlink(folder.path(), cache.challenges()).unwrap();
    assert!(cache.create().is_err(), "a link in place of a folder");
}

#[test]
fn one_process_at_a_time_has_the_lock() {
    let folder = tempfile::tempdir().unwrap();
    let (one, other) = (cache(folder.path(), &["a"]), cache(folder.path(), &["b"]));
    one.create().unwrap();
    let lock = one.try_lock().unwrap();
    assert!(lock.is_some());
    assert!(other.try_lock().unwrap().is_none());
    drop(lock);
    assert!(other.try_lock().unwrap().is_some());
}

#[cfg(unix)]
#[test]
fn only_the_owner_reads_the_files() {
    use std::os::unix::fs::PermissionsExt;

    let folder = tempfile::tempdir().unwrap();
    let cache = cache(&folder.path().join("new"), &["a.example"]);
    cache.create().unwrap();
    cache.write_account("{}").unwrap();
    cache.write_certificate("key").unwrap();
    cache.write_history(&History::default()).unwrap();
    drop(cache.try_lock().unwrap());
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    let files = [
        cache.account_path(),
        cache.certificate_path(),
        cache.history_path(),
        cache.folder.join("lock"),
    ];
    for path in files {
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
    for folder in [&cache.folder, &cache.authority, &cache.challenges()] {
        assert_eq!(mode(folder), 0o700, "{}", folder.display());
    }
}

/// `sudo palisade cert renew` must not take the certificate away from the service.
#[cfg(unix)]
#[test]
fn what_root_writes_belongs_to_the_owner_of_the_folder() {
    use std::os::unix::fs::{MetadataExt, chown};

    let folder = tempfile::tempdir().unwrap();
    if chown(folder.path(), Some(4711), Some(4712)).is_err() {
        eprintln!("skipped: only root can show this");
        return;
    }
    let cache = cache(&folder.path().join("new/acme"), &["a.example"]);
    cache.create().unwrap();
    // Twice: what replaces a file belongs to the same user.
    for _ in 0..2 {
        cache.write_account("{}").unwrap();
        cache.write_certificate("key").unwrap();
        cache.write_history(&History::default()).unwrap();
        drop(cache.try_lock().unwrap());
    }
    for path in [
        &folder.path().join("new"),
        &cache.folder,
        &cache.authority,
        &cache.challenges(),
        &cache.account_path(),
        &cache.certificate_path(),
        &cache.history_path(),
        &cache.folder.join("lock"),
    ] {
        let now = fs::metadata(path).unwrap();
        assert_eq!((now.uid(), now.gid()), (4711, 4712), "{}", path.display());
    }
}

#[test]
fn damaged_files_are_not_an_error_and_unreadable_ones_are() {
    let folder = tempfile::tempdir().unwrap();
    let cache = cache(folder.path(), &["a.example"]);
    cache.create().unwrap();
    let domains = ["a.example".to_owned()];
    let now = Duration::from_secs(1_700_000_000);
    assert!(cache.certificate().unwrap().is_none());
    assert_eq!(cache.history(&domains, now).unwrap(), History::default());
    for damaged in [
        "",
        "{\"certificates\":",
        "-----BEGIN CERTIFICATE-----\nMIIB",
    ] {
        cache.write_certificate(damaged).unwrap();
        fs::write(cache.history_path(), damaged).unwrap();
        assert!(cache.certificate().unwrap().is_none());
        let history = cache.history(&domains, now).unwrap();
        assert_eq!(history, History::unknown(&domains, now));
    }
    fs::write(cache.certificate_path(), [0xff, 0xfe]).unwrap();
    assert!(cache.certificate().unwrap().is_none());
    fs::remove_file(cache.certificate_path()).unwrap();
    fs::create_dir(cache.certificate_path()).unwrap();
    assert!(matches!(cache.certificate(), Err(AcmeError::Cache { .. })));
}
