//! The audit trail for parts that are made before it: the trail is opened last.

use std::sync::{Arc, OnceLock};

use palisade_audit::{AuditEvent, AuditHandle};

/// A place for the trail. Events of before it is filled are not recorded; there are none while a stack is made.
#[derive(Clone, Default)]
pub(in crate::config) struct LateAudit(Arc<OnceLock<AuditHandle>>);

impl LateAudit {
    /// Records events from now on.
    pub(in crate::config) fn fill(&self, audit: AuditHandle) {
        let _ = self.0.set(audit);
    }

    /// Records an event, if there is a trail. It never waits.
    pub(in crate::config) fn record(&self, event: AuditEvent) {
        if let Some(audit) = self.0.get() {
            audit.record(event);
        }
    }
}
