//! The innermost service of the endpoint: what the stack admitted is admitted.
//!
//! It also refuses what the gateway refuses when it forwards: paths with two readings, `CONNECT` and
//! `TRACE`. And it refuses a text that the stack has changed, which the proxy would forward unchanged.
//!
//! | response | when |
//! |---|---|
//! | 200, with the fields of the client's identity | the stack admitted the request |
//! | 400 `ambiguous_path` | the path has two readings |
//! | 400 `text_not_clean` | the stack cleaned the query; the proxy would forward the text that was not cleaned |
//! | 405 `method_not_allowed` | `CONNECT` or `TRACE` |

use std::{
    convert::Infallible,
    future::{Ready, ready},
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode, request::Parts};
use palisade::core::{GuardBody, Rejection, SecurityContext, refuse};
use tower_service::Service;

use super::original::OriginalTarget;
use crate::{
    body::UpstreamBody,
    client_fields::ClientFields,
    forward::{ambiguous_path, method_refused},
    path::check_path,
};

/// The name in audit records.
const NAME: &str = "auth_endpoint";

/// Responds with 200 and says who the client is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Decide;

impl<B> Service<Request<B>> for Decide {
    type Response = Response<GuardBody<UpstreamBody>>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let (mut head, _) = request.into_parts();
        let cx = SecurityContext::find_or_create(&mut head);
        ready(Ok(match check_forwarded_request(&head) {
            Ok(()) => admitted_response(&cx),
            Err(rejection) => refuse(&cx, NAME, *rejection),
        }))
    }
}

/// Checks what the proxy will forward.
///
/// # Errors
///
/// The refusal, as the gateway would give it; 400 `text_not_clean` if the stack has changed the target.
fn check_forwarded_request(head: &Parts) -> Result<(), Box<Rejection>> {
    if matches!(head.method, Method::CONNECT | Method::TRACE) {
        return Err(method_refused().into());
    }
    check_path(head.uri.path()).map_err(ambiguous_path)?;
    let original = head.extensions.get::<OriginalTarget>();
    match original.map(|original| Some(&original.0) == head.uri.path_and_query()) {
        Some(true) => Ok(()),
        _ => Err(Rejection::new(
            StatusCode::BAD_REQUEST,
            "text_not_clean",
            "The text in the query has characters that this service does not take.",
        )
        .into()),
    }
}

/// In the response to a request that every guard let through.
#[derive(Clone, Copy, Debug)]
struct Admitted;

/// Makes a refusal (403) of a success that is no admission: a guard made it by itself, as a refusal of gRPC or the answer to a
/// preflight.
pub(super) fn refuse_unless_admitted<B>(response: &mut Response<B>) {
    let is_admitted = response.extensions().get::<Admitted>().is_some();
    if response.status().is_success() && !is_admitted {
        *response.status_mut() = StatusCode::FORBIDDEN;
    }
}

/// Status 200 without a body.
fn admitted_response(cx: &SecurityContext) -> Response<GuardBody<UpstreamBody>> {
    let mut response = Response::new(GuardBody::inner(UpstreamBody::from_gateway(Bytes::new())));
    // The values are percent-encoded, so they can always be sent.
    let fields = ClientFields::from_context(cx).never_empty();
    let _ = fields.set_headers(response.headers_mut());
    response.extensions_mut().insert(Admitted);
    response
}
