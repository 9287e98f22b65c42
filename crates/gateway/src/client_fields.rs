//! Who the client is, in the fields for a service: `X-Palisade-Kind`, `-Principal` and `-Scopes`.
//!
//! Values are percent-encoded, so none has a line break, and a scope with a space in it is still one
//! scope. The kind says who chose the identifier: the subject of a token may be equal to the identifier
//! of a key, and is someone else.

use http::{HeaderMap, HeaderName, HeaderValue};
use palisade::core::SecurityContext;
use palisade_internal::percent;

/// The kind of the credential, such as `api_key`. Empty for a guest.
const KIND: HeaderName = HeaderName::from_static("x-palisade-kind");
/// The identifier of the principal, percent-encoded. Empty for a guest.
const PRINCIPAL: HeaderName = HeaderName::from_static("x-palisade-principal");
/// Scopes with a space between them, each percent-encoded.
const SCOPES: HeaderName = HeaderName::from_static("x-palisade-scopes");
/// What all names begin with. A client's own fields of that kind are always removed.
pub(crate) const PREFIX: &str = "x-palisade-";

/// The three values. All are empty for a guest.
pub(crate) struct ClientFields {
    pub(crate) kind: &'static str,
    pub(crate) principal: String,
    pub(crate) scopes: String,
}

impl ClientFields {
    /// Reads what the stack decided.
    pub(crate) fn of(cx: &SecurityContext) -> Self {
        let Some(who) = cx.principal() else {
            return Self {
                kind: "",
                principal: String::new(),
                scopes: String::new(),
            };
        };
        let scopes: Vec<String> = who.scopes().map(percent::encode).collect();
        Self {
            kind: who.kind(),
            principal: percent::encode(who.id()),
            scopes: scopes.join(" "),
        }
    }

    /// Sets the three fields, in place of any that were there. `None` if a value cannot be sent.
    pub(crate) fn set(&self, headers: &mut HeaderMap) -> Option<()> {
        for (name, value) in [
            (KIND, self.kind),
            (PRINCIPAL, self.principal.as_str()),
            (SCOPES, self.scopes.as_str()),
        ] {
            headers.insert(name, HeaderValue::from_str(value).ok()?);
        }
        Some(())
    }
}
