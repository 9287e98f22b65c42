//! One request to a server, and why there is no response.
//!
//! The request has the form of a health check, `User-Agent: palisade-doctor`, and no credential, so that it changes nothing
//! and needs no secret. One that takes longer than 10 s is given up.

use std::{error::Error as _, time::Duration};

use http::{StatusCode, uri::Authority};
use palisade::core::SystemClock;

use crate::upstream::{health, server::Server, service::Upstream};

/// How long a server may take to respond. The response timeout may be minutes.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// What a server responded.
pub(super) struct Seen {
    /// The status. The body is not read.
    pub(super) status: StatusCode,
    /// From the first connection attempt to the head of the response.
    pub(super) took: Duration,
}

/// Why there was no response.
pub(super) enum NoResponse {
    /// No connection: nothing listens, or a firewall drops it.
    Connect(String),
    /// Nothing came within [`PATIENCE`].
    Late,
    /// A connection that ended early, or a response that is not HTTP.
    Other(String),
    /// The handshake failed: another authority, another name, or no TLS at all.
    Tls(String),
}

/// Asks with the host that the upstream is configured for.
///
/// # Errors
///
/// Why there was no response.
pub(super) async fn send_request(
    upstream: &Upstream,
    server: &Server,
    sent: Option<&Authority>,
) -> Result<Seen, NoResponse> {
    ask_as(
        upstream,
        server,
        upstream.host.value_for(sent, server.authority()),
    )
    .await
}

/// Asks with this host.
/// For a server that refuses the usual one with 400, 403 or 421.
///
/// # Errors
///
/// Why there was no response.
pub(super) async fn ask_as(
    upstream: &Upstream,
    server: &Server,
    host: &Authority,
) -> Result<Seen, NoResponse> {
    let path = upstream.health.as_ref().map(|health| health.path.clone());
    let path = path.unwrap_or_else(|| http::uri::PathAndQuery::from_static("/"));
    let request = health::check_request(upstream, server, host, path, "palisade-doctor");
    let request = request.ok_or_else(|| NoResponse::Other("no request can be made".to_owned()))?;
    let clock = SystemClock::shared();
    let begin = clock.monotonic();
    let asked = tokio::time::timeout(PATIENCE, server.check_client().send(request)).await;
    let response = asked.map_err(|_| NoResponse::Late)?;
    let response = response.map_err(|error| no_response(&error))?;
    Ok(Seen {
        status: response.status(),
        took: clock.monotonic().saturating_sub(begin),
    })
}

/// Says in which step it failed, with the innermost cause.
fn no_response(error: &hyper_util::client::legacy::Error) -> NoResponse {
    type Cause = dyn std::error::Error + 'static;
    let causes = std::iter::successors(error.source(), |cause: &&'_ Cause| Cause::source(*cause));
    let of_tls = |cause: &Cause| {
        let inner = cause.downcast_ref::<std::io::Error>();
        let inner = inner.and_then(|inner| inner.get_ref());
        cause.is::<rustls::Error>() || inner.is_some_and(|inner| inner.is::<rustls::Error>())
    };
    let is_tls = causes.clone().any(of_tls);
    let last = causes.last().map(ToString::to_string);
    let text = last.unwrap_or_else(|| error.to_string());
    let is_alpn = text.contains("ALPN");
    match (is_tls, is_alpn, error.is_connect()) {
        (true, _, _) => NoResponse::Tls(format!("the TLS handshake fails: {text}")),
        (false, false, true) => NoResponse::Connect(format!("no connection: {text}")),
        _ => NoResponse::Other(format!("no response: {text}")),
    }
}
