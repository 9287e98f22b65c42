//! Damaged files, and files that cannot be written.

use std::{fs, path::PathBuf};

use super::*;

/// Returns the file with the account of an authority.
pub(crate) fn account_of(acme: &Acme) -> PathBuf {
    acme.status().unwrap().path.with_file_name("account.json")
}

#[tokio::test]
async fn a_damaged_cache_costs_one_order() {
    let Some(issued) = Issued::with(Setup::default()).await else {
        return;
    };
    let path = issued.acme.status().unwrap().path;
    let whole = fs::read(&path).unwrap();
    let running = issued.acme.certificates().unwrap();
    let before = running.fingerprint();
    fs::write(&path, &whole[..whole.len() / 3]).unwrap();
    fs::write(account_of(&issued.acme), "{\"id\":").unwrap();
    fs::write(path.with_file_name("attempts.json"), "").unwrap();

    // A process that runs keeps what it has; one that starts has nothing.
    assert!(running.refresh().is_err());
    assert_eq!(running.fingerprint(), before);
    let restarted = issued.another();
    let certificates = restarted.certificates().unwrap();
    assert!(certificates.is_pending());
    assert_eq!(restarted.renew_if_due().await.unwrap(), Renewal::Issued);
    for certificates in [&running, &certificates] {
        assert!(certificates.refresh().unwrap());
        assert_ne!(certificates.fingerprint(), before);
    }
    assert_eq!((issued.pebble.orders(), issued.pebble.accounts()), (2, 2));
}

/// Root may write everywhere, so the test gives its rights up for one thread.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_read_only_cache_is_used_and_not_ordered_again() {
    use std::os::unix::fs::PermissionsExt;

    let Some(issued) = Issued::with(Setup::default()).await else {
        return;
    };
    issued.advance_to_renewal();
    let acme = issued.another();
    let events = Events::of(&acme);
    let path = acme.status().unwrap().path;
    for entry in [issued.folder.path(), path.parent().unwrap()] {
        fs::set_permissions(entry, fs::Permissions::from_mode(0o555)).unwrap();
    }
    fs::set_permissions(&path, fs::Permissions::from_mode(0o444)).unwrap();
    let used = acme.clone();
    let renew = move || {
        without_rights();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        let certificates = used.certificates().unwrap();
        let renewed =
            runtime.block_on(async { [used.renew_if_due().await, used.renew_if_due().await] });
        (
            certificates.is_pending(),
            renewed.map(|renewed| renewed.unwrap_err()),
        )
    };
    let (is_pending, errors) = std::thread::spawn(renew).join().unwrap();
    assert!(!is_pending);
    for error in errors {
        assert!(matches!(error, AcmeError::Cache { .. }), "{error}");
    }
    assert!(
        matches!(events.all().as_slice(), [AcmeEvent::Unable { .. }]),
        "reported once"
    );
    assert_eq!(issued.pebble.orders(), 1);
}

/// Becomes another user, for this thread alone.
#[cfg(target_os = "linux")]
fn without_rights() {
    use rustix::{process::Uid, thread};

    if rustix::process::geteuid().is_root() {
        let nobody = Uid::from_raw(65_534);
        thread::set_thread_res_uid(nobody, nobody, nobody).unwrap();
    }
}

#[test]
fn a_cache_that_cannot_be_created_is_an_error_at_start() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let key = rcgen::generate_simple_self_signed(["a.example".to_owned()]).unwrap();
    let built = Acme::builder([NAME], file.join("cache"))
        .accept_terms()
        .root(key.cert.pem())
        .build();
    assert!(matches!(built, Err(AcmeError::Cache { .. })));
}
