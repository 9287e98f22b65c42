//! Reports that new clients share buckets: one log line when it begins, one when it ends, and metrics.
//!
//! Each reason (a full table, a network with its share) is an episode of its own. An episode ends after
//! a minute without a shared charge, so a client causes at most two lines a minute.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use super::table::SharingReason;
use crate::store::nanoseconds;

/// The time without a shared charge after which an episode ends. So a client causes at most two log
/// lines a minute.
const QUIET: Duration = Duration::from_secs(60);

/// One episode for each reason.
#[derive(Debug, Default)]
pub(super) struct SharingMonitor {
    /// A network has more subjects than its part of the table.
    network: Episode,
    /// The table is full.
    table: Episode,
}

/// A period in which new clients share buckets for one reason.
#[derive(Debug, Default)]
struct Episode {
    /// When it ends if no bucket is shared until then; 0 outside of an episode.
    quiet_at: AtomicU64,
    /// Charges of shared buckets in this episode, for the line at its end.
    charges: AtomicU64,
}

impl SharingMonitor {
    /// Records a decision: whether it charged a shared bucket, and why. Ends episodes that were quiet for a minute.
    pub(super) fn record(&self, now: u64, shared: Option<SharingReason>) {
        for (reason, episode) in [
            (SharingReason::Network, &self.network),
            (SharingReason::Table, &self.table),
        ] {
            if shared == Some(reason) {
                episode.continues_or_begins(now, reason);
            } else {
                episode.end_if_quiet(now, reason);
            }
        }
    }
}

impl Episode {
    /// Extends the episode, or begins one with a log line and the gauge.
    fn continues_or_begins(&self, now: u64, reason: SharingReason) {
        self.charges.fetch_add(1, Ordering::Relaxed);
        count(reason);
        let quiet_at = now.saturating_add(nanoseconds(QUIET)).max(1);
        if self.quiet_at.swap(quiet_at, Ordering::Relaxed) == 0 {
            gauge(reason, true);
            tracing::warn!(target: "palisade", reason = name(reason), "rate limits: {}", begins(reason));
        }
    }

    /// Ends the episode after its quiet time, with a log line and the gauge.
    fn end_if_quiet(&self, now: u64, reason: SharingReason) {
        let quiet_at = self.quiet_at.load(Ordering::Relaxed);
        if quiet_at == 0 || now < quiet_at {
            return;
        }
        let ended =
            self.quiet_at
                .compare_exchange(quiet_at, 0, Ordering::Relaxed, Ordering::Relaxed);
        if ended.is_ok() {
            let charges = self.charges.swap(0, Ordering::Relaxed);
            gauge(reason, false);
            tracing::info!(target: "palisade", reason = name(reason), charges, "rate limits: new clients have buckets of their own again");
        }
    }
}

/// The log message for the beginning of an episode.
const fn begins(reason: SharingReason) -> &'static str {
    match reason {
        SharingReason::Network => {
            "one network holds its share of the table, and its new clients share buckets; raise the capacity of the store if they are legitimate"
        }
        SharingReason::Table => {
            "the table is full, and new clients share buckets with their network; raise the capacity of the store"
        }
    }
}

/// The value of the label `reason`.
const fn name(reason: SharingReason) -> &'static str {
    match reason {
        SharingReason::Network => "network_share",
        SharingReason::Table => "table_full",
    }
}

/// Counts a charge of a shared bucket.
#[cfg(feature = "metrics")]
fn count(reason: SharingReason) {
    metrics::counter!("palisade_limit_shared_charges_total", "reason" => name(reason)).increment(1);
}

#[cfg(not(feature = "metrics"))]
const fn count(_: SharingReason) {}

/// Tells a dashboard whether buckets are shared at this moment.
#[cfg(feature = "metrics")]
fn gauge(reason: SharingReason, on: bool) {
    let value = if on { 1.0 } else { 0.0 };
    metrics::gauge!("palisade_limit_sharing", "reason" => name(reason)).set(value);
}

#[cfg(not(feature = "metrics"))]
const fn gauge(_: SharingReason, _: bool) {}
