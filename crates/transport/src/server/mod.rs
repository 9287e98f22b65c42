//! A server for one service over HTTP/1 and HTTP/2, with or without TLS.
//!
//! Its [`Limits`] protect it from slow and hostile clients:
//!
//! - connections are limited, in total and per client address;
//! - the TLS handshake, request heads, bodies and responses have timeouts and minimum rates;
//! - HTTP/2 control frames and resets are limited.
//!
//! Refused, closed and failed connections are reported as [`ConnectionEvent`]s and counted in
//! [`ServerStats`].
//!
//! The server stores the [`Peer`] in every request, where
//! [`ClientInfoLayer`](crate::ClientInfoLayer) reads it. It does not check hosts:
//! [`HostLayer`](crate::HostLayer) refuses missing and malformed ones, so that they are recorded.
//!
//! Certificates come from files ([`Certificates::from_pem_files`]), from an authority such as Let's
//! Encrypt (`Acme`, feature `acme`), or, for development, from a [`DevAuthority`]. They are renewed
//! without a restart. Clients can be asked for certificates too: [`ClientAuth`].
//!
//! ```no_run
//! use axum::{Router, routing::get};
//! use palisade_transport::server::{DevAuthority, Limits, Server};
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let app = Router::new().route("/", get(async || "hello"));
//!
//! let authority = DevAuthority::open_or_create("data/tls")?;
//! let server = Server::builder()
//!     .listen("127.0.0.1:8443".parse()?)
//!     .tls(authority.certificates()?)
//!     .limits(Limits::default().connections_per_address(64))
//!     .build()?;
//! println!("https://{} ({})", server.local_addr(), authority.fingerprint());
//!
//! let ctrl_c = async { drop(tokio::signal::ctrl_c().await) };
//! server.serve(app, ctrl_c).await?;
//! # Ok(()) }
//! ```

mod health;
#[cfg(feature = "acme")]
mod challenge_layer;
mod outer_layer;
mod readiness;
mod builder;
mod accept;
mod handle;
mod connection;
mod proxy_protocol;
mod listener;
mod stats;
mod slots;
mod budgets;
mod deadlines;
mod events;
mod limits;
mod descriptors;
mod forward_io;
mod shutdown;
mod service_manager;
mod error;

use std::{
    error::Error,
    fmt,
    future::Future,
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
};

use http::{Request, Response};
use http_body::Body;
use palisade_core::{Peer, Scheme};
use palisade_internal::log_limit::LogLimit;
use tokio::{task::JoinSet, time::Instant};
use tower_service::Service;

#[cfg(feature = "acme")]
pub use self::challenge_layer::ChallengeLayer;
use self::{
    accept::Acceptor,
    connection::{OwnResponses, Shared},
    events::Events,
    listener::AcceptSockets,
    shutdown::finish,
    slots::Slots,
};
pub use self::{
    builder::ServerBuilder,
    connection::{ReceiveError, ReceivedBody},
    error::ServerBuildError,
    events::{ClientNetwork, ConnectionEvent, ConnectionEventKind},
    handle::ServerHandle,
    health::{HealthLayer, HealthLayerBuilder},
    limits::Limits,
    listener::{ListenAddress, Listener},
    outer_layer::{OuterLayerBody, OuterLayerFuture, OuterLayerService},
    proxy_protocol::{ProxyHeader, ProxyHeaderError},
    readiness::Readiness,
    service_manager::ServiceManager,
    shutdown::Stopped,
    stats::ServerStats,
};
use crate::tls;
#[cfg(feature = "acme")]
pub use crate::tls::{
    Acme, AcmeBuilder, AcmeError, AcmeEvent, AcmeSettingError, AcmeStatus, ChallengeKind,
    LETS_ENCRYPT, LETS_ENCRYPT_STAGING, Renewal,
};
pub use crate::tls::{
    CertificateError, CertificateEvent, Certificates, CertificatesBuilder, ClientAuth,
    ClientAuthBuilder, DevAuthority, DevAuthorityBuilder, Fingerprint, MakeProblem,
};

/// Log directives that silence the libraries under this server, for `tracing-subscriber`'s
/// `EnvFilter`.
///
/// h2, hyper and rustls write warnings that a client can cause without limit. This server
/// reports the same problems as [`ConnectionEvent`]s, limited in number. Add these directives
/// to the default filter of an application; they do not change its own targets.
///
/// ```
/// let filter = format!("info,{}", palisade_transport::server::QUIET_DEPENDENCIES);
/// assert!(filter.contains("h2=error"));
/// ```
pub const QUIET_DEPENDENCIES: &str =
    "h2=error,hyper=error,hyper_util=error,rustls=error,tokio_rustls=error";

/// Sockets and the settings of their connections.
///
/// Create it with [`builder`](Self::builder), and run it with [`serve`](Self::serve).
///
/// # Shutdown
/// First call [`Readiness::drain`], so that load balancers stop sending requests (see
/// [`HealthLayer`]). Then let the `stop` future of [`serve`](Self::serve) complete, or call
/// [`ServerHandle::shutdown`]. Open requests have [`Limits::grace`] to finish.
///
/// # Examples
///
/// ```no_run
/// use axum::{Router, routing::get};
/// use palisade_transport::server::Server;
///
/// # async fn run() -> Result<(), Box<dyn std::error::Error>> {
/// let app = Router::new().route("/", get(async || "hello"));
/// let server = Server::builder().listen("127.0.0.1:8080".parse()?).build()?;
/// let stopped = server.serve(app, async { drop(tokio::signal::ctrl_c().await) }).await?;
/// println!("{} connections were cut", stopped.cut);
/// # Ok(()) }
/// ```
///
/// Over TLS, with longer deadlines, and with a port that was in use:
///
/// ```
/// use std::time::Duration;
/// use palisade_transport::server::{DevAuthority, Limits, Server};
///
/// # let folder = tempfile::tempdir()?;
/// let certificates = DevAuthority::open_or_create(folder.path())?.certificates()?;
/// let server = Server::builder()
///     .listen("127.0.0.1:0".parse()?)
///     .tls(certificates)
///     .limits(Limits::default().grace(Duration::from_secs(60)))
///     .build()?;
///
/// let taken = Server::builder().listen(server.local_addr()).build();
/// assert!(taken.is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a server does nothing until `serve` is awaited"]
pub struct Server {
    listeners: Vec<Listener>,
    tls: Option<tls::Acceptor>,
    handle: ServerHandle,
    settings: ServerBuilder,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("listeners", &self.listeners)
            .field("limits", &self.settings.limits)
            .finish_non_exhaustive()
    }
}

impl Server {
    /// Starts a builder with the defaults and without a socket.
    pub fn builder() -> ServerBuilder {
        ServerBuilder::new()
    }

    /// Returns the address of the first TCP socket, with the port that the system selected for
    /// port 0.
    ///
    /// `0.0.0.0:0` if the server has Unix sockets only: see [`addresses`](Self::addresses).
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.addresses()
            .find_map(ListenAddress::as_tcp)
            .unwrap_or_else(unspecified)
    }

    /// Returns the addresses of all sockets, in the order in which they were added.
    pub fn addresses(&self) -> impl Iterator<Item = &ListenAddress> {
        self.listeners.iter().map(Listener::address)
    }

    /// Returns what controls the server while it runs.
    #[must_use]
    pub fn handle(&self) -> ServerHandle {
        self.handle.clone()
    }

    /// Returns counters that can be read while the server runs. They start at 0.
    #[must_use]
    pub fn stats(&self) -> ServerStats {
        self.handle.stats()
    }

    /// Serves until `stop` completes or [`ServerHandle::shutdown`] is called, then lets open
    /// requests finish.
    ///
    /// At that point the sockets are closed, idle connections end, and open requests have
    /// [`Limits::grace`] to finish. Upgraded connections (WebSocket, for example) are not
    /// waited for.
    ///
    /// A failure of one connection never ends the server.
    ///
    /// # Errors
    ///
    /// A socket cannot be registered with the runtime.
    pub async fn serve<S, B>(
        self,
        service: S,
        stop: impl Future<Output = ()>,
    ) -> io::Result<Stopped>
    where
        S: Service<Request<ReceivedBody>, Response = Response<B>> + Clone + Send + 'static,
        S::Future: Send,
        S::Error: Into<Box<dyn Error + Send + Sync>>,
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let address = self.local_addr();
        let mut sockets = AcceptSockets::register(self.listeners)?;
        let settings = self.settings;
        let limits = Arc::new(settings.limits);
        let descriptors = descriptors::raise_limit();
        if let Some(descriptors) = descriptors {
            palisade_internal::open_sockets::set_descriptor_limit(descriptors);
        }
        let most = descriptors::connections_under(descriptors, limits.connections);
        let slots = Slots::new(most, limits.connections_per_address);
        let events = Events::new(settings.observer);
        let handle = self.handle;
        handle
            .counters()
            .begin(Arc::clone(&events), Arc::clone(&slots));
        let scheme = match &self.tls {
            Some(_) => Scheme::Https,
            None => Scheme::Http,
        };
        let own_responses = OwnResponses::new(&settings.headers, Peer::new(address, scheme));
        let shared = Shared {
            http1: connection::http1(&limits),
            http2: connection::http2(&limits),
            limits: Arc::clone(&limits),
            tls: self.tls,
            http2_in_clear: settings.http2_in_clear,
            own_responses: Arc::new(own_responses),
            events: Arc::clone(&events),
            stats: Arc::clone(handle.counters()),
            proxies: settings.proxies,
            proxy_protocol: settings.proxy_protocol,
        };
        let mut acceptor = Acceptor {
            shared: Arc::new(shared),
            slots,
            service,
            started: Instant::now(),
            log: LogLimit::per_minute(),
        };
        if settings.notifies {
            ServiceManager::ready();
        }
        let mut is_stopped = handle.stop_receiver();
        let mut tasks = JoinSet::new();
        tokio::select! {
            () = acceptor.accept(&mut sockets, &mut tasks, &handle) => {}
            () = tls::keep_all_fresh(handle.certificates(), handle.client_auth()) => {}
            () = events.keep_reporting() => {}
            () = service_manager::answer_watchdog(settings.notifies) => {}
            () = connection::wait_for_stop(&mut is_stopped) => {}
            () = stop => {}
        }
        // From now on the system refuses new connections.
        drop(sockets);
        handle.shutdown();
        if settings.notifies {
            ServiceManager::stopping();
        }
        let stopped = finish(tasks, limits.grace).await;
        events.report_all();
        Ok(stopped)
    }
}

/// The address of a server without a TCP socket.
fn unspecified() -> SocketAddr {
    (Ipv4Addr::UNSPECIFIED, 0).into()
}
