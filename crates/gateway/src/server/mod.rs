//! From settings to sockets, and from a signal to an orderly end.

mod builder;
mod status_page;
mod admin;
mod explain;
mod reload;
mod listeners;
mod rule_files;
mod metrics;
mod stack;
mod tls;

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use arc_swap::ArcSwap;
use palisade::{
    audit::AuditHandle,
    config::Running,
    core::SharedClock,
    rate_limit::MemoryStore,
    server::{
        Certificates, ChallengeLayer, HealthLayer, Readiness, Reloadable, ServerBuilder,
        record_certificates, record_connections,
    },
    shield::Protected,
};
use tokio::sync::{Mutex, watch};

pub use self::{
    admin::ask_admin, builder::GatewayBuilder, explain::explain, reload::Reloader,
    status_page::status_page,
};
use self::{
    admin::{AdminSocket, Drain},
    listeners::{
        addresses_of, health_layer, listener_error, listener_services, open, start_server,
        until_stopped, warn_of_contradictions, without_tls,
    },
    metrics::Metrics,
    stack::{Shared, build},
    status_page::PageListener,
    tls::Tls,
};
use crate::{
    error::{GatewayError, GatewayErrorKind},
    first_start::{Greeting, mint_key},
    forward::Forward,
    limit_store,
    settings::Settings,
    shadow_report::ShadowReport,
};

/// How long tunnels may take to close when the gateway stops.
const TUNNELS_END: Duration = Duration::from_secs(2);

/// A gateway whose sockets are bound and whose files are open. It serves after
/// [`serve`](Self::serve).
///
/// Everything that can fail at start fails in [`prepare`](Self::prepare), so a program can tell its
/// operator before it reports that it is ready.
///
/// # Examples
///
/// A gateway that stops at Ctrl-C and reads its file again on request:
///
/// ```no_run
/// use palisade_gateway::{Gateway, Settings};
///
/// # async fn run() -> Result<(), palisade_gateway::GatewayError> {
/// let gateway = Gateway::prepare(Settings::read("gateway.toml")?).await?;
/// let reloader = gateway.reloader();
/// tokio::spawn(async move {
///     // For example at a signal:
///     if let Err(problem) = reloader.reload().await {
///         eprintln!("not reloaded: {problem}");
///     }
/// });
/// gateway.serve(std::future::pending()).await
/// # }
/// ```
#[derive(Debug)]
pub struct Gateway {
    /// The listener with TLS. `None` if the file names `http` alone.
    https: Option<ServerBuilder>,
    /// The first address for clients: with TLS if there is one.
    address: SocketAddr,
    /// The listener without TLS, for redirects, ACME challenges and proxies.
    http: Option<ServerBuilder>,
    /// The stack, which a reload replaces.
    service: Reloadable<Protected<Forward>>,
    /// Closed at the end, so that the trail says that it is complete.
    audit: Option<AuditHandle>,
    /// Responds to http-01 challenges on the listener without TLS, outside all other layers.
    challenges: ChallengeLayer,
    /// Connections that switched protocols, which are ended with the gateway, and the report.
    shared: Shared,
    /// Answers health checks without the stack.
    health: HealthLayer,
    /// Whether the gateway takes requests: false while it starts and as soon as it stops.
    readiness: Readiness,
    /// What a first start shows to its operator.
    greeting: Greeting,
    /// Reads the file again and replaces the stack.
    reloader: Arc<Reloader>,
    /// `None` without `socket` of `[admin]`.
    admin: Option<AdminSocket>,
    /// `None` without `page` of `[admin]`.
    page: Option<PageListener>,
}

impl Gateway {
    /// Binds the sockets, opens the files and builds the stack. A first start mints a key, last of
    /// all: it is shown only if nothing else went wrong.
    ///
    /// Warnings about settings that contradict each other are logged with `tracing`. Nothing is
    /// served before [`serve`](Self::serve); connections wait in the backlog of the sockets.
    ///
    /// # Examples
    ///
    /// Port 0 lets the system choose, for a test:
    ///
    /// ```no_run
    /// use palisade_gateway::{Gateway, Settings};
    ///
    /// # async fn run() -> Result<(), palisade_gateway::GatewayError> {
    /// let settings = Settings::quick_start("http://127.0.0.1:5000")
    ///     .listen("127.0.0.1:0".parse().unwrap())
    ///     .settings()?;
    /// let gateway = Gateway::prepare(settings).await?;
    /// println!("https://{}/", gateway.address());
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    ///
    /// An address is in use, a file cannot be opened, or the parts do not fit.
    pub async fn prepare(settings: Settings) -> Result<Self, GatewayError> {
        Self::builder(settings).prepare().await
    }

    /// Starts to choose what is not in the settings: the clock, and what `/metrics` shows.
    pub fn builder(settings: Settings) -> GatewayBuilder {
        GatewayBuilder::new(settings)
    }

    /// Binds the sockets and opens the files.
    ///
    /// # Errors
    ///
    /// A file cannot be read, or an address cannot be used.
    async fn open(
        settings: Settings,
        clock: SharedClock,
        metrics: Option<Metrics>,
    ) -> Result<Self, GatewayError> {
        let [https, http] = open(&settings)?;
        let addresses = addresses_of(&https);
        let first = addresses.iter().chain(&addresses_of(&http)).next().copied();
        let address = first.unwrap_or_else(|| (Ipv4Addr::UNSPECIFIED, 443).into());
        let https = start_server(&settings, https)?;
        let http = start_server(&settings, http)?;
        let tls = Tls::open(&settings, &clock)?;
        let store = settings.config.connect_store().await?;
        let store = store.unwrap_or_else(|| Arc::new(MemoryStore::default()));
        let mut running = Running::from(Some(store));
        let shared = Shared::new(Arc::clone(&clock));
        let built = build(&settings, &running, &shared)?;
        shared
            .credentials
            .replace_layer(built.authentication.clone());
        running.audit.clone_from(&built.audit);
        let certificates = tls.as_ref().map(|tls| tls.certificates.clone());
        warn_of_contradictions(&settings, &addresses, certificates.as_ref())?;
        let audit = built.audit.as_ref().map(palisade::AuditLayer::handle);
        let record = |server| record_connections(server, audit.clone());
        let acme = tls.as_ref().and_then(|tls| tls.acme.as_ref());
        let challenges = match (acme, &settings.server.acme_webroot) {
            (Some(acme), _) => {
                record_certificates(acme, audit.clone());
                ChallengeLayer::new(acme)
            }
            (None, Some(folder)) => ChallengeLayer::webroot(folder),
            (None, None) => ChallengeLayer::none(),
        };
        let readiness = Readiness::new();
        let first = built
            .keys
            .filter(|(_, store)| store.table().records().is_empty());
        let first = first.filter(|_| settings.data.is_some());
        let scopes = settings.first_scopes;
        let key = first.map(|(scheme, store)| mint_key(&scheme, &store, scopes, &clock));
        let service = Reloadable::new(built.service);
        let admin = settings.admin.socket.as_deref().map(AdminSocket::bind);
        let admin = admin.transpose()?;
        let page = settings.admin.page;
        let page = page.map(|address| PageListener::bind(address, metrics));
        let page = page.transpose()?;
        settings.upstreams.start_health_checks();
        let client_auth = tls.as_ref().and_then(|tls| tls.client_auth.clone());
        Ok(Self {
            https: https.map(|https| record(with_tls(https, tls.as_ref()))),
            address,
            http: http.map(record),
            challenges,
            shared: shared.clone(),
            health: health_layer(&settings, &readiness)?,
            readiness: readiness.clone(),
            admin,
            page,
            greeting: Greeting {
                address: settings.address_for_clients(address.port()),
                without_tls: (!settings.has_tls()).then(|| without_tls(&settings, address)),
                first_path: settings.first_path,
                upstreams: settings.upstreams.addresses().collect(),
                ordered: certificates
                    .as_ref()
                    .filter(|certificates| certificates.is_pending())
                    .map(Certificates::names),
                authority: tls.and_then(|tls| tls.authority),
                key: key.transpose()?,
                data: settings.data.as_ref().map(|data| data.path().to_owned()),
                key_file: None,
            },
            reloader: Arc::new(Reloader {
                settings: Mutex::new(settings),
                running,
                certificates,
                client_auth,
                service: service.clone(),
                shared,
                started: clock.unix_time(),
                clock,
                limits: ArcSwap::from_pointee(built.limits),
                readiness,
                addresses,
            }),
            audit,
            service,
        })
    }

    /// Returns what an operator should see: the address, and the key if this start made one.
    ///
    /// If standard output is no terminal, the key is written to a file with mode 0600, which the
    /// text names.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub fn greeting(&mut self, is_terminal: bool) -> Result<String, GatewayError> {
        if !is_terminal {
            self.greeting.hide_key()?;
        }
        Ok(self.greeting.to_string())
    }

    /// Returns the first address with TLS, with the port that was bound. If nothing listens with TLS,
    /// the first one without. `0.0.0.0:443` if there are only Unix sockets.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the address of the status page, with the port that was bound. `None` without `page` of `[admin]`.
    #[must_use]
    pub fn page_address(&self) -> Option<SocketAddr> {
        self.page.as_ref().map(PageListener::address)
    }

    /// Returns the key that a first start minted. `None` at later starts, and with a configuration
    /// file: its keys are made with `palisade key new`.
    ///
    /// It is a secret. Show it once, to the operator.
    #[must_use]
    pub fn first_key(&self) -> Option<&str> {
        self.greeting.key.as_ref().map(|key| key.key())
    }

    /// Returns what would have been refused so far. Empty unless the settings are
    /// [only in shadow](Settings::dangerously_only_shadow).
    #[must_use]
    pub fn shadow_report(&self) -> ShadowReport {
        self.shared.report.clone()
    }

    /// Returns what reads the configuration again while the gateway serves, for a handler of SIGHUP.
    ///
    /// Take it before [`serve`](Self::serve), which consumes the gateway.
    #[must_use]
    pub fn reloader(&self) -> Arc<Reloader> {
        Arc::clone(&self.reloader)
    }

    /// Serves until `stop` completes, then finishes the requests that are being served and closes
    /// the audit trail.
    ///
    /// WebSockets are closed at once. With a health check in the file, load balancers get 503 first, and the gateway goes on
    /// accepting for `drain_seconds` of `[server]`. How long requests may take to finish is
    /// `grace_seconds` of `[server.limits]`. Settlements and leases of limits have two seconds to reach their store.
    ///
    /// # Errors
    ///
    /// A socket or the audit trail fails.
    pub async fn serve(self, stop: impl Future<Output = ()>) -> Result<(), GatewayError> {
        let drain = self.reloader.settings.lock().await.server.drain;
        let (sender, receiver) = watch::channel(false);
        let drained = Drain::default();
        let admin = self
            .admin
            .map(|admin| tokio::spawn(admin.serve(Arc::clone(&self.reloader), drained.clone())));
        let page = self
            .page
            .map(|page| tokio::spawn(page.serve(Arc::clone(&self.reloader), receiver.clone())));
        let (service, in_clear) = listener_services(self.service, &self.health, &self.challenges);
        let build = |server: Option<ServerBuilder>| server.map(ServerBuilder::build).transpose();
        let https = build(self.https).map_err(listener_error)?;
        let http = build(self.http).map_err(listener_error)?;
        let https = maybe(https.map(|https| https.serve(service, until_stopped(receiver.clone()))));
        let http = maybe(http.map(|http| http.serve(in_clear, until_stopped(receiver))));
        let stop = async {
            tokio::select! {
                () = stop => {}
                () = drained.until_asked() => {}
            }
            self.readiness.drain();
            tokio::time::sleep(drain).await;
            sender.send_replace(true);
            self.shared.tunnels.stop();
            Ok(())
        };
        let served: io::Result<_> = async { tokio::try_join!(https, http, stop) }.await;
        self.shared.tunnels.until_none_open(TUNNELS_END).await;
        for task in admin.into_iter().chain(page) {
            task.abort();
        }
        limit_store::finish(&self.reloader.running).await;
        if let Some(audit) = &self.audit {
            audit.close().await.map_err(|error| {
                GatewayError::new(format_args!("the audit trail could not be closed: {error}"))
                    .with_kind(GatewayErrorKind::Audit)
            })?;
        }
        served.map(drop).map_err(listener_error)
    }
}

/// Serves with what the settings name for TLS.
fn with_tls(https: ServerBuilder, tls: Option<&Tls>) -> ServerBuilder {
    match tls {
        Some(tls) => https
            .tls(tls.certificates.clone())
            .client_auth(tls.client_auth.clone()),
        None => https,
    }
}

/// Serves, if there is a server.
async fn maybe<T>(served: Option<impl Future<Output = io::Result<T>>>) -> io::Result<()> {
    match served {
        Some(served) => served.await.map(drop),
        None => Ok(()),
    }
}
