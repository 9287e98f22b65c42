//! Envoy's `ext_authz` over gRPC: `envoy.service.auth.v3.Authorization/Check`.
//!
//! The question is one message, which [`question`] turns into the request that is asked about. The stack decides
//! about it as about every other one. [`answer`] turns its response into a message.
//!
//! A question that describes no request is refused with status 400. It is no error of gRPC: Envoy may be told to
//! admit what the endpoint fails to answer.

mod answer;
mod messages;
mod question;

use std::{convert::Infallible, future::Ready};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, Response, Version, header, request::Parts};
use http_body::Body;
use http_body_util::{BodyExt as _, Full, Limited, combinators::WithTrailers};
use tower_service::Service;

use super::{decide::refuse_unless_admitted, original, service::NoBody};

/// The path of the call.
const PATH: &str = "/envoy.service.auth.v3.Authorization/Check";

/// The body of a decision: one message, and the status of the call.
pub(super) type DecisionBody =
    WithTrailers<Full<Bytes>, Ready<Option<Result<HeaderMap, Infallible>>>>;

/// Returns whether this is a question of Envoy over gRPC: by path, version and content type.
///
/// The answer has status 200 also if it is a refusal. A proxy that asks over HTTP and takes 200 for an admission must not
/// get it.
pub(super) fn is_question(head: &Parts) -> bool {
    head.method == Method::POST
        && head.uri.path() == PATH
        && head.version == Version::HTTP_2
        && original::has_grpc_type(&head.headers)
}

/// Reads the question, and makes its head that of the request that is asked about. `None`: it describes none.
pub(super) async fn restore_request<B>(head: &mut Parts, body: B) -> Option<()>
where
    B: Body<Data = Bytes>,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let body = Limited::new(body, question::LONGEST).collect().await;
    question::restore_request(head, &body.ok()?.to_bytes())
}

/// Asks the stack about a request, and returns its decision.
///
/// # Errors
///
/// That of the stack, which has none.
pub(super) async fn decide<S, R>(
    mut stack: S,
    head: Parts,
) -> Result<Response<DecisionBody>, S::Error>
where
    S: Service<Request<NoBody>, Response = Response<R>>,
    R: Body<Data = Bytes>,
{
    let sent = head.headers.clone();
    let mut decided = stack
        .call(Request::from_parts(head, NoBody::default()))
        .await?;
    refuse_unless_admitted(&mut decided);
    let (head, body) = decided.into_parts();
    // To its end, so that the record says that it was complete. It is short, and was made here.
    let body = body.collect().await.map(|body| body.to_bytes());
    Ok(response(&match head.status.is_success() {
        true => answer::admit(&sent, &head),
        false => answer::refuse(&head, &body.unwrap_or_default()),
    }))
}

/// The refusal of a question that describes no request.
pub(super) fn refuse_undescribed() -> Response<DecisionBody> {
    response(&answer::refuse_undescribed())
}

/// A response of gRPC with one message.
fn response(message: &messages::CheckResponse) -> Response<DecisionBody> {
    let trailers = HeaderMap::from_iter([(
        http::HeaderName::from_static("grpc-status"),
        HeaderValue::from_static("0"),
    )]);
    let body = Full::new(answer::frame(message));
    let body = body.with_trailers(std::future::ready(Some(Ok(trailers))));
    let mut response = Response::new(body);
    let content_type = HeaderValue::from_static("application/grpc");
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, content_type);
    response
}
