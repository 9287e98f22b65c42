//! Whether a limit is reached. Only with `--probe-limits`: it is load, and each call may cost the owner.
//!
//! Decides `no-limit`, `limit-without-time` and `no-length-limit`. Requests have the key of the
//! client if one works, so the limit of a key is what is found.
//!
//! A refusal is 429 (RFC 6585, section 4), or 503 with `Retry-After`. A 503 alone may be an
//! overloaded service.

use futures_util::future::join_all;
use tokio::time::Instant;

use super::Site;
use crate::check::{
    client::{ProbeRequest, ProbeResponse},
    outcome::Outcomes,
    rules::access::{LIMIT_WITHOUT_TIME, NO_LIMIT},
    rules::input::NO_LENGTH_LIMIT,
};

/// How many requests are open at the same time.
///
/// Enough to use up a limit that refills, and few enough not to be a load test.
const AT_ONCE: u32 = 8;
/// The characters of the long text.
///
/// Far above one sentence of speech, and below the usual bound on a request line of 8 KiB.
const LONG_TEXT: usize = 4000;

/// Sends the same request until it is refused, at most `requests` times.
///
/// Stops after the batch with the first refusal, so up to seven requests more than needed are sent.
/// A service that responds to none gives no finding.
pub(super) async fn probe(site: &Site<'_>, requests: Option<u32>, outcomes: &mut Outcomes) {
    let Some(requests) = requests else {
        let all = [&NO_LIMIT, &LIMIT_WITHOUT_TIME, &NO_LENGTH_LIMIT];
        outcomes.skip_all(&all, "only with --probe-limits");
        return;
    };
    long_text(site, outcomes).await;
    let started = Instant::now();
    let mut sent = 0;
    let mut answered = 0;
    while sent < requests {
        let batch = AT_ONCE.min(requests - sent);
        sent += batch;
        let ask = || site.call(ProbeRequest::get(site.target.path_and_query()).with_429());
        let responses = join_all((0..batch).map(|_| ask())).await;
        answered += responses.iter().filter(|response| response.is_ok()).count();
        let mut refusals = responses
            .iter()
            .flatten()
            .filter(|response| is_refusal(response));
        if let Some(refusal) = refusals.next() {
            outcomes.record_pass(&NO_LIMIT);
            let no_time = refusal.header("retry-after").is_none();
            outcomes.record_decision(&LIMIT_WITHOUT_TIME, no_time.then(|| refusal.summary_line()));
            return;
        }
    }
    outcomes.record_skipped(&LIMIT_WITHOUT_TIME, "no limit was reached");
    let seconds = started.elapsed().as_secs_f64();
    match answered {
        0 => outcomes.record_skipped(&NO_LIMIT, "there was no response"),
        _ => outcomes.record_finding(
            &NO_LIMIT,
            format!("{answered} requests in {seconds:.1} s, none refused"),
        ),
    }
}

/// 429, or 503 with the time to come back.
fn is_refusal(response: &ProbeResponse) -> bool {
    let status = response.status.as_u16();
    status == 429 || (status == 503 && response.header("retry-after").is_some())
}

/// Sent before the others: afterwards the limit may refuse it. A 429 is no result.
async fn long_text(site: &Site<'_>, outcomes: &mut Outcomes) {
    let Some(ask) = site.with_text(&"a".repeat(LONG_TEXT)) else {
        outcomes.record_skipped(&NO_LENGTH_LIMIT, "the address has no query");
        return;
    };
    match site.call(ask).await {
        Ok(response) if matches!(response.status.as_u16(), 401 | 403) => {
            outcomes.record_skipped(
                &NO_LENGTH_LIMIT,
                "the service demands a key; --key FILE gives one",
            );
        }
        Ok(response) => {
            let accepted = response.status.is_success();
            let seen = format!("{LONG_TEXT} characters → {}", response.status.as_u16());
            outcomes.record_decision(&NO_LENGTH_LIMIT, accepted.then_some(seen));
        }
        Err(problem) => outcomes.record_skipped(&NO_LENGTH_LIMIT, problem),
    }
}
