//! From settings to sockets, and from a signal to an orderly end.

use std::{future::Future, net::SocketAddr, sync::Arc};

use palisade::{
    AllowedHosts, AuditHandle, HttpsLayer, ProtectedRouter, Routes, Rule, SharedClock, Shield,
    config::CertificateSource,
    server::{CertificateError, Certificates, DevAuthority, Server as Listener, ServerError},
};
use tokio::sync::watch;

use crate::{
    StartError,
    first_start::{Authority, DataFolder, Greeting},
    metrics,
    sessions::Sessions,
    settings::Settings,
    shield,
    state::App,
    synthesis::{Queue, Voice, Workers},
};

/// A server whose sockets are taken and whose files are there. Serves once it is told to.
#[derive(Debug)]
pub struct Server {
    app: ProtectedRouter,
    figures: Option<(Listener, ProtectedRouter)>,
    http: Option<Listener>,
    https: Listener,
    workers: Workers,
    audit: AuditHandle,
    greeting: Greeting,
}

/// What a server is made of, besides its settings.
#[derive(Debug)]
#[allow(clippy::exhaustive_structs)] // Made by whoever starts a server.
pub struct Ingredients {
    /// The folder for what must outlive the server.
    pub data: DataFolder,
    /// Every decision about time asks it.
    pub clock: SharedClock,
    /// How to make another key, as a command.
    pub another_key: String,
}

impl Server {
    /// Takes the sockets, opens or makes the files, starts the voice's threads. A first start makes a key,
    /// last of all: it is shown only if nothing else went wrong.
    ///
    /// # Errors
    /// [`StartError`] says in one line what is wrong, and what helps.
    pub fn prepare(
        settings: &Settings,
        voice: Arc<dyn Voice>,
        with: Ingredients,
    ) -> Result<Self, StartError> {
        let Ingredients {
            data,
            clock,
            another_key,
        } = with;
        let https = bind(settings.https)?;
        let http = settings.http.map(bind).transpose()?;
        let figures = settings.metrics.map(figures).transpose()?;
        let tls = Tls::open(settings, &data, &clock)?;
        let app = app(settings, &*voice, &clock)?;
        let queue = Arc::clone(&app.queue);
        let https_port = https.local_addr().port();
        let shield::Protected { app, audit, keys } =
            shield::protect(app, settings, &data, &clock, https_port)?;
        let workers = Workers::start(queue, &voice, &clock, settings.threads);
        let workers =
            workers.map_err(|error| StartError::from_io("no thread for the voice", &error))?;
        let greeting = Greeting {
            address: format!("https://localhost:{https_port}"),
            redirect: http
                .as_ref()
                .map(|http| format!("http://localhost:{}", http.local_addr().port())),
            metrics: figures
                .as_ref()
                .map(|(figures, _)| format!("http://{}", figures.local_addr())),
            data: data.path().to_owned(),
            authority: tls.authority,
            key: keys.first.then(|| keys.mint(&clock)).transpose()?,
            another: another_key,
        };
        let https = https.with_tls(tls.certificates);
        Ok(Self {
            app,
            figures,
            http,
            https,
            workers,
            audit,
            greeting,
        })
    }

    /// Returns what an operator is to see: address, fingerprint, and a new key if this start made one.
    #[must_use]
    pub fn greeting(&self) -> String {
        self.greeting.to_string()
    }

    /// Returns the key that a first start made.
    #[must_use]
    pub fn first_key(&self) -> Option<&str> {
        self.greeting.key.as_ref().map(|key| key.reveal())
    }

    /// Returns the addresses of https, of the redirect and of the figures.
    #[must_use]
    pub fn addresses(&self) -> (SocketAddr, Option<SocketAddr>, Option<SocketAddr>) {
        let http = self.http.as_ref().map(Listener::local_addr);
        let figures = self
            .figures
            .as_ref()
            .map(|(figures, _)| figures.local_addr());
        (self.https.local_addr(), http, figures)
    }

    /// Serves until `stop` is over; then finishes the answers under way, the texts that wait, and the
    /// audit trail, in this order.
    ///
    /// # Errors
    /// When a socket or the audit trail fails.
    pub async fn serve(self, stop: impl Future<Output = ()>) -> Result<(), StartError> {
        let (tell, told) = watch::channel(false);
        let app = self.app.into_inner();
        let https = self.https.serve(app.clone(), heard(told.clone()));
        let http = maybe(self.http.map(|http| http.serve(app, heard(told.clone()))));
        let figures = maybe(
            self.figures
                .map(|(figures, app)| figures.serve(app.into_inner(), heard(told))),
        );
        let stop = async {
            stop.await;
            tell.send_replace(true);
            Ok(())
        };
        let served = tokio::try_join!(https, http, figures, stop);
        finish(self.workers, &self.audit).await?;
        served
            .map(|_| ())
            .map_err(|error| StartError::new(error.to_string()))
    }
}

async fn finish(workers: Workers, audit: &AuditHandle) -> Result<(), StartError> {
    // The threads may still be speaking for clients that left in the time of grace.
    let _ = tokio::task::spawn_blocking(|| workers.finish()).await;
    audit
        .close()
        .await
        .map_err(|why| StartError::new(format!("the audit trail could not be closed: {why}")))
}

async fn heard(mut told: watch::Receiver<bool>) {
    // A teller that is gone has nothing more to say: stop.
    let _ = told.wait_for(|stop| *stop).await;
}

async fn maybe<T>(
    served: Option<impl Future<Output = Result<T, ServerError>>>,
) -> Result<Option<T>, ServerError> {
    match served {
        Some(served) => served.await.map(Some),
        None => Ok(None),
    }
}

fn bind(address: SocketAddr) -> Result<Listener, StartError> {
    Listener::bind(address).map_err(|error| {
        StartError::new(error.to_string()).remedy(
            "End it, or choose another address in the configuration file (`tts-server --help`).",
        )
    })
}

fn app(settings: &Settings, voice: &dyn Voice, clock: &SharedClock) -> Result<App, StartError> {
    let sessions = Sessions::new(clock.clone())
        .map_err(|error| StartError::new(format!("no random numbers: {error}")))?;
    Ok(App {
        max_graphemes: settings.max_graphemes(),
        queue: Queue::new(settings.queue, settings.threads),
        sessions: Arc::new(sessions),
        voice: Arc::new(voice.info()),
    })
}

/// The figures have a listener of their own that only this machine reaches, and that no name but its
/// own opens: a page in a browser here must not read them either.
fn figures(address: SocketAddr) -> Result<(Listener, ProtectedRouter), StartError> {
    let recorder = metrics::install();
    let routes = Routes::new().get("/metrics", Rule::public(), async || recorder.render());
    let wrong = |error: &dyn std::fmt::Display| StartError::new(error.to_string());
    let hosts = AllowedHosts::parse(["localhost:*", "127.0.0.1:*", "[::1]:*"])
        .map_err(|error| wrong(&error))?;
    let https = HttpsLayer::refuse().dangerously_accept_plain_http();
    let app = Shield::builder()
        .hosts(hosts)
        .https(https)
        .protect(routes)
        .map_err(|error| wrong(&error))?;
    Ok((bind(address)?, app))
}

/// How TLS is spoken.
struct Tls {
    certificates: Certificates,
    authority: Option<Authority>,
}

impl Tls {
    fn open(
        settings: &Settings,
        data: &DataFolder,
        clock: &SharedClock,
    ) -> Result<Self, StartError> {
        let broken = |error: CertificateError| StartError::new(format!("TLS: {error}"));
        if let CertificateSource::Files { chain, key } = &settings.certificate {
            let certificates = Certificates::from_pem_files_with_clock(chain, key, clock.clone())
                .map_err(broken)?;
            return Ok(Self {
                certificates,
                authority: None,
            });
        }
        let authority = DevAuthority::open_or_create_with_clock(data.file("tls"), clock.clone())
            .map_err(broken)?;
        Ok(Self {
            certificates: authority.certificates().map_err(broken)?,
            authority: Some(Authority {
                certificate: authority.certificate_path(),
                fingerprint: authority.fingerprint().to_string(),
            }),
        })
    }
}
