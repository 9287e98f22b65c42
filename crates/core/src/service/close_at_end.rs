//! Closes the guards of a request when the body of its response ends.

use super::guard_run::ErasedRun;
use crate::guard::OutcomeKind;

/// The end of a body: closes the passes, or parks them while a lease exists.
pub(super) struct CloseAtEnd(Option<Box<dyn ErasedRun>>);

impl CloseAtEnd {
    pub(super) fn new(passes: Box<dyn ErasedRun>) -> Self {
        Self(Some(passes))
    }

    pub(super) fn without_passes() -> Self {
        Self(None)
    }

    pub(super) fn passes(&mut self) -> Option<&mut Box<dyn ErasedRun>> {
        self.0.as_mut()
    }

    /// Closes the passes. Those of an upgraded request wait in the context for the last lease.
    pub(super) fn close_passes(&mut self) {
        let Some(mut passes) = self.0.take() else {
            return;
        };
        if passes.progress().outcome.kind == OutcomeKind::Upgraded && !passes.progress().watching {
            let cx = passes.context().clone();
            cx.park_passes(passes);
        }
    }
}

impl Drop for CloseAtEnd {
    fn drop(&mut self) {
        self.close_passes();
    }
}
