//! Certificates: the authority of a machine, files that change, files that are broken.

use std::{
    fs,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use palisade_core::{Clock, ManualClock, SystemClock};
use palisade_transport::server::{CertificateError, CertificateEvent, Certificates, DevAuthority};
use rcgen::{CertificateParams, CertifiedKey, Issuer, KeyPair, generate_simple_self_signed};
use rustls::pki_types::CertificateDer;

use crate::support::{bind, client_config, handshake, roots, start, tls};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

fn now() -> ManualClock {
    ManualClock::new(SystemClock::default().unix_time())
}

fn authority(folder: &Path, clock: &ManualClock) -> Result<DevAuthority, CertificateError> {
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
fn a_certificate_from_other_files_replaces_the_one_that_is_shown() {
    let folder = tempfile::tempdir().unwrap();
    let files = |name: &str| {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed([format!("{name}.example")]).unwrap();
        let at = |end: &str| folder.path().join(format!("{name}.{end}"));
        fs::write(at("pem"), cert.pem()).unwrap();
        fs::write(at("key"), signing_key.serialize_pem()).unwrap();
        Certificates::from_pem_files(at("pem"), at("key")).unwrap()
    };
    let (one, two) = (files("one"), files("two"));
    let shown = one.clone();
    one.replace(&two);
    assert!(shown.covers("two.example") && !shown.covers("one.example"));
    assert!(!shown.refresh().unwrap(), "nothing has changed since");
    let three = files("two");
    assert!(
        shown.refresh().unwrap(),
        "it follows the files of the other"
    );
    assert_eq!(shown.fingerprint(), three.fingerprint());
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
    let folder = tls
        .authority
        .certificate_path()
        .parent()
        .unwrap()
        .to_owned();
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

/// A certificate of its own, as files.
fn mint(folder: &Path) -> CertificateDer<'static> {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    fs::write(folder.join("chain.pem"), cert.pem()).unwrap();
    fs::write(folder.join("key.pem"), signing_key.serialize_pem()).unwrap();
    cert.der().clone()
}

fn from_files(folder: &Path) -> Result<Certificates, CertificateError> {
    Certificates::from_pem_files(folder.join("chain.pem"), folder.join("key.pem"))
}

async fn shown(address: std::net::SocketAddr, expected: &CertificateDer<'static>) -> bool {
    let mut trusted = rustls::RootCertStore::empty();
    trusted.add(expected.clone()).unwrap();
    let config = client_config(trusted, rustls::ALL_VERSIONS, &[]);
    handshake(config, address, "localhost").await.is_ok()
}

#[tokio::test]
async fn replaced_files_are_shown_to_new_connections_without_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let old = mint(folder.path());
    let certificates = from_files(folder.path()).unwrap();
    let running = start(bind().tls(certificates.clone()));
    assert!(shown(running.address, &old).await);

    let new = mint(folder.path());
    assert!(certificates.refresh().unwrap());
    assert!(shown(running.address, &new).await);
    assert!(!shown(running.address, &old).await);
}

#[tokio::test]
async fn broken_new_files_keep_the_old_certificate_and_are_told_once() {
    let folder = tempfile::tempdir().unwrap();
    let old = mint(folder.path());
    let events = Arc::new(Mutex::new(Vec::new()));
    let noted = Arc::clone(&events);
    let certificates = from_files(folder.path()).unwrap();
    let certificates =
        certificates.on_change(move |event| noted.lock().unwrap().push(event.clone()));
    let running = start(bind().tls(certificates.clone()));
    let chain = folder.path().join("chain.pem");
    let whole = fs::read_to_string(&chain).unwrap();
    let other = generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let half = &whole[..whole.len() / 2];
    for (broken, problem) in [
        ("", "not a certificate chain"),
        (half, "not a certificate chain"),
        (
            "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
            "not a certificate chain",
        ),
        (&other.cert.pem(), "does not belong to this certificate"),
    ] {
        fs::write(&chain, broken).unwrap();
        let error = certificates.refresh().unwrap_err().to_string();
        assert!(error.contains(problem), "{error}");
        assert!(
            !certificates.refresh().unwrap(),
            "the same files are recorded once"
        );
        assert!(shown(running.address, &old).await);
    }
    fs::remove_file(&chain).unwrap();
    assert!(certificates.refresh().is_err());
    assert!(!certificates.refresh().unwrap());
    assert!(shown(running.address, &old).await);

    let events = events.lock().unwrap();
    assert_eq!(events.len(), 5);
    assert!(
        events
            .iter()
            .all(|event| matches!(event, CertificateEvent::Refused { .. }))
    );
}

#[tokio::test]
async fn a_repaired_pair_is_taken_after_a_broken_one() {
    let folder = tempfile::tempdir().unwrap();
    mint(folder.path());
    let certificates = from_files(folder.path()).unwrap();
    let running = start(bind().tls(certificates.clone()));
    fs::write(folder.path().join("key.pem"), "broken").unwrap();
    assert!(certificates.refresh().is_err());
    let new = mint(folder.path());
    assert!(certificates.refresh().unwrap());
    assert!(shown(running.address, &new).await);
}

#[test]
fn what_cannot_be_used_is_refused_at_start_in_one_line() {
    let folder = tempfile::tempdir().unwrap();
    let missing = from_files(folder.path()).unwrap_err().to_string();
    assert!(missing.contains("chain.pem"), "{missing}");
    mint(folder.path());
    fs::write(folder.path().join("key.pem"), "no key").unwrap();
    let broken = from_files(folder.path()).unwrap_err().to_string();
    assert!(
        broken.contains("private key") && !broken.contains('\n'),
        "{broken}"
    );

    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
    params.not_after = rcgen::date_time_ymd(2020, 1, 1);
    let expired = params.self_signed(&key).unwrap();
    fs::write(folder.path().join("chain.pem"), expired.pem()).unwrap();
    fs::write(folder.path().join("key.pem"), key.serialize_pem()).unwrap();
    let error = from_files(folder.path()).unwrap_err();
    assert!(matches!(error, CertificateError::Expired { .. }), "{error}");
}

#[test]
fn nothing_of_a_key_is_ever_shown() {
    let tls = tls();
    let key = fs::read_to_string(tls.folder.path().join("tls/server.key")).unwrap();
    let line = key.lines().nth(1).unwrap().to_owned();
    fs::write(tls.folder.path().join("chain.pem"), &key).unwrap();
    fs::write(tls.folder.path().join("key.pem"), &key).unwrap();
    let error = from_files(tls.folder.path()).unwrap_err();
    let shown = format!(
        "{:?} {:?} {error} {error:?}",
        tls.authority, tls.certificates
    );
    assert!(
        !shown.contains(&line) && !shown.contains("PRIVATE KEY-----\n"),
        "{shown}"
    );
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

#[test]
fn a_chain_in_the_wrong_order_is_told_as_that() {
    let authority_key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new([]).unwrap();
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let authority = params.self_signed(&authority_key).unwrap();
    let issuer = Issuer::new(params, authority_key);
    let key = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new(["localhost".to_owned()]).unwrap();
    let leaf = leaf.signed_by(&key, &issuer).unwrap();
    let key = key.serialize_pem();

    let right = leaf.pem() + &authority.pem();
    assert!(Certificates::from_pem(right.as_bytes(), key.as_bytes()).is_ok());
    let wrong = authority.pem() + &leaf.pem();
    let error = Certificates::from_pem(wrong.as_bytes(), key.as_bytes()).unwrap_err();
    assert!(
        matches!(error, CertificateError::ChainOrder { .. }),
        "{error}"
    );
    let only_authority = authority.pem();
    let error = Certificates::from_pem(only_authority.as_bytes(), key.as_bytes()).unwrap_err();
    assert!(
        matches!(error, CertificateError::Mismatch { .. }),
        "{error}"
    );
}

/// Returns the first certificate that a server shows to a client that names a host.
async fn certificate_for(
    address: std::net::SocketAddr,
    trusted: &rustls::RootCertStore,
    name: &'static str,
) -> Option<CertificateDer<'static>> {
    let config = client_config(trusted.clone(), rustls::ALL_VERSIONS, &[]);
    let stream = handshake(config, address, name).await.ok()?;
    Some(stream.get_ref().1.peer_certificates()?.first()?.clone())
}

#[tokio::test]
async fn the_name_that_a_client_sends_selects_the_certificate() {
    let made = ["a.example", "*.b.example", "x.b.example"]
        .map(|name| generate_simple_self_signed([name.to_owned()]).unwrap());
    let mut trusted = rustls::RootCertStore::empty();
    let mut server = bind();
    for one in &made {
        trusted.add(one.cert.der().clone()).unwrap();
        let key = one.signing_key.serialize_pem();
        let pem = one.cert.pem();
        server = server.tls(Certificates::from_pem(pem.as_bytes(), key.as_bytes()).unwrap());
    }
    let running = start(server);
    for (name, expected) in [("a.example", 0), ("y.b.example", 1), ("x.b.example", 2)] {
        let shown = certificate_for(running.address, &trusted, name).await;
        assert_eq!(shown.as_ref(), Some(made[expected].cert.der()), "{name}");
    }
    // The client itself refuses the first one for another host.
    let other = certificate_for(running.address, &trusted, "other.example").await;
    assert_eq!(other, None);
}

#[tokio::test]
async fn the_key_exchange_is_post_quantum_where_the_client_has_it() {
    use rustls::{NamedGroup, crypto::aws_lc_rs};

    let tls = tls();
    let running = start(bind().tls(tls.certificates.clone()));
    let old = vec![aws_lc_rs::kx_group::X25519];
    for (groups, expected) in [
        (
            aws_lc_rs::default_provider().kx_groups,
            NamedGroup::X25519MLKEM768,
        ),
        (old, NamedGroup::X25519),
    ] {
        let provider = rustls::crypto::CryptoProvider {
            kx_groups: groups,
            ..aws_lc_rs::default_provider()
        };
        let config = rustls::ClientConfig::builder_with_provider(Arc::new(provider))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(tls.roots())
            .with_no_client_auth();
        let stream = handshake(config, running.address, "localhost")
            .await
            .unwrap();
        let group = stream.get_ref().1.negotiated_key_exchange_group().unwrap();
        assert_eq!(group.name(), expected);
    }
}
