//! The headers of a request, by the rules of Standard Webhooks.

use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use sha2::Sha256;

use crate::key::AuditKey;

/// The identifier of the batch. A receiver that has seen it ignores the second one (Standard
/// Webhooks).
const ID: HeaderName = HeaderName::from_static("webhook-id");
/// The seconds since the Unix epoch at which it was sent. A receiver refuses old ones.
const TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
/// The signatures over identifier, time and body.
const SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");

/// Returns the headers of one try. Without a key there is no signature.
pub(super) fn headers(key: Option<&AuditKey>, id: &str, now: Duration, body: &[u8]) -> HeaderMap {
    let time = now.as_secs().to_string();
    let mut headers = HeaderMap::new();
    let kind = HeaderValue::from_static("application/x-ndjson");
    headers.insert(header::CONTENT_TYPE, kind);
    let mut set = |name, text: &str| {
        if let Ok(value) = HeaderValue::from_str(text) {
            headers.insert(name, value);
        }
    };
    set(ID, id);
    set(TIMESTAMP, &time);
    if let Some(signature) = key.and_then(|key| signature(key, id, &time, body)) {
        set(SIGNATURE, &signature);
    }
    headers
}

/// Signs `id.timestamp.body`.
fn signature(key: &AuditKey, id: &str, time: &str, body: &[u8]) -> Option<String> {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.expose()).ok()?;
    for part in [id.as_bytes(), b".", time.as_bytes(), b".", body] {
        mac.update(part);
    }
    Some(format!(
        "v1,{}",
        STANDARD.encode(mac.finalize().into_bytes())
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_covers_identifier_time_and_body() {
        // Computed with OpenSSL: printf '%s' 'a.1700000000.{}' | openssl dgst -sha256 -hmac … -binary | base64
        let key = AuditKey::from_bytes(*b"4Zc0mQ1vXr7LsT9bYhN2dK6wGjPfUeA8").unwrap();
        let now = Duration::from_millis(1_700_000_000_900);
        let of = |id: &str, now, body: &[u8]| headers(Some(&key), id, now, body);
        let signed = of("a", now, b"{}");
        assert_eq!(signed[ID], "a");
        assert_eq!(signed[TIMESTAMP], "1700000000");
        assert_eq!(
            signed[SIGNATURE],
            "v1,eWXRcKDQhxMU4R/Bvm9ZTm/81LL5kZbwn5TvwUlSy2w="
        );
        assert_ne!(of("b", now, b"{}")[SIGNATURE], signed[SIGNATURE]);
        assert_ne!(of("a", now, b"[]")[SIGNATURE], signed[SIGNATURE]);
        let later = now + Duration::from_secs(1);
        assert_ne!(of("a", later, b"{}")[SIGNATURE], signed[SIGNATURE]);
        assert!(!headers(None, "a", now, b"{}").contains_key(SIGNATURE));
    }
}
