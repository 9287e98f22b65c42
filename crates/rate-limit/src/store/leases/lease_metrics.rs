//! Metrics of leases. Labels are fixed words.

#[cfg(feature = "metrics")]
use metrics::counter;

/// Counts a request that leases paid.
pub(super) fn paid() {
    #[cfg(feature = "metrics")]
    counter!("palisade_limit_lease_decisions_total").increment(1);
}

/// Counts a question for a lease by its outcome.
#[cfg_attr(not(feature = "metrics"), allow(unused_variables))]
pub(super) fn asked(outcome: &'static str) {
    #[cfg(feature = "metrics")]
    counter!("palisade_limit_leases_total", "outcome" => outcome).increment(1);
}

/// Counts units that went back to the store.
#[cfg_attr(not(feature = "metrics"), allow(unused_variables))]
pub(super) fn returned(units: u32) {
    #[cfg(feature = "metrics")]
    counter!("palisade_limit_lease_units_returned_total").increment(units.into());
}
