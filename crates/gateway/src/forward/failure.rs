//! What a client is told when there is no response of an upstream.
//!
//! The sentences name neither the upstream nor its software. Address and causes are in the audit
//! record alone. Each failure also says whose it was: a client whose body breaks off must not turn the
//! server off for all others.
//!
//! | status | code | RFC 9110 | counts against the server |
//! |---|---|---|---|
//! | 400 | `ambiguous_path` | 15.5.1 | no |
//! | 400 | `body_unreadable` | 15.5.1 | no |
//! | 400 | `connection_options` | 15.5.1 | no |
//! | 401 | `unauthenticated` | 15.5.2 | no |
//! | 404 | `no_upstream` | 15.5.5 | no |
//! | 405 | `method_not_allowed` | 15.5.6 | no |
//! | 408 | `request_timeout` | 15.5.9 | no |
//! | 413 | `body_too_large` | 15.5.14 | no |
//! | 502 | `upstream_unreachable` | 15.6.3 | yes |
//! | 429 | `websocket_limit` | RFC 6585 section 4 | no |
//! | 502 | `upstream_failed` | 15.6.3 | yes, unless the request had a body or a 101 did not fit |
//! | 503 | `unavailable` | 15.6.4 | no: nothing was sent |
//! | 504 | `upstream_timeout` | 15.6.5 | yes, unless the total time is over |
//!
//! Why not with a body? A server may close its connection as soon as it refuses a request, with the
//! rest of the body unread. Then the response is lost, and the break looks like that of a server that
//! died. A client could provoke it with a few long requests, and turn the server off for all others. A
//! server that died does not accept the next connection, which counts in any case.

use std::{error::Error as StdError, time::Duration};

use http::{HeaderValue, StatusCode};
use http_body_util::LengthLimitError;
use hyper_util::client::legacy::Error;
use palisade::core::Rejection;

use crate::upstream::{Server, is_shortage};

/// Why an exchange with a server gave no response.
///
/// It exists only before the head of a response. What fails later breaks off the body.
#[derive(Debug)]
pub(super) enum Failure {
    /// The client library's error.
    ///
    /// No connection, a connection that broke, a head that is no HTTP, or a body of the client that
    /// failed.
    Broken {
        error: Error,
        /// The request had a body, whose end the server may not have waited for.
        has_body: bool,
    },
    /// The client's credential ended. With the challenges for another one.
    CredentialEnded(Vec<HeaderValue>),
    /// The client sent no further part of its body for the time that a response may take.
    ClientStopped(Duration),
    /// Nothing moved for the time that a response may take.
    ///
    /// The time begins again with each part of the request body, so a slow upload is not late.
    Late(Duration),
    /// The whole exchange took too long.
    ///
    /// It may be the client's upload that took the time, so no server is blamed.
    TooLong,
}

impl Failure {
    /// Returns whether it says something about the server. A body that the client did not finish
    /// does not.
    ///
    /// If so, the circuit breaker counts it.
    pub(super) fn is_of_server(&self) -> bool {
        match self {
            Self::Broken { error, has_body } => {
                !lacks_socket(error) && (error.is_connect() || !has_body && !is_of_client(error))
            }
            Self::Late(_) => true,
            Self::ClientStopped(_) | Self::CredentialEnded(_) | Self::TooLong => false,
        }
    }

    /// Returns whether there was no connection, so that no server has read the request.
    pub(super) fn is_before_sending(&self) -> bool {
        matches!(self, Self::Broken { error, .. } if error.is_connect())
    }

    /// Returns whether another server could do better. After a timeout the client has waited long
    /// enough.
    ///
    /// Whether the request may be sent twice at all is decided elsewhere, by its method and body.
    pub(super) fn is_worth_a_retry(&self) -> bool {
        matches!(self, Self::Broken { error, .. } if !is_of_client(error) && !lacks_socket(error))
    }

    /// Returns the refusal for the client.
    ///
    /// The server's address is in the reason, which only the audit record shows.
    pub(super) fn to_rejection(&self, server: &Server) -> Rejection {
        match self {
            Self::Broken { error, .. } => broken_exchange(error, server),
            Self::ClientStopped(time) => client_stopped(*time),
            Self::CredentialEnded(challenges) => Rejection::unauthenticated(challenges.clone())
                .with_reason("the credential ended while the request was open"),
            Self::Late(time) => timed_out(format!(
                "{} sent no response within {time:?}",
                server.address()
            )),
            Self::TooLong => timed_out(format!(
                "{} sent no response within total_timeout_seconds",
                server.address()
            )),
        }
    }
}

/// The reason, for the record, says which part of the path it was.
///
/// Status 400. The client can repair it: the normal form of the path passes.
pub(crate) fn ambiguous_path(problem: &'static str) -> Rejection {
    Rejection::new(
        StatusCode::BAD_REQUEST,
        "ambiguous_path",
        "The path has dot segments, empty segments or encoded separators. Send it in its normal form.",
    )
    .with_reason(problem)
}

/// The same words as for a path without a rule: a client need not know the difference.
///
/// Status 404. The operator sees the difference in the code and in the reason.
pub(super) fn no_upstream() -> Rejection {
    Rejection::new(
        StatusCode::NOT_FOUND,
        "no_upstream",
        "There is nothing here.",
    )
    .with_reason("no upstream takes this host and path")
}

/// `CONNECT` would open a tunnel, `TRACE` would return what the gateway added.
///
/// Status 405 with `Allow`, as RFC 9110 section 15.5.6 demands. That also excludes WebSockets over
/// HTTP/2, which begin with an extended `CONNECT` (RFC 8441 section 4).
pub(crate) fn method_refused() -> Rejection {
    Rejection::method_not_allowed(HeaderValue::from_static(
        "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS",
    ))
    .with_reason("the gateway never forwards this method")
}

/// The upstream said something that cannot be passed on.
///
/// Status 502. For a connection that broke, a head that cannot be parsed, and a switch of protocols
/// that does not fit.
pub(super) fn unusable_response(reason: impl Into<std::borrow::Cow<'static, str>>) -> Rejection {
    Rejection::new(
        StatusCode::BAD_GATEWAY,
        "upstream_failed",
        "The service did not give a usable response.",
    )
    .with_reason(reason)
}

/// No server takes requests: their breakers are open, or their health checks fail.
///
/// Status 503 with `Retry-After`: the shortest time after which a server may take requests again.
pub(super) fn no_server_available(wait: Duration) -> Rejection {
    Rejection::unavailable(wait).with_reason("no server of the upstream takes requests")
}

/// The field `Connection` names a field that the recipient needs.
///
/// The stack has read that field, and the upstream would not get it.
pub(super) fn connection_options() -> Rejection {
    Rejection::new(
        StatusCode::BAD_REQUEST,
        "connection_options",
        "`Connection` may name only fields that are meant for this connection.",
    )
}

/// A client has as many WebSockets open as `most_per_client` of `[upstreams.websocket]` allows.
///
/// Status 429 without `Retry-After`: a place is free when the client closes one.
pub(super) fn too_many_websockets() -> Rejection {
    Rejection::new(
        StatusCode::TOO_MANY_REQUESTS,
        "websocket_limit",
        "This client has too many WebSockets open. Close one first.",
    )
}

/// As many WebSockets are open in all as `most` of `[upstreams.websocket]` allows.
pub(super) fn no_websocket_left() -> Rejection {
    Rejection::unavailable(Duration::from_secs(10))
        .with_reason("as many WebSockets are open as the settings allow")
}

/// A file with a secret could not be read for too long.
///
/// Status 503 with `Retry-After: 60`. Sending the request without the credential, or without the
/// identity, would be worse than a refusal.
pub(super) fn no_secret(what: &'static str) -> Rejection {
    Rejection::unavailable(Duration::from_secs(60))
        .with_reason(format!("{what} could not be read for too long"))
}

/// The body of the request broke off, or was longer than it may be.
///
/// The client library reports a body that failed as an error of its user.
fn is_of_client(error: &Error) -> bool {
    error_causes(error).any(|cause| {
        let hyper = cause.downcast_ref::<hyper::Error>();
        hyper.is_some_and(hyper::Error::is_user) || cause.is::<LengthLimitError>()
    })
}

/// This process has no file descriptor left for a connection. No server is to blame.
fn lacks_socket(error: &Error) -> bool {
    is_shortage(error_causes(error))
}

/// Status 408: the client began a body and stopped. Nothing is known about the server.
fn client_stopped(time: Duration) -> Rejection {
    Rejection::new(
        StatusCode::REQUEST_TIMEOUT,
        "request_timeout",
        "The body of the request did not arrive in time.",
    )
    .with_reason(format!(
        "the client sent no part of its body within {time:?}"
    ))
}

/// Status 504 with the words that are the same for all timeouts. The reason says which one it was.
fn timed_out(reason: String) -> Rejection {
    Rejection::new(
        StatusCode::GATEWAY_TIMEOUT,
        "upstream_timeout",
        "The service took too long to respond.",
    )
    .with_reason(reason)
}

/// Returns the refusal for an exchange that failed: 413 for a body that was too long, 400 for one that
/// ended early or is malformed, 503 if this process has no socket left, 502 otherwise.
///
/// The client library reports both as a failed request, so the causes are searched for the limit.
fn broken_exchange(error: &Error, server: &Server) -> Rejection {
    if error_causes(error).any(|cause| cause.is::<LengthLimitError>()) {
        return Rejection::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "body_too_large",
            "The body is longer than this service allows.",
        );
    }
    if is_of_client(error) {
        return Rejection::new(
            StatusCode::BAD_REQUEST,
            "body_unreadable",
            "The body of the request ended early, or is malformed.",
        )
        .with_reason(with_causes(error));
    }
    let reason = format!("{}: {}", server.address(), with_causes(error));
    if lacks_socket(error) {
        return Rejection::unavailable(Duration::from_secs(1)).with_reason(reason);
    }
    match error.is_connect() {
        true => Rejection::new(
            StatusCode::BAD_GATEWAY,
            "upstream_unreachable",
            "The service cannot be reached.",
        )
        .with_reason(reason),
        false => unusable_response(reason),
    }
}

/// The causes of an error, the outer ones first.
fn error_causes(error: &Error) -> impl Iterator<Item = &(dyn StdError + 'static)> {
    std::iter::successors(error.source(), |cause: &&'_ (dyn StdError + 'static)| {
        StdError::source(*cause)
    })
}

/// The error and its causes on one line.
fn with_causes(error: &Error) -> String {
    error_causes(error).fold(error.to_string(), |line, cause| format!("{line}: {cause}"))
}
