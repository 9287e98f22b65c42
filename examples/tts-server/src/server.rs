//! From settings to sockets, and from a signal to an orderly end.

use std::{future::Future, net::SocketAddr, sync::Arc};

use palisade::{AuditHandle, ProtectedRouter, SharedClock, server::ServerError};
use tokio::sync::watch;

use crate::{
    StartError,
    first_start::{DataFolder, Greeting},
    listen::Sockets,
    routes::Models,
    sessions::Sessions,
    settings::Settings,
    shield,
    state::App,
    synthesis::{Bounds, Queue, Voice, Voices, Workers},
    tls::Tls,
};

/// A server whose sockets are taken and whose files are there. Serves once it is told to.
#[derive(Debug)]
pub struct Server {
    app: ProtectedRouter,
    sockets: Sockets,
    workers: Workers,
    audit: AuditHandle,
    greeting: Greeting,
}

/// What a server is made of, besides its settings.
#[allow(clippy::exhaustive_structs)] // Made by whoever starts a server.
#[allow(missing_debug_implementations)] // A voice has none.
pub struct Ingredients {
    /// Who speaks, the default first.
    pub voices: Vec<Arc<dyn Voice>>,
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
    pub async fn prepare(settings: &Settings, with: Ingredients) -> Result<Self, StartError> {
        let Ingredients {
            voices,
            data,
            clock,
            another_key,
        } = with;
        let mut sockets = Sockets::take(settings)?;
        let tls = Tls::open(settings, &data, &clock)?;
        let app = app(settings, voices, &clock)?;
        let queue = Arc::clone(&app.queue);
        let protected = shield::protect(app, settings, &data, &clock, sockets.https_port()).await?;
        let workers = Workers::start(queue, &clock, settings.tts.threads);
        let workers =
            workers.map_err(|error| StartError::from_io("no thread for the voice", &error))?;
        let keys = protected.keys;
        let greeting = Greeting {
            address: settings.address(sockets.https_port()),
            redirect: sockets.http_address().map(|http| format!("http://{http}")),
            metrics: sockets
                .figures_address()
                .map(|figures| format!("http://{figures}")),
            data: data.path().to_owned(),
            authority: tls.authority,
            key: keys.first.then(|| keys.mint(&clock)).transpose()?,
            another: another_key,
        };
        sockets.https = sockets.https.with_tls(tls.certificates);
        Ok(Self {
            app: protected.app,
            sockets,
            workers,
            audit: protected.audit,
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
        let sockets = &self.sockets;
        (
            sockets.https.local_addr(),
            sockets.http_address(),
            sockets.figures_address(),
        )
    }

    /// Serves until `stop` is over; then finishes the answers under way, the texts that wait, and the
    /// audit trail, in this order.
    ///
    /// # Errors
    /// When a socket or the audit trail fails.
    pub async fn serve(self, stop: impl Future<Output = ()>) -> Result<(), StartError> {
        let (tell, told) = watch::channel(false);
        let app = self.app.into_inner();
        let Sockets {
            https,
            http,
            figures,
        } = self.sockets;
        let https = https.serve(app.clone(), heard(told.clone()));
        let http = maybe(http.map(|http| http.serve(app, heard(told.clone()))));
        let figures =
            maybe(figures.map(|(figures, app)| figures.serve(app.into_inner(), heard(told))));
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

fn app(
    settings: &Settings,
    voices: Vec<Arc<dyn Voice>>,
    clock: &SharedClock,
) -> Result<App, StartError> {
    let sessions = Sessions::new(clock.clone())
        .map_err(|error| StartError::new(format!("no random numbers: {error}")))?;
    let tts = &settings.tts;
    let bounds = Bounds {
        threads: tts.threads,
        waiting: tts.queue,
        listeners: tts.listeners,
    };
    let models = tts.model_aliases().map(str::to_owned);
    Ok(App {
        max_graphemes: settings.max_graphemes(),
        models: Arc::new(Models::new(models, clock.unix_time().as_secs())),
        queue: Queue::new(bounds, clock.clone()),
        sessions: Arc::new(sessions),
        voices: Arc::new(Voices::new(voices, &tts.voice_aliases())?),
    })
}
