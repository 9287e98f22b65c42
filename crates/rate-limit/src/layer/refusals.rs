//! Refusals, rendered before they are needed: under attack this is the hot path.

use std::{sync::OnceLock, time::Duration};

use http::StatusCode;
use palisade_core::Rejection;

use super::Slot;
use crate::{Limit, Unit, rate::MOST_RATES};

const QUOTA_EXCEEDED: &str = "https://iana.org/assignments/http-problem-types#quota-exceeded";
const ABNORMAL_USAGE: &str =
    "https://iana.org/assignments/http-problem-types#abnormal-usage-detected";
const REDUCED_CAPACITY: &str =
    "https://iana.org/assignments/http-problem-types#temporary-reduced-capacity";

/// The breaker asks the store again after so long.
const STORE_AWAY: Duration = Duration::from_secs(1);

pub(super) struct Refusals {
    /// One for each set of limits that refused, as bits. Sets with a ninth limit are rendered anew.
    too_many: Box<[OnceLock<Rejection>]>,
    too_costly: Rejection,
    too_large: Rejection,
    unavailable: Rejection,
}

impl std::fmt::Debug for Refusals {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Refusals")
    }
}

impl Refusals {
    /// Prepares for so many limits.
    pub(super) fn new(limits: usize) -> Self {
        let too_costly = Rejection::new(
            StatusCode::BAD_REQUEST,
            "cost_exceeds_quota",
            "This request costs more than may ever be spent at once.",
        );
        let unavailable = Rejection::unavailable(STORE_AWAY).with_type(REDUCED_CAPACITY);
        Self {
            too_many: (0..1_usize << limits.min(MOST_RATES))
                .map(|_| OnceLock::new())
                .collect(),
            too_costly: too_costly.prerendered(),
            too_large: Rejection::payload_too_large().prerendered(),
            unavailable: unavailable.prerendered(),
        }
    }

    /// Too much for any bucket: waiting would not help.
    pub(super) fn never(&self, limit: &Limit) -> Box<Rejection> {
        Box::new(match limit.unit {
            Unit::ContentBytes => self.too_large.clone(),
            Unit::Custom | Unit::Requests => self.too_costly.clone(),
        })
    }

    pub(super) fn unavailable(&self) -> Box<Rejection> {
        let reason = "the store of the limits is away, and a policy fails closed";
        Box::new(self.unavailable.clone().with_reason(reason))
    }

    /// Returns the refusal by a set of limits, but for its fields.
    pub(super) fn too_many(&self, set: usize, limits: &[Slot]) -> Rejection {
        let render = || render(&members(set, limits));
        match self.too_many.get(set) {
            Some(ready) => ready.get_or_init(render).clone(),
            None => render(),
        }
    }
}

fn members(set: usize, limits: &[Slot]) -> Vec<&Slot> {
    let member = |(index, _): &(usize, &Slot)| set & 1 << *index != 0;
    limits
        .iter()
        .enumerate()
        .filter(member)
        .map(|(_, slot)| slot)
        .collect()
}

fn render(violated: &[&Slot]) -> Rejection {
    let names: Vec<&str> = violated.iter().map(|slot| slot.limit.name()).collect();
    let only_penalties = !violated.is_empty() && violated.iter().all(|slot| slot.limit.penalty);
    let (code, kind, detail) = match only_penalties {
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
        .with_member("violated-policies", names)
        .prerendered()
}
