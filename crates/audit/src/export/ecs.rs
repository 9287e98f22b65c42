//! The Elastic Common Schema, version 8.11.
//!
//! Field names are those of <https://www.elastic.co/guide/en/ecs/8.11/ecs-field-reference.html>. What
//! has no field there is under `palisade`, so that it cannot collide with later versions.
//!
//! | ECS | record |
//! |---|---|
//! | `@timestamp`, `message` | arrival; what happened |
//! | `event.category`, `event.type` | `web` with `access` and `allowed` or `denied`; `configuration` for events |
//! | `event.outcome`, `event.code`, `event.provider`, `event.reason` | success or failure; code, guard and private reason of the refusal |
//! | `event.duration`, `event.id`, `event.sequence` | nanoseconds; identifier of the request; number of the record |
//! | `http`, `url` | method, status, bytes, version; template of the route, scheme, host |
//! | `source`, `user`, `organization` | client address; principal; owner |
//! | `palisade` | type of the record, its number, and the number of repetitions |

use serde_json::{Value, json};

use super::{Exported, Kind};

/// The version of the Elastic Common Schema.
const VERSION: &str = "8.11.0";

/// Writes a record.
pub(super) fn document(exported: &Exported<'_>) -> Value {
    let record = exported.record;
    let mut document = json!({
        "@timestamp": record.time_text(),
        "ecs": { "version": VERSION },
        "message": exported.message(),
        "event": event(exported),
        "palisade": {
            "record": record.sequence(),
            "type": record.kind(),
            "count": record.count(),
        },
    });
    let mut put = |name: &str, value: Value| {
        if let Some(members) = document.as_object_mut() {
            members.insert(name.to_owned(), value);
        }
    };
    if let Some(client) = record.client() {
        put("source", json!({ "ip": client, "address": client }));
    }
    if let Some(principal) = record.principal() {
        put("user", json!({ "id": principal, "name": principal }));
    }
    if let Some(owner) = record.owner() {
        put("organization", json!({ "id": owner, "name": owner }));
    }
    if exported.kind != Kind::Event {
        put("http", http(exported));
        put(
            "url",
            json!({
                "path": record.route(),
                "scheme": exported.members().scheme,
                "domain": exported.members().host,
            }),
        );
    }
    document
}

/// Writes what kind of event it is, and how it ended.
fn event(exported: &Exported<'_>) -> Value {
    let record = exported.record;
    let nanoseconds =
        |duration: std::time::Duration| u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
    let (category, kinds, outcome, code): (&str, &[&str], &str, Option<&str>) = match exported.kind
    {
        Kind::Event => (
            "configuration",
            &["info"],
            "unknown",
            Some(exported.event_id()),
        ),
        Kind::Completed => ("web", &["access", "allowed"], "success", None),
        Kind::Refused => (
            "web",
            &["access", "denied"],
            "failure",
            record.refusal_code(),
        ),
    };
    json!({
        "kind": "event",
        "category": [category],
        "type": kinds,
        "outcome": outcome,
        "code": code,
        "dataset": "palisade.audit",
        "provider": record.refusing_guard(),
        "reason": record.refusal_reason(),
        "id": record.request_id(),
        "sequence": record.sequence(),
        "duration": record.duration().map(nanoseconds),
    })
}

/// Writes the request and its response.
fn http(exported: &Exported<'_>) -> Value {
    let record = exported.record;
    json!({
        "request": { "method": record.method(), "id": record.request_id() },
        "response": {
            "status_code": record.status(),
            "body": { "bytes": exported.members().bytes },
        },
        "version": exported.members().http,
    })
}
