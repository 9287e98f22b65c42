//! The choices of the layer: what is redirected where, and what counts as a credential.

use std::sync::Arc;

use http::HeaderName;
use palisade_core::{AuthenticateLayer, Scheme};

use super::{Config, HttpsLayer, Pages, Target, credentials::Credentials};
use crate::{
    error::TransportBuildError,
    host::{AllowedHosts, HostName, default_port},
    path::PathPattern,
};

/// Configures an [`HttpsLayer`]. Made by [`HttpsLayer::builder`].
///
/// | choice | default |
/// |---|---|
/// | [`redirect_to`](Self::redirect_to), [`redirect_within`](Self::redirect_within) | nothing is redirected |
/// | [`page`](Self::page), [`every_path`](Self::every_path) | no path is redirected |
/// | [`proxy_port`](Self::proxy_port) | 443 |
/// | [`credential_header`](Self::credential_header) | `Authorization`, `Proxy-Authorization`, `X-API-Key` |
/// | [`credentials_of`](Self::credentials_of) | no authenticator is asked |
/// | [`dangerously_accept_plain_http`](Self::dangerously_accept_plain_http) | requests in clear are refused |
///
/// # Examples
///
/// ```
/// use palisade_transport::{HttpsLayer, TransportBuildError};
///
/// let pages = HttpsLayer::builder()
///     .redirect_to("tts.example.com:8443")
///     .page("/")
///     .build()?;
/// # let _ = pages;
///
/// let url = HttpsLayer::builder().redirect_to("https://tts.example.com").build();
/// assert!(matches!(url, Err(TransportBuildError::Host { .. })));
/// # Ok::<(), TransportBuildError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct HttpsLayerBuilder {
    /// Checked by `build`. `None` if nothing is redirected.
    target: Option<WrittenTarget>,
    every_path: bool,
    /// Checked by `build`.
    pages: Vec<Box<str>>,
    credentials: Credentials,
    plain_http: bool,
    public_port: u16,
}

/// Where redirects lead, as it was written.
#[derive(Clone, Debug)]
enum WrittenTarget {
    /// A host with or without port.
    One(Box<str>),
    /// The host of the request, if it is allowed.
    Same { allowed: AllowedHosts, port: u16 },
}

impl HttpsLayerBuilder {
    pub(super) fn new() -> Self {
        Self {
            target: None,
            every_path: false,
            pages: Vec::new(),
            credentials: Credentials::default(),
            plain_http: false,
            public_port: default_port(Scheme::Https),
        }
    }

    /// Redirects to one host, whatever host the request named. Default: nothing is redirected.
    ///
    /// The port is that of `host`, or 443. No path is redirected until [`page`](Self::page) or
    /// [`every_path`](Self::every_path) is called. A text that is not a host, such as a URL, is an
    /// error of [`build`](Self::build).
    pub fn redirect_to(mut self, host: impl Into<Box<str>>) -> Self {
        self.target = Some(WrittenTarget::One(host.into()));
        self
    }

    /// Redirects to the host of the request, if it is one of these, on the given TLS port.
    ///
    /// Only the names are compared, not the ports. A request for another host is refused. No
    /// path is redirected until [`page`](Self::page) or [`every_path`](Self::every_path) is
    /// called.
    ///
    /// A request from a trusted proxy is redirected to the port of the proxy: see
    /// [`proxy_port`](Self::proxy_port).
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_transport::{AllowedHosts, HttpsLayer};
    ///
    /// let hosts = AllowedHosts::parse(["a.example", "b.example"])?;
    /// let pages = HttpsLayer::builder().redirect_within(hosts, 443).page("/docs/*").build()?;
    /// # let _ = pages;
    /// # Ok::<(), palisade_transport::TransportBuildError>(())
    /// ```
    pub fn redirect_within(mut self, allowed: AllowedHosts, port: u16) -> Self {
        self.target = Some(WrittenTarget::Same { allowed, port });
        self
    }

    /// Sets the TLS port of trusted proxies, for [`redirect_within`](Self::redirect_within).
    /// Default: 443.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_transport::{AllowedHosts, HttpsLayer};
    ///
    /// // This server uses port 8443; the load balancer in front of it uses 443.
    /// let hosts = AllowedHosts::parse(["tts.example.com"])?;
    /// let pages = HttpsLayer::builder()
    ///     .redirect_within(hosts, 8443)
    ///     .proxy_port(443)
    ///     .page("/")
    ///     .build()?;
    /// # let _ = pages;
    /// # Ok::<(), palisade_transport::TransportBuildError>(())
    /// ```
    pub fn proxy_port(mut self, port: u16) -> Self {
        self.public_port = port;
        self
    }

    /// Redirects `GET` and `HEAD` on a path: an exact one, or `/docs/*` for everything below.
    /// Default: no path. Call it once for each path.
    ///
    /// Has no effect without a redirect target. A path that does not begin with a slash, or has a
    /// query, is an error of [`build`](Self::build).
    pub fn page(mut self, path: impl Into<Box<str>>) -> Self {
        self.pages.push(path.into());
        self
    }

    /// Redirects every path and every method. Requests with a credential are still refused.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_transport::HttpsLayer;
    ///
    /// let site = HttpsLayer::builder().redirect_to("www.example.com").every_path().build()?;
    /// # let _ = site;
    /// # Ok::<(), palisade_transport::TransportBuildError>(())
    /// ```
    pub fn every_path(mut self) -> Self {
        self.every_path = true;
        self
    }

    /// Treats one more header as a credential. Call it once for each header.
    ///
    /// `Authorization`, `Proxy-Authorization` and `X-API-Key` always are.
    pub fn credential_header(mut self, name: HeaderName) -> Self {
        self.credentials.add_header(name);
        self
    }

    /// Also finds the credentials of these authenticators, and records their public ids. Default: none.
    ///
    /// A `Shield` does this with its own authenticators.
    ///
    /// ```
    /// use palisade_core::{AuthenticateLayer, Authenticator};
    /// use palisade_transport::HttpsLayer;
    ///
    /// fn api<A: Authenticator>(authenticator: A) -> Result<HttpsLayer, palisade_transport::TransportBuildError> {
    ///     let authenticate = AuthenticateLayer::new(authenticator);
    ///     HttpsLayer::builder().credentials_of(authenticate).build()
    /// }
    /// # let _ = api::<std::sync::Arc<dyn Authenticator>>;
    /// ```
    pub fn credentials_of(mut self, authenticate: AuthenticateLayer) -> Self {
        self.credentials.add_authenticators(authenticate);
        self
    }

    /// Serves requests over clear text. Default: they are refused.
    ///
    /// Everyone on the network path can read and change keys, cookies, requests and responses.
    /// For tests on one machine, and behind a proxy that terminates TLS and cannot forward the
    /// scheme.
    pub fn dangerously_accept_plain_http(mut self) -> Self {
        self.plain_http = true;
        self
    }

    /// Builds the layer.
    ///
    /// # Errors
    ///
    /// [`TransportBuildError::Host`] if the redirect target is not a host, with or without port.
    /// [`TransportBuildError::Path`] if a page does not begin with a slash, or has a query.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_transport::HttpsLayer;
    ///
    /// let no_slash = HttpsLayer::builder().redirect_to("tts.example.com").page("docs");
    /// assert!(no_slash.build().is_err());
    /// ```
    pub fn build(self) -> Result<HttpsLayer, TransportBuildError> {
        let target = self.target.map(WrittenTarget::parse).transpose()?;
        let pages = self.pages.iter().map(|page| PathPattern::parse(page));
        let pages = pages.collect::<Result<_, _>>()?;
        let config = Config {
            target,
            pages: match self.every_path {
                true => Pages::Every,
                false => Pages::These(pages),
            },
            credentials: self.credentials,
            plain_http: self.plain_http,
            public_port: self.public_port,
            ..Config::refuse_all()
        };
        Ok(HttpsLayer {
            config: Arc::new(config),
        })
    }
}

impl WrittenTarget {
    /// Checks where redirects lead.
    fn parse(self) -> Result<Target, TransportBuildError> {
        match self {
            Self::Same { allowed, port } => Ok(Target::Same { allowed, port }),
            Self::One(host) => match HostName::parse(&host) {
                Ok(parsed) => Ok(Target::One {
                    port: parsed.effective_port(Scheme::Https),
                    host: parsed.name.into(),
                }),
                Err(problem) => Err(TransportBuildError::Host {
                    problem: problem.0,
                    written: host,
                }),
            },
        }
    }
}
