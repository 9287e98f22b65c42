//! Nothing is served in clear text.

mod credentials;
mod location;

use std::sync::Arc;

use http::{HeaderName, HeaderValue, Method, StatusCode, header::LOCATION, request};
use palisade_core::{
    AuthenticateLayer, ClientInfo, Guard, Rejection, Scheme, SecurityContext, Verdict, layer,
};

use self::credentials::Credentials;
use crate::{
    AllowedHosts, ConfigError,
    host::{HostName, default_port},
    path::PathPattern,
};

/// Turns away what did not come over TLS, and sends browsers that asked for a page to where it is safe.
///
/// By default everything is refused with 403. A redirect teaches a browser the right address, but it
/// also lets a program that sends its key in clear go on doing so unnoticed; so pages are redirected
/// and an API is not (OWASP ASVS 5.0, 4.1.2). Redirects are 308: method and body stay. They lead to
/// a host that is configured, never to one that a client invented.
///
/// A request in clear that shows a credential is refused with 403 `credential_in_clear`, also where a page
/// would be redirected, and the audit trail has `credential_exposed`. Credentials are: `Authorization`,
/// `Proxy-Authorization`, `X-API-Key`, headers named by [`credential_header`](Self::credential_header),
/// cookies whose name begins with `__Host-` or `__Secure-` (browsers send neither in clear), and what
/// the authenticators of [`credentials_of`](Self::credentials_of) find.
///
/// ```
/// use palisade_transport::{AllowedHosts, HttpsLayer};
///
/// // An API: in clear it does not exist.
/// let api = HttpsLayer::refuse();
///
/// // Pages move to the same host on port 8443, the API stays shut.
/// let pages = HttpsLayer::redirect_to("tts.example.com:8443")?.page("/")?.page("/docs/*")?;
///
/// // Everything moves, under whichever of these names it was asked for.
/// let all = HttpsLayer::redirect_within(AllowedHosts::parse(["a.example", "b.example"])?, 443)
///     .every_path();
/// # Ok::<(), palisade_transport::ConfigError>(())
/// ```
///
/// Stands inside [`ClientInfoLayer`](crate::ClientInfoLayer), whose scheme it believes. Challenges of
/// ACME http-01 pass in clear, on their exact path, since that is how they are asked.
#[derive(Clone, Debug)]
#[must_use]
pub struct HttpsLayer {
    config: Arc<Config>,
}

layer!(HttpsLayer);

#[derive(Clone, Debug)]
struct Config {
    target: Option<Target>,
    pages: Pages,
    credentials: Credentials,
    exposed: Rejection,
    plain_http: bool,
    public_port: u16,
    insecure: Rejection,
    moved: Rejection,
}

#[derive(Clone, Debug)]
enum Target {
    One { host: Box<str>, port: u16 },
    Same { allowed: AllowedHosts, port: u16 },
}

#[derive(Clone, Debug)]
enum Pages {
    Every,
    These(Vec<PathPattern>),
}

impl HttpsLayer {
    /// Refuses everything that comes in clear.
    pub fn refuse() -> Self {
        Self::with(None)
    }

    /// Redirects to one host, whichever was asked for. No path is redirected until
    /// [`page`](Self::page) or [`every_path`](Self::every_path) says so.
    ///
    /// # Errors
    /// It is no host, with or without port.
    pub fn redirect_to(host: &str) -> Result<Self, ConfigError> {
        let parsed = HostName::parse(host).map_err(|no| ConfigError::Host {
            written: host.into(),
            problem: no.0,
        })?;
        Ok(Self::with(Some(Target::One {
            port: parsed.effective_port(Scheme::Https),
            host: parsed.name.into(),
        })))
    }

    /// Redirects to the host that was asked for, if it is one of these (their port rules do not
    /// count here), on the port where TLS is spoken. Another host is refused.
    ///
    /// A request of a trusted proxy is redirected to the proxy's port: 443, or what
    /// [`proxy_port`](Self::proxy_port) says.
    pub fn redirect_within(allowed: AllowedHosts, port: u16) -> Self {
        Self::with(Some(Target::Same { allowed, port }))
    }

    /// Sets the port on which a trusted proxy speaks TLS, for [`redirect_within`](Self::redirect_within).
    /// Default: 443.
    pub fn proxy_port(self, port: u16) -> Self {
        self.change(|config| config.public_port = port)
    }

    /// Adds a page that `GET` and `HEAD` are redirected on: an exact path, or `/docs/*` for all below.
    ///
    /// # Errors
    /// The path is none.
    pub fn page(self, path: &str) -> Result<Self, ConfigError> {
        let path = PathPattern::parse(path)?;
        Ok(self.change(|config| match &mut config.pages {
            Pages::Every => {}
            Pages::These(pages) => pages.push(path),
        }))
    }

    /// Redirects every path and every method, of requests that show no credential.
    pub fn every_path(self) -> Self {
        self.change(|config| config.pages = Pages::Every)
    }

    /// Takes a header for a credential, besides `Authorization`, `Proxy-Authorization` and `X-API-Key`.
    pub fn credential_header(self, name: HeaderName) -> Self {
        self.change(|config| config.credentials.add_header(name))
    }

    /// Also looks for credentials where these authenticators do, and records their public ids. A
    /// `Shield` does this with its own authenticators.
    pub fn credentials_of(self, authenticate: AuthenticateLayer) -> Self {
        self.change(|config| config.credentials.add_authenticators(authenticate))
    }

    /// Serves in clear. Everyone on the way can read keys, cookies, questions and answers, and change
    /// them. For a machine's own tests, and behind a proxy that terminates TLS and cannot say so.
    pub fn dangerously_accept_plain_http(self) -> Self {
        self.change(|config| config.plain_http = true)
    }

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
    fn in_clear(&self, cx: &SecurityContext, head: &mut request::Parts) -> Verdict<()> {
        if self.plain_http {
            return Verdict::Admit(());
        }
        // A redirect would let the client go on showing its credential on the way.
        if self.credentials.record_exposed(cx, head) {
            return self.exposed.clone().into();
        }
        let safe = matches!(head.method, Method::GET | Method::HEAD);
        if safe && location::is_acme_challenge(head.uri.path()) {
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

    fn location(&self, cx: &SecurityContext, head: &request::Parts) -> Option<HeaderValue> {
        match self.target.as_ref()? {
            Target::One { host, port } => location::location(host, *port, &head.uri),
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
                location::location(&host.name, port, &head.uri)
            }
        }
    }
}

fn exposed() -> Rejection {
    Rejection::new(
        StatusCode::FORBIDDEN,
        "credential_in_clear",
        "Use https. The credential was sent in clear and must be replaced.",
    )
    .prerendered()
}

fn moved() -> Rejection {
    Rejection::new(
        StatusCode::PERMANENT_REDIRECT,
        "https_required",
        "This is served over HTTPS.",
    )
    .prerendered()
}
