//! The JSON document in the file: read with every mistake refused, written in one order.

use std::time::Duration;

use palisade_internal::rfc3339;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{
    revocation::{RevocationEntries, entries::PrincipalEntry},
    token::json,
};

/// The version of the format. A file of another version is refused.
const VERSION: u32 = 1;

/// The whole file. Times are RFC 3339.
#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Document {
    version: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    all_issued_before: Option<String>,
    #[serde(default)]
    principals: Vec<Principal>,
    #[serde(default)]
    tokens: Vec<Token>,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Principal {
    principal: String,
    issued_before: String,
    until: String,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Token {
    credential: String,
    until: String,
}

/// Reads the entries, or says what is wrong.
pub(super) fn read(text: &str) -> Result<RevocationEntries, String> {
    let whole = json::object(text.as_bytes())
        .map_err(|_| "this is no JSON object, or a member is in it twice".to_owned())?;
    let document: Document = serde_json::from_value(Value::Object(whole))
        .map_err(|problem| format!("this is no list of revoked tokens: {problem}"))?;
    if document.version != VERSION {
        return Err(format!("this program reads `\"version\": {VERSION}`"));
    }
    let mut entries = RevocationEntries::default();
    for token in document.tokens {
        entries
            .revoke_token(&token.credential, time(&token.until)?)
            .map_err(|problem| problem.to_string())?;
    }
    for entry in document.principals {
        let (before, until) = (time(&entry.issued_before)?, time(&entry.until)?);
        entries
            .revoke_principal(&entry.principal, before, until)
            .map_err(|problem| problem.to_string())?;
    }
    if let Some(before) = document.all_issued_before {
        entries.revoke_all(time(&before)?);
    }
    Ok(entries)
}

fn time(text: &str) -> Result<Duration, String> {
    rfc3339::parse(text)
        .ok_or_else(|| "a time is written as 2027-01-31T00:00:00Z, with an offset".into())
}

/// Writes the entries, sorted, so that two files with the same entries are equal.
pub(super) fn write(entries: &RevocationEntries) -> String {
    // A fraction is rounded up: an entry must not end too early, nor revoke too little.
    let shown = |time: Duration| {
        let up = u64::from(time.subsec_nanos() > 0);
        rfc3339::write_seconds(Duration::from_secs(time.as_secs().saturating_add(up)))
    };
    let mut tokens: Vec<_> = entries
        .tokens
        .iter()
        .map(|(credential, until)| Token {
            credential: credential.to_string(),
            until: shown(*until),
        })
        .collect();
    tokens.sort_by(|one, other| one.credential.cmp(&other.credential));
    let mut principals: Vec<_> = entries
        .principals
        .iter()
        .map(|(principal, entry)| {
            let PrincipalEntry {
                issued_before,
                until,
            } = *entry;
            Principal {
                principal: principal.to_string(),
                issued_before: shown(issued_before),
                until: shown(until),
            }
        })
        .collect();
    principals.sort_by(|one, other| one.principal.cmp(&other.principal));
    let document = Document {
        version: VERSION,
        all_issued_before: entries.all_issued_before.map(shown),
        principals,
        tokens,
    };
    // Maps of text and numbers can always be written.
    serde_json::to_string_pretty(&document).unwrap_or_default() + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let mut entries = RevocationEntries::default();
        assert_eq!(read(&write(&entries)), Ok(entries.clone()));
        let at = Duration::from_secs;
        entries.revoke_token("staff:a", at(1_800_000_000)).unwrap();
        entries
            .revoke_principal("lin", at(1_700_000_000), at(1_700_086_430))
            .unwrap();
        entries.revoke_all(at(1_600_000_000));
        assert_eq!(read(&write(&entries)), Ok(entries));
    }

    #[test]
    fn a_broken_list_is_an_error_and_not_an_empty_list() {
        for text in [
            "",
            "[]",
            "[1]",
            "{}",
            r#"{"version":2,"version":1}"#,
            r#"{"version":2}"#,
            r#"{"version":1,"tokens":[{"credential":"a"}]}"#,
            r#"{"version":1,"tokens":[{"credential":"","until":"2027-01-31T00:00:00Z"}]}"#,
            r#"{"version":1,"tokens":[{"credential":"a","until":"tomorrow"}]}"#,
            r#"{"version":1,"token":[]}"#,
            r#"{"version":1,"all_issued_before":7}"#,
        ] {
            assert!(read(text).is_err(), "{text}");
        }
        assert!(read(r#"{"version":1}"#).unwrap().is_empty());
    }
}
