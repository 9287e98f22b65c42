//! Who the client is, in fields that the upstream can verify.
//!
//! The signature is HMAC-SHA256, in lower-case hexadecimal digits, over eight lines that are joined by
//! LF, without one at the end:
//!
//! ```text
//! palisade-identity-v2
//! X-Palisade-Time
//! X-Request-Id
//! method
//! path and query, as in the request line
//! X-Palisade-Kind
//! X-Palisade-Principal
//! X-Palisade-Scopes
//! ```
//!
//! Values are percent-encoded in the fields and in the lines alike, so no value has a line break.
//!
//! The kind says who chose the identifier: the subject of a token may be equal to the identifier of a
//! key, and is someone else. A guest has no kind; so it differs from a principal without a name.
//!
//! An upstream verifies a request in this order: the signature over the eight lines, in constant time;
//! then the time, which must be close to its own. Without the second step an old request could be sent
//! again by someone who recorded it.
//!
//! The body is not signed: it is streamed, and its end is not known when the head is sent.

use aws_lc_rs::hmac;
use http::{HeaderMap, HeaderName, HeaderValue, request::Parts};
use palisade::{
    config::ConfigFileError,
    core::{SecurityContext, SharedClock},
};
use palisade_internal::hex;
use toml::Spanned;

use super::secret::{SecretSection, SecretSource};
use crate::{client_fields::ClientFields, problem::Place};

/// The fewest bytes of a key: as many as the signature has (RFC 2104 section 3).
const LEAST: usize = 32;
/// The first line, so that a signature of another purpose is none of this one.
const VERSION: &str = "palisade-identity-v2";
/// Seconds since 1970-01-01 UTC, in decimal digits.
const TIME: HeaderName = HeaderName::from_static("x-palisade-time");
/// 64 hexadecimal digits.
const SIGNATURE: HeaderName = HeaderName::from_static("x-palisade-signature");

/// Signs the identity of clients.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    /// At least 32 bytes, shared with the upstream.
    key: SecretSource,
    /// The source of the time that is signed.
    clock: SharedClock,
}

impl Identity {
    /// Reads `[upstreams.identity]`.
    ///
    /// # Errors
    ///
    /// The key cannot be used.
    pub(super) fn from_section(
        section: &Spanned<SecretSection>,
        clock: SharedClock,
        place: Place<'_>,
    ) -> Result<Self, ConfigFileError> {
        let keys = section.get_ref();
        if let Some(extra) = keys.header.as_ref().or(keys.scheme.as_ref()) {
            let problem = "the names of the identity's fields are fixed";
            return Err(place.invalid_value(extra, problem, "remove it"));
        }
        let key = SecretSource::from_section(section, LEAST, &clock, place)?;
        Ok(Self { key, clock })
    }

    /// Adds the five fields to a request whose target is final. A guest has an empty kind and principal.
    ///
    /// Returns `None` if the key could not be read for too long, or a value cannot be sent.
    pub(crate) fn sign_request(&self, head: &mut Parts, cx: &SecurityContext) -> Option<()> {
        let client = ClientFields::from_context(cx);
        let time = self.clock.unix_time().as_secs().to_string();
        let target = head
            .uri
            .path_and_query()
            .map_or("/", |target| target.as_str());
        let request_id = cx.request_id().to_string();
        let method = head.method.as_str();
        let (kind, id, scopes) = (client.kind, &client.principal, &client.scopes);
        let lines = [
            VERSION,
            &time,
            &request_id,
            method,
            target,
            kind,
            id,
            scopes,
        ];
        let signature = self.signature(&lines.join("\n"))?;
        client.set_headers(&mut head.headers)?;
        set_header(&mut head.headers, TIME, &time)?;
        set_header(&mut head.headers, SIGNATURE, &signature)
    }

    /// Returns the digits. `None` if the key could not be read for too long.
    fn signature(&self, text: &str) -> Option<String> {
        let key = self.key.current_secret()?;
        let key = hmac::Key::new(hmac::HMAC_SHA256, key.expose());
        Some(hex::encode(hmac::sign(&key, text.as_bytes()).as_ref()))
    }
}

/// Replaces a field. `None` if the value has characters that a field cannot have.
fn set_header(headers: &mut HeaderMap, name: HeaderName, value: &str) -> Option<()> {
    headers.insert(name, HeaderValue::from_str(value).ok()?);
    Some(())
}
