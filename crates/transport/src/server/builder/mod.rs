//! Builds a [`Server`]: its limits, headers and trusted peers.
//!
//! `sockets` has where it listens, `protocols` what is spoken there: TLS, and HTTP/2 without it.

mod sockets;
mod protocols;

use std::{fmt, sync::Arc};

use self::sockets::SocketToOpen;
use crate::{
    client_address::TrustedProxies,
    headers::HeadersLayer,
    server::{
        Server,
        error::ServerBuildError,
        events::{ConnectionEvent, Observer},
        handle::ServerHandle,
        limits::Limits,
    },
    tls::{Acceptor, Certificates, ClientAuth},
};

/// Builds a [`Server`]. Returned by [`Server::builder`].
///
/// At least one of [`listen`](Self::listen), [`listen_unix`](Self::listen_unix) and
/// [`listener`](Self::listener) is required.
///
/// | setting | default |
/// |---|---|
/// | [`tls`](Self::tls) | no TLS |
/// | [`client_auth`](Self::client_auth) | clients are not asked for a certificate |
/// | [`tls13_only`](Self::tls13_only) | TLS 1.2 and 1.3 |
/// | [`http2_in_clear`](Self::http2_in_clear) | HTTP/2 over TLS only |
/// | [`limits`](Self::limits) | [`Limits::default`] |
/// | [`headers`](Self::headers) | [`HeadersLayer::api`] |
/// | [`trusted_proxies`](Self::trusted_proxies) | none |
/// | [`proxy_protocol`](Self::proxy_protocol) | from no peer |
/// | [`on_connection_event`](Self::on_connection_event) | no observer; events are logged |
/// | [`notify_service_manager`](Self::notify_service_manager) | systemd is not notified |
///
/// # Examples
///
/// ```
/// use palisade_transport::{TrustedProxies, server::{Limits, Server}};
///
/// // haproxy on this machine terminates TLS and sends the address of each client.
/// let server = Server::builder()
///     .listen("127.0.0.1:0".parse()?)
///     .proxy_protocol(TrustedProxies::loopback())
///     .limits(Limits::default().connections_per_address(64))
///     .build()?;
/// # drop(server);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a builder does nothing until `build` is called"]
pub struct ServerBuilder {
    sockets: Vec<SocketToOpen>,
    certificates: Vec<Certificates>,
    client_auth: Option<ClientAuth>,
    tls13_only: bool,
    pub(crate) http2_in_clear: bool,
    pub(crate) limits: Limits,
    pub(crate) proxies: TrustedProxies,
    pub(crate) proxy_protocol: TrustedProxies,
    pub(crate) headers: HeadersLayer,
    pub(crate) observer: Option<Observer>,
    pub(crate) notifies: bool,
}

impl ServerBuilder {
    /// Starts with the defaults and without a socket.
    pub(crate) fn new() -> Self {
        Self {
            sockets: Vec::new(),
            certificates: Vec::new(),
            client_auth: None,
            tls13_only: false,
            http2_in_clear: false,
            limits: Limits::default(),
            proxies: TrustedProxies::none(),
            proxy_protocol: TrustedProxies::none(),
            headers: HeadersLayer::api(),
            observer: None,
            notifies: false,
        }
    }

    /// Sets the limits. Default: [`Limits::default`].
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Sets the security headers of responses by the server itself. Default:
    /// [`HeadersLayer::api`].
    ///
    /// These are 400, 414 and 431 for invalid requests, which never reach the service.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_transport::{HeadersLayer, server::Server};
    ///
    /// // Also for what hyper responds by itself, such as 400 to bytes that are no request.
    /// let headers = HeadersLayer::builder().cross_origin_resources().build();
    /// let server = Server::builder().listen("127.0.0.1:0".parse()?).headers(headers);
    /// # drop(server);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn headers(mut self, headers: HeadersLayer) -> Self {
        self.headers = headers;
        self
    }

    /// Exempts trusted proxies from the limits per address and of HTTP/2 frames. Default: none.
    ///
    /// Each of their connections carries the requests of many clients. They still count among
    /// [all connections](Limits::connections). What they write into headers is read by
    /// [`ClientInfoLayer`](crate::ClientInfoLayer), which has its own list.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_transport::{ClientInfoLayer, ForwardedHeader, TrustedProxies, server::Server};
    ///
    /// // The same list twice: here for the limits of connections, there for `X-Forwarded-For`.
    /// let proxies = TrustedProxies::parse("10.0.0.0/8")?;
    /// let layer = ClientInfoLayer::behind(proxies.clone(), ForwardedHeader::XForwardedFor);
    /// let server = Server::builder().listen("127.0.0.1:0".parse()?).trusted_proxies(proxies);
    /// # drop((layer, server));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn trusted_proxies(mut self, proxies: TrustedProxies) -> Self {
        self.proxies = proxies;
        self
    }

    /// Reads the address of the client from a PROXY header, version 1 or 2, of these peers.
    /// Default: of none.
    ///
    /// Their connections must begin with a header, before TLS. A connection whose header is
    /// malformed, or does not come within [`Limits::proxy_header_timeout`], is closed. The
    /// address of the header is then the [`Peer`](palisade_core::Peer) of each request, and has
    /// the limits per address. Requests have a
    /// [`ProxyHeader`](crate::server::ProxyHeader) in their extensions.
    ///
    /// - `LOCAL`, `UNKNOWN` and `UNSPEC`: the peer is the proxy itself, for health checks.
    /// - Version 2 with `PP2_TYPE_SSL`: the scheme is HTTPS if the client used TLS towards the
    ///   proxy.
    /// - Other peers are clients: nothing they send is read as a header. One that sends a
    ///   header gets 400.
    ///
    /// Every host of these networks can choose the address that it is seen by, so list proxies
    /// only.
    pub fn proxy_protocol(mut self, from: TrustedProxies) -> Self {
        self.proxy_protocol = from;
        self
    }

    /// Calls a function when connections are refused, closed or fail, for the audit trail and
    /// metrics.
    ///
    /// Events are combined by network and kind: see [`ConnectionEvent`]. The function runs in
    /// the task of the connection, so it must not block. A second call replaces the function.
    /// Default: none.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::{Arc, atomic::{AtomicU64, Ordering}};
    ///
    /// use palisade_transport::server::{ConnectionEventKind, Server};
    ///
    /// let floods = Arc::new(AtomicU64::new(0));
    /// let counter = Arc::clone(&floods);
    /// let server = Server::builder().listen("127.0.0.1:0".parse()?).on_connection_event(move |event| {
    ///     if event.kind == ConnectionEventKind::ResetFlood {
    ///         counter.fetch_add(event.count, Ordering::Relaxed);
    ///     }
    /// });
    /// # drop(server);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn on_connection_event(
        mut self,
        observer: impl Fn(&ConnectionEvent) + Send + Sync + 'static,
    ) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    /// Tells systemd when the server accepts connections (`READY=1`) and when it begins to stop
    /// (`STOPPING=1`), and answers its watchdog. Default: off.
    ///
    /// For units with `Type=notify`; without one it has no effect. With several servers in one
    /// process, turn it on for the one that starts last. For reloads see
    /// [`ServiceManager`](crate::server::ServiceManager).
    pub fn notify_service_manager(mut self) -> Self {
        self.notifies = true;
        self
    }

    /// Opens the sockets and checks the settings. Clients that connect from now on wait until
    /// [`Server::serve`].
    ///
    /// # Errors
    ///
    /// - [`ServerBuildError::Bind`] if an address is in use, not of this machine, or not
    ///   permitted;
    /// - [`ServerBuildError::ClientAuthWithoutTls`] if clients are asked for certificates, and
    ///   there is no TLS;
    /// - [`ServerBuildError::Listen`] if the backlog cannot be set;
    /// - [`ServerBuildError::NoListener`] if there is no socket;
    /// - [`ServerBuildError::Tls`] if the TLS library cannot be used.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_transport::server::{Server, ServerBuildError};
    ///
    /// let error = Server::builder().build().unwrap_err();
    /// assert!(matches!(error, ServerBuildError::NoListener));
    /// // An address of a network that this machine is not in:
    /// let error = Server::builder().listen("192.0.2.1:8443".parse()?).build().unwrap_err();
    /// assert!(error.to_string().contains("192.0.2.1:8443"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn build(mut self) -> Result<Server, ServerBuildError> {
        let sockets = std::mem::take(&mut self.sockets).into_iter();
        let listeners: Vec<_> = sockets.map(SocketToOpen::open).collect::<Result<_, _>>()?;
        if listeners.is_empty() {
            return Err(ServerBuildError::NoListener);
        }
        for listener in &listeners {
            let backlog = listener.set_backlog(self.limits.backlog);
            backlog.map_err(ServerBuildError::Listen)?;
        }
        let tls = match self.certificates.as_slice() {
            [] if self.client_auth.is_some() => return Err(ServerBuildError::ClientAuthWithoutTls),
            [] => None,
            certificates => {
                let client_auth = self.client_auth.clone();
                let acceptor = Acceptor::new(certificates, self.tls13_only, client_auth);
                Some(acceptor.map_err(|_| ServerBuildError::Tls)?)
            }
        };
        Ok(Server {
            listeners,
            tls,
            handle: ServerHandle::new(
                std::mem::take(&mut self.certificates),
                self.client_auth.take(),
            ),
            settings: self,
        })
    }
}

impl fmt::Debug for ServerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServerBuilder")
            .field("sockets", &self.sockets)
            .field("limits", &self.limits)
            .field("tls13_only", &self.tls13_only)
            .field("proxies", &self.proxies)
            .field("proxy_protocol", &self.proxy_protocol)
            .finish_non_exhaustive()
    }
}
