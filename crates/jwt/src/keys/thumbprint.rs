//! The thumbprint of a public key (RFC 7638): by it a token names the key of its holder.

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;

use crate::token::json::Object;

/// Computes the thumbprint of a key with SHA-256. `None` if a member is missing or not text.
///
/// Only the members that define the key are included, in the order of their names (section 3.2).
pub(crate) fn thumbprint(jwk: &Object) -> Option<String> {
    let text = |name: &str| jwk.get(name).and_then(Value::as_str);
    let members: &[&str] = match text("kty")? {
        "EC" => &["crv", "kty", "x", "y"],
        "OKP" => &["crv", "kty", "x"],
        "RSA" => &["e", "kty", "n"],
        _ => return None,
    };
    let mut canonical = String::from("{");
    for (index, name) in members.iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        // `Value` writes text with the escapes of JSON.
        let value = Value::from(text(name)?);
        canonical.push_str(&format!("{comma}\"{name}\":{value}"));
    }
    canonical.push('}');
    Some(URL_SAFE_NO_PAD.encode(digest(&SHA256, canonical.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(jwk: &str) -> Option<String> {
        thumbprint(&crate::token::json::object(jwk.as_bytes()).unwrap())
    }

    #[test]
    fn the_thumbprints_of_the_standards_are_computed() {
        // RFC 7638, 3.1.
        let rsa = r#"{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}"#;
        let expected = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs";
        assert_eq!(of(rsa).as_deref(), Some(expected));
        // RFC 8037, A.3.
        let ed =
            r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
        let expected = "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k";
        assert_eq!(of(ed).as_deref(), Some(expected));
        // RFC 9449, 6.1.
        let ec = r#"{"kty":"EC","x":"l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs","y":"9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA","crv":"P-256"}"#;
        let expected = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";
        assert_eq!(of(ec).as_deref(), Some(expected));
    }

    #[test]
    fn a_key_without_a_defining_member_has_none() {
        for jwk in [
            "{}",
            r#"{"kty":"EC","crv":"P-256","x":"a"}"#,
            r#"{"kty":"oct","k":"a"}"#,
            r#"{"kty":"OKP","crv":"Ed25519","x":7}"#,
        ] {
            assert_eq!(of(jwk), None, "{jwk}");
        }
    }
}
