//! What a client is told when there is no response of an upstream.
//!
//! The sentences name neither the upstream nor its software. Address and causes are in the audit
//! record alone. Each failure also says whose it was: a client whose body breaks off must not turn the
//! server off for all others.

use std::{error::Error as StdError, time::Duration};

use http::{HeaderValue, StatusCode};
use http_body_util::LengthLimitError;
use hyper_util::client::legacy::Error;
use palisade::core::Rejection;

use crate::upstream::Server;

/// Why an exchange with a server gave no response.
#[derive(Debug)]
pub(super) enum Failure {
    /// The client library's error.
    Broken(Error),
    /// Nothing moved for the time that a response may take.
    Late(Duration),
    /// The whole exchange took too long.
    TooLong,
}

impl Failure {
    /// Returns whether it says something about the server. A body that the client did not finish
    /// does not.
    pub(super) fn is_of_server(&self) -> bool {
        match self {
            Self::Broken(error) => !is_of_client(error),
            Self::Late(_) => true,
            Self::TooLong => false,
        }
    }

    /// Returns whether another server could do better. After a timeout the client has waited long
    /// enough.
    pub(super) fn is_worth_a_retry(&self) -> bool {
        matches!(self, Self::Broken(error) if !is_of_client(error))
    }

    /// Returns the refusal for the client.
    pub(super) fn rejection(&self, server: &Server) -> Rejection {
        match self {
            Self::Broken(error) => broken(error, server),
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
pub(super) fn ambiguous_path(problem: &'static str) -> Rejection {
    Rejection::new(
        StatusCode::BAD_REQUEST,
        "ambiguous_path",
        "The path has dot segments, empty segments or encoded separators. Send it in its normal form.",
    )
    .with_reason(problem)
}

/// The same words as for a path without a rule: a client need not know the difference.
pub(super) fn no_upstream() -> Rejection {
    Rejection::new(
        StatusCode::NOT_FOUND,
        "no_upstream",
        "There is nothing here.",
    )
    .with_reason("no upstream takes this host and path")
}

/// `CONNECT` would open a tunnel, `TRACE` would return what the gateway added.
pub(super) fn method_refused() -> Rejection {
    Rejection::method_not_allowed(HeaderValue::from_static(
        "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS",
    ))
    .with_reason("the gateway never forwards this method")
}

/// The upstream said something that cannot be passed on.
pub(super) fn unusable(reason: impl Into<std::borrow::Cow<'static, str>>) -> Rejection {
    Rejection::new(
        StatusCode::BAD_GATEWAY,
        "upstream_failed",
        "The service did not give a usable response.",
    )
    .with_reason(reason)
}

/// No server takes requests: their breakers are open, or their health checks fail.
pub(super) fn unavailable(wait: Duration) -> Rejection {
    Rejection::unavailable(wait).with_reason("no server of the upstream takes requests")
}

/// A file with a secret could not be read for too long.
pub(super) fn no_secret(what: &'static str) -> Rejection {
    Rejection::unavailable(Duration::from_secs(60))
        .with_reason(format!("{what} could not be read for too long"))
}

/// The body of the request broke off, or was longer than it may be.
fn is_of_client(error: &Error) -> bool {
    causes(error).any(|cause| {
        let hyper = cause.downcast_ref::<hyper::Error>();
        hyper.is_some_and(hyper::Error::is_user) || cause.is::<LengthLimitError>()
    })
}

fn timed_out(reason: String) -> Rejection {
    Rejection::new(
        StatusCode::GATEWAY_TIMEOUT,
        "upstream_timeout",
        "The service took too long to respond.",
    )
    .with_reason(reason)
}

/// Returns the refusal for an exchange that failed: 413 for a body that was too long, 502 otherwise.
///
/// The client library reports both as a failed request, so the causes are searched for the limit.
fn broken(error: &Error, server: &Server) -> Rejection {
    if causes(error).any(|cause| cause.is::<LengthLimitError>()) {
        return Rejection::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "body_too_large",
            "The body is longer than this service allows.",
        );
    }
    let reason = format!("{}: {}", server.address(), with_causes(error));
    match error.is_connect() {
        true => Rejection::new(
            StatusCode::BAD_GATEWAY,
            "upstream_unreachable",
            "The service cannot be reached.",
        )
        .with_reason(reason),
        false => unusable(reason),
    }
}

/// The causes of an error, the outer ones first.
fn causes(error: &Error) -> impl Iterator<Item = &(dyn StdError + 'static)> {
    std::iter::successors(error.source(), |cause: &&'_ (dyn StdError + 'static)| {
        StdError::source(*cause)
    })
}

/// The error and its causes on one line.
fn with_causes(error: &Error) -> String {
    causes(error).fold(error.to_string(), |line, cause| format!("{line}: {cause}"))
}
