//! Responds to http-01 challenges of a certificate authority, before all other layers.

use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::{
    HeaderValue, Method, Request, Response, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS},
};
use pin_project_lite::pin_project;
use tokio::task::JoinHandle;
use tower_layer::Layer;
use tower_service::Service;

use crate::{
    server::health::HealthBody,
    tls::{Acme, Challenges},
};

/// The path of challenges (RFC 8555, section 8.3).
const PREFIX: &str = "/.well-known/acme-challenge/";

/// Responds to http-01 challenges (RFC 8555, section 8.3) for an [`Acme`].
///
/// Must be outside all other layers, on the listener without TLS (port 80), so that the authority
/// passes with any `Host` and is neither limited nor recorded. `GET` and `HEAD` below
/// `/.well-known/acme-challenge/` get the response, or 404 while no order is in progress. All other
/// requests go on to the service.
///
/// Responses of other processes with the same cache are found too.
///
/// ```no_run
/// # async fn serve(app: axum::Router) -> Result<(), Box<dyn std::error::Error>> {
/// use palisade_transport::server::{Acme, ChallengeKind, ChallengeLayer, Server};
/// use tower::Layer;
///
/// let acme = Acme::builder(["tts.example.com"], "data/acme")
///     .accept_terms()
///     .challenge(ChallengeKind::Http01)
///     .build()?;
/// let http = Server::builder().listen("[::]:80".parse()?).build()?;
/// let https = Server::builder()
///     .listen("[::]:443".parse()?)
///     .tls(acme.certificates()?)
///     .build()?;
/// let redirects = ChallengeLayer::new(&acme).layer(app.clone());
/// tokio::try_join!(
///     http.serve(redirects, std::future::pending()),
///     https.serve(app, std::future::pending()),
/// )?;
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct ChallengeLayer {
    challenges: Option<Challenges>,
}

impl ChallengeLayer {
    /// Responds for this `Acme`.
    pub fn new(acme: &Acme) -> Self {
        let challenges = Some(acme.challenges().clone());
        Self { challenges }
    }

    /// Responds to nothing: all requests go on. For a server whose configuration has no ACME.
    pub fn none() -> Self {
        Self { challenges: None }
    }

    /// Begins to look up the response, if the request is for a challenge. Reads a file, so on a
    /// thread that may block.
    fn look_up<B>(&self, request: &Request<B>) -> Option<JoinHandle<Option<String>>> {
        let challenges = self.challenges.clone()?;
        if !matches!(*request.method(), Method::GET | Method::HEAD) {
            return None;
        }
        let token = request.uri().path().strip_prefix(PREFIX)?.to_owned();
        let find = move || challenges.http_response(&token);
        Some(tokio::task::spawn_blocking(find))
    }
}

impl<S> Layer<S> for ChallengeLayer {
    type Service = ChallengeService<S>;

    fn layer(&self, inner: S) -> ChallengeService<S> {
        ChallengeService {
            layer: self.clone(),
            inner,
        }
    }
}

/// A service inside a [`ChallengeLayer`], which creates it.
#[derive(Clone, Debug)]
#[must_use]
pub struct ChallengeService<S> {
    layer: ChallengeLayer,
    inner: S,
}

impl<S, R, B> Service<Request<R>> for ChallengeService<S>
where
    S: Service<Request<R>, Response = Response<B>>,
{
    type Response = Response<HealthBody<B>>;
    type Error = S::Error;
    type Future = ChallengeFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<R>) -> Self::Future {
        let kind = match self.layer.look_up(&request) {
            Some(lookup) => FutureKind::Challenge { lookup },
            None => FutureKind::Inner {
                future: self.inner.call(request),
            },
        };
        ChallengeFuture { kind }
    }
}

pin_project! {
    /// The future of a [`ChallengeService`]. Fails only if the inner service fails.
    #[derive(Debug)]
    pub struct ChallengeFuture<F> {
        #[pin]
        kind: FutureKind<F>,
    }
}

pin_project! {
    #[derive(Debug)]
    #[project = FutureKindProjected]
    enum FutureKind<F> {
        Challenge { #[pin] lookup: JoinHandle<Option<String>> },
        Inner { #[pin] future: F },
    }
}

impl<F, B, E> Future for ChallengeFuture<F>
where
    F: Future<Output = Result<Response<B>, E>>,
{
    type Output = Result<Response<HealthBody<B>>, E>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().kind.project() {
            FutureKindProjected::Challenge { lookup } => {
                let found = ready!(lookup.poll(cx)).ok().flatten();
                Poll::Ready(Ok(response(found)))
            }
            FutureKindProjected::Inner { future } => {
                let response = ready!(future.poll(cx))?;
                Poll::Ready(Ok(response.map(HealthBody::inner)))
            }
        }
    }
}

/// Builds the response: the key authorization, or 404.
fn response<B>(found: Option<String>) -> Response<HealthBody<B>> {
    let status = match &found {
        Some(_) => StatusCode::OK,
        None => StatusCode::NOT_FOUND,
    };
    let body = Bytes::from(found.unwrap_or_default());
    let mut response = Response::new(HealthBody::text(body));
    *response.status_mut() = status;
    let fields = [
        (CACHE_CONTROL, "no-store"),
        (CONTENT_TYPE, "application/octet-stream"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    for (name, value) in fields {
        response
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    response
}
