//! Telling a speaker to stop.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// Stops a synthesis from elsewhere.
///
/// Clones share one signal. Synthesis looks at it before every decoder step and between the parts of the
/// vocoder, so that a core is free a few milliseconds after the last listener left.
#[derive(Clone, Debug, Default)]
pub struct StopSignal(Arc<AtomicBool>);

impl StopSignal {
    /// Makes a signal that is not set.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the signal. It cannot be taken back.
    pub fn set(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Tells whether the signal is set.
    #[must_use]
    pub fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}
