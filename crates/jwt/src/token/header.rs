//! The protected header of a token (RFC 7515 section 4, RFC 8725 section 3).
//!
//! It is read before the signature check. An error refuses the token.

use serde_json::Value;

use crate::{
    algorithm::Algorithm,
    error::InvalidToken,
    token::{
        MAX_KID_BYTES,
        json::{self, Object},
    },
};

/// Members with which a token would bring its own key. They are never used; such a token is
/// refused, unless its issuer is configured otherwise.
const EMBEDDED_KEY_MEMBERS: [&str; 4] = ["jku", "jwk", "x5c", "x5u"];

/// A header that passed its checks.
#[derive(Debug, Eq, PartialEq)]
pub(crate) struct Header {
    /// `alg`; only compared with that of the key.
    pub(crate) algorithm: Algorithm,
    /// Whether a member of [`EMBEDDED_KEY_MEMBERS`] is present.
    pub(crate) has_embedded_key: bool,
    /// Selects the key, if one of the issuer's keys has this id.
    pub(crate) kid: Option<String>,
    /// `typ`.
    kind: Option<String>,
}

impl Header {
    /// Reads a header, and refuses extensions and unknown algorithms.
    pub(crate) fn read(text: &[u8]) -> Result<Self, InvalidToken> {
        let header = json::object(text)?;
        // No extension is understood here, `b64` (RFC 7797) included, so one that must be is a
        // reason to refuse.
        if header.contains_key("crit") || header.contains_key("b64") {
            return Err(InvalidToken::CriticalExtension);
        }
        let name = text_of(&header, "alg")?.ok_or(InvalidToken::Header)?;
        let algorithm = Algorithm::from_name(name).ok_or(InvalidToken::AlgorithmUnknown)?;
        let kid = text_of(&header, "kid")?;
        if kid.is_some_and(|kid| kid.len() > MAX_KID_BYTES) {
            return Err(InvalidToken::Header);
        }
        Ok(Self {
            algorithm,
            has_embedded_key: EMBEDDED_KEY_MEMBERS
                .iter()
                .any(|member| header.contains_key(*member)),
            kid: kid.map(str::to_owned),
            kind: text_of(&header, "typ")?.map(str::to_owned),
        })
    }

    /// Compares `typ` with a list. Media types are compared without case and without `application/`
    /// (RFC 7515, 4.1.9).
    pub(crate) fn is_one_of(&self, types: &[Box<str>], or_none: bool) -> bool {
        let Some(kind) = &self.kind else {
            return or_none;
        };
        types.iter().any(|known| is_media_type(kind, known))
    }
}

/// Compares a type with a short name: without case and without `application/` (RFC 7515, 4.1.9).
pub(crate) fn is_media_type(kind: &str, name: &str) -> bool {
    let short = match kind.get(..12) {
        Some(prefix) if prefix.eq_ignore_ascii_case("application/") => {
            kind.get(12..).unwrap_or_default()
        }
        _ => kind,
    };
    name.eq_ignore_ascii_case(short)
}

fn text_of<'a>(header: &'a Object, member: &str) -> Result<Option<&'a str>, InvalidToken> {
    match header.get(member) {
        None => Ok(None),
        Some(Value::String(value)) => Ok(Some(value)),
        Some(_) => Err(InvalidToken::Header),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: InvalidToken) {
        assert_eq!(Header::read(text.as_bytes()), Err(expected), "{text}");
    }

    #[test]
    fn what_must_be_text_is_text() {
        check(r#"{}"#, InvalidToken::Header);
        check(r#"{"alg":null}"#, InvalidToken::Header);
        check(r#"{"alg":["HS256"]}"#, InvalidToken::Header);
        check(r#"{"alg":"HS256","kid":7}"#, InvalidToken::Header);
        check(r#"{"alg":"HS256","typ":null}"#, InvalidToken::Header);
        check(
            &format!(r#"{{"alg":"HS256","kid":"{}"}}"#, "k".repeat(257)),
            InvalidToken::Header,
        );
    }

    #[test]
    fn a_critical_extension_is_refused_even_when_its_list_is_empty() {
        check(
            r#"{"alg":"HS256","crit":["exp"]}"#,
            InvalidToken::CriticalExtension,
        );
        check(
            r#"{"alg":"HS256","crit":[]}"#,
            InvalidToken::CriticalExtension,
        );
        check(
            r#"{"alg":"HS256","crit":null}"#,
            InvalidToken::CriticalExtension,
        );
        check(
            r#"{"alg":"HS256","b64":false}"#,
            InvalidToken::CriticalExtension,
        );
    }

    #[test]
    fn types_are_compared_as_media_types() {
        let listed = ["JWT".into(), "at+jwt".into()];
        for (typ, accepted) in [
            ("JWT", true),
            ("jwt", true),
            ("AT+JWT", true),
            ("application/at+jwt", true),
            ("Application/JWT", true),
            ("dpop+jwt", false),
            ("", false),
            ("application/", false),
            ("JWT ", false),
        ] {
            let header =
                Header::read(format!(r#"{{"alg":"HS256","typ":"{typ}"}}"#).as_bytes()).unwrap();
            assert_eq!(header.is_one_of(&listed, true), accepted, "{typ:?}");
        }
        let without = Header::read(br#"{"alg":"HS256"}"#).unwrap();
        assert!(!without.is_one_of(&listed, false));
        assert!(without.is_one_of(&listed, true));
    }
}
