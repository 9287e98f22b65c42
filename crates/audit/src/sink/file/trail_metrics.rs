//! The state of the trail as metrics. No label: nothing here depends on a client.

use std::time::Duration;

use metrics::{counter, gauge};

/// What is published.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct TrailMetrics {
    pub(super) last_record: u64,
    pub(super) lost: u64,
    pub(super) turned_away: u64,
    pub(super) folded: u64,
    pub(super) waiting: usize,
    pub(super) failing: bool,
    pub(super) hanging: bool,
    pub(super) sync_age: Duration,
    pub(super) checkpoint_age: Option<Duration>,
}

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

#[allow(clippy::cast_precision_loss)] // A gauge is a float; beyond 2^53 the last digits do not matter.
fn float(number: u64) -> f64 {
    number as f64
}
