//! The metric `palisade_limit_refusals_total` of one limit.
//!
//! Its key is made with the layer: a refusal must not cost an allocation for a label that never changes.

use metrics::{Key, Label, Level, Metadata};

/// Where the metric comes from, as the macros of `metrics` say it.
static METADATA: Metadata<'static> =
    Metadata::new(module_path!(), Level::INFO, Some(module_path!()));

/// Counts the refusals of one limit.
#[derive(Debug)]
pub(super) struct RefusalMetric(Key);

impl RefusalMetric {
    /// The metric of the limit with this name.
    pub(super) fn of(limit: &str) -> Self {
        let label = Label::new("limit", limit.to_owned());
        Self(Key::from_parts(
            "palisade_limit_refusals_total",
            vec![label],
        ))
    }

    /// Counts one refusal, by the recorder that is installed now.
    pub(super) fn increment(&self) {
        metrics::with_recorder(|recorder| recorder.register_counter(&self.0, &METADATA))
            .increment(1);
    }
}
