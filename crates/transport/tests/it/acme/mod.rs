//! Certificates by ACME, from pebble and from authorities that fail.

mod challenge_retry;
mod challenges;
mod client;
mod failures;
mod files;
mod issue;
mod pebble;
mod profile;
mod suggestion;

use std::{
    net::{IpAddr, Ipv4Addr},
    path::Path,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use palisade_core::ManualClock;
use palisade_transport::server::{
    Acme, AcmeBuilder, AcmeError, AcmeEvent, CertificateEvent, Certificates, ChallengeKind,
    ChallengeLayer, Renewal, Server, ServerBuilder,
};
use tokio::sync::watch;

use self::pebble::{NAME, Pebble, Setup};
use crate::support::{Running, bind, start, start_with};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A clock that starts at the time of the system, since pebble has no other.
#[allow(clippy::disallowed_methods)]
fn clock() -> ManualClock {
    ManualClock::new(SystemTime::now().duration_since(UNIX_EPOCH).unwrap())
}

/// A server whose port is known before it is started.
fn bound() -> (ServerBuilder, u16) {
    let socket = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = socket.local_addr().unwrap().port();
    (Server::builder().listener(socket), port)
}

/// Settings for pebble, with the self-check at 127.0.0.1.
fn settings(pebble: &Pebble, cache: &Path, port: u16) -> AcmeBuilder {
    Acme::builder([NAME], cache)
        .contact("ops@voice.example")
        .accept_terms()
        .directory(pebble.directory())
        .root(pebble.root())
        .validation_port(port)
        .resolve(NAME, [IpAddr::from(Ipv4Addr::LOCALHOST)])
}

/// The certificates of a running server, which tell of the first one.
struct Served {
    certificates: Certificates,
    replaced: watch::Receiver<bool>,
}

impl Served {
    /// Waits until connections get a certificate.
    async fn has_certificate(&mut self) {
        let replaced = self.replaced.wait_for(|replaced| *replaced);
        let waited = tokio::time::timeout(pebble::PATIENCE, replaced).await;
        assert!(waited.is_ok(), "no certificate is used");
    }
}

/// Starts a server with the certificates of an authority.
fn serve_tls(server: ServerBuilder, acme: &Acme) -> (Running, Served) {
    let (sender, replaced) = watch::channel(false);
    let tell = move |event: &CertificateEvent| {
        if let CertificateEvent::Replaced { .. } = event {
            sender.send_replace(true);
        }
    };
    let certificates = acme.certificates().unwrap().on_change(tell);
    let running = start(server.tls(certificates.clone()));
    let served = Served {
        certificates,
        replaced,
    };
    (running, served)
}

/// Starts a server without TLS that answers http-01.
fn serve_http(server: ServerBuilder, acme: &Acme) -> Running {
    let app = crate::support::app(crate::support::Door::default());
    start_with(server, tower::Layer::layer(&ChallengeLayer::new(acme), app))
}

/// An authority, and a cache with the first certificate that it issued by http-01.
struct Issued {
    pebble: Pebble,
    folder: tempfile::TempDir,
    clock: ManualClock,
    acme: Acme,
    /// Where the authority connects. Each `Acme` of the cache can answer there.
    http: Running,
}

impl Issued {
    /// `None` where pebble is not installed.
    async fn with(setup: Setup) -> Option<Self> {
        let (server, http_port) = bound();
        let pebble = Pebble::start(Setup { http_port, ..setup }).await?;
        let (folder, clock) = (tempfile::tempdir().unwrap(), clock());
        let acme = settings(&pebble, folder.path(), http_port)
            .challenge(ChallengeKind::Http01)
            .clock(clock.shared())
            .build()
            .unwrap();
        let http = serve_http(server, &acme);
        assert_eq!(acme.renew_if_due().await.unwrap(), Renewal::Issued);
        Some(Self {
            pebble,
            folder,
            clock,
            acme,
            http,
        })
    }

    /// Another process with the same cache.
    fn another(&self) -> Acme {
        settings(&self.pebble, self.folder.path(), self.http.address.port())
            .challenge(ChallengeKind::Http01)
            .clock(self.clock.shared())
            .build()
            .unwrap()
    }

    /// Moves the clock to where two thirds of the life of the certificate are over.
    fn advance_to_renewal(&self) {
        let expires = self.acme.status().unwrap().expires.unwrap();
        let rest = expires - palisade_core::Clock::unix_time(&self.clock);
        self.clock.advance(rest.mul_f64(0.67));
    }
}

/// The events of an `Acme`, in order.
#[derive(Clone, Default)]
struct Events(Arc<Mutex<Vec<AcmeEvent>>>);

impl Events {
    fn of(acme: &Acme) -> Self {
        let events = Self::default();
        let observed = events.clone();
        acme.on_event(move |event| observed.0.lock().unwrap().push(event.clone()));
        events
    }

    fn all(&self) -> Vec<AcmeEvent> {
        self.0.lock().unwrap().clone()
    }
}
