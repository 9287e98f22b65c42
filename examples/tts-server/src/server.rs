//! From settings to sockets, and from a signal to an orderly end.

use std::{future::Future, io, net::SocketAddr, sync::Arc, time::Duration};

use axum::Router;
use palisade::TrustedProxies;
use palisade::audit::AuditHandle;
use palisade::config::Running;
use palisade::core::SharedClock;
use palisade::rate_limit::{LimitStore, MemoryStore};
use palisade::server::{
    Certificates, ChallengeLayer, HealthLayer, Readiness, Reloadable, ServerBuildError,
};
use palisade::shield::Protected;
use tokio::sync::{Mutex, watch};
use tower_layer::Layer as _;

use crate::{
    error::StartError,
    finish::finish,
    first_start::{DataFolder, Greeting},
    listen::{BoundServer, Sockets},
    models::Models,
    reload::Reloader,
    sessions,
    settings::Settings,
    shield,
    sound_cache::SoundCache,
    state::App,
    synthesis::{Bounds, Queue, Voice, Voices, Workers},
    text,
    tls::Tls,
};

/// The routes behind the whole stack.
pub(crate) type Service = Protected<Router>;

/// A server whose sockets are taken and whose files are there. Starts to serve with [`serve`](Self::serve).
#[derive(Debug)]
pub struct Server {
    service: Reloadable<Service>,
    sockets: Sockets,
    workers: Workers,
    audit: AuditHandle,
    greeting: Greeting,
    health: HealthLayer,
    challenges: ChallengeLayer,
    readiness: Readiness,
    drain: Duration,
    reloader: Arc<Reloader>,
}

/// What a server is made of, besides its settings.
#[allow(clippy::exhaustive_structs)] // Made by the program that starts a server.
#[allow(missing_debug_implementations)] // A voice has none.
pub struct ServerParts {
    /// The voices, the default first.
    pub voices: Vec<Arc<dyn Voice>>,
    /// The folder for what must outlive the server.
    pub data: DataFolder,
    /// The clock of every decision about time.
    pub clock: SharedClock,
    /// How to make another key, as a command.
    pub another_key: String,
}

impl Server {
    /// Takes the sockets, opens or makes the files, starts the voice's threads. A first start makes a key,
    /// last of all: it is shown only if nothing else went wrong.
    ///
    /// # Errors
    ///
    /// [`StartError`] says in one line what is wrong, and what helps.
    pub async fn prepare(settings: Settings, with: ServerParts) -> Result<Self, StartError> {
        let ServerParts {
            voices,
            data,
            clock,
            another_key,
        } = with;
        let mut sockets = Sockets::take(&settings)?;
        let mut tls = Tls::open(&settings, &data, &clock)?;
        let app = app(&settings, voices, &clock)?;
        let address = sockets.client_address();
        // Behind a proxy that ends TLS, pages are redirected to it.
        let port = sockets.https_address().map_or(443, |https| https.port());
        let mut running = Running::from(Some(store(&settings).await?));
        let protected = shield::protect(app.clone(), &settings, &data, &clock, port, &running)?;
        running.audit = Some(protected.audit.clone());
        let workers = Workers::start(Arc::clone(&app.queue), &clock, settings.tts.threads);
        let workers =
            workers.map_err(|error| StartError::from_io("no thread for the voice", &error))?;
        let certificates = tls.as_ref().map(|tls| tls.certificates.clone());
        let https = sockets.https_address();
        warn_of_contradictions(&settings, https.as_slice(), certificates.as_ref())?;
        let readiness = Readiness::new();
        let health = health(&settings, &readiness)?;
        let keys = protected.keys;
        let greeting = Greeting {
            address: settings.address(address.port()),
            redirect: sockets
                .http_address()
                .filter(|_| settings.has_tls())
                .map(|http| format!("http://{http}")),
            without_tls: (!settings.has_tls()).then(|| without_tls(&settings, address)),
            metrics: sockets
                .figures_address()
                .map(|figures| format!("http://{figures}")),
            data: data.path().to_owned(),
            authority: tls.as_mut().and_then(|tls| tls.authority.take()),
            ordered: certificates
                .as_ref()
                .filter(|certificates| certificates.is_pending())
                .map(Certificates::names),
            key: keys.first.then(|| keys.mint(&clock)).transpose()?,
            key_file: None,
            another: another_key,
        };
        let audit = protected.audit.handle();
        if let (Some(https), Some(tls)) = (sockets.https.take(), &tls) {
            sockets.https = Some(https.map(|server| {
                server
                    .tls(tls.certificates.clone())
                    .client_auth(tls.client_auth.clone())
            }));
        }
        sockets = sockets.record_connections(&audit);
        let acme = tls.as_ref().and_then(|tls| tls.acme.as_ref());
        let is_ordered = acme.is_some();
        let challenges = match acme {
            Some(acme) => {
                palisade::server::record_certificates(acme, Some(audit.clone()));
                ChallengeLayer::new(acme)
            }
            None => ChallengeLayer::none(),
        };
        let service = Reloadable::new(protected.app.into_inner());
        Ok(Self {
            sockets,
            workers,
            audit,
            greeting,
            health,
            challenges,
            readiness,
            drain: settings.server.drain,
            reloader: Arc::new(Reloader {
                settings: Mutex::new(settings),
                app,
                data,
                clock,
                https_port: port,
                running,
                certificates,
                client_auth: tls.and_then(|tls| tls.client_auth),
                is_ordered,
                service: service.clone(),
            }),
            service,
        })
    }

    /// Returns what an operator is to see: address, fingerprint, and a new key if this start made one.
    /// Where only a journal would show it, the key goes to a private file, and the file is named instead.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub fn greeting(&mut self, is_terminal: bool) -> Result<String, StartError> {
        if !is_terminal {
            self.greeting.hide_key()?;
        }
        Ok(self.greeting.to_string())
    }

    /// Returns the key that a first start made.
    #[must_use]
    pub fn first_key(&self) -> Option<&str> {
        self.greeting.key.as_ref().map(|key| key.reveal())
    }

    /// Returns the addresses of https, of http and of the figures.
    #[must_use]
    pub fn addresses(&self) -> [Option<SocketAddr>; 3] {
        let sockets = &self.sockets;
        [
            sockets.https_address(),
            sockets.http_address(),
            sockets.figures_address(),
        ]
    }

    /// Returns what takes a new configuration while the server runs.
    #[must_use]
    pub fn reloader(&self) -> Arc<Reloader> {
        Arc::clone(&self.reloader)
    }

    /// Serves until `stop` is over; then finishes the open responses, the texts that wait, and the
    /// audit trail, in this order. Where load balancers probe the server, the probe fails first, and it
    /// goes on accepting for the time that the settings say.
    ///
    /// # Errors
    ///
    /// When a socket or the audit trail fails.
    pub async fn serve(self, stop: impl Future<Output = ()>) -> Result<(), StartError> {
        let (stop_sender, stopped) = watch::channel(false);
        let Sockets {
            https,
            http,
            figures,
        } = self.sockets;
        let unbuilt = |error: ServerBuildError| StartError::new(error.to_string());
        let https = https.map(BoundServer::build).transpose();
        let https = https.map_err(unbuilt)?;
        let http = http.map(BoundServer::build).transpose().map_err(unbuilt)?;
        let figures = match figures {
            Some((figures, app)) => Some((figures.build().map_err(unbuilt)?, app)),
            None => None,
        };
        let app = self.health.layer(self.service);
        let served_over_tls = app.clone();
        let https =
            maybe(https.map(|https| https.serve(served_over_tls, stop_requested(stopped.clone()))));
        let in_clear = self.challenges.layer(app);
        let http = maybe(http.map(|http| http.serve(in_clear, stop_requested(stopped.clone()))));
        let figures = maybe(
            figures.map(|(figures, app)| figures.serve(app.into_inner(), stop_requested(stopped))),
        );
        let (readiness, drain) = (self.readiness, self.drain);
        let stop = async {
            stop.await;
            readiness.drain();
            tokio::time::sleep(drain).await;
            stop_sender.send_replace(true);
            Ok(())
        };
        let served = tokio::try_join!(https, http, figures, stop);
        let store = self.reloader.running.store.as_deref();
        finish(self.workers, store, &self.audit).await?;
        served
            .map(|_| ())
            .map_err(|error| StartError::new(error.to_string()))
    }
}

/// The store of the limits: the one that a fleet shares, or memory that outlives a reload.
async fn store(settings: &Settings) -> Result<Arc<dyn LimitStore>, StartError> {
    let shared = settings.config.connect_store().await?;
    Ok(shared.unwrap_or_else(|| Arc::new(MemoryStore::default())))
}

/// Without `health` in the file there is no health check.
fn health(settings: &Settings, readiness: &Readiness) -> Result<HealthLayer, StartError> {
    let (path, from) = match &settings.server.health {
        Some(health) => (health.path.as_str(), health.from.clone()),
        None => ("/", TrustedProxies::none()),
    };
    HealthLayer::builder(path, from, readiness.clone())
        .build()
        .map_err(|error| StartError::new(error.to_string()))
}

fn warn_of_contradictions(
    settings: &Settings,
    https: &[SocketAddr],
    certificates: Option<&Certificates>,
) -> Result<(), StartError> {
    let warnings = settings
        .config
        .check_server(&settings.server, https, certificates)?;
    warnings.iter().for_each(palisade::shield::Warning::log);
    Ok(())
}

/// Returns what an operator should know of a listener without TLS: its address, and who is served.
fn without_tls(settings: &Settings, address: SocketAddr) -> String {
    match settings.is_behind_tls() {
        true => format!("{address} without TLS, for proxies in front that end it"),
        false => format!("{address} without TLS: others on the network can read keys and texts"),
    }
}

async fn stop_requested(mut stopped: watch::Receiver<bool>) {
    // If the sender is dropped, the server is gone: stop too.
    let _ = stopped.wait_for(|stop| *stop).await;
}

async fn maybe<T>(served: Option<impl Future<Output = io::Result<T>>>) -> io::Result<Option<T>> {
    match served {
        Some(served) => served.await.map(Some),
        None => Ok(None),
    }
}

fn app(
    settings: &Settings,
    voices: Vec<Arc<dyn Voice>>,
    clock: &SharedClock,
) -> Result<App, StartError> {
    let tts = &settings.tts;
    let bounds = Bounds {
        threads: tts.threads,
        waiting: tts.queue,
        listeners: tts.listeners,
    };
    let models = tts.model_aliases().map(str::to_owned);
    Ok(App {
        accepts_any_name: !tts.has_aliases(),
        max_body: text::max_body(settings),
        max_graphemes: settings.max_graphemes(),
        models: Arc::new(Models::new(models, clock.unix_time().as_secs())),
        queue: Queue::new(bounds, clock.clone()),
        sessions: sessions::start(clock)?,
        sound_cache: SoundCache::new(tts.sound_cache_bytes, clock.clone()).map(Arc::new),
        unspeakable: tts.unspeakable,
        voices: Arc::new(Voices::new(voices, &tts.voice_aliases())?),
    })
}
