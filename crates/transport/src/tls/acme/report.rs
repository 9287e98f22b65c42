//! Tells the log and the observer what happened.
//!
//! A problem of the cache stays until an operator repairs it: it is reported once, and not every 30
//! seconds.

use std::sync::PoisonError;

use super::{Acme, AcmeError, AcmeEvent};

impl Acme {
    /// Logs and reports an event.
    pub(super) fn report(&self, event: &AcmeEvent) {
        event.log();
        let observer = self
            .inner
            .observer
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        if let Some(observer) = observer {
            observer(event);
        }
    }

    /// Reports a problem of the cache, unless it was the last one already.
    pub(super) fn report_unable(&self, error: &AcmeError) {
        let problem: Box<str> = error.to_string().into();
        let mut last = self
            .inner
            .last_problem
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if last.as_ref() == Some(&problem) {
            return;
        }
        *last = Some(problem.clone());
        drop(last);
        self.report(&AcmeEvent::Unable { problem });
    }

    pub(super) fn forget_problem(&self) {
        let mut last = self
            .inner
            .last_problem
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *last = None;
    }
}
