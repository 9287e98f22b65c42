//! Refuses or redirects requests that were sent over clear text.
//!
//! [`HttpsLayer`] reads the scheme from the [`SecurityContext`]; without a client it refuses
//! with 500.

mod builder;
mod redirect;
mod credentials;

use std::sync::Arc;

use http::{HeaderValue, Method, StatusCode, header::LOCATION, request};
use palisade_core::{
    AuthenticateLayer, ClientInfo, Guard, Rejection, Scheme, SecurityContext, Verdict, layer,
};
use palisade_internal::http_challenge::challenge_token;

pub use self::builder::HttpsLayerBuilder;
use self::credentials::Credentials;
use crate::{
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
/// - headers that [`credential_header`](HttpsLayerBuilder::credential_header) adds;
/// - cookies whose name begins with `__Host-` or `__Secure-`, which browsers never send in
///   clear;
/// - what the authenticators of [`credentials_of`](HttpsLayerBuilder::credentials_of) find.
///
/// # Examples
///
/// ```
/// use palisade_transport::{AllowedHosts, HttpsLayer};
///
/// // An API: requests in clear are refused.
/// let api = HttpsLayer::new();
///
/// // Pages are redirected to port 8443; the API is refused.
/// let pages = HttpsLayer::builder()
///     .redirect_to("tts.example.com:8443")
///     .page("/")
///     .page("/docs/*")
///     .build()?;
///
/// // Every request is redirected, if its host is one of these.
/// let all = HttpsLayer::builder()
///     .redirect_within(AllowedHosts::parse(["a.example", "b.example"])?, 443)
///     .every_path()
///     .build()?;
/// # let _ = (api, pages, all);
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
    /// let api = HttpsLayer::new();
    /// # let _ = api;
    /// ```
    pub fn new() -> Self {
        Self {
            config: Arc::new(Config::refuse_all()),
        }
    }

    /// Starts to configure what is redirected, and what counts as a credential.
    pub fn builder() -> HttpsLayerBuilder {
        HttpsLayerBuilder::new()
    }

    /// Does the same as [`HttpsLayerBuilder::credentials_of`] to a layer that was built: for a `Shield`,
    /// which has its authenticators from elsewhere.
    #[doc(hidden)]
    pub fn with_credentials_of(mut self, authenticate: AuthenticateLayer) -> Self {
        let config = Arc::make_mut(&mut self.config);
        config.credentials.add_authenticators(authenticate);
        self
    }
}

impl Default for HttpsLayer {
    fn default() -> Self {
        Self::new()
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
    /// The defaults: nothing is redirected.
    fn refuse_all() -> Self {
        Self {
            target: None,
            pages: Pages::These(Vec::new()),
            credentials: Credentials::default(),
            exposed: exposed_refusal(),
            plain_http: false,
            public_port: default_port(Scheme::Https),
            insecure: Rejection::insecure_transport().prerendered(),
            moved: moved_refusal(),
        }
    }

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
        if safe && challenge_token(head.uri.path()).is_some() {
            return Verdict::Admit(());
        }
        let moves = match &self.pages {
            Pages::Every => true,
            Pages::These(pages) => safe && pages.iter().any(|page| page.matches(head.uri.path())),
        };
        match moves.then(|| self.redirect_target(cx, head)).flatten() {
            Some(location) => self.moved.clone().with_header(LOCATION, location).into(),
            None => self.insecure.clone().into(),
        }
    }

    /// Returns the redirect target, or `None` if the request is to be refused.
    fn redirect_target(&self, cx: &SecurityContext, head: &request::Parts) -> Option<HeaderValue> {
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
fn exposed_refusal() -> Rejection {
    Rejection::new(
        StatusCode::FORBIDDEN,
        "credential_in_clear",
        "Use https. The credential was sent in clear and must be replaced.",
    )
    .prerendered()
}

/// 308: the page is served over HTTPS.
fn moved_refusal() -> Rejection {
    Rejection::new(
        StatusCode::PERMANENT_REDIRECT,
        "https_required",
        "This is served over HTTPS.",
    )
    .prerendered()
}
