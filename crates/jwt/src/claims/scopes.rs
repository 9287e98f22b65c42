//! What a token allows.

use serde_json::Value;

use crate::{InvalidToken, json::Object};

const MOST_SCOPES: usize = 256;

/// `scope` is text with spaces (RFC 8693, 4.2), `scp` an array or such text: providers differ. Both are granted together.
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

/// A scope token (RFC 6749, 3.3): printable ASCII without space, quote and backslash.
fn is_scope(scope: &str) -> bool {
    let fits = |byte| matches!(byte, b'!' | b'#'..=b'[' | b']'..=b'~');
    !scope.is_empty() && scope.bytes().all(fits)
}
