//! Refuses or redirects requests that were sent over clear text.
//!
//! [`HttpsLayer`] reads the scheme from the [`SecurityContext`]; without a client it refuses
//! with 500.

mod redirect;
mod credentials;

use std::sync::Arc;

use http::{HeaderName, HeaderValue, Method, StatusCode, header::LOCATION, request};
use palisade_core::{
    AuthenticateLayer, ClientInfo, Guard, Rejection, Scheme, SecurityContext, Verdict, layer,
};

use self::credentials::Credentials;
use crate::{
    error::TransportBuildError,
    host::{AllowedHosts, HostName, default_port},
    path::PathPattern,
};

/// Refuses requests that did not arrive over TLS, or redirects pages to HTTPS.
///
/// By default everything in clear is refused with 403. A redirect would also let a program that
/// sends its key in clear go on unnoticed. So redirect pages, but not an API (OWASP ASVS 5.0,
/// 4.1.2). Redirects have status 308: method and body stay. The target host comes from the
/// configuration, never from a client alone.
///
/// Must be inside [`ClientInfoLayer`](crate::ClientInfoLayer), whose scheme it uses. Challenges
/// of ACME http-01 are allowed in clear, on their exact path, since authorities request them
/// that way.
///
/// # Refusals
///
/// | status | code | when |
/// |---|---|---|
/// | 308 | `https_required` | the path is redirected |
/// | 403 | `credential_in_clear` | the request has a credential, on any path |
/// | 403 | `insecure_transport` | the path is not redirected |
/// | 500 | `misconfigured` | there is no `ClientInfoLayer` outside |
///
/// # Credentials in clear
/// They are recorded as `credential_exposed` and must be replaced. Credentials are:
///
/// - `Authorization`, `Proxy-Authorization` and `X-API-Key`;
/// - headers that [`credential_header`](Self::credential_header) adds;
/// - cookies whose name begins with `__Host-` or `__Secure-`, which browsers never send in
///   clear;
/// - what the authenticators of [`credentials_of`](Self::credentials_of) find.
///
/// # Examples
///
/// ```
/// use palisade_transport::{AllowedHosts, HttpsLayer};
///
/// // An API: requests in clear are refused.
/// let api = HttpsLayer::refuse();
///
/// // Pages are redirected to port 8443; the API is refused.
/// let pages = HttpsLayer::redirect_to("tts.example.com:8443")?.page("/")?.page("/docs/*")?;
///
/// // Every request is redirected, if its host is one of these.
/// let all = HttpsLayer::redirect_within(AllowedHosts::parse(["a.example", "b.example"])?, 443)
///     .every_path();
/// # Ok::<(), palisade_transport::TransportBuildError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct HttpsLayer {
    config: Arc<Config>,
}

layer!(HttpsLayer);

/// The settings of the layer, shared by its clones. The refusals are rendered once, at start.
#[derive(Clone, Debug)]
struct Config {
    /// `None` if nothing is redirected.
    target: Option<Target>,
    pages: Pages,
    credentials: Credentials,
    exposed: Rejection,
    plain_http: bool,
    public_port: u16,
    insecure: Rejection,
    moved: Rejection,
}

/// Where redirects lead.
#[derive(Clone, Debug)]
enum Target {
    /// One host for all requests.
    One { host: Box<str>, port: u16 },
    /// The host of the request, if it is allowed.
    Same { allowed: AllowedHosts, port: u16 },
}

/// Which requests are redirected.
#[derive(Clone, Debug)]
enum Pages {
    /// Every path and method.
    Every,
    /// `GET` and `HEAD` on these paths.
    These(Vec<PathPattern>),
}

impl HttpsLayer {
    /// Refuses everything that is sent in clear, with 403.
    ///
    /// The default of a `Shield`. The body of the refusal says to use `https`.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_transport::HttpsLayer;
    ///
    /// let api = HttpsLayer::refuse();
    /// # let _ = api;
    /// ```
    pub fn refuse() -> Self {
        Self::with(None)
    }

    /// Redirects to one host, whatever host the request named.
    ///
    /// The port is that of `host`, or 443. No path is redirected until [`page`](Self::page) or
    /// [`every_path`](Self::every_path) is called.
    ///
    /// # Errors
    /// [`TransportBuildError::Host`] if it is not a host, with or without port.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_transport::HttpsLayer;
    ///
    /// let pages = HttpsLayer::redirect_to("tts.example.com:8443")?.page("/")?;
    /// assert!(HttpsLayer::redirect_to("https://tts.example.com").is_err()); // a URL
    /// # let _ = pages;
    /// # Ok::<(), palisade_transport::TransportBuildError>(())
    /// ```
    pub fn redirect_to(host: &str) -> Result<Self, TransportBuildError> {
        let parsed = HostName::parse(host).map_err(|no| TransportBuildError::Host {
            written: host.into(),
            problem: no.0,
        })?;
        Ok(Self::with(Some(Target::One {
            port: parsed.effective_port(Scheme::Https),
            host: parsed.name.into(),
        })))
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
    /// let pages = HttpsLayer::redirect_within(hosts, 443).page("/docs/*")?;
    /// # let _ = pages;
    /// # Ok::<(), palisade_transport::TransportBuildError>(())
    /// ```
    pub fn redirect_within(allowed: AllowedHosts, port: u16) -> Self {
        Self::with(Some(Target::Same { allowed, port }))
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
    /// let pages = HttpsLayer::redirect_within(hosts, 8443).proxy_port(443).page("/")?;
    /// # let _ = pages;
    /// # Ok::<(), palisade_transport::TransportBuildError>(())
    /// ```
    pub fn proxy_port(self, port: u16) -> Self {
        self.change(|config| config.public_port = port)
    }

    /// Redirects `GET` and `HEAD` on a path: an exact one, or `/docs/*` for everything below.
    ///
    /// Has no effect without a redirect target (see [`refuse`](Self::refuse)).
    ///
    /// # Errors
    /// [`TransportBuildError::Path`] if it does not begin with a slash, or has a query.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_transport::HttpsLayer;
    ///
    /// let pages = HttpsLayer::redirect_to("tts.example.com")?.page("/")?.page("/docs/*")?;
    /// assert!(HttpsLayer::refuse().page("docs").is_err()); // no slash at the begin
    /// # let _ = pages;
    /// # Ok::<(), palisade_transport::TransportBuildError>(())
    /// ```
    pub fn page(self, path: &str) -> Result<Self, TransportBuildError> {
        let path = PathPattern::parse(path)?;
        Ok(self.change(|config| match &mut config.pages {
            Pages::Every => {}
            Pages::These(pages) => pages.push(path),
        }))
    }

    /// Redirects every path and every method. Requests with a credential are still refused.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_transport::HttpsLayer;
    ///
    /// let site = HttpsLayer::redirect_to("www.example.com")?.every_path();
    /// # let _ = site;
    /// # Ok::<(), palisade_transport::TransportBuildError>(())
    /// ```
    pub fn every_path(self) -> Self {
        self.change(|config| config.pages = Pages::Every)
    }

    /// Treats one more header as a credential.
    ///
    /// `Authorization`, `Proxy-Authorization` and `X-API-Key` always are.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_transport::HttpsLayer;
    ///
    /// use http::HeaderName;
    ///
    /// let layer = HttpsLayer::refuse().credential_header(HeaderName::from_static("x-access-token"));
    /// # let _ = layer;
    /// ```
    pub fn credential_header(self, name: HeaderName) -> Self {
        self.change(|config| config.credentials.add_header(name))
    }

    /// Also finds the credentials of these authenticators, and records their public ids.
    ///
    /// A `Shield` does this with its own authenticators.
    pub fn credentials_of(self, authenticate: AuthenticateLayer) -> Self {
        self.change(|config| config.credentials.add_authenticators(authenticate))
    }

    /// Serves requests over clear text. Default: they are refused.
    ///
    /// Everyone on the network path can read and change keys, cookies, requests and responses.
    /// For tests on one machine, and behind a proxy that terminates TLS and cannot forward the
    /// scheme.
    pub fn dangerously_accept_plain_http(self) -> Self {
        self.change(|config| config.plain_http = true)
    }

    /// Builds the layer with the defaults.
    fn with(target: Option<Target>) -> Self {
        let config = Config {
            target,
            pages: Pages::These(Vec::new()),
            credentials: Credentials::default(),
            exposed: exposed(),
            plain_http: false,
            public_port: default_port(Scheme::Https),
            insecure: Rejection::insecure_transport().prerendered(),
            moved: moved(),
        };
        Self {
            config: Arc::new(config),
        }
    }

    fn change(mut self, change: impl FnOnce(&mut Config)) -> Self {
        change(Arc::make_mut(&mut self.config));
        self
    }
}

impl Guard for HttpsLayer {
    type Pass = ();

    fn name(&self) -> &'static str {
        "https"
    }

    fn admit(&self, cx: &SecurityContext, head: &mut request::Parts) -> Verdict<()> {
        match cx.client().map(ClientInfo::scheme) {
            Some(Scheme::Https) => Verdict::Admit(()),
            Some(Scheme::Http) => self.config.in_clear(cx, head),
            None => Rejection::misconfigured("HttpsLayer needs ClientInfoLayer outside it").into(),
        }
    }
}

impl Config {
    /// Decides about a request over clear text.
    fn in_clear(&self, cx: &SecurityContext, head: &mut request::Parts) -> Verdict<()> {
        if self.plain_http {
            return Verdict::Admit(());
        }
        // A redirect would let the client go on showing its credential on the way.
        if self.credentials.record_exposed(cx, head) {
            return self.exposed.clone().into();
        }
        let safe = matches!(head.method, Method::GET | Method::HEAD);
        if safe && redirect::is_acme_challenge(head.uri.path()) {
            return Verdict::Admit(());
        }
        let moves = match &self.pages {
            Pages::Every => true,
            Pages::These(pages) => safe && pages.iter().any(|page| page.matches(head.uri.path())),
        };
        match moves.then(|| self.location(cx, head)).flatten() {
            Some(location) => self.moved.clone().with_header(LOCATION, location).into(),
            None => self.insecure.clone().into(),
        }
    }

    /// Returns the redirect target, or `None` if the request is to be refused.
    fn location(&self, cx: &SecurityContext, head: &request::Parts) -> Option<HeaderValue> {
        match self.target.as_ref()? {
            Target::One { host, port } => redirect::location(host, *port, &head.uri),
            Target::Same { allowed, port } => {
                let forwarded = cx.client().and_then(ClientInfo::forwarded_host);
                let host = match forwarded {
                    Some(forwarded) => HostName::parse(forwarded.as_str()).ok()?,
                    None => crate::host::host(head, Scheme::Http).ok()?,
                };
                let host = allowed.admits_name(&host).then_some(host)?;
                // The port of this server is known to its proxies alone.
                let is_through_proxy = cx.client().is_some_and(ClientInfo::is_through_proxy);
                let port = if is_through_proxy {
                    self.public_port
                } else {
                    *port
                };
                redirect::location(&host.name, port, &head.uri)
            }
        }
    }
}

/// 403: a credential was sent in clear.
fn exposed() -> Rejection {
    Rejection::new(
        StatusCode::FORBIDDEN,
        "credential_in_clear",
        "Use https. The credential was sent in clear and must be replaced.",
    )
    .prerendered()
}

/// 308: the page is served over HTTPS.
fn moved() -> Rejection {
    Rejection::new(
        StatusCode::PERMANENT_REDIRECT,
        "https_required",
        "This is served over HTTPS.",
    )
    .prerendered()
}
