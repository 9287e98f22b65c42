//! The clock of this machine, beside the `Date` header of a server (RFC 9110, section 6.6.1).
//!
//! Decides `clock-skew`. A wrong clock makes valid tokens "expired" or "not yet valid" (RFC 7519),
//! signs trails with a wrong time, and lets certificates seem to be over.
//!
//! `Date` has whole seconds and the network adds a delay, so small differences mean nothing. This
//! is no time service: it does not set the clock.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::Method;
use palisade::{diagnostics, shield::Warning};
use palisade_core::SystemClock;

use crate::{
    check::client::{Client, ProbeRequest, tls::TlsSettings},
    check::target::Target,
    failure::Failure,
};

/// The difference that is reported. Tokens allow for a minute; limits and certificates for less.
const MOST_SKEW: Duration = Duration::from_secs(30);
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
pub(super) async fn examine(source: &str) -> Result<Option<Warning>, Failure> {
    let target = Target::parse(source)?;
    let client = Client::new(target.resolve().await?, PATIENCE, TlsSettings::new(None)?);
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
    Ok(compare(
        UNIX_EPOCH + SystemClock::shared().unix_time(),
        theirs,
    ))
}

/// `None` up to and with 30 seconds. The text names the difference in whole seconds and its
/// direction.
fn compare(ours: SystemTime, theirs: SystemTime) -> Option<Warning> {
    let since = |time: SystemTime| time.duration_since(UNIX_EPOCH).unwrap_or_default();
    let (ours, theirs) = (since(ours), since(theirs));
    let skew = ours.abs_diff(theirs);
    if skew <= MOST_SKEW {
        return None;
    }
    let direction = if ours > theirs { "ahead" } else { "behind" };
    let text = format!(
        "the clock of this machine is {} s {direction}: tokens, keys and certificates are checked against it; \
         start a time service (timedatectl set-ntp true)",
        skew.as_secs()
    );
    diagnostics::find("clock-skew").map(|entry| Warning::new(entry, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_minute_is_accepted_in_both_directions() {
        let now = UNIX_EPOCH + Duration::from_secs(2_000_000_000);
        for seconds in [0, 30] {
            assert!(compare(now, now + Duration::from_secs(seconds)).is_none());
            assert!(compare(now + Duration::from_secs(seconds), now).is_none());
        }
        let behind = compare(now, now + Duration::from_secs(90)).unwrap();
        assert!(behind.text.contains("90 s behind"), "{}", behind.text);
        let ahead = compare(now + Duration::from_secs(31), now).unwrap();
        assert_eq!(ahead.number(), Some("PAL0020"));
    }
}
