//! The clock of this machine, beside the `Date` header of a server (RFC 9110, section 6.6.1).
//!
//! Decides `clock-skew`. A wrong clock makes valid tokens "expired" or "not yet valid" (RFC 7519),
//! signs trails with a wrong time, and lets certificates seem to be over.
//!
//! `Date` has whole seconds and the network adds a delay, so small differences mean nothing. This
//! is no time service: it does not set the clock.

use std::time::{Duration, UNIX_EPOCH};

use http::Method;
use palisade::shield::Warning;
use palisade_core::SystemClock;

use crate::{
    check::client::{Client, ProbeRequest, tls::TlsSettings},
    check::target::Target,
    clock_skew,
    failure::Failure,
};

/// How long the server may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// `clock-skew`: asks the server once, with HEAD.
///
/// The certificate of the server is not verified: with a wrong clock it may seem expired. Nothing is sent
/// but the request, and nothing is set by the response.
///
/// # Errors
///
/// Fails if the address is wrong, the server cannot be reached in ten seconds a step, or its
/// response has no valid `Date`.
pub(super) async fn examine_clock(source: &str) -> Result<Option<Warning>, Failure> {
    let target = Target::parse(source)?;
    let client = Client::new(
        target.resolve_host().await?,
        PATIENCE,
        TlsSettings::new(None)?,
    );
    let response = client
        .send(
            &target,
            ProbeRequest::new(Method::HEAD, target.path_and_query()),
        )
        .await;
    let response = response.map_err(|problem| Failure::new(format_args!("{target}: {problem}")))?;
    let date = response.header("date");
    let theirs = date.and_then(|date| httpdate::parse_http_date(&date).ok());
    let theirs = theirs.ok_or_else(|| Failure::new(format_args!("{target}: no Date header")))?;
    Ok(clock_skew::skew_warning(
        UNIX_EPOCH + SystemClock::shared().unix_time(),
        theirs,
    ))
}
