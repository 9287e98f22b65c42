//! A server for one service over HTTP/1 and HTTP/2, with TLS or without, that slow, greedy and
//! hostile clients cannot wear down.
//!
//! It sets [`Peer`](palisade_core::Peer) in every request, which [`ClientInfoLayer`](crate::ClientInfoLayer)
//! reads. Missing, doubled and malformed hosts are turned away by [`HostLayer`](crate::HostLayer),
//! inside the machine, where they are recorded.
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

mod accept;
mod activity;
mod body;
mod connection;
mod drive;
mod error;
mod limits;
mod service;
mod slots;
mod stats;
mod stream;
mod tls;
mod wiring;

use std::{
    error::Error,
    future::Future,
    io,
    net::{SocketAddr, TcpListener as StdListener},
    sync::Arc,
};

use http::{Request, Response};
use http_body::Body;
use tokio::{net::TcpListener, sync::watch, task::JoinSet};
use tokio_rustls::TlsAcceptor;
use tower_service::Service;

use self::{
    accept::{Host, finish},
    slots::Slots,
    stats::Stats,
    wiring::Wiring,
};
pub use self::{
    body::{ReceiveError, ReceivedBody},
    error::ServerError,
    limits::Limits,
    stats::ServerStats,
    tls::{CertificateError, CertificateEvent, Certificates, DevAuthority, Fingerprint},
};
use crate::TrustedProxies;

/// A socket that listens, and what is to be done with those who come.
#[derive(Debug)]
#[must_use = "a server does nothing until `serve` is awaited"]
pub struct Server {
    listener: StdListener,
    address: SocketAddr,
    certificates: Option<Certificates>,
    tls13_only: bool,
    http2_in_clear: bool,
    limits: Limits,
    proxies: TrustedProxies,
    stats: Arc<Stats>,
    slots: Arc<Slots>,
}

/// How a server came to its end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Stopped {
    /// Connections that were cut because the time of grace was over.
    pub cut: usize,
}

impl Server {
    /// Takes the address. Clients that connect from now on wait until [`serve`](Self::serve).
    ///
    /// # Errors
    /// The address is taken, not this machine's, or not permitted.
    pub fn bind(address: SocketAddr) -> Result<Self, ServerError> {
        let bound = StdListener::bind(address).and_then(Self::on);
        bound.map_err(|source| ServerError::Bind { address, source })
    }

    /// Takes a socket that listens already, handed over by a service manager or an older process.
    ///
    /// # Errors
    /// The socket cannot be used.
    pub fn from_listener(listener: StdListener) -> Result<Self, ServerError> {
        Self::on(listener).map_err(ServerError::Listen)
    }

    fn on(listener: StdListener) -> io::Result<Self> {
        listener.set_nonblocking(true)?;
        let limits = Limits::default();
        Ok(Self {
            address: listener.local_addr()?,
            listener,
            certificates: None,
            tls13_only: false,
            http2_in_clear: false,
            slots: Slots::new(&limits),
            limits,
            proxies: TrustedProxies::none(),
            stats: Arc::default(),
        })
    }

    /// Speaks TLS 1.2 and 1.3 with these certificates, and HTTP/2 where the client can. Without,
    /// the server speaks HTTP/1 in clear.
    pub fn with_tls(mut self, certificates: Certificates) -> Self {
        self.certificates = Some(certificates);
        self
    }

    /// Speaks TLS 1.3 only. Clients older than about 2019 are left out.
    pub fn tls13_only(mut self) -> Self {
        self.tls13_only = true;
        self
    }

    /// Also speaks HTTP/2 in clear with clients that begin with it: gRPC behind a proxy that
    /// terminates TLS.
    pub fn http2_in_clear(mut self) -> Self {
        self.http2_in_clear = true;
        self
    }

    /// Replaces the limits.
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.slots = Slots::new(&limits);
        self.limits = limits;
        self
    }

    /// Does not count connections of these addresses by address: each speaks for many clients.
    pub fn behind(mut self, proxies: TrustedProxies) -> Self {
        self.proxies = proxies;
        self
    }

    /// Returns the address, with the port that the system chose where it was asked for port 0.
    #[must_use]
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Returns counters that can be read while the server runs.
    #[must_use]
    pub fn stats(&self) -> ServerStats {
        ServerStats {
            stats: Arc::clone(&self.stats),
            slots: Arc::clone(&self.slots),
        }
    }

    /// Serves until `stop` is over, then lets open requests finish within the time of grace.
    ///
    /// Upgraded connections belong to those who upgraded them and are not waited for.
    ///
    /// # Errors
    /// The TLS settings or the socket cannot be used.
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
        let listener = TcpListener::from_std(self.listener).map_err(ServerError::Listen)?;
        let tls = self.certificates.as_ref().map(|certificates| {
            tls::server_config(certificates, self.tls13_only).map(TlsAcceptor::from)
        });
        let tls = tls
            .transpose()
            .map_err(|error| ServerError::Tls(error.into()))?;
        let wiring = Wiring::new(self.limits, tls, self.http2_in_clear, self.stats);
        let mut host = Host {
            wiring: Arc::new(wiring),
            slots: self.slots,
            proxies: self.proxies,
            service,
        };
        let (tell, told) = watch::channel(false);
        let mut tasks = JoinSet::new();
        let refresh = tls::keep_fresh(self.certificates);
        tokio::select! {
            () = host.accept(&listener, &mut tasks, &told) => {}
            () = refresh => {}
            () = stop => {}
        }
        // Whoever connects from now on is told by the system that nobody listens.
        drop(listener);
        tell.send_replace(true);
        Ok(finish(tasks, host.wiring.limits.grace).await)
    }
}
