//! Metrics of the shared store. Labels are codes of this crate, never a client's text.

use std::time::Duration;

#[cfg(feature = "metrics")]
use metrics::{counter, gauge, histogram};

use crate::store::StoreProblem;

/// The kind of a settlement that was lost.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum LostKind {
    Charge,
    /// A request that this node admitted while the server could not be reached.
    Fallback,
    Penalty,
    Refund,
}

impl LostKind {
    /// Returns the value of the label `kind`.
    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Charge => "charge",
            Self::Fallback => "fallback",
            Self::Penalty => "penalty",
            Self::Refund => "refund",
        }
    }
}

/// Sets the gauge `palisade_limit_store_up`.
#[cfg_attr(not(feature = "metrics"), allow(unused_variables))]
pub(super) fn up(is_up: bool) {
    #[cfg(feature = "metrics")]
    gauge!("palisade_limit_store_up").set(if is_up { 1.0 } else { 0.0 });
}

/// Counts a failed call by its code.
#[cfg_attr(not(feature = "metrics"), allow(unused_variables))]
pub(super) fn failed(problem: StoreProblem) {
    #[cfg(feature = "metrics")]
    counter!("palisade_limit_store_failures_total", "code" => problem.code()).increment(1);
}

/// Counts a call whose reply was late because this process was not scheduled.
pub(super) fn starved() {
    #[cfg(feature = "metrics")]
    counter!("palisade_limit_scheduling_delays_total").increment(1);
}

/// Records the duration of a call.
#[cfg_attr(not(feature = "metrics"), allow(unused_variables))]
pub(super) fn round_trip(passed: Duration) {
    #[cfg(feature = "metrics")]
    histogram!("palisade_limit_store_seconds").record(passed);
}

/// Sets the number of settlements, penalties and requests of an outage that wait for the server.
#[cfg_attr(not(feature = "metrics"), allow(unused_variables))]
pub(super) fn unsettled(settlements: u64) {
    #[cfg(feature = "metrics")]
    #[allow(clippy::cast_precision_loss)] // There are fewer than 2^53.
    gauge!("palisade_limit_unsettled").set(settlements as f64);
}

/// Counts lost settlements.
#[cfg_attr(not(feature = "metrics"), allow(unused_variables))]
pub(super) fn lost(what: LostKind, settlements: u64) {
    #[cfg(feature = "metrics")]
    counter!("palisade_limit_settlements_lost_total", "kind" => what.label())
        .increment(settlements);
}
