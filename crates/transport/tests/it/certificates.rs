//! Certificates: the authority of a machine, files that change, files that are broken.

use std::{
    fs,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use palisade_core::{Clock, ManualClock, SystemClock};
use palisade_transport::server::{CertificateError, CertificateEvent, Certificates};
use rcgen::{CertificateParams, CertifiedKey, Issuer, KeyPair, generate_simple_self_signed};
use rustls::pki_types::CertificateDer;

use crate::support::{bind, client_config, handshake, start, tls};

pub(crate) const DAY: Duration = Duration::from_secs(24 * 60 * 60);

pub(crate) fn now() -> ManualClock {
    ManualClock::new(SystemClock::default().unix_time())
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

/// Some authorities state a time in the future, and clocks differ.
#[test]
fn a_certificate_that_is_not_valid_yet_is_told_once_and_used_when_it_is_valid() {
    let folder = tempfile::tempdir().unwrap();
    mint(folder.path());
    let clock = now();
    let events = Arc::new(Mutex::new(0));
    let noted = Arc::clone(&events);
    let builder = Certificates::builder(
        folder.path().join("chain.pem"),
        folder.path().join("key.pem"),
    );
    let certificates = builder.clock(clock.shared()).open().unwrap();
    let certificates = certificates.on_change(move |_| *noted.lock().unwrap() += 1);
    let old = certificates.fingerprint();
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
    params.not_before = (std::time::UNIX_EPOCH + clock.unix_time() + DAY).into();
    fs::write(
        folder.path().join("chain.pem"),
        params.self_signed(&key).unwrap().pem(),
    )
    .unwrap();
    fs::write(folder.path().join("key.pem"), key.serialize_pem()).unwrap();
    let error = certificates.refresh().unwrap_err().to_string();
    assert!(error.contains("not valid today"), "{error}");
    assert!(!certificates.refresh().unwrap());
    assert_eq!(certificates.fingerprint(), old);
    clock.advance(DAY);
    assert!(certificates.refresh().unwrap(), "it is valid now");
    assert_ne!(certificates.fingerprint(), old);
    assert!(!certificates.refresh().unwrap());
    assert_eq!(*events.lock().unwrap(), 2);
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
