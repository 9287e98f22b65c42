//! The Common Event Format, version 0.
//!
//! ```text
//! CEF:0|Palisade|palisade-audit|0.1.0|request|request refused: quota_exceeded|5|rt=1700000000250 src=203.0.113.7 …
//! ```
//!
//! In the header `|` and `\` are escaped, in the extensions `=` and `\`. Line ends become blanks: a
//! record is one line, and no value can add an extension.
//!
//! | CEF | record |
//! |---|---|
//! | signature, name, severity | `request` or the event; what happened; 1 answered, 5 refused, 7 status 5xx |
//! | `rt`, `cnt` | arrival in milliseconds; number of repetitions |
//! | `src`, or `c6a2` for version 6 | client address |
//! | `suser`, `request`, `requestMethod` | principal; template of the route; method |
//! | `outcome`, `cat`, `reason` | code, guard and private reason of the refusal, or the outcome of the request |
//! | `cn1`, `cn2`, `out`, `externalId` | status; number of the record; bytes; identifier of the request |

use std::{fmt::Write as _, net::IpAddr};

use super::{Exported, Kind};

/// Writes a record. Extensions whose value the record does not have are left out.
pub(super) fn line(exported: &Exported<'_>) -> String {
    let record = exported.record;
    let signature = match exported.kind {
        Kind::Event => exported.event_id(),
        Kind::Completed | Kind::Refused => "request",
    };
    let mut line = format!(
        "CEF:0|Palisade|palisade-audit|{}|{}|{}|{}|rt={}",
        env!("CARGO_PKG_VERSION"),
        header(signature),
        header(&exported.message()),
        severity(exported),
        exported.millis
    );
    let mut put = |name: &str, value: &str| {
        let _ = write!(line, " {name}={}", extension(value));
    };
    // An address of version 6 has a field of its own, with a label.
    match record.client().map(|client| (client, client.parse())) {
        Some((client, Ok(IpAddr::V6(_)))) => {
            put("c6a2", client);
            put("c6a2Label", "Source IPv6 Address");
        }
        Some((client, _)) => put("src", client),
        None => {}
    }
    let numbers = [
        ("cnt", Some(record.count()).filter(|count| *count > 1)),
        ("out", exported.members().bytes),
        ("cn1", record.status().map(u64::from)),
        ("cn2", record.sequence()),
    ];
    for (name, number) in numbers {
        if let Some(number) = number {
            put(name, &number.to_string());
        }
    }
    if record.status().is_some() {
        put("cn1Label", "status");
    }
    if record.sequence().is_some() {
        put("cn2Label", "record");
    }
    let texts = [
        ("requestMethod", record.method()),
        ("request", record.route()),
        ("externalId", record.request_id()),
        ("suser", record.principal()),
        (
            "outcome",
            record.refusal_code().or_else(|| record.outcome()),
        ),
        ("cat", record.refusing_guard()),
        ("reason", record.refusal_reason()),
    ];
    for (name, text) in texts {
        if let Some(text) = text {
            put(name, text);
        }
    }
    line
}

/// Returns the severity from 0 to 10: low, medium for refusals, high for failures of the service.
fn severity(exported: &Exported<'_>) -> u8 {
    match (exported.kind, exported.record.status()) {
        (_, Some(500..)) => 7,
        (Kind::Refused, _) => 5,
        _ => 1,
    }
}

/// Escapes a value of the header.
fn header(text: &str) -> String {
    escape(text, '|')
}

/// Escapes a value of an extension.
fn extension(text: &str) -> String {
    escape(text, '=')
}

/// Escapes a separator and backslashes. Control characters become blanks, so that a record stays one line.
fn escape(text: &str, separator: char) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '\\' => out.push_str("\\\\"),
            _ if character == separator => out.extend(['\\', separator]),
            _ if character.is_control() => out.push(' '),
            _ => out.push(character),
        }
    }
    out
}
