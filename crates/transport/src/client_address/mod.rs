//! The client's address, scheme and host, decided once for the whole stack.
//!
//! [`ClientInfoLayer`] stores the decision in the [`SecurityContext`]; the other layers read it
//! there. Without a peer address the request fails with 500. Ambiguous or malformed heads are
//! refused with 400.

mod builder;
mod resolve;
mod header;
mod strip;
mod malformed;
mod peer;
mod source;
mod proxies;

use std::{borrow::Cow, sync::Arc};

use http::{HeaderName, StatusCode, request::Parts};
use palisade_core::{ClientInfo, Fact, Guard, Peer, Rejection, SecurityContext, Verdict, layer};

pub use self::{builder::ClientInfoLayerBuilder, proxies::TrustedProxies, source::ForwardedHeader};
use self::{header::Ambiguous, resolve::Decision, source::Source};
use crate::host::HostName;

/// Determines the client's address, scheme and host, once per request.
///
/// The result is a [`ClientInfo`] in the [`SecurityContext`]. All other layers read it from
/// there, so this layer must be outside of them.
///
/// # Which address is the client's
/// The peer of the connection is the client, unless it is a trusted proxy. For a trusted proxy
/// one header is read from right to left, over trusted hops, to the first address that is not
/// trusted. A hop that cannot be read (`unknown`, `_hidden`, other text) is never skipped: the
/// client is then the proxy that wrote it. At most 16 trusted hops are followed.
///
/// Scheme and host come from the proxy that wrote the client's address. Where several proxies
/// append to `X-Forwarded-Proto` (or `X-Forwarded-Host`), the list must have one value for each
/// trusted proxy. A single value is always accepted.
///
/// # What is removed
/// Forwarding headers that were not read are removed, so that no handler can use forged ones.
/// These are headers with an address, scheme, host or path, such as `X-Real-IP` and
/// `X-Original-URL`. From a peer that is no trusted proxy, headers with an identity or a client
/// certificate are removed as well, such as `X-Remote-User`.
///
/// # Refusals
///
/// | status | code | when |
/// |---|---|---|
/// | 400 | `forwarded_ambiguous` | a forwarding header has several values where one is expected |
/// | 400 | `forwarded_host_invalid` | the forwarded host is not a host |
/// | 400 | `request_malformed` | blanks around a field value (HTTP/2), or another scheme |
/// | 500 | `misconfigured` | the server did not store the peer address |
///
/// # Examples
///
/// ```
/// use palisade_transport::{ClientInfoLayer, ForwardedHeader, TrustedProxies};
///
/// // Clients connect directly.
/// let direct = ClientInfoLayer::direct();
///
/// // nginx on this machine, with `proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for`
/// // and `proxy_set_header X-Forwarded-Proto $scheme`.
/// let behind_nginx =
///     ClientInfoLayer::behind(TrustedProxies::loopback(), ForwardedHeader::XForwardedFor);
///
/// // The same nginx, which also sets `X-Forwarded-Host $host`.
/// let with_host = ClientInfoLayer::builder()
///     .behind(TrustedProxies::loopback(), ForwardedHeader::XForwardedFor)
///     .accept_forwarded_host()
///     .build();
/// ```
///
/// # Deployment
/// Each trusted proxy must write the configured header itself, and `X-Forwarded-Proto` too:
/// most proxies pass on what a client sent. Do not trust a network from which clients can
/// connect.
///
/// The peer comes from [`Peer`] in the request's extensions, which `palisade_transport::server`
/// sets. Other servers:
///
/// - feature `axum`: `ConnectInfo<SocketAddr>`; the scheme is HTTP, since it does not tell of TLS;
/// - feature `tonic`: `TcpConnectInfo` and `TlsConnectInfo`;
/// - any other server inserts a [`Peer`] itself.
#[derive(Clone, Debug)]
#[must_use]
pub struct ClientInfoLayer {
    config: Arc<Config>,
}

layer!(ClientInfoLayer);

/// The settings of the layer, shared by its clones. The refusals are rendered once, at start.
#[derive(Clone, Debug)]
struct Config {
    proxies: TrustedProxies,
    source: Source,
    ambiguous: Rejection,
    bad_host: Rejection,
    malformed: Rejection,
}

impl ClientInfoLayer {
    /// Uses the peer of the connection as the client.
    ///
    /// For a server that clients reach without a proxy. All forwarding headers are removed. The
    /// same as `builder().build()`.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_transport::ClientInfoLayer;
    ///
    /// let layer = ClientInfoLayer::direct();
    /// assert!(layer.proxies().is_empty());
    /// ```
    pub fn direct() -> Self {
        Self::builder().build()
    }

    /// Accepts what these proxies write into this header. The same as
    /// `builder().behind(proxies, header).build()`.
    ///
    /// The scheme comes from `X-Forwarded-Proto`, and a forwarded host is not read: see
    /// [`ClientInfoLayerBuilder`].
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_transport::{ClientInfoLayer, ForwardedHeader, TrustedProxies};
    ///
    /// let proxies = TrustedProxies::parse("10.0.0.0/8")?;
    /// let layer = ClientInfoLayer::behind(proxies, ForwardedHeader::Forwarded);
    /// # let _ = layer;
    /// # Ok::<(), palisade_transport::TransportBuildError>(())
    /// ```
    pub fn behind(proxies: TrustedProxies, header: ForwardedHeader) -> Self {
        Self::builder().behind(proxies, header).build()
    }

    /// Starts to configure the layer. Default: that of [`direct`](Self::direct).
    pub fn builder() -> ClientInfoLayerBuilder {
        ClientInfoLayerBuilder::new()
    }

    /// Returns the trusted proxies. Empty for [`direct`](Self::direct).
    pub fn proxies(&self) -> &TrustedProxies {
        &self.config.proxies
    }
}

impl Guard for ClientInfoLayer {
    type Pass = ();

    fn name(&self) -> &'static str {
        "client"
    }

    fn admit(&self, cx: &SecurityContext, head: &mut Parts) -> Verdict<()> {
        let Some(peer) = peer::of(&head.extensions) else {
            return Rejection::misconfigured(
                "no peer address: serve with `palisade_transport::server`, or with axum's \
                 `into_make_service_with_connect_info` or tonic and the feature of that name",
            )
            .into();
        };
        let client = match self.config.determine(cx, peer, head) {
            Ok(client) => client,
            Err(rejection) => return rejection.into(),
        };
        cx.set_client(client);
        match malformed::check(head) {
            Ok(()) => Verdict::Admit(()),
            Err(reason) => self.config.malformed.clone().with_reason(reason).into(),
        }
    }
}

impl Config {
    /// Determines the client, and removes the headers that were not read.
    fn determine(
        &self,
        cx: &SecurityContext,
        peer: Peer,
        head: &mut Parts,
    ) -> Result<ClientInfo, Box<Rejection>> {
        if !self.proxies.contains(peer.address.ip()) {
            self.remove_untrusted(cx, head);
            return Ok(ClientInfo::new(peer.address.ip(), peer.scheme));
        }
        let decision = resolve::decide(peer, &head.headers, &self.proxies, &self.source)
            .map_err(|Ambiguous(reason)| Box::new(self.ambiguous.clone().with_reason(reason)))?;
        let client = self.client_of_decision(cx, decision)?;
        strip::remove_all_except(&self.read(), true, &mut head.headers);
        Ok(client)
    }

    /// Removes the forwarding headers of a peer that is not trusted.
    ///
    /// Where proxies are configured, a fact is recorded. Either a client forges headers, or a
    /// proxy is missing from the list.
    fn remove_untrusted(&self, cx: &SecurityContext, head: &mut Parts) {
        if !self.proxies.is_empty() && head.headers.contains_key(&self.source.name) {
            cx.record(header_fact("from a peer that is no trusted proxy"));
        }
        strip::remove_all_except(&[], false, &mut head.headers);
    }

    /// Turns a decision into a [`ClientInfo`], and checks the forwarded host.
    fn client_of_decision(
        &self,
        cx: &SecurityContext,
        decision: Decision<'_>,
    ) -> Result<ClientInfo, Box<Rejection>> {
        if decision.stopped {
            cx.record(header_fact(
                "a trusted proxy wrote a hop that is no address",
            ));
        }
        let client = ClientInfo::new(decision.address, decision.scheme).with_proxy();
        let Some(written) = decision.host else {
            return Ok(client);
        };
        let host = HostName::parse(written).ok();
        let authority = host.and_then(|_| written.parse().ok());
        authority
            .map(|authority| client.with_forwarded_host(authority))
            .ok_or_else(|| Box::new(self.bad_host.clone()))
    }

    /// Returns the headers that were read and may stay. Fewer than three: one is repeated.
    fn read(&self) -> [&HeaderName; 3] {
        let name = &self.source.name;
        if self.source.address == ForwardedHeader::Forwarded {
            return [name; 3];
        }
        let host = if self.source.accepts_host {
            &self.source.host
        } else {
            name
        };
        [name, &self.source.scheme, host]
    }
}

/// A fact for the audit record about the forwarding header.
fn header_fact(what: &'static str) -> Fact {
    Fact::Noted {
        key: "forwarded_header",
        value: Cow::Borrowed(what),
    }
}

/// 400: a forwarding header has several values.
fn ambiguous_header() -> Rejection {
    Rejection::new(
        StatusCode::BAD_REQUEST,
        "forwarded_ambiguous",
        "A forwarding header was sent several times or has several values.",
    )
    .prerendered()
}

/// 400: the head is not valid HTTP.
fn malformed_head() -> Rejection {
    Rejection::new(
        StatusCode::BAD_REQUEST,
        "request_malformed",
        "The request breaks the rules of HTTP.",
    )
    .prerendered()
}

/// 400: the forwarded host is not valid.
fn bad_host() -> Rejection {
    Rejection::new(
        StatusCode::BAD_REQUEST,
        "forwarded_host_invalid",
        "The forwarded host is not valid.",
    )
    .prerendered()
}
