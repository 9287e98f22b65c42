//! What `/metrics` of the status page shows.

use std::{fmt, sync::Arc};

/// Writes what the process counts, in the text format of Prometheus.
#[derive(Clone)]
pub(super) struct Metrics(Arc<dyn Fn() -> String + Send + Sync>);

impl Metrics {
    /// Takes what writes them.
    pub(super) fn new(render: impl Fn() -> String + Send + Sync + 'static) -> Self {
        Self(Arc::new(render))
    }

    /// Writes the counters as they are now.
    pub(super) fn to_text(&self) -> String {
        (self.0)()
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}
