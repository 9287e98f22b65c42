//! Refuses writes that a page of another origin made a browser send. Needs no session and no token.
//!
//! `builder` has the choices, `exceptions` the origins and paths that pass.

mod builder;
mod exceptions;

use std::sync::Arc;

use http::{StatusCode, request};
use palisade_core::{Guard, Mode, Rejection, SecurityContext, Verdict, layer};

pub use self::builder::{CrossOriginBuildError, CrossOriginLayerBuilder};
use self::exceptions::{PathException, TrustedOrigin};
use crate::origin::{self, FetchSite, RequestKind};

/// Refuses writes from pages of other origins with 403 `cross_origin` (cross-site request forgery).
///
/// It believes what browsers tell in `Sec-Fetch-Site` and `Origin`, which pages cannot change. It
/// decides in this order:
///
/// | request | decision |
/// |---|---|
/// | `GET`, `HEAD`, `OPTIONS` that open no WebSocket | passes: they must not change anything |
/// | `Sec-Fetch-Site: same-origin` or `none` | passes |
/// | another `Sec-Fetch-Site` | refused, but for a trusted origin and an exception |
/// | neither `Sec-Fetch-Site` nor `Origin` | passes: it is no browser, or one of before 2020, which may send neither with a form |
/// | `Origin` with the host of the request, and not `http` where the request came by TLS ([`ClientInfo`](palisade_core::ClientInfo), or the scheme of HTTP/2) | passes |
/// | another `Origin`, also `null` | refused, but for a trusted origin and an exception |
///
/// A `GET` that opens a WebSocket is no read: browsers let every page open one, with the cookies.
///
/// For services that accept a cookie, a client certificate, HTTP Basic or only an address of the network, from any
/// library. [`SessionLayer`](crate::SessionLayer) has a stricter check of its own. Refused requests of a
/// script that CORS allows need [`trusted_origin`](CrossOriginLayerBuilder::trusted_origin).
///
/// # Deployment
///
/// Check the host of requests outside of this layer (`AllowedHosts`): to a browser, a foreign name that was
/// pointed to this service (DNS rebinding) is the service itself.
///
/// A proxy in front must pass on `Host` with its port (nginx: `$http_host`, not `$host`), or [`ClientInfo`](palisade_core::ClientInfo) must have the
/// forwarded host. Browsers since 2020 (Safari: 2023) send `Sec-Fetch-Site`, which needs neither, to
/// services with TLS and on `localhost`.
///
/// # Examples
///
/// ```
/// use http::{Request, StatusCode};
/// use palisade_core::testing::{EmptyOk, TestBody};
/// use palisade_session::CrossOriginLayer;
/// use tower::{ServiceBuilder, ServiceExt};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let service = ServiceBuilder::new().layer(CrossOriginLayer::new()).service(EmptyOk::default());
///
/// let forged = Request::post("/transfer")
///     .header("sec-fetch-site", "cross-site")
///     .body(TestBody::default())?;
/// assert_eq!(service.clone().oneshot(forged).await?.status(), StatusCode::FORBIDDEN);
///
/// let of_a_program = Request::post("/transfer").body(TestBody::default())?;
/// assert_eq!(service.oneshot(of_a_program).await?.status(), StatusCode::OK);
/// # Ok(()) }
/// ```
///
/// With a second front end, and an address that a payment service posts forms to:
///
/// ```
/// use palisade_session::CrossOriginLayer;
///
/// let layer = CrossOriginLayer::builder()
///     .trusted_origin("https://admin.example.com")
///     .except_path("/payments/return")
///     .build()?;
/// # let _ = layer; Ok::<(), palisade_session::CrossOriginBuildError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct CrossOriginLayer(Arc<Settings>);

layer!(CrossOriginLayer);

/// What clones share.
#[derive(Debug)]
struct Settings {
    trusted: Box<[TrustedOrigin]>,
    exceptions: Box<[PathException]>,
    refusal: Rejection,
    mode: Mode,
}

impl CrossOriginLayer {
    /// Refuses writes from every other origin, on all paths.
    pub fn new() -> Self {
        Self::with(Vec::new(), Vec::new(), Mode::Enforce)
    }

    /// Starts to configure trusted origins and exceptions.
    pub fn builder() -> CrossOriginLayerBuilder {
        CrossOriginLayerBuilder::default()
    }

    fn with(trusted: Vec<TrustedOrigin>, exceptions: Vec<PathException>, mode: Mode) -> Self {
        let refusal = Rejection::new(
            StatusCode::FORBIDDEN,
            "cross_origin",
            "A page of another origin must not send this request.",
        );
        Self(Arc::new(Settings {
            trusted: trusted.into(),
            exceptions: exceptions.into(),
            refusal: refusal.prerendered(),
            mode,
        }))
    }
}

impl Default for CrossOriginLayer {
    fn default() -> Self {
        Self::new()
    }
}

impl Settings {
    /// Tells whether a page of another origin sent a request that may change something.
    fn is_foreign_write(&self, cx: &SecurityContext, head: &request::Parts) -> bool {
        if RequestKind::of(head) == RequestKind::Read {
            return false;
        }
        let origin = origin::sent_origin(&head.headers);
        let is_own = match (FetchSite::of(&head.headers), origin) {
            (FetchSite::SameOrigin | FetchSite::None, _) | (FetchSite::Absent, None) => true,
            (FetchSite::Other, _) => false,
            (FetchSite::Absent, Some(origin)) => origin::is_own(origin, head, cx.client()),
        };
        !is_own && !self.is_excepted(origin, head.uri.path())
    }

    fn is_excepted(&self, origin: Option<&[u8]>, path: &str) -> bool {
        let trusts = |origin| self.trusted.iter().any(|trusted| trusted.is_origin(origin));
        origin.is_some_and(trusts) || self.exceptions.iter().any(|one| one.matches(path))
    }
}

impl Guard for CrossOriginLayer {
    type Pass = ();

    fn name(&self) -> &'static str {
        "cross_origin"
    }

    fn mode(&self) -> Mode {
        self.0.mode
    }

    fn admit(&self, cx: &SecurityContext, head: &mut request::Parts) -> Verdict<()> {
        match self.0.is_foreign_write(cx, head) {
            true => self.0.refusal.clone().into(),
            false => Verdict::Admit(()),
        }
    }
}
