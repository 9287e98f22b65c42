//! The certificate authority for development.

use std::{fs, path::Path};

use palisade_core::{Clock, ManualClock, SystemClock};
use palisade_transport::server::{CertificateError, Certificates, DevAuthority};
use rcgen::{CertificateParams, Issuer, KeyPair};

use crate::{
    certificates::{DAY, now},
    support::{bind, client_config, handshake, roots, start, tls},
};

pub(crate) fn authority(
    folder: &Path,
    clock: &ManualClock,
) -> Result<DevAuthority, CertificateError> {
    DevAuthority::builder(folder)
        .clock(clock.shared())
        .open_or_create()
}

#[test]
fn an_authority_is_made_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep/tls");
    let first = DevAuthority::open_or_create(&path).unwrap();
    let leaf = first.certificates().unwrap().fingerprint();
    let again = DevAuthority::open_or_create(&path).unwrap();
    assert_eq!(first.fingerprint(), again.fingerprint());
    assert_eq!(again.certificates().unwrap().fingerprint(), leaf);
    assert_eq!(first.fingerprint().to_string().len(), 32 * 3 - 1);
}

#[cfg(unix)]
#[test]
fn keys_are_for_their_owner_alone() {
    use std::os::unix::fs::PermissionsExt;

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tls");
    let _certificates = DevAuthority::open_or_create(&path)
        .unwrap()
        .certificates()
        .unwrap();
    let mode = |name: &str| fs::metadata(path.join(name)).unwrap().permissions().mode() & 0o777;
    assert_eq!(
        (mode(""), mode("ca.key"), mode("server.key")),
        (0o700, 0o600, 0o600)
    );

    fs::set_permissions(path.join("ca.key"), fs::Permissions::from_mode(0o644)).unwrap();
    let error = DevAuthority::open_or_create(&path).unwrap_err();
    assert!(matches!(error, CertificateError::Open { .. }), "{error}");
    assert!(error.to_string().contains("chmod 600"));
}

#[test]
fn a_development_certificate_names_the_hosts_that_are_served() {
    let folder = tempfile::tempdir().unwrap();
    let clock = now();
    let open = |hosts: &[&str]| {
        DevAuthority::builder(folder.path())
            .clock(clock.shared())
            .hosts(hosts)
            .open_or_create()
            .unwrap()
    };
    let first = open(&[]);
    let plain = first.certificates().unwrap();
    assert!(plain.covers("localhost") && plain.covers("[::1]"));
    assert!(!plain.covers("voice.example"));

    let hosts = [
        "voice.example:8443",
        "*.voice.example:*",
        "10.0.0.5",
        "[2001:db8::5]:8443",
    ];
    let wider = open(&hosts);
    assert_ne!(
        first.fingerprint(),
        wider.fingerprint(),
        "the old one may not sign for them"
    );
    let named = wider.certificates().unwrap();
    for host in [
        "localhost",
        "voice.example",
        "a.voice.example",
        "10.0.0.5",
        "2001:db8::5",
    ] {
        assert!(named.covers(host), "{host}: {:?}", named.names());
    }
    assert!(!named.covers("a.b.voice.example"));

    let again = open(&hosts);
    assert_eq!(again.fingerprint(), wider.fingerprint(), "made once");
    assert_eq!(
        open(&hosts[..1]).fingerprint(),
        wider.fingerprint(),
        "it may sign for fewer"
    );
}

#[tokio::test]
async fn a_client_that_trusts_the_authority_reaches_a_configured_host() {
    let folder = tempfile::tempdir().unwrap();
    let hosts = ["voice.example"];
    let clock = SystemClock::shared();
    let authority = DevAuthority::builder(folder.path())
        .clock(clock)
        .hosts(hosts);
    let authority = authority.open_or_create().unwrap();
    let pem = fs::read(authority.certificate_path()).unwrap();
    let running = start(bind().tls(authority.certificates().unwrap()));
    let connect = async |name| {
        let config = client_config(roots(&pem), rustls::ALL_VERSIONS, &[]);
        handshake(config, running.address, name).await.is_ok()
    };
    assert!(connect("voice.example").await);
    assert!(!connect("other.example").await);
}

#[test]
fn a_leaf_lives_under_ninety_days_and_is_renewed_before_its_end() {
    let folder = tempfile::tempdir().unwrap();
    let clock = now();
    let authority = authority(folder.path(), &clock).unwrap();
    let certificates = authority.certificates().unwrap();
    let first = certificates.fingerprint();
    assert!(certificates.expires() - clock.unix_time() < 90 * DAY);

    clock.advance(58 * DAY);
    assert!(!certificates.refresh().unwrap());
    clock.advance(2 * DAY);
    assert!(certificates.refresh().unwrap());
    assert_ne!(certificates.fingerprint(), first);
    assert!(certificates.expires() - clock.unix_time() > 80 * DAY);
    assert!(!certificates.refresh().unwrap());
}

#[test]
fn a_damaged_leaf_is_made_anew_and_a_damaged_authority_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let open = || DevAuthority::open_or_create(folder.path());
    let _certificates = open().unwrap().certificates().unwrap();
    for name in ["server.pem", "server.key"] {
        fs::write(folder.path().join(name), "damaged").unwrap();
        assert!(open().unwrap().certificates().is_ok(), "{name}");
    }
    fs::write(folder.path().join("ca.pem"), "damaged").unwrap();
    let error = open().unwrap_err().to_string();
    assert!(error.contains("ca.pem"), "{error}");
}

#[test]
fn a_start_that_was_cut_off_is_completed() {
    let folder = tempfile::tempdir().unwrap();
    let _authority = DevAuthority::open_or_create(folder.path()).unwrap();
    // The key was written, the certificate was not.
    fs::remove_file(folder.path().join("ca.pem")).unwrap();
    let authority = DevAuthority::open_or_create(folder.path()).unwrap();
    assert!(authority.certificates().is_ok());
}

#[test]
fn an_expired_authority_is_made_anew_with_its_key() {
    let folder = tempfile::tempdir().unwrap();
    let clock = now();
    let old = authority(folder.path(), &clock).unwrap();
    clock.advance(3651 * DAY);
    let new = authority(folder.path(), &clock).unwrap();
    assert_ne!(old.fingerprint(), new.fingerprint());
    assert!(new.certificates().is_ok());
}

/// A thief of the key of the authority can still not pose as another site.
#[tokio::test]
async fn the_authority_cannot_sign_for_another_site() {
    let tls = tls();
    let folder = tls.files();
    let ca_key = KeyPair::from_pem(&fs::read_to_string(folder.join("ca.key")).unwrap()).unwrap();
    let ca_pem = fs::read_to_string(folder.join("ca.pem")).unwrap();
    let issuer = Issuer::from_ca_cert_pem(&ca_pem, ca_key).unwrap();
    for (name, trusted) in [
        ("localhost", true),
        ("bank.example", false),
        ("192.0.2.1", false),
    ] {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([name.to_owned()]).unwrap();
        let leaf = params.signed_by(&key, &issuer).unwrap();
        let stolen =
            Certificates::from_pem(leaf.pem().as_bytes(), key.serialize_pem().as_bytes()).unwrap();
        let running = start(bind().tls(stolen));
        let config = client_config(tls.roots(), rustls::ALL_VERSIONS, &[]);
        let shaken = handshake(config, running.address, name).await;
        assert_eq!(shaken.is_ok(), trusted, "{name}");
    }
}

#[test]
fn a_leaf_of_another_authority_is_made_anew() {
    let (ours, others) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let authority = DevAuthority::open_or_create(ours.path()).unwrap();
    let other = DevAuthority::open_or_create(others.path()).unwrap();
    let foreign = other.certificates().unwrap().fingerprint();
    for name in ["server.pem", "server.key"] {
        fs::copy(others.path().join(name), ours.path().join(name)).unwrap();
    }
    assert_ne!(authority.certificates().unwrap().fingerprint(), foreign);
}

/// Two servers that share a folder and start at once.
#[test]
fn one_authority_is_made_however_many_start_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tls");
    let open = || DevAuthority::open_or_create(&path).unwrap().fingerprint();
    let fingerprints = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(open)).collect();
        let opened = threads.into_iter().map(|thread| thread.join().unwrap());
        opened.collect::<Vec<_>>()
    });
    assert!(
        fingerprints.iter().all(|one| *one == open()),
        "{fingerprints:?}"
    );
    let left: Vec<_> = fs::read_dir(&path)
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(left.len(), 2, "nothing is left beside: {left:?}");
}
