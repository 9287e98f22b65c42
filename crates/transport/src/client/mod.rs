//! Who asks: the client's address, scheme and host, decided once for the whole stack.

mod hops;
mod peer;
mod proxies;
mod request;
mod source;
mod strip;
mod walk;

use std::{borrow::Cow, sync::Arc};

use http::{HeaderName, StatusCode, request::Parts};
use palisade_core::{ClientInfo, Fact, Guard, Peer, Rejection, SecurityContext, Verdict, layer};

use self::{hops::Ambiguous, source::Source, walk::Decision};
pub use self::{proxies::TrustedProxies, source::ForwardedHeader};
use crate::host::HostName;

/// Decides who the client is, once a request; every other layer asks the context.
///
/// The peer is the client, unless it is a trusted proxy. Then one header is read from the right, over
/// trusted hops, to the first that is none. A hop that cannot be read (`unknown`, `_hidden`,
/// nonsense) ends the list at the proxy before it; it is never skipped.
///
/// Scheme and host are taken from the proxy that wrote the client's address. Where several proxies
/// append to `X-Forwarded-Proto` (or `-Host`), the list must have one value for each trusted proxy. One
/// value alone is always accepted. Any other number is refused with 400.
///
/// Headers that tell an address, scheme, host, path or identity and were not read are removed, so that
/// nothing further in believes them. HTTP/2 requests with blanks around a field value, and targets with
/// a scheme other than `http` and `https`, are refused with 400.
///
/// ```
/// use palisade_transport::{ClientInfoLayer, ForwardedHeader, TrustedProxies};
///
/// // Nothing stands in front.
/// let direct = ClientInfoLayer::direct();
///
/// // nginx on this machine, with `proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for`
/// // and `proxy_set_header X-Forwarded-Proto $scheme`.
/// let behind_nginx =
///     ClientInfoLayer::behind(TrustedProxies::loopback(), ForwardedHeader::XForwardedFor);
/// ```
///
/// # Deployment
/// Each trusted proxy must write the configured header itself, and `X-Forwarded-Proto` too: most proxies
/// pass on what a client sent. Trust no network that clients can send from.
///
/// The peer comes from [`Peer`] in the request's extensions, which `palisade_transport::server` sets; with
/// feature `axum` also from `ConnectInfo<SocketAddr>` (which says nothing of TLS, so it counts as
/// clear text), with feature `tonic` from `TcpConnectInfo` and `TlsConnectInfo`. Another server inserts
/// a `Peer` itself. Without any, the first request fails with 500.
#[derive(Clone, Debug)]
#[must_use]
pub struct ClientInfoLayer {
    config: Arc<Config>,
}

layer!(ClientInfoLayer);

#[derive(Clone, Debug)]
struct Config {
    proxies: TrustedProxies,
    source: Source,
    ambiguous: Rejection,
    bad_host: Rejection,
    malformed: Rejection,
}

impl ClientInfoLayer {
    /// Takes the peer for the client.
    pub fn direct() -> Self {
        Self::behind(TrustedProxies::none(), ForwardedHeader::XForwardedFor)
    }

    /// Believes these proxies what they write into this header.
    pub fn behind(proxies: TrustedProxies, header: ForwardedHeader) -> Self {
        let config = Config {
            proxies,
            source: Source::new(header),
            ambiguous: ambiguous(),
            bad_host: bad_host(),
            malformed: malformed(),
        };
        Self {
            config: Arc::new(config),
        }
    }

    /// Reads the scheme from another header than `X-Forwarded-Proto`. Not used with `Forwarded`, which holds it.
    pub fn scheme_from(self, header: HeaderName) -> Self {
        self.change(|config| config.source.scheme = header)
    }

    /// Believes the proxies the host as well: `X-Forwarded-Host`, or `host` in `Forwarded`. Off by
    /// default, since most proxies neither write that header nor remove the one that a client sent.
    pub fn accept_forwarded_host(self) -> Self {
        self.change(|config| config.source.accepts_host = true)
    }

    /// Returns the proxies that are believed.
    pub fn proxies(&self) -> &TrustedProxies {
        &self.config.proxies
    }

    fn change(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(Arc::make_mut(&mut self.config));
        self
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
        let client = match self.config.judge(cx, peer, head) {
            Ok(client) => client,
            Err(rejection) => return rejection.into(),
        };
        cx.set_client(client);
        match request::check(head) {
            Ok(()) => Verdict::Admit(()),
            Err(reason) => self.config.malformed.clone().with_reason(reason).into(),
        }
    }
}

impl Config {
    fn judge(
        &self,
        cx: &SecurityContext,
        peer: Peer,
        head: &mut Parts,
    ) -> Result<ClientInfo, Box<Rejection>> {
        if !self.proxies.contains(peer.address.ip()) {
            self.distrust(cx, head);
            return Ok(ClientInfo::new(peer.address.ip(), peer.scheme));
        }
        let decision = walk::decide(peer, &head.headers, &self.proxies, &self.source)
            .map_err(|Ambiguous(reason)| Box::new(self.ambiguous.clone().with_reason(reason)))?;
        let client = self.client(cx, decision)?;
        strip::all_but(&self.read(), true, &mut head.headers);
        Ok(client)
    }

    /// A stranger's forwarding headers are taken away, and noted where proxies are expected: it is
    /// either an attack or a proxy that is missing from the list.
    fn distrust(&self, cx: &SecurityContext, head: &mut Parts) {
        if !self.proxies.is_empty() && head.headers.contains_key(&self.source.name) {
            cx.record(noted("from a peer that is no trusted proxy"));
        }
        strip::all_but(&[], false, &mut head.headers);
    }

    fn client(
        &self,
        cx: &SecurityContext,
        decision: Decision<'_>,
    ) -> Result<ClientInfo, Box<Rejection>> {
        if decision.stopped {
            cx.record(noted("a trusted proxy wrote a hop that is no address"));
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

    /// The headers that were read, and may stay; the same one again where there are fewer.
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

fn noted(what: &'static str) -> Fact {
    Fact::Noted {
        key: "forwarded_header",
        value: Cow::Borrowed(what),
    }
}

fn ambiguous() -> Rejection {
    Rejection::new(
        StatusCode::BAD_REQUEST,
        "forwarded_ambiguous",
        "A forwarding header was sent several times or has several values.",
    )
    .prerendered()
}

fn malformed() -> Rejection {
    Rejection::new(
        StatusCode::BAD_REQUEST,
        "request_malformed",
        "The request breaks the rules of HTTP.",
    )
    .prerendered()
}

fn bad_host() -> Rejection {
    Rejection::new(
        StatusCode::BAD_REQUEST,
        "forwarded_host_invalid",
        "The forwarded host is not valid.",
    )
    .prerendered()
}
