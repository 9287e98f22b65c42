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
//! Certificates come from files ([`Certificates::from_pem_files`]) or, for development, from a
//! [`DevAuthority`]. They are renewed without a restart.
//!
//! ```no_run
//! use axum::{Router, routing::get};
//! use palisade_transport::server::{DevAuthority, Limits, Server};
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let app = Router::new().route("/", get(async || "hello"));
//!
//! let authority = DevAuthority::open_or_create("data/tls")?;
//! let server = Server::bind("127.0.0.1:8443".parse()?)?
//!     .with_tls(authority.certificates()?)
//!     .with_limits(Limits::default().connections_per_address(64));
//! println!("https://{} ({})", server.local_addr(), authority.fingerprint());
//!
//! let ctrl_c = async { drop(tokio::signal::ctrl_c().await) };
//! server.serve(app, ctrl_c).await?;
//! # Ok(()) }
//! ```

mod health;
mod accept;
mod connection;
mod stats;
mod slots;
mod budgets;
mod deadlines;
mod events;
mod limits;
mod descriptors;
mod shutdown;
mod error;

use std::{
    error::Error,
    fmt,
    future::Future,
    io,
    net::{SocketAddr, TcpListener as StdListener},
    sync::Arc,
};

use http::{Request, Response};
use http_body::Body;
use palisade_core::{Peer, Scheme};
use palisade_internal::log_limit::LogLimit;
use tokio::{net::TcpListener, sync::watch, task::JoinSet, time::Instant};
use tokio_rustls::TlsAcceptor;
use tower_service::Service;

use self::{
    accept::Acceptor,
    connection::{OwnResponses, Shared},
    events::{Events, Observer},
    shutdown::finish,
    slots::Slots,
    stats::Stats,
};
pub use self::{
    connection::{ReceiveError, ReceivedBody},
    error::ServerError,
    events::{ClientNetwork, ConnectionEvent, ConnectionEventKind},
    health::{HealthBody, HealthFuture, HealthLayer, HealthService, Readiness},
    limits::Limits,
    shutdown::Stopped,
    stats::ServerStats,
};
pub use crate::tls::{CertificateError, CertificateEvent, Certificates, DevAuthority, Fingerprint};
use crate::{client_address::TrustedProxies, headers::HeadersLayer, tls};

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

/// A listening socket and the settings of its connections.
///
/// Create it with [`bind`](Self::bind) or [`from_listener`](Self::from_listener), and run it
/// with [`serve`](Self::serve).
///
/// | setting | default |
/// |---|---|
/// | [`with_tls`](Self::with_tls) | no TLS |
/// | [`tls13_only`](Self::tls13_only) | TLS 1.2 and 1.3 |
/// | [`http2_in_clear`](Self::http2_in_clear) | HTTP/2 over TLS only |
/// | [`with_limits`](Self::with_limits) | [`Limits::default`] |
/// | [`with_headers`](Self::with_headers) | [`HeadersLayer::api`] |
/// | [`behind`](Self::behind) | no trusted proxy |
/// | [`on_connection_event`](Self::on_connection_event) | no observer; events are logged |
///
/// # Shutdown
/// First call [`Readiness::drain`], so that load balancers stop sending requests (see
/// [`HealthLayer`]). Then let the `stop` future of [`serve`](Self::serve) complete. Open
/// requests have [`Limits::grace`] to finish.
#[must_use = "a server does nothing until `serve` is awaited"]
pub struct Server {
    listener: StdListener,
    address: SocketAddr,
    certificates: Option<Certificates>,
    tls13_only: bool,
    http2_in_clear: bool,
    limits: Limits,
    proxies: TrustedProxies,
    headers: HeadersLayer,
    observer: Option<Observer>,
    stats: Arc<Stats>,
    /// Whether another process opened the socket; its backlog is not changed then.
    is_handed_over: bool,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server")
            .field("address", &self.address)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

impl Server {
    /// Listens on an address. Clients that connect from now on wait until
    /// [`serve`](Self::serve).
    ///
    /// Port 0 lets the system select a port: see [`local_addr`](Self::local_addr).
    ///
    /// # Errors
    /// [`ServerError::Bind`] if the address is in use, not of this machine, or not permitted.
    /// [`ServerError::Listen`] if the backlog cannot be set.
    pub fn bind(address: SocketAddr) -> Result<Self, ServerError> {
        let bound = StdListener::bind(address).and_then(Self::on);
        let server = bound.map_err(|source| ServerError::Bind { address, source })?;
        server.set_backlog()?;
        Ok(server)
    }

    /// Uses a socket that listens already, from a service manager or an older process.
    ///
    /// Its backlog is not changed.
    ///
    /// # Errors
    /// [`ServerError::Listen`] if the socket cannot be used.
    pub fn from_listener(listener: StdListener) -> Result<Self, ServerError> {
        let server = Self::on(listener).map_err(ServerError::Listen)?;
        Ok(Self {
            is_handed_over: true,
            ..server
        })
    }

    /// Builds the server with the defaults.
    fn on(listener: StdListener) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        Ok(Self {
            address: listener.local_addr()?,
            listener,
            certificates: None,
            tls13_only: false,
            http2_in_clear: false,
            limits: Limits::default(),
            proxies: TrustedProxies::none(),
            headers: HeadersLayer::api(),
            observer: None,
            stats: Arc::default(),
            is_handed_over: false,
        })
    }

    /// Uses TLS 1.2 and 1.3 with these certificates, and HTTP/2 if the client supports it.
    ///
    /// Default: HTTP/1 in clear.
    pub fn with_tls(mut self, certificates: Certificates) -> Self {
        self.certificates = Some(certificates);
        self
    }

    /// Accepts TLS 1.3 only. Default: 1.2 and 1.3. Clients from before about 2019 cannot
    /// connect then.
    pub fn tls13_only(mut self) -> Self {
        self.tls13_only = true;
        self
    }

    /// Also accepts HTTP/2 in clear from clients that start with it. Default: HTTP/1 only.
    ///
    /// For gRPC behind a proxy that terminates TLS. Has no effect with TLS.
    pub fn http2_in_clear(mut self) -> Self {
        self.http2_in_clear = true;
        self
    }

    /// Sets the limits. Default: [`Limits::default`].
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets the security headers of responses by the server itself. Default:
    /// [`HeadersLayer::api`].
    ///
    /// These are 400, 414 and 431 for invalid requests, which never reach the service.
    pub fn with_headers(mut self, headers: HeadersLayer) -> Self {
        self.headers = headers;
        self
    }

    /// Calls a function when connections are refused, closed or fail, for the audit trail and
    /// metrics.
    ///
    /// Events are combined by network and kind: see [`ConnectionEvent`]. The function runs in
    /// the task of the connection, so it must not block. A second call replaces the function.
    /// Default: none.
    pub fn on_connection_event(
        mut self,
        observer: impl Fn(&ConnectionEvent) + Send + Sync + 'static,
    ) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    /// Exempts trusted proxies from the limits per address and of HTTP/2 frames. Default: none.
    ///
    /// Each of their connections carries the requests of many clients. They still count among
    /// [all connections](Limits::connections).
    pub fn behind(mut self, proxies: TrustedProxies) -> Self {
        self.proxies = proxies;
        self
    }

    /// Returns the address, with the port that the system selected for port 0.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Returns counters that can be read while the server runs. They start at 0.
    #[must_use]
    pub fn stats(&self) -> ServerStats {
        ServerStats {
            stats: Arc::clone(&self.stats),
        }
    }

    /// Sets the backlog: calling `listen` again changes it.
    fn set_backlog(&self) -> Result<(), ServerError> {
        #[cfg(unix)]
        rustix::net::listen(&self.listener, i32::from(self.limits.backlog))
            .map_err(|error| ServerError::Listen(error.into()))?;
        Ok(())
    }

    /// Serves until `stop` completes, then lets open requests finish.
    ///
    /// At that point the socket is closed, idle connections end, and open requests have
    /// [`Limits::grace`] to finish. Upgraded connections (WebSocket, for example) are not
    /// waited for.
    ///
    /// A failure of one connection never ends the server.
    ///
    /// # Errors
    /// [`ServerError::Tls`] if the TLS settings cannot be used. [`ServerError::Listen`] if the
    /// socket cannot.
    pub async fn serve<S, B>(
        self,
        service: S,
        stop: impl Future<Output = ()>,
    ) -> Result<Stopped, ServerError>
    where
        S: Service<Request<ReceivedBody>, Response = Response<B>> + Clone + Send + 'static,
        S::Future: Send,
        S::Error: Into<Box<dyn Error + Send + Sync>>,
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        if !self.is_handed_over {
            self.set_backlog()?;
        }
        let tls = self.certificates.as_ref().map(|certificates| {
            tls::server_config(certificates, self.tls13_only).map(TlsAcceptor::from)
        });
        let tls = tls
            .transpose()
            .map_err(|error| ServerError::Tls(error.into()))?;
        let listener = TcpListener::from_std(self.listener).map_err(ServerError::Listen)?;
        let most =
            descriptors::connections_under(descriptors::raise_limit(), self.limits.connections);
        let slots = Slots::new(most, self.limits.connections_per_address);
        let events = Events::new(self.observer);
        self.stats.begin(Arc::clone(&events), Arc::clone(&slots));
        let scheme = match &tls {
            Some(_) => Scheme::Https,
            None => Scheme::Http,
        };
        let own_responses = OwnResponses::new(&self.headers, Peer::new(self.address, scheme));
        let limits = Arc::new(self.limits);
        let shared = Shared {
            http1: connection::http1(&limits),
            http2: connection::http2(&limits),
            limits: Arc::clone(&limits),
            tls,
            http2_in_clear: self.http2_in_clear,
            own_responses: Arc::new(own_responses),
            events: Arc::clone(&events),
            stats: self.stats,
        };
        let mut acceptor = Acceptor {
            shared: Arc::new(shared),
            slots,
            proxies: self.proxies,
            service,
            started: Instant::now(),
            log: LogLimit::per_minute(),
        };
        let (stop_sender, stop_receiver) = watch::channel(false);
        let mut tasks = JoinSet::new();
        let refresh = tls::keep_fresh(self.certificates);
        tokio::select! {
            () = acceptor.accept(&listener, &mut tasks, &stop_receiver) => {}
            () = refresh => {}
            () = events.keep_reporting() => {}
            () = stop => {}
        }
        // From now on the system refuses new connections.
        drop(listener);
        stop_sender.send_replace(true);
        let stopped = finish(tasks, limits.grace).await;
        events.report_all();
        Ok(stopped)
    }
}
