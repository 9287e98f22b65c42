//! The files of client authentication: authorities and revocation lists, and their changes.

use std::{
    fs,
    sync::{Arc, Mutex},
    time::Duration,
};

use palisade_core::Clock;
use palisade_transport::server::{CertificateError, ClientAuth};

use crate::{
    certificates::{DAY, now},
    clients::{Files, MapEach, authority, config, is_served, start, tomorrow, visit},
    support::{RecordedEvents, tls},
};

#[tokio::test]
async fn a_revoked_certificate_is_refused_also_in_a_resumed_session() {
    let (tls, clients) = (tls(), authority("clients"));
    let (revoked, good) = (clients.client(1), clients.client(2));
    let files = Files::new(&clients);
    files.write("clients.crl", &clients.list(&[], tomorrow()));
    let auth = ClientAuth::builder(files.path("clients.pem"))
        .revocation_list_file(files.path("clients.crl"))
        .open()
        .unwrap();
    let running = start(&tls, auth.clone(), &RecordedEvents::default());
    let sessions =
        rustls::ALL_VERSIONS.map_each(|version| config(&tls, Some(&revoked), &[version]));
    for session in &sessions {
        assert!(!visit(&running, session).await.0.is_empty());
    }
    files.write("clients.crl", &clients.list(&[&revoked], tomorrow()));
    assert!(auth.refresh().unwrap());
    for session in &sessions {
        assert_eq!(visit(&running, session).await.0, "");
    }
    assert!(is_served(&tls, &running, Some(&good)).await);
}

#[tokio::test]
async fn without_the_list_of_its_issuer_a_client_is_refused() {
    let (tls, clients, others) = (tls(), authority("clients"), authority("others"));
    let files = Files::new(&clients);
    files.write("others.pem", &others.pem);
    files.write("clients.crl", &clients.list(&[], tomorrow()));
    let auth = ClientAuth::builder(files.path("clients.pem"))
        .authority_file(files.path("others.pem"))
        .revocation_list_file(files.path("clients.crl"));
    let running = start(&tls, auth.open().unwrap(), &RecordedEvents::default());
    assert!(is_served(&tls, &running, Some(&clients.client(1))).await);
    assert!(!is_served(&tls, &running, Some(&others.client(1))).await);
}

#[tokio::test]
async fn a_list_that_has_expired_is_refused_at_start_and_later() {
    let (tls, clients, clock) = (tls(), authority("clients"), now());
    let files = Files::new(&clients);
    let auth = ClientAuth::builder(files.path("clients.pem"))
        .revocation_list_file(files.path("clients.crl"))
        .clock(clock.shared());
    files.write("clients.crl", &clients.list(&[], tomorrow()));
    let running = start(
        &tls,
        auth.clone().open().unwrap(),
        &RecordedEvents::default(),
    );
    let client = clients.client(1);
    assert!(is_served(&tls, &running, Some(&client)).await);
    clock.advance(2 * DAY);
    assert!(!is_served(&tls, &running, Some(&client)).await);
    let error = auth.open().unwrap_err();
    assert!(matches!(error, CertificateError::Expired { .. }), "{error}");
    assert!(error.to_string().contains("clients.crl"), "{error}");
}

#[tokio::test]
async fn changed_authorities_apply_to_new_connections_and_broken_ones_are_told_once() {
    let (tls, old, new) = (tls(), authority("old"), authority("new"));
    let files = Files::new(&old);
    let auth = ClientAuth::from_pem_file(files.path("clients.pem")).unwrap();
    let running = start(&tls, auth.clone(), &RecordedEvents::default());
    let (of_old, of_new) = (old.client(1), new.client(1));
    for broken in [
        "",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    ] {
        files.write("clients.pem", broken);
        let error = auth.refresh().unwrap_err().to_string();
        assert!(
            error.contains("clients.pem: this is not certificates"),
            "{error}"
        );
        assert!(!auth.refresh().unwrap(), "the same file is recorded once");
        assert!(is_served(&tls, &running, Some(&of_old)).await);
    }
    let session = config(&tls, Some(&of_old), rustls::ALL_VERSIONS);
    assert!(!visit(&running, &session).await.0.is_empty());
    files.write("clients.pem", &new.pem);
    assert!(auth.refresh().unwrap());
    assert!(is_served(&tls, &running, Some(&of_new)).await);
    assert!(!is_served(&tls, &running, Some(&of_old)).await);
    assert_eq!(
        visit(&running, &session).await.0,
        "",
        "the session of before"
    );
}

#[test]
fn what_cannot_be_used_names_its_file() {
    let clients = authority("clients");
    let files = Files::new(&clients);
    let open = |list: &[u8]| {
        fs::write(files.path("clients.crl"), list).unwrap();
        ClientAuth::builder(files.path("clients.pem"))
            .revocation_list_file(files.path("clients.crl"))
            .open()
    };
    let pem = clients.list(&[], tomorrow());
    assert!(open(pem.as_bytes()).is_ok());
    use rustls::pki_types::{CertificateRevocationListDer, pem::PemObject};
    let der = CertificateRevocationListDer::from_pem_slice(pem.as_bytes()).unwrap();
    assert!(open(&der).is_ok(), "DER as well");
    for broken in [
        &b""[..],
        b"no list",
        &pem.as_bytes()[..pem.len() / 2],
        &der[..9],
    ] {
        let error = open(broken).unwrap_err().to_string();
        assert!(
            error.contains("clients.crl: this is not a certificate revocation list"),
            "{error}"
        );
    }
    let missing = ClientAuth::from_pem_file(files.path("none.pem"))
        .unwrap_err()
        .to_string();
    assert!(missing.contains("none.pem"), "{missing}");
}

/// A clock that the test sets, also back.
#[derive(Clone, Debug)]
struct WallClock(Arc<Mutex<Duration>>);

impl WallClock {
    fn set(&self, to: Duration) {
        *self.0.lock().unwrap() = to;
    }
}

impl Clock for WallClock {
    fn unix_time(&self) -> Duration {
        *self.0.lock().unwrap()
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}

/// The clock is ahead when new files come, and then it is right. The files do not change again.
#[tokio::test]
async fn files_that_could_not_be_used_are_tried_again() {
    let (tls, old, new) = (tls(), authority("old"), authority("new"));
    let right = now().unix_time();
    let clock = WallClock(Arc::new(Mutex::new(right)));
    let files = Files::new(&old);
    files.write("clients.crl", &old.list(&[], tomorrow()));
    let auth = ClientAuth::builder(files.path("clients.pem"))
        .revocation_list_file(files.path("clients.crl"))
        .clock(Arc::new(clock.clone()));
    let [read, reloaded] = [(); 2].map(|()| auth.clone().open().unwrap());
    files.write("clients.pem", &new.pem);
    files.write("clients.crl", &new.list(&[], tomorrow()));
    clock.set(right + 2 * DAY);
    for auth in [&read, &reloaded] {
        assert!(matches!(
            auth.refresh(),
            Err(CertificateError::Expired { .. })
        ));
        assert!(!auth.refresh().unwrap(), "told once");
    }
    clock.set(right);
    assert!(read.refresh().unwrap());
    assert!(!read.refresh().unwrap());
    reloaded.replace(&auth.open().unwrap());
    for auth in [read, reloaded] {
        let running = start(&tls, auth, &RecordedEvents::default());
        assert!(is_served(&tls, &running, Some(&new.client(1))).await);
        assert!(!is_served(&tls, &running, Some(&old.client(1))).await);
    }
}
