//! The refusals of the layer, rendered once, because a flood of requests makes refusing the hot
//! path.
//!
//! A 429 depends on the set of limits that refused. Each set is rendered at its first use and
//! copied afterwards. The fields that change (`RateLimit`, `Retry-After`) are added to the copy.
//! Problem types are those of draft-ietf-httpapi-ratelimit-headers-10, registered with IANA.

use std::{sync::OnceLock, time::Duration};

use http::StatusCode;
use palisade_core::Rejection;

use super::ConfiguredLimit;
use crate::{
    policy::{CostUnit, Limit},
    rate::MAX_RATES,
};

/// The type of a 429: the quota of a limit is used up.
const QUOTA_EXCEEDED: &str = "https://iana.org/assignments/http-problem-types#quota-exceeded";
/// The type of a 429 by a penalty: too many failed credentials or refusals.
const ABNORMAL_USAGE: &str =
    "https://iana.org/assignments/http-problem-types#abnormal-usage-detected";
/// The type of a response of reduced capacity: the store of the limits cannot be asked.
const REDUCED_CAPACITY: &str =
    "https://iana.org/assignments/http-problem-types#temporary-reduced-capacity";

/// `Retry-After` of the 503: the circuit breaker asks the store again after this time.
const STORE_AWAY: Duration = Duration::from_secs(1);

/// The rendered refusals of one layer.
pub(super) struct RefusalTemplates {
    /// One for each set of limits that refused, as bits. Sets with a ninth limit are rendered again.
    too_many: Box<[OnceLock<Rejection>]>,
    /// The request costs more than a full bucket: for each limit 400, or 413 where the cost is the length of the body.
    too_costly: Box<[Rejection]>,
    /// 503: the store cannot be asked.
    unavailable: Rejection,
}

impl std::fmt::Debug for RefusalTemplates {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RefusalTemplates")
    }
}

impl RefusalTemplates {
    /// Prepares templates for these limits.
    pub(super) fn new(limits: &[Limit]) -> Self {
        let too_costly = limits.iter().map(cost_exceeds_quota);
        let unavailable = Rejection::unavailable(STORE_AWAY).with_type(REDUCED_CAPACITY);
        Self {
            too_many: (0..1_usize << limits.len().min(MAX_RATES))
                .map(|_| OnceLock::new())
                .collect(),
            too_costly: too_costly.collect(),
            unavailable: unavailable.prerendered(),
        }
    }

    /// Refuses a request that costs more than a full bucket of the limit with this index (400 or 413). Waiting would not
    /// help.
    pub(super) fn cost_exceeds_quota(&self, index: usize, limit: &Limit) -> Box<Rejection> {
        let ready = self.too_costly.get(index).cloned();
        Box::new(ready.unwrap_or_else(|| cost_exceeds_quota(limit)))
    }

    /// Refuses because the store failed and a policy is `FailClosed` (503).
    pub(super) fn unavailable(&self) -> Box<Rejection> {
        let reason = "the store of the limits cannot be reached, and a policy fails closed";
        Box::new(self.unavailable.clone().with_reason(reason))
    }

    /// Returns the 429 for a set of limits (bits), without its fields. Rendered at the first use of the set.
    pub(super) fn too_many_requests(&self, set: usize, limits: &[ConfiguredLimit]) -> Rejection {
        let render_refusal = || render_refusal(&limits_in_set(set, limits));
        match self.too_many.get(set) {
            Some(ready) => ready.get_or_init(render_refusal).clone(),
            None => render_refusal(),
        }
    }
}

/// Renders the refusal of a request that costs more than a full bucket of a limit.
fn cost_exceeds_quota(limit: &Limit) -> Rejection {
    let rejection = match limit.unit {
        CostUnit::ContentBytes => Rejection::payload_too_large(),
        CostUnit::Custom | CostUnit::Requests => Rejection::new(
            StatusCode::BAD_REQUEST,
            "cost_exceeds_quota",
            "This request costs more than may ever be spent at once.",
        ),
    };
    rejection.with_policy(&*limit.name).prerendered()
}

/// Returns the limits whose bit is set.
fn limits_in_set(set: usize, limits: &[ConfiguredLimit]) -> Vec<&ConfiguredLimit> {
    let member = |(index, _): &(usize, &ConfiguredLimit)| set & 1 << *index != 0;
    limits
        .iter()
        .enumerate()
        .filter(member)
        .map(|(_, configured)| configured)
        .collect()
}

/// Renders the 429 with its problem document. Its code and type say whether only penalties refused.
fn render_refusal(violated: &[&ConfiguredLimit]) -> Rejection {
    let names: Vec<&str> = violated
        .iter()
        .map(|configured| configured.limit.name())
        .collect();
    let all = |is: fn(&Limit) -> bool| {
        !violated.is_empty() && violated.iter().all(|configured| is(&configured.limit))
    };
    let (code, kind, detail) = match all(|limit| limit.penalty) {
        true if all(|limit| limit.counts_refusals) => (
            "too_many_refusals",
            ABNORMAL_USAGE,
            "Too many requests were refused. Retry-After says when to come back.",
        ),
        true => (
            "too_many_failures",
            ABNORMAL_USAGE,
            "Too many credentials failed. Retry-After says when to come back.",
        ),
        false => (
            "quota_exceeded",
            QUOTA_EXCEEDED,
            "Too many requests. Retry-After says when to come back.",
        ),
    };
    Rejection::new(StatusCode::TOO_MANY_REQUESTS, code, detail)
        .with_type(kind)
        .with_policy(names.join(", "))
        .with_member("violated-policies", names)
        .prerendered()
}
