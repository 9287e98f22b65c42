//! The header fields that tell what is left: `RateLimit` and `RateLimit-Policy`
//! (draft-ietf-httpapi-ratelimit-headers-10), beside those of the rate limits.
//!
//! ```text
//! RateLimit-Policy: "team";q=1000000;w=2592000
//! RateLimit: "team";r=731020;t=86400
//! ```
//!
//! `q` and `r` are in units of the budget, money in millionths, sound in milliseconds. `t` is the time until the window ends.

use std::time::Duration;

use http::{HeaderName, HeaderValue};
use palisade_rate_limit::{BudgetCharge, BudgetState};

use super::charge::Entry;

const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");
/// The greatest integer of a structured field (RFC 9651, 3.3.1).
const MOST: u64 = 999_999_999_999_999;

/// Returns the fields for the counters of one request.
pub(super) fn header_fields(
    entries: &[Entry],
    charges: &[BudgetCharge],
    states: &[BudgetState],
    now: Duration,
) -> Vec<(HeaderName, HeaderValue)> {
    let counters = || entries.iter().zip(charges).zip(states);
    let policy = counters().map(|((entry, charge), _)| {
        let (quota, window) = (charge.amount().min(MOST), charge.key().span().seconds());
        format!("\"{}\";q={quota};w={window}", entry.budget.name)
    });
    let left = counters().map(|((entry, charge), state)| {
        let left = charge.amount().saturating_sub(state.charged()).min(MOST);
        let end = charge.key().span().end().saturating_sub(now.as_secs());
        format!("\"{}\";r={left};t={end}", entry.budget.name)
    });
    let list = |items: Vec<String>| HeaderValue::try_from(items.join(", ")).ok();
    let policy = list(policy.collect()).map(|value| (RATE_LIMIT_POLICY, value));
    let left = list(left.collect()).map(|value| (RATE_LIMIT, value));
    policy.into_iter().chain(left).collect()
}
