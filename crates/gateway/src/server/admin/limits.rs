//! Shows and clears limits of a running gateway: the same counters that decide about requests.
//!
//! A subject that never sent a request has full limits: there is no list of subjects, only counters by name, and the
//! subjects that were refused most.

use std::sync::Arc;

use palisade::{
    audit::{AuditEvent, event_id},
    config::LimitLayers,
    rate_limit::{BucketState, RateLimitLayer, RefusedSubject, Subject},
};
use serde_json::{Value, json};

use super::command::{LimitSubject, OverrideCommand};

/// The limits of the stack that serves. A reload replaces it.
#[derive(Debug)]
pub(super) struct Limits(Arc<LimitLayers>);

impl Limits {
    /// Takes the limits of the stack that serves now.
    pub(super) const fn new(layers: Arc<LimitLayers>) -> Self {
        Self(layers)
    }

    /// Returns what is left of each limit. Looking charges nothing.
    ///
    /// # Errors
    ///
    /// There are no limits of this kind, or the store does not reply.
    pub(super) async fn state_of(&self, subject: &LimitSubject) -> Result<Vec<Value>, String> {
        let layer = self.layer(subject)?;
        let states = match subject {
            LimitSubject::Client(ip) => layer.inspect_client(*ip).get().await,
            LimitSubject::Named { kind, id } => layer.inspect(&subject_named(kind, id)).get().await,
        };
        let states = states.ok_or("the store did not reply in time")?;
        Ok(states.iter().map(state_document).collect())
    }

    /// Makes the limits full again.
    ///
    /// # Errors
    ///
    /// There are no limits of this kind, or the store does not reply.
    pub(super) async fn clear(&self, subject: &LimitSubject) -> Result<(), String> {
        let layer = self.layer(subject)?;
        let cleared = match subject {
            LimitSubject::Client(ip) => layer.reset_client(*ip).get().await,
            LimitSubject::Named { kind, id } => layer.reset(&subject_named(kind, id)).get().await,
        };
        cleared.map_err(|problem| problem.to_string())
    }

    /// Gives a subject another amount of a limit, or removes that.
    ///
    /// # Errors
    ///
    /// There is no such limit, it cannot have the amount, or the store does not reply.
    pub(super) async fn set_override(&self, command: &OverrideCommand) -> Result<(), String> {
        let OverrideCommand {
            subject,
            limit,
            value,
        } = command;
        let layer = self.layer(subject)?;
        let changed = match subject {
            LimitSubject::Client(ip) => layer.set_client_override(*ip, limit, *value).await,
            LimitSubject::Named { kind, id } => {
                let subject = subject_named(kind, id);
                layer.set_override(&subject, limit, *value).await
            }
        };
        changed.map_err(|problem| problem.to_string())
    }

    /// Returns the subjects that were refused most, of all limits.
    pub(super) fn most_refused(&self, most: usize) -> Vec<Value> {
        let layers = self.0.clients.iter().chain(&self.0.principals);
        let mut refused: Vec<RefusedSubject> =
            layers.flat_map(|layer| layer.most_refused(most)).collect();
        refused.sort_by_key(|refused| std::cmp::Reverse(refused.refused));
        refused.truncate(most);
        refused.iter().map(refused_document).collect()
    }

    /// Returns the layer that counts a subject.
    ///
    /// # Errors
    ///
    /// The file has no limit of this kind.
    fn layer(&self, subject: &LimitSubject) -> Result<&RateLimitLayer, String> {
        let (layer, by) = match subject {
            LimitSubject::Client(_) => (&self.0.clients, "client"),
            LimitSubject::Named { .. } => (&self.0.principals, "principal"),
        };
        layer
            .as_ref()
            .ok_or_else(|| format!("the file has no `[[limits]]` with by = \"{by}\""))
    }
}

/// The subject of a principal or an owner.
const fn subject_named<'a>(kind: &'a str, id: &'a str) -> Subject<'a> {
    Subject::Named {
        kind,
        id,
        group: None,
    }
}

/// One limit, with the members of `palisade limits show --json`.
fn state_document(state: &BucketState) -> Value {
    let seconds = |time: std::time::Duration| time.as_secs() + u64::from(time.subsec_nanos() > 0);
    json!({
        "limit": &*state.limit,
        "rate": state.rate.to_string(),
        "remaining": state.remaining,
        "next_unit_seconds": seconds(state.next_unit),
        "full_seconds": seconds(state.full),
        "override": state.overridden.map(|overridden| json!({
            "amount": overridden.amount(),
            "until": overridden.ends().map(|ends| ends.as_secs()),
        })),
    })
}

/// One subject that was refused.
fn refused_document(refused: &RefusedSubject) -> Value {
    json!({
        "limit": &*refused.limit,
        "subject": &*refused.subject,
        "refused": refused.refused,
        "too_high": refused.too_high,
        "last": refused.last.as_secs(),
    })
}

/// The record of limits that were cleared, or were not.
pub(super) fn cleared_event(subject: &LimitSubject, outcome: &Result<(), String>) -> AuditEvent {
    let event = with_subject(AuditEvent::new(event_id::LIMITS_CLEARED), subject);
    event.text("outcome", outcome_text(outcome))
}

/// The record of an override that was set or removed, or was not.
pub(super) fn override_event(
    command: &OverrideCommand,
    outcome: &Result<(), String>,
) -> AuditEvent {
    let id = match command.value {
        Some(_) => event_id::LIMIT_OVERRIDDEN,
        None => event_id::LIMIT_OVERRIDE_REMOVED,
    };
    let event = with_subject(AuditEvent::new(id), &command.subject);
    let mut event = event.text("limit", command.limit.as_str());
    if let Some(value) = command.value {
        event = event.number("amount", value.amount().get().into());
        if let Some(ends) = value.ends() {
            event = event.number("until", ends.as_secs());
        }
    }
    event.text("outcome", outcome_text(outcome))
}

/// Adds whose limits these are. A trail with pseudonyms has no name and no address of it.
fn with_subject(event: AuditEvent, subject: &LimitSubject) -> AuditEvent {
    match subject {
        LimitSubject::Client(ip) => event.text("subject_kind", "client").address("subject", *ip),
        LimitSubject::Named { kind, id } => {
            let event = event.text("subject_kind", kind);
            match kind.as_str() {
                "owner" => event.owner("subject", id.as_str()),
                _ => event.principal("subject", id.as_str()),
            }
        }
    }
}

/// What the record says of an outcome.
fn outcome_text(outcome: &Result<(), String>) -> &str {
    match outcome {
        Ok(()) => "done",
        Err(problem) => problem,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use palisade::{
        AuditLayer,
        audit::{AuditKey, CorrelatedField, MemorySink},
    };

    use super::*;

    #[test]
    fn a_pseudonymous_trail_has_codes_of_the_subjects_of_limits() {
        let (memory, key) = (MemorySink::new(), AuditKey::generate().unwrap());
        let layer = AuditLayer::builder()
            .sink(memory.clone())
            .correlation_key(key.clone())
            .pseudonymize_principals()
            .pseudonymize_client_address();
        let layer = layer.build().unwrap();
        let named = |kind: &str, id: &str| LimitSubject::Named {
            kind: kind.to_owned(),
            id: id.to_owned(),
        };
        let address = "203.0.113.77";
        for (subject, field, value) in [
            (
                LimitSubject::Client(address.parse().unwrap()),
                "client",
                address,
            ),
            (named("api_key", "anna"), "principal", "anna"),
            (named("owner", "schmidt"), "owner", "schmidt"),
        ] {
            let command = OverrideCommand {
                subject: subject.clone(),
                limit: "tts".to_owned(),
                value: None,
            };
            layer.record(cleared_event(&subject, &Ok(())));
            layer.record(override_event(&command, &Ok(())));
            let field: CorrelatedField = field.parse().unwrap();
            let code = field.code(&key, value).unwrap();
            for line in memory.lines().iter().rev().take(2) {
                assert!(line.contains(&code) && !line.contains(value), "{line}");
            }
        }
    }
}
