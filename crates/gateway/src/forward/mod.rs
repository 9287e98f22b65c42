//! Forwards a request that the stack admitted to its upstream.
//!
//! 1. [`check_path`] refuses paths that the upstream could read differently.
//! 2. [`Upstreams::pick`] selects the upstream by host and longest path prefix.
//! 3. [`request`] writes the head anew; the body is streamed.
//! 4. [`response`] cleans the head of the response; its body is streamed.

mod hop_by_hop;
mod request;
mod response;

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, Response, StatusCode, request::Parts};
use http_body::Body;
use http_body_util::{BodyExt as _, LengthLimitError};
use hyper::body::Incoming;
use hyper_util::client::legacy::Error;
use palisade::core::{BoxError, GuardBody, Rejection, SecurityContext, refuse};
use tower_service::Service;

use crate::{
    path::check_path,
    upstream::{Upstream, Upstreams},
};

/// The name in audit records.
const NAME: &str = "forward";

/// The innermost service of a gateway: sends a request to its upstream and streams the response.
///
/// It decides nothing about the client; put it behind a [`Shield`](palisade::Shield). Bodies are
/// streamed in both directions. Dropping the future or the body of the response ends the request at
/// the upstream too.
///
/// # Examples
///
/// A gateway by hand, with one open path:
///
/// ```
/// use palisade::{AllowedHosts, Rule, Rules, Shield, config::Config};
/// use palisade_gateway::{Forward, Upstreams};
///
/// let config = Config::parse_with("[[upstreams]]\nurl = 'http://127.0.0.1:5000'", &["upstreams"])?;
/// let shield = Shield::builder()
///     .hosts(AllowedHosts::parse(["voice.example"])?)
///     .rules(Rules::new().any("/health", Rule::public()))
///     .build()?;
/// let service = shield.wrap(Forward::new(Upstreams::of(&config)?));
/// # drop(service); Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Failures
///
/// | status | code | when |
/// |---|---|---|
/// | 400 | `ambiguous_path` | upstream and gateway could read the path differently |
/// | 404 | `no_upstream` | no upstream takes this host and path |
/// | 413 | `body_too_large` | the body is longer than the stack allows |
/// | 502 | `upstream_unreachable` | no connection could be opened |
/// | 502 | `upstream_failed` | the connection broke, or the response is no HTTP |
/// | 504 | `upstream_timeout` | the head of the response did not come in time |
#[derive(Clone, Debug)]
pub struct Forward {
    upstreams: Upstreams,
}

impl Forward {
    /// Makes the service. Clones share the connections of `upstreams`.
    #[must_use]
    pub const fn new(upstreams: Upstreams) -> Self {
        Self { upstreams }
    }
}

impl<B> Service<Request<B>> for Forward
where
    B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    type Response = Response<GuardBody<Incoming>>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let upstreams = self.upstreams.clone();
        let (mut head, body) = request.into_parts();
        let cx = SecurityContext::find_or_create(&mut head);
        Box::pin(async move {
            Ok(match forward(&upstreams, &cx, head, body).await {
                Ok(response) => response.map(GuardBody::inner),
                Err(rejection) => refuse(&cx, NAME, *rejection),
            })
        })
    }
}

/// Checks the path, picks the upstream and exchanges request and response.
async fn forward<B>(
    upstreams: &Upstreams,
    cx: &SecurityContext,
    head: Parts,
    body: B,
) -> Result<Response<Incoming>, Box<Rejection>>
where
    B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    check_path(head.uri.path()).map_err(ambiguous_path)?;
    let host = request::host(&head);
    let name = host.as_ref().map(http::uri::Authority::host);
    let upstream = upstreams.pick(name, head.uri.path());
    let upstream = upstream.ok_or_else(|| Box::new(no_upstream()))?;
    let head = request::rewrite(head, cx, host.as_ref(), upstream);
    let body = body.map_err(Into::into).boxed_unsync();
    let response = upstreams.client().send(Request::from_parts(head, body));
    let response = tokio::time::timeout(upstream.response_timeout, response).await;
    let response = response.map_err(|_| Box::new(timed_out(upstream)))?;
    response::clean(response.map_err(|error| Box::new(failed(&error)))?)
}

/// The reason, for the record, says which part of the path it was.
fn ambiguous_path(problem: &'static str) -> Box<Rejection> {
    let rejection = Rejection::new(
        StatusCode::BAD_REQUEST,
        "ambiguous_path",
        "The path has dot segments, empty segments or encoded separators. Send it in its normal form.",
    );
    Box::new(rejection.with_reason(problem))
}

/// The same words as for a path without a rule: a client need not know the difference.
fn no_upstream() -> Rejection {
    Rejection::new(
        StatusCode::NOT_FOUND,
        "no_upstream",
        "There is nothing here.",
    )
    .with_reason("no upstream takes this host and path")
}

/// The address of the upstream is in the record only.
fn timed_out(upstream: &Upstream) -> Rejection {
    Rejection::new(
        StatusCode::GATEWAY_TIMEOUT,
        "upstream_timeout",
        "The service took too long to respond.",
    )
    .with_reason(format!(
        "{} sent no response within {:?}",
        upstream.authority, upstream.response_timeout
    ))
}

/// Returns the refusal for an exchange that failed: 413 for a body that was too long, 502 otherwise.
///
/// The client library reports both as a failed request, so the causes are searched for the limit.
fn failed(error: &Error) -> Rejection {
    let causes = std::iter::successors(std::error::Error::source(error), |cause| cause.source());
    if causes
        .into_iter()
        .any(|cause| cause.is::<LengthLimitError>())
    {
        return Rejection::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "body_too_large",
            "The body is longer than this service allows.",
        );
    }
    let reason = with_causes(error);
    match error.is_connect() {
        true => Rejection::new(
            StatusCode::BAD_GATEWAY,
            "upstream_unreachable",
            "The service cannot be reached.",
        ),
        false => Rejection::new(
            StatusCode::BAD_GATEWAY,
            "upstream_failed",
            "The service did not give a usable response.",
        ),
    }
    .with_reason(reason)
}

/// The error and its causes on one line.
fn with_causes(error: &dyn std::error::Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        line = format!("{line}: {inner}");
        cause = inner.source();
    }
    line
}
