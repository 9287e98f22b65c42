//! What a token is bound to (`cnf`, RFC 7800): the holder must prove that it has it.

use std::sync::Arc;

use serde_json::Value;

use crate::token::json::Object;

/// The length of a SHA-256 digest in base64url.
const THUMBPRINT_LENGTH: usize = 43;

/// What a token is bound to, by a SHA-256 digest in base64url.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Binding {
    /// The certificate of the connection (`x5t#S256`, RFC 8705 section 3.1).
    Certificate(Arc<str>),
    /// The key of a proof (`jkt`, RFC 9449 section 6.1).
    Key(Arc<str>),
}

impl Binding {
    /// Reads a confirmation with exactly one thumbprint. `None` for any other.
    pub(super) fn read(confirmation: &Object) -> Option<Self> {
        let mut members = confirmation.iter();
        let (Some((name, Value::String(digest))), None) = (members.next(), members.next()) else {
            return None;
        };
        let digest = Some(digest).filter(|digest| digest.len() == THUMBPRINT_LENGTH)?;
        match name.as_str() {
            "jkt" => Some(Self::Key(digest.as_str().into())),
            "x5t#S256" => Some(Self::Certificate(digest.as_str().into())),
            _ => None,
        }
    }
}
