//! The scopes of a token.

use serde_json::Value;

use crate::{error::InvalidToken, token::json::Object};

/// A token with more is refused: each request carries them.
const MOST_SCOPES: usize = 256;

/// Reads the scopes of a claims set.
///
/// `scope` is text with spaces (RFC 8693 section 4.2). `scp` is an array or such text, depending on
/// the provider. A token that has both is granted the scopes of both.
pub(super) fn read(all: &Object) -> Result<Box<[Box<str>]>, InvalidToken> {
    let mut scopes: Vec<Box<str>> = Vec::new();
    for name in ["scope", "scp"] {
        let malformed = InvalidToken::ClaimMalformed(name);
        let listed: Vec<&str> = match all.get(name) {
            None => continue,
            Some(Value::String(line)) => {
                line.split(' ').filter(|scope| !scope.is_empty()).collect()
            }
            Some(Value::Array(items)) if name == "scp" => {
                let texts: Option<Vec<_>> = items.iter().map(Value::as_str).collect();
                texts.ok_or(malformed)?
            }
            Some(_) => return Err(malformed),
        };
        if scopes.len() + listed.len() > MOST_SCOPES || !listed.iter().all(|scope| is_scope(scope))
        {
            return Err(malformed);
        }
        scopes.extend(listed.into_iter().map(Into::into));
    }
    scopes.sort_unstable();
    scopes.dedup();
    Ok(scopes.into())
}

/// A scope token (RFC 6749 section 3.3): printable ASCII without space, quote and backslash.
fn is_scope(scope: &str) -> bool {
    let fits = |byte| matches!(byte, b'!' | b'#'..=b'[' | b']'..=b'~');
    !scope.is_empty() && scope.bytes().all(fits)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn names(prefix: &str, number: usize) -> Vec<String> {
        (0..number)
            .map(|index| format!("{prefix}{index}"))
            .collect()
    }

    /// Reads claims with so many names in `scope` and in `scp`.
    fn count(scope: usize, scp: usize) -> Result<usize, InvalidToken> {
        let claims = json!({ "scope": names("a", scope).join(" "), "scp": names("b", scp) });
        read(claims.as_object().unwrap()).map(|scopes| scopes.len())
    }

    #[test]
    fn both_claims_together_hold_256_scopes_and_not_one_more() {
        assert_eq!(count(MOST_SCOPES, 0), Ok(256));
        assert_eq!(count(0, MOST_SCOPES), Ok(256));
        assert_eq!(count(128, 128), Ok(256));
        assert_eq!(
            count(MOST_SCOPES + 1, 0),
            Err(InvalidToken::ClaimMalformed("scope"))
        );
        assert_eq!(
            count(0, MOST_SCOPES + 1),
            Err(InvalidToken::ClaimMalformed("scp"))
        );
        assert_eq!(count(128, 129), Err(InvalidToken::ClaimMalformed("scp")));
        // Names that are in both count before they are put together.
        let both = json!({ "scope": names("a", 200).join(" "), "scp": names("a", 56) });
        assert_eq!(
            read(both.as_object().unwrap()).map(|all| all.len()),
            Ok(200)
        );
        let over = json!({ "scope": names("a", 200).join(" "), "scp": names("a", 57) });
        assert!(read(over.as_object().unwrap()).is_err());
    }

    #[test]
    fn a_scope_is_printable_ascii_without_space_quote_and_backslash() {
        for byte in 0..=127_u8 {
            let text = char::from(byte).to_string();
            let fits = (0x21..=0x7e).contains(&byte) && byte != b'"' && byte != b'\\';
            assert_eq!(is_scope(&text), fits, "{byte:#04x}");
        }
        assert!(!is_scope("") && !is_scope("é") && !is_scope("a b"));
        assert!(read(json!({ "scp": [""] }).as_object().unwrap()).is_err());
        assert!(read(json!({ "scp": ["a b"] }).as_object().unwrap()).is_err());
    }

    #[test]
    fn only_scp_may_be_an_array() {
        assert_eq!(count_of(&json!({ "scp": ["a", "b"] })), Ok(2));
        assert_eq!(count_of(&json!({ "scp": "a b" })), Ok(2));
        assert_eq!(count_of(&json!({ "scope": "" })), Ok(0));
        assert!(count_of(&json!({ "scope": ["a"] })).is_err());
    }

    fn count_of(claims: &Value) -> Result<usize, InvalidToken> {
        read(claims.as_object().unwrap()).map(|scopes| scopes.len())
    }
}
