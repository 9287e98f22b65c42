//! The Open Cybersecurity Schema Framework, version 1.3.
//!
//! Requests are *HTTP Activity* (class 4002 of category 4, Network Activity). Events are *Base Event*
//! (class 0), since most of them have no class of their own. Members and numbers are those of
//! <https://schema.ocsf.io/1.3.0/classes/http_activity>.
//!
//! | OCSF | record |
//! |---|---|
//! | `time`, `message`, `count` | arrival in milliseconds; what happened; 1, or the number of repetitions |
//! | `activity_id` | the method: 1 CONNECT to 8 TRACE, 99 others and events |
//! | `severity_id` | 1 answered, 2 refused, 3 status 5xx |
//! | `action_id`, `status_id` | 1 allowed and success, 2 denied and failure |
//! | `status_code`, `status_detail` | code of the refusal, and the guard that refused |
//! | `http_request`, `http_response` | method, template of the route, scheme; status, bytes, duration |
//! | `src_endpoint`, `actor.user` | client address; principal and its owner |
//! | `metadata` | version of the schema, this product, identifier of the request, number of the record |

use serde_json::{Map, Value, json};

use super::{Exported, Kind};

/// The version of the schema of the Open Cybersecurity Schema Framework.
const VERSION: &str = "1.3.0";
/// The class of requests, and its category.
const HTTP_ACTIVITY: u64 = 4002;
/// The category of all classes about network traffic.
const NETWORK_ACTIVITY: u64 = 4;

/// Writes a record.
pub(super) fn document(exported: &Exported<'_>) -> Value {
    let mut members = base(exported);
    if exported.kind != Kind::Event {
        request(exported, &mut members);
    }
    Value::Object(members)
}

/// Writes the members of every class.
fn base(exported: &Exported<'_>) -> Map<String, Value> {
    let record = exported.record;
    let (category, class, activity) = match exported.kind {
        Kind::Event => (0, 0, 99),
        Kind::Completed | Kind::Refused => {
            (NETWORK_ACTIVITY, HTTP_ACTIVITY, activity(record.method()))
        }
    };
    let mut members = Map::new();
    let mut put = |name: &str, value: Value| drop(members.insert(name.to_owned(), value));
    put("activity_id", activity.into());
    put("category_uid", category.into());
    put("class_uid", class.into());
    put("type_uid", (class * 100 + activity).into());
    put("severity_id", severity(exported).into());
    put("time", exported.millis.into());
    put("message", exported.message().into());
    put("count", record.count().into());
    let is_event = exported.kind == Kind::Event;
    let metadata = json!({
        "version": VERSION,
        "product": {
            "name": "palisade-audit",
            "vendor_name": "Palisade",
            "version": env!("CARGO_PKG_VERSION"),
        },
        "sequence": record.sequence(),
        "uid": record.request_id(),
        "event_code": is_event.then(|| exported.event_id()),
    });
    if is_event {
        put(
            "unmapped",
            record.member("data").cloned().unwrap_or(Value::Null),
        );
    }
    put("metadata", metadata);
    members
}

/// Writes the members of HTTP Activity.
fn request(exported: &Exported<'_>, members: &mut Map<String, Value>) {
    let record = exported.record;
    let mut put = |name: &str, value: Value| drop(members.insert(name.to_owned(), value));
    put(
        "http_request",
        json!({
            "http_method": record.method(),
            "uid": record.request_id(),
            "url": {
                "path": record.route(),
                "scheme": exported.members().scheme,
                "hostname": exported.members().host,
            },
            "version": exported.members().http,
        }),
    );
    put(
        "http_response",
        json!({
            "code": record.status().unwrap_or(0),
            "length": exported.members().bytes,
            "latency": record.duration().map(|duration| u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)),
        }),
    );
    put("src_endpoint", json!({ "ip": record.client() }));
    if let Some(principal) = record.principal() {
        let owner = record
            .owner()
            .map(|owner| json!({ "name": owner, "uid": owner }));
        put(
            "actor",
            json!({ "user": { "name": principal, "uid": principal, "org": owner } }),
        );
    }
    // 1: allowed, success. 2: denied, failure.
    let outcome = match exported.kind {
        Kind::Refused => 2,
        Kind::Completed | Kind::Event => 1,
    };
    put("action_id", outcome.into());
    put("status_id", outcome.into());
    if let Some(code) = record.refusal_code() {
        put("status_code", code.into());
        put("status_detail", record.refusing_guard().into());
    }
}

/// Returns the activity of a method: 99 for others.
fn activity(method: Option<&str>) -> u64 {
    match method {
        Some("CONNECT") => 1,
        Some("DELETE") => 2,
        Some("GET") => 3,
        Some("HEAD") => 4,
        Some("OPTIONS") => 5,
        Some("POST") => 6,
        Some("PUT") => 7,
        Some("TRACE") => 8,
        _ => 99,
    }
}

/// Returns the severity: 1 informational, 2 low, 3 medium.
fn severity(exported: &Exported<'_>) -> u64 {
    match (exported.kind, exported.record.status()) {
        (_, Some(500..)) => 3,
        (Kind::Refused, _) => 2,
        _ => 1,
    }
}
