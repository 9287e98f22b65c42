//! Connects changes of API keys and ends of sessions to the audit trail.
//!
//! The shield sees requests only. A key that an operator revokes in the file, and the sessions that an application
//! ends, are events of their own. A service from a configuration file has them by itself.
//!
//! | event | when | members |
//! |---|---|---|
//! | `key.created`, `key.rotated`, `key.digest_renewed`, `key.revoked`, `key.unrevoked`, `key.disabled`, `key.enabled`, `key.removed`, `key.changed` | an API key changed in its store | `key`, and `owner` if it has one |
//! | `sessions.ended` | sessions were ended by name or all together | `by`, `count`, `kind`, `principal`, and `owner`, `session` where there are some |

use palisade_api_key::{KeyEvent, KeyEventKind};
use palisade_audit::{AuditEvent, AuditHandle, event_id};
#[cfg(feature = "session")]
use palisade_session::{EndedBy, SessionsEnded};

/// Makes a function that records each change of an API key, for `FileKeyStoreBuilder::on_change` and
/// `RedisKeyStoreBuilder::on_change`.
///
/// ```no_run
/// # fn open(audit: palisade::AuditLayer) -> Result<(), Box<dyn std::error::Error>> {
/// use palisade::api_key::FileKeyStore;
/// use palisade::audit_events::record_key_changes;
///
/// let store = FileKeyStore::builder("/etc/tts/keys.toml")
///     .on_change(record_key_changes(audit.handle()))
///     .open()?;
/// # drop(store); Ok(()) }
/// ```
pub fn record_key_changes(audit: AuditHandle) -> impl Fn(&KeyEvent) + Send + Sync + 'static {
    move |change| audit.record(of_key(change))
}

/// Makes a function that records which sessions were ended, for `SessionsBuilder::on_ended`.
///
/// ```
/// # fn build(audit: palisade::AuditLayer) -> Result<(), Box<dyn std::error::Error>> {
/// use palisade::audit_events::record_ended_sessions;
/// use palisade::session::{MemorySessionStore, Sessions};
///
/// let sessions = Sessions::builder(MemorySessionStore::new())
///     .on_ended(record_ended_sessions(audit.handle()))
///     .build()?;
/// # drop(sessions); Ok(()) }
/// ```
#[cfg(feature = "session")]
pub fn record_ended_sessions(
    audit: AuditHandle,
) -> impl Fn(&SessionsEnded) + Send + Sync + 'static {
    move |ended| audit.record(of_sessions(ended))
}

/// Makes the event of a key.
pub(crate) fn of_key(change: &KeyEvent) -> AuditEvent {
    let event = AuditEvent::new(key_event_id(change.kind()));
    let event = event.credential("key", change.id().as_str());
    match change.owner() {
        Some(owner) => event.owner("owner", owner),
        None => event,
    }
}

/// Returns the identifier of the event for a kind of change.
fn key_event_id(kind: KeyEventKind) -> &'static str {
    match kind {
        KeyEventKind::Created => event_id::KEY_CREATED,
        KeyEventKind::Rotated => event_id::KEY_ROTATED,
        KeyEventKind::DigestRenewed => event_id::KEY_DIGEST_RENEWED,
        KeyEventKind::Revoked => event_id::KEY_REVOKED,
        KeyEventKind::Unrevoked => event_id::KEY_UNREVOKED,
        KeyEventKind::Disabled => event_id::KEY_DISABLED,
        KeyEventKind::Enabled => event_id::KEY_ENABLED,
        KeyEventKind::Removed => event_id::KEY_REMOVED,
        _ => event_id::KEY_CHANGED,
    }
}

/// Makes the event of sessions.
#[cfg(feature = "session")]
pub(crate) fn of_sessions(ended: &SessionsEnded) -> AuditEvent {
    let (by, session) = match &ended.by {
        EndedBy::Id(id) => ("id", Some(id)),
        EndedBy::OthersThan(id) => ("others", Some(id)),
        _ => ("all", None),
    };
    let count = u64::try_from(ended.count).unwrap_or(u64::MAX);
    let event = AuditEvent::new(event_id::SESSIONS_ENDED)
        .text("by", by)
        .number("count", count)
        .text("kind", ended.owner.kind)
        .principal("principal", ended.owner.id.clone());
    let event = match &ended.owner.owner {
        Some(owner) => event.owner("owner", owner.clone()),
        None => event,
    };
    match session {
        Some(id) => event.text("session", id.as_str()),
        None => event,
    }
}
