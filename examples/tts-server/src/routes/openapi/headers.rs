//! The headers of responses that programs read.

use serde_json::{Value, json};

/// Every header by the name that it has among the components.
pub(super) fn all() -> Value {
    let of = |kind: Value, description: &str| json!({ "description": description, "schema": kind });
    let text = || json!({ "type": "string" });
    json!({
        "Accept": of(text(), "The media types that are read (RFC 9110, 12.5.1), where the type was wrong."),
        "Accept-Encoding": of(text(), "The encodings that are read, where the encoding was wrong."),
        "Content-Range": of(text(), "How long the file is (RFC 9110, 14.4), where the part that was asked for is not in it."),
        "Location": of(json!({ "type": "string", "format": "uri" }), "Where it is served over HTTPS."),
        "RateLimit": of(text(), "What is left of each limit that counted the request: `r` of them now, more in `t` seconds. Absent where none counted it."),
        "RateLimit-Policy": of(text(), "The limits that counted the request: `q` of them in `w` seconds."),
        "Retry-After": of(json!({ "type": "integer", "minimum": 1 }), "In how many seconds to come again."),
        "WWW-Authenticate": of(text(), "How to authenticate: a challenge for each way."),
    })
}

/// Refers to some of them.
pub(super) fn some(names: &[&str]) -> Value {
    let reference = |name: &&str| {
        let place = format!("#/components/headers/{name}");
        ((*name).to_owned(), json!({ "$ref": place }))
    };
    Value::Object(names.iter().map(reference).collect())
}
