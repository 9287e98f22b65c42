//! The outermost service of the endpoint: from the question of a proxy to the request, and from the
//! decision to a status that the proxy understands.
//!
//! ```text
//! GET /auth/nginx                     the stack sees    POST /v1/audio
//! X-Original-Method: POST             and decides:
//! X-Original-Uri: /v1/audio           200, or 401, or 403 with X-Palisade-Status: 429
//! ```
//!
//! Envoy may also ask over gRPC ([`grpc`]): then the request is described in a message.
//!
//! A question that is not understood is refused (404 or 400). Proxies take both for a failure of the endpoint and admit
//! nothing, so a proxy that is set up wrongly fails closed.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use http_body::Body;
use http_body_util::{Either, Empty};
use palisade::core::{BoxError, SharedClock, SystemClock};
use palisade_internal::log_limit::LogLimit;
use tower_service::Service;

use super::{
    decide::refuse_unless_admitted,
    grpc::{self, DecisionBody},
    original::Dialect,
};

/// The body of a request that is asked about: its proxy sends none.
pub(super) type NoBody = Empty<Bytes>;
/// The response of the stack, or a message about it.
pub(super) type AnswerBody<R> = Either<R, DecisionBody>;

/// The status that the client should get, for nginx.
const STATUS: HeaderName = HeaderName::from_static("x-palisade-status");

/// Questions that describe no request: every process of this machine can send them.
static UNDESCRIBED: LogLimit = LogLimit::per_minute();

/// Responds to questions about requests. `S` is the stack.
#[derive(Clone, Debug)]
pub(super) struct AskedService<S> {
    /// The whole stack. A request that it lets through is admitted.
    stack: S,
    /// For the log line about questions that describe no request.
    clock: SharedClock,
}

impl<S> AskedService<S> {
    /// Wraps the stack. Log lines use the system clock.
    pub(super) fn new(stack: S) -> Self {
        let clock = SystemClock::shared();
        Self { stack, clock }
    }
}

impl<S> AskedService<S> {
    /// Logs a question that describes no request, at most once a minute.
    fn log_undescribed(&self, dialect: &str) {
        if let Some(held_back) = UNDESCRIBED.admit(self.clock.monotonic()) {
            tracing::warn!(
                dialect,
                held_back,
                "a proxy asked without method and target of the request; set it up as in the book"
            );
        }
    }
}

impl<S, B, R> Service<Request<B>> for AskedService<S>
where
    S: Service<Request<NoBody>, Response = Response<R>> + Clone + Send + 'static,
    S::Future: Send + 'static,
    S::Error: Send + 'static,
    B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    R: Body<Data = Bytes> + Default + Send + 'static,
{
    type Response = Response<AnswerBody<R>>;
    type Error = S::Error;
    type Future = Answering<R, S::Error>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.stack.poll_ready(cx)
    }

    /// 404 for another path, 400 for a question that does not describe a request: both are a failure
    /// for the proxy, so nothing is admitted.
    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (mut head, body) = request.into_parts();
        if grpc::is_question(&head) {
            let asked = self.clone();
            return Box::pin(async move {
                match grpc::restore_request(&mut head, body).await {
                    Some(()) => Ok(grpc::decide(asked.stack, head).await?.map(Either::Right)),
                    None => {
                        asked.log_undescribed("Envoy over gRPC");
                        Ok(grpc::refuse_undescribed().map(Either::Right))
                    }
                }
            });
        }
        let Some(dialect) = Dialect::for_path(head.uri.path()) else {
            return failed_response(StatusCode::NOT_FOUND);
        };
        if dialect.restore_request(&mut head).is_none() {
            self.log_undescribed(dialect.name());
            return failed_response(StatusCode::BAD_REQUEST);
        }
        let answered = self
            .stack
            .call(Request::from_parts(head, NoBody::default()));
        Box::pin(async move {
            let mut response = answered.await?;
            refuse_unless_admitted(&mut response);
            if dialect == Dialect::Nginx {
                for_nginx(&mut response);
            }
            Ok(response.map(Either::Left))
        })
    }
}

/// The future of a response.
type Answering<R, E> = Pin<Box<dyn Future<Output = Result<Response<AnswerBody<R>>, E>> + Send>>;

/// A response without a decision.
fn failed_response<R, E>(status: StatusCode) -> Answering<R, E>
where
    R: Default + Send + 'static,
    E: Send + 'static,
{
    let mut response = Response::new(Either::Left(R::default()));
    *response.status_mut() = status;
    Box::pin(std::future::ready(Ok(response)))
}

/// nginx takes any status but 2xx, 401 and 403 for a failure of the endpoint, and responds with 500.
/// The status that the client should get goes into `X-Palisade-Status`, which the configuration of nginx in the book passes
/// on.
fn for_nginx<R>(response: &mut Response<R>) {
    let status = response.status();
    if status.is_success() {
        return;
    }
    if let Ok(value) = HeaderValue::from_str(status.as_str()) {
        response.headers_mut().insert(STATUS, value);
    }
    if status != StatusCode::UNAUTHORIZED {
        *response.status_mut() = StatusCode::FORBIDDEN;
    }
}
