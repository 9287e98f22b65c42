//! The choices of the layer: which proxies are trusted, and what is read from their headers.

use std::sync::Arc;

use http::HeaderName;

use super::{
    ClientInfoLayer, Config, ambiguous_header, bad_host, malformed_head,
    proxies::TrustedProxies,
    source::{ForwardedHeader, Source},
};

/// Configures a [`ClientInfoLayer`]. Made by [`ClientInfoLayer::builder`].
///
/// | choice | default |
/// |---|---|
/// | [`behind`](Self::behind) | no proxy is trusted: the peer is the client |
/// | [`scheme_from`](Self::scheme_from) | `X-Forwarded-Proto` |
/// | [`accept_forwarded_host`](Self::accept_forwarded_host) | a forwarded host is not read |
///
/// # Examples
///
/// ```
/// use palisade_transport::{ClientInfoLayer, ForwardedHeader, TrustedProxies};
///
/// // nginx with `proxy_set_header X-Forwarded-Host $host;`
/// let layer = ClientInfoLayer::builder()
///     .behind(TrustedProxies::loopback(), ForwardedHeader::XForwardedFor)
///     .accept_forwarded_host()
///     .build();
/// # let _ = layer;
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct ClientInfoLayerBuilder {
    proxies: TrustedProxies,
    header: ForwardedHeader,
    /// `None` for the default.
    scheme: Option<HeaderName>,
    accepts_host: bool,
}

impl ClientInfoLayerBuilder {
    pub(super) fn new() -> Self {
        Self {
            proxies: TrustedProxies::none(),
            header: ForwardedHeader::XForwardedFor,
            scheme: None,
            accepts_host: false,
        }
    }

    /// Accepts what these proxies write into this header. Default: no proxy is trusted.
    ///
    /// Other peers are clients; what they send in forwarding headers is removed. A second call
    /// replaces the first.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_transport::{ClientInfoLayer, ForwardedHeader, TrustedProxies};
    ///
    /// let proxies = TrustedProxies::parse("10.0.0.0/8")?;
    /// let layer = ClientInfoLayer::builder()
    ///     .behind(proxies.clone(), ForwardedHeader::Forwarded)
    ///     .build();
    /// assert_eq!(layer.proxies(), &proxies);
    /// # Ok::<(), palisade_transport::TransportBuildError>(())
    /// ```
    pub fn behind(mut self, proxies: TrustedProxies, header: ForwardedHeader) -> Self {
        self.proxies = proxies;
        self.header = header;
        self
    }

    /// Reads the scheme from another header. Default: `X-Forwarded-Proto`.
    ///
    /// `https` and `wss` mean TLS; every other value means clear text. Has no effect with
    /// [`ForwardedHeader::Forwarded`], which has a parameter for the scheme.
    ///
    /// # Examples
    ///
    /// ```
    /// use http::HeaderName;
    /// use palisade_transport::{ClientInfoLayer, ForwardedHeader, TrustedProxies};
    ///
    /// let proxies = TrustedProxies::parse("192.0.2.0/24")?;
    /// let layer = ClientInfoLayer::builder()
    ///     .behind(proxies, ForwardedHeader::named("CF-Connecting-IP")?)
    ///     .scheme_from(HeaderName::from_static("x-forwarded-scheme"))
    ///     .build();
    /// # let _ = layer;
    /// # Ok::<(), palisade_transport::TransportBuildError>(())
    /// ```
    pub fn scheme_from(mut self, header: HeaderName) -> Self {
        self.scheme = Some(header);
        self
    }

    /// Also accepts the host that a trusted proxy sends. Default: off.
    ///
    /// It is read from `X-Forwarded-Host`, or from `host` in `Forwarded`. Most proxies neither
    /// write that header nor remove the one that a client sent. So turn this on only if yours
    /// overwrites it. An invalid host is refused with 400 `forwarded_host_invalid`.
    pub fn accept_forwarded_host(mut self) -> Self {
        self.accepts_host = true;
        self
    }

    /// Builds the layer, with its refusals rendered.
    pub fn build(self) -> ClientInfoLayer {
        let mut source = Source::new(self.header);
        source.accepts_host = self.accepts_host;
        if let Some(scheme) = self.scheme {
            source.scheme = scheme;
        }
        let config = Config {
            proxies: self.proxies,
            source,
            ambiguous: ambiguous_header(),
            bad_host: bad_host(),
            malformed: malformed_head(),
        };
        ClientInfoLayer {
            config: Arc::new(config),
        }
    }
}
