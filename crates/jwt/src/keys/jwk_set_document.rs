//! Splits a JWK set into its entries, so that an entry which cannot be used does not affect the
//! others.
//!
//! The document must be JSON. Each entry is then read separately and strictly.

use std::fmt;

use serde::{
    Deserializer as _,
    de::{Error, IgnoredAny, MapAccess, Visitor},
};
use serde_json::{Deserializer, value::RawValue};

use crate::{
    error::{InvalidToken, JwtBuildError, KeyError},
    token::json::{self, Object},
};

/// One entry of `keys`: an object, or the reason why it is none, with its `kid`.
pub(super) type Entry = Result<Object, (KeyError, Option<String>)>;

/// Returns the entries of `keys` in their order. A byte order mark before the document is skipped
/// (RFC 8259, 8.1).
pub(super) fn entries(text: &str) -> Result<Vec<Entry>, JwtBuildError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = Deserializer::from_str(text);
    let found = reader.deserialize_map(Document);
    match (found, reader.end()) {
        (Ok(raw), Ok(())) => Ok(raw.into_iter().map(entry).collect()),
        _ => Err(JwtBuildError::NotAKeySet),
    }
}

fn entry(raw: &RawValue) -> Entry {
    let text = raw.get();
    json::object(text.as_bytes()).map_err(|fault| {
        let reason = match fault {
            InvalidToken::DuplicateMember => KeyError::DuplicateMember,
            _ => KeyError::Unreadable,
        };
        let mut kid = None;
        // Whether the rest can be read does not matter: the name is for the operator.
        let _ = Deserializer::from_str(text).deserialize_map(FirstKid(&mut kid));
        (reason, kid)
    })
}

/// The member `keys`, which must be there once. Other members are ignored (RFC 7517 section 5).
struct Document;

impl<'de> Visitor<'de> for Document {
    type Value = Vec<&'de RawValue>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JWK set")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Self::Value, A::Error> {
        let mut keys = None;
        while let Some(name) = members.next_key::<String>()? {
            if name != "keys" {
                members.next_value::<IgnoredAny>()?;
            } else if keys.replace(members.next_value()?).is_some() {
                return Err(A::Error::custom("two lists of keys"));
            }
        }
        keys.ok_or_else(|| A::Error::custom("no keys"))
    }
}

/// Reads the first `kid` of an entry that cannot be read as a whole.
struct FirstKid<'a>(&'a mut Option<String>);

impl<'de> Visitor<'de> for FirstKid<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JWK")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        while let Some(name) = members.next_key::<String>()? {
            if name == "kid" && self.0.is_none() {
                let raw = members.next_value::<&RawValue>()?;
                *self.0 = serde_json::from_str(raw.get()).ok();
            } else {
                members.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }
}
