//! An ordinary request: sent to a server, and to another one if the first cannot be reached.
//!
//! A retry needs all of these:
//!
//! - a safe method and no body, so that a second time changes nothing;
//! - a failure of the connection before a response; after a timeout the client has waited enough;
//! - retries of this upstream left for this request (`retries`);
//! - a retry in the budget of the upstream, so that an outage does not double the load.
//!
//! The next attempt goes to a server that was not tried, if there is one.
//!
//! The same method may be safe and still have a body. A body is streamed and gone after the first
//! attempt, so such a request is not sent again.

use bytes::Bytes;
use http::{Method, Response, StatusCode, request::Parts, uri::Authority};
use http_body::Body;
use hyper::body::Incoming;
use palisade::core::{BoxError, Rejection};

use super::{
    exchange::Exchange,
    failure::{self, Failure},
    request, response,
};
use crate::{
    body::{SentBody, UpstreamBody},
    upstream::{Attempt, Upstream},
};

/// Sends a request until a server responds, a failure is final, or the retries are used up.
///
/// Only requests without a body and with a safe method are sent again: they change nothing, so a
/// server that did the work and broke before it responded did no harm.
///
/// Every request counts for the retry budget, also one that is never sent again.
///
/// # Errors
///
/// The refusal of the last failure: 413, 502, 503 or 504, as in the table of [`failure`].
pub(super) async fn send_with_retries<B>(
    exchange: &Exchange,
    head: Parts,
    host: Option<&Authority>,
    body: B,
) -> Result<Response<UpstreamBody>, Box<Rejection>>
where
    B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    let upstream = exchange.upstream();
    upstream.count_request();
    let is_repeatable = is_safe(&head.method) && body.is_end_stream();
    let body = SentBody::new(body, exchange.progress(), upstream.trailers.clone());
    let mut body = Some(body);
    let mut tried = Vec::new();
    loop {
        let mut attempt = begin_attempt(upstream, &tried)?;
        let addressed = request::address_to_server(head.clone(), host, upstream, attempt.server());
        let body = body.take();
        let body = body.unwrap_or_else(|| SentBody::empty(exchange.progress()));
        match exchange
            .send_request(attempt.client(), addressed, body)
            .await
        {
            Ok(response) => return finish(exchange, response, attempt, host),
            Err(failure) => {
                note_failure(&failure, &mut attempt);
                let again = is_repeatable
                    && failure.is_worth_a_retry()
                    && tried.len() < upstream.retries as usize
                    && upstream.may_retry();
                if !again {
                    return Err(failure.to_rejection(attempt.server()).into());
                }
                tried.push(attempt.index());
            }
        }
    }
}

/// Begins an attempt, or refuses if no server takes requests.
///
/// `tried` holds positions of servers that failed this request.
///
/// # Errors
///
/// 503 `unavailable` with `Retry-After`.
pub(super) fn begin_attempt(
    upstream: &std::sync::Arc<Upstream>,
    tried: &[usize],
) -> Result<Attempt, Box<Rejection>> {
    Ok(upstream
        .begin_attempt(tried)
        .map_err(failure::no_server_available)?)
}

/// Tells the breaker about a failure, unless it was the client's.
///
/// Without a report the attempt counts as abandoned, which changes nothing but a trial of the breaker.
pub(super) fn note_failure(failure: &Failure, attempt: &mut Attempt) {
    if failure.is_of_server() {
        attempt.note_failure();
    }
}

/// Tells the breaker about a response. The attempt ends with the body.
///
/// A gateway behind the server (502, 504) and a server that is busy (503) count as failures: they need a
/// rest. Any other status is the application's response.
///
/// # Errors
///
/// 502 `upstream_failed` for a 101 that no one asked for.
pub(super) fn finish(
    exchange: &Exchange,
    response: Response<Incoming>,
    mut attempt: Attempt,
    host: Option<&Authority>,
) -> Result<Response<UpstreamBody>, Box<Rejection>> {
    match response.status() {
        StatusCode::BAD_GATEWAY | StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => {
            attempt.note_failure()
        }
        _ => attempt.note_success(),
    }
    let own = attempt.server().authority();
    let named = exchange.upstream().host.value_for(host, own);
    let response = response::prepare_response(exchange, response, named, own)?;
    Ok(response.map(|body| body.hold_until_end(attempt)))
}

/// Safe methods (RFC 9110 section 9.2.1) that have no body.
///
/// `TRACE` is safe too, but is never forwarded.
fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}
