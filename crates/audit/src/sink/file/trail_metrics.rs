//! Publishes the state of the trail as metrics.
//!
//! The watchdog calls it a few times in each commit deadline. The metrics have no labels, so a
//! client cannot create new time series.

use std::time::Duration;

use metrics::{counter, gauge};

/// One snapshot of the counters, taken under the lock of the queue.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct TrailMetrics {
    /// The number of the last safe record.
    pub(super) last_record: u64,
    /// Records and events that were dropped since the start.
    pub(super) lost: u64,
    /// Requests that were refused since the start, because no record could be kept.
    pub(super) turned_away: u64,
    /// Refusals that were counted instead of recorded, since the start.
    pub(super) folded: u64,
    /// Records in the queue.
    pub(super) waiting: usize,
    /// Whether the last attempt to write failed or took too long.
    pub(super) failing: bool,
    /// Whether the current write takes longer than the deadline.
    pub(super) hanging: bool,
    /// The time since everything written was last safe.
    pub(super) sync_age: Duration,
    /// The time since the last checkpoint. `None` without checkpoints.
    pub(super) checkpoint_age: Option<Duration>,
}

/// Sets all gauges and counters. Without a metrics recorder this does nothing.
pub(super) fn publish(figures: &TrailMetrics) {
    gauge!("palisade_audit_last_record").set(float(figures.last_record));
    counter!("palisade_audit_lost_total").absolute(figures.lost);
    counter!("palisade_audit_turned_away_total").absolute(figures.turned_away);
    counter!("palisade_audit_folded_total").absolute(figures.folded);
    gauge!("palisade_audit_waiting").set(float(u64::try_from(figures.waiting).unwrap_or(u64::MAX)));
    gauge!("palisade_audit_failing").set(f64::from(u8::from(figures.failing)));
    gauge!("palisade_audit_hanging").set(f64::from(u8::from(figures.hanging)));
    gauge!("palisade_audit_sync_age_seconds").set(figures.sync_age.as_secs_f64());
    if let Some(age) = figures.checkpoint_age {
        gauge!("palisade_audit_checkpoint_age_seconds").set(age.as_secs_f64());
    }
}

/// Converts a counter to the type of a gauge.
#[allow(clippy::cast_precision_loss)] // A gauge is a float; beyond 2^53 the last digits do not matter.
fn float(number: u64) -> f64 {
    number as f64
}
