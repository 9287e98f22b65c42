//! Reads the files of firewall rules again when they change.

use std::time::Duration;

use palisade::{
    AuditLayer,
    audit::{AuditEvent, event_id},
    inspect::{InspectBuildError, InspectLayer, LoadReport},
};

use crate::error::GatewayError;

/// How often the files are looked at.
const INTERVAL: Duration = Duration::from_secs(1);

/// Watches the files until the stack is replaced and its last request has ended.
///
/// New rules are used only if all load. Either is logged and recorded in the trail.
///
/// # Errors
///
/// The system starts no more threads.
pub(super) fn watch_rule_files(
    inspect: &InspectLayer,
    audit: Option<AuditLayer>,
) -> Result<(), GatewayError> {
    let tell = move |reloaded: Result<LoadReport, InspectBuildError>| {
        match &reloaded {
            Ok(report) => {
                tracing::info!(rules = report.rules, "the firewall rules were read again")
            }
            Err(problem) => tracing::warn!(%problem, "the firewall rules stay as they were"),
        }
        if let Some(audit) = &audit {
            audit.record(reload_event(&reloaded));
        }
    };
    inspect.watch(INTERVAL, tell).map_err(GatewayError::new)
}

/// The record of a reload.
fn reload_event(reloaded: &Result<LoadReport, InspectBuildError>) -> AuditEvent {
    match reloaded {
        Ok(_) => AuditEvent::new(event_id::CONFIGURATION_RELOADED).text("changed", "inspect.rules"),
        Err(problem) => AuditEvent::new(event_id::CONFIGURATION_REFUSED)
            .text("reason", format!("inspect.rules: {problem}")),
    }
}
