//! Tells the operator that newcomers share buckets: once when it begins and once when it ends.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use super::table::Full;
use crate::store::nanoseconds;

/// It is over when nobody shared for so long. So a client causes at most two lines a minute.
const QUIET: Duration = Duration::from_secs(60);

/// One episode for each reason.
#[derive(Debug, Default)]
pub(super) struct Watch {
    network: Episode,
    table: Episode,
}

#[derive(Debug, Default)]
struct Episode {
    /// When it is over unless somebody shares until then; 0 outside of an episode.
    quiet_at: AtomicU64,
    charges: AtomicU64,
}

impl Watch {
    /// Notes a decision: whether it charged a shared bucket, and why.
    pub(super) fn note(&self, now: u64, shared: Option<Full>) {
        for (reason, episode) in [(Full::Network, &self.network), (Full::Table, &self.table)] {
            if shared == Some(reason) {
                episode.goes_on(now, reason);
            } else {
                episode.may_end(now, reason);
            }
        }
    }
}

impl Episode {
    fn goes_on(&self, now: u64, reason: Full) {
        self.charges.fetch_add(1, Ordering::Relaxed);
        count(reason);
        let quiet_at = now.saturating_add(nanoseconds(QUIET)).max(1);
        if self.quiet_at.swap(quiet_at, Ordering::Relaxed) == 0 {
            gauge(reason, true);
            tracing::warn!(target: "palisade", reason = name(reason), "rate limits: {}", begins(reason));
        }
    }

    fn may_end(&self, now: u64, reason: Full) {
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

const fn begins(reason: Full) -> &'static str {
    match reason {
        Full::Network => {
            "one network holds its share of the table, and its new clients share buckets; raise the capacity of the store if they are legitimate"
        }
        Full::Table => {
            "the table is full, and new clients share buckets with their network; raise the capacity of the store"
        }
    }
}

const fn name(reason: Full) -> &'static str {
    match reason {
        Full::Network => "network_share",
        Full::Table => "table_full",
    }
}

#[cfg(feature = "metrics")]
fn count(reason: Full) {
    metrics::counter!("palisade_limit_shared_charges_total", "reason" => name(reason)).increment(1);
}

#[cfg(not(feature = "metrics"))]
const fn count(_: Full) {}

#[cfg(feature = "metrics")]
fn gauge(reason: Full, on: bool) {
    let value = if on { 1.0 } else { 0.0 };
    metrics::gauge!("palisade_limit_sharing", "reason" => name(reason)).set(value);
}

#[cfg(not(feature = "metrics"))]
const fn gauge(_: Full, _: bool) {}
