//! `palisade token inspect`: shows what is in a token, without verifying it.
//!
//! For questions such as "which audience does my provider write". The result proves nothing, and says
//! so in each line (`verified: false`).
//!
//! | member | meaning |
//! |---|---|
//! | `verified` | always false |
//! | `header`, `claims` | as they are in the token |
//! | `times` | `iat`, `nbf`, `exp` and `auth_time` as RFC 3339 |
//! | `signature_bytes` | the length of the signature |
//! | `error` | in place of the others: why the line is no token |

use std::io::{self, BufRead};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use clap::Args;
use palisade_internal::rfc3339;
use serde_json::{Map, Value, json};

use crate::{failure::Failure, output};

const EXAMPLES: &str = "\
Reads one token a line from standard input and prints one JSON object a line. Nothing is verified: anyone can write
such a token. The signature is not shown. To verify a token: palisade try token

Example:
  palisade token inspect < token.txt
  {\"verified\":false,\"header\":{\"alg\":\"ES256\"},\"claims\":{\"iss\":\"https://login.example\"}}";

/// Shows header and claims of tokens from standard input, without verifying them
///
/// Encrypted tokens (five parts) cannot be shown. A line that is no token gives an object with the member
/// error, and the command continues.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Inspect {}

impl Inspect {
    /// Prints what is in each line.
    ///
    /// A line that is no token does not end the command: its object has the member `error`.
    ///
    /// # Errors
    ///
    /// Standard input cannot be read, or standard output cannot be written.
    pub(super) fn run(self) -> Result<(), Failure> {
        for line in io::stdin().lock().lines() {
            let line = line?;
            output::print_json(&match decode_token(line.trim_end()) {
                Ok(shown) => shown,
                Err(problem) => json!({ "verified": false, "error": problem }),
            })?;
        }
        Ok(())
    }
}

/// Decodes a signed token in compact form (RFC 7515, 7.1) without checking its signature.
///
/// The signature itself is not returned: with it, the output could be used as a credential.
///
/// # Errors
///
/// The reason as a stable code.
fn decode_token(token: &str) -> Result<Value, &'static str> {
    let parts: Vec<&str> = token.split('.').collect();
    let [header, claims, signature] = parts.as_slice() else {
        return Err(match parts.len() {
            5 => "this token is encrypted (five parts); it cannot be shown",
            _ => "this is no signed token: it has not three parts with dots between them",
        });
    };
    let (header, claims) = (decode_object(header)?, decode_object(claims)?);
    let signature = decode_base64url(signature)?.len();
    let times = date_claims(&claims);
    Ok(json!({
        "verified": false,
        "header": header,
        "claims": claims,
        "times": times,
        "signature_bytes": signature,
    }))
}

/// Decodes a part that must be a JSON object: the header or the claims.
///
/// Other JSON is refused: RFC 7519 requires an object for both parts.
///
/// # Errors
///
/// The reason as a stable code.
fn decode_object(part: &str) -> Result<Map<String, Value>, &'static str> {
    serde_json::from_slice(&decode_base64url(part)?).map_err(|_| "a part is not a JSON object")
}

/// Decodes base64url without padding (RFC 7515, 2).
///
/// Padding is refused, as the verifier does.
///
/// # Errors
///
/// The part has other characters, or bits that are not zero at its end.
fn decode_base64url(part: &str) -> Result<Vec<u8>, &'static str> {
    let decoded = URL_SAFE_NO_PAD.decode(part);
    decoded.map_err(|_| "a part is not base64url without padding")
}

/// Returns the dates among the claims (RFC 7519, 4.1) as RFC 3339, for people.
///
/// Values that are not whole seconds are left out here; the claims show them as they are.
fn date_claims(claims: &Map<String, Value>) -> Map<String, Value> {
    let names = ["iat", "nbf", "exp", "auth_time"];
    let shown = |name: &&str| {
        let seconds = claims.get(*name)?.as_u64()?;
        let time = std::time::Duration::from_secs(seconds);
        Some(((*name).to_owned(), rfc3339::write_seconds(time).into()))
    };
    names.iter().filter_map(shown).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_shown_and_never_called_verified() {
        let part = |text: &str| URL_SAFE_NO_PAD.encode(text);
        let token = format!(
            "{}.{}.{}",
            part(r#"{"alg":"none"}"#),
            part(r#"{"sub":"lin","exp":1800000000}"#),
            part("sig")
        );
        let shown = decode_token(&token).unwrap();
        assert_eq!(shown["verified"], false);
        assert_eq!(shown["header"]["alg"], "none");
        assert_eq!(shown["claims"]["sub"], "lin");
        assert_eq!(shown["times"]["exp"], "2027-01-15T08:00:00Z");
        assert_eq!(shown["signature_bytes"], 3);
        assert!(!shown.to_string().contains(&part("sig")));
    }

    #[test]
    fn what_is_no_token_is_said() {
        for (text, problem) in [
            ("", "three parts"),
            ("a.b.c.d.e", "encrypted"),
            ("!.!.!", "base64url"),
            ("W10.W10.", "JSON object"),
        ] {
            assert!(decode_token(text).unwrap_err().contains(problem), "{text}");
        }
    }
}
