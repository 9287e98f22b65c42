//! What the process counts, for `/metrics` of the status page.

use std::{io, time::Duration};

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder};
use tokio::time::interval;

/// The bounds of the buckets of times, in seconds: from a cached answer to a model that is loaded.
const BUCKETS: [f64; 12] = [
    0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0,
];
/// How often what was measured is put into the buckets, so that it takes no memory while no one asks.
const UPKEEP: Duration = Duration::from_secs(5);

/// Counts from now on in this process, and returns what writes the counters as text for Prometheus.
///
/// # Errors
///
/// The process counts already.
pub(super) fn install_recorder() -> io::Result<impl Fn() -> String + Send + Sync + 'static> {
    let builder = PrometheusBuilder::new();
    let builder = builder
        .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), &BUCKETS)
        .map_err(io::Error::other)?;
    let handle = builder.install_recorder().map_err(io::Error::other)?;
    let kept = handle.clone();
    tokio::spawn(async move {
        let mut ticks = interval(UPKEEP);
        loop {
            ticks.tick().await;
            kept.run_upkeep();
        }
    });
    Ok(move || handle.render())
}
