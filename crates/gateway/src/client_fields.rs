//! Who the client is, in the fields for a service: `X-Palisade-Kind`, `-Principal` and `-Scopes`.
//!
//! Values are percent-encoded, so none has a line break, and a scope with a space in it is still one
//! scope. The kind says who chose the identifier: the subject of a token may be equal to the identifier
//! of a key, and is someone else.
//!
//! In the signed identity of an upstream the fields of a guest are empty, and so are the scopes of a
//! principal that has none. Other proxies copy the fields from a response into the request of a client.
//! Some copy no empty field and leave the one that the client sent. So the responses to them say
//! [`NOTHING`] and [`GUEST`] instead ([`ClientFields::never_empty`]).

use http::{HeaderMap, HeaderName, HeaderValue};
use palisade::core::SecurityContext;
use palisade_internal::percent;

/// The kind of the credential, such as `api_key`. Empty for a guest.
const KIND: HeaderName = HeaderName::from_static("x-palisade-kind");
/// The identifier of the principal, percent-encoded. Empty for a guest.
const PRINCIPAL: HeaderName = HeaderName::from_static("x-palisade-principal");
/// Scopes with a space between them, each percent-encoded.
const SCOPES: HeaderName = HeaderName::from_static("x-palisade-scopes");
/// The kind of a guest, where no field may be empty. No authenticator has this kind.
const GUEST: &str = "guest";
/// No principal, or no scopes, where no field may be empty.
const NOTHING: &str = "-";
/// [`NOTHING`] as an identifier or as a scope, percent-encoded.
const NOTHING_ENCODED: &str = "%2D";
/// What all names begin with. A client's own fields of that kind are always removed.
pub(crate) const PREFIX: &str = "x-palisade-";

/// Returns the names with `_` for one or both of their hyphens, which CGI and WSGI read as the same names.
pub(crate) fn other_spellings() -> impl Iterator<Item = String> {
    let begins = ["x_palisade_", "x_palisade-", "x-palisade_"];
    let ends = [KIND, PRINCIPAL, SCOPES].into_iter();
    ends.flat_map(move |name| {
        let end = name.as_str().trim_start_matches(PREFIX).to_owned();
        begins.map(|begin| format!("{begin}{end}"))
    })
}

/// The three values. All are empty for a guest.
pub(crate) struct ClientFields {
    /// The kind of the credential, such as `api_key`.
    pub(crate) kind: &'static str,
    /// The identifier of the principal.
    pub(crate) principal: String,
    /// The scopes, with spaces between them.
    pub(crate) scopes: String,
}

impl ClientFields {
    /// Reads what the stack decided.
    pub(crate) fn from_context(cx: &SecurityContext) -> Self {
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

    /// Returns values of which none is empty: the kind `guest`, and `-` for no principal and no scopes.
    ///
    /// An identifier or a single scope `-` becomes `%2D`, which decodes to the same.
    pub(crate) fn never_empty(self) -> Self {
        Self {
            kind: if self.kind.is_empty() {
                GUEST
            } else {
                self.kind
            },
            principal: or_nothing(self.principal),
            scopes: or_nothing(self.scopes),
        }
    }

    /// Sets the three fields, in place of any that were there. `None` if a value cannot be sent.
    pub(crate) fn set_headers(&self, headers: &mut HeaderMap) -> Option<()> {
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

/// Replaces an empty value.
fn or_nothing(value: String) -> String {
    match value.as_str() {
        "" => NOTHING.to_owned(),
        NOTHING => NOTHING_ENCODED.to_owned(),
        _ => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_value_is_empty_and_nothing_differs_from_a_hyphen() {
        let values = |kind, principal: &str, scopes: &str| {
            let fields = ClientFields {
                kind,
                principal: principal.to_owned(),
                scopes: scopes.to_owned(),
            };
            let ClientFields {
                kind,
                principal,
                scopes,
            } = fields.never_empty();
            format!("{kind} {principal} {scopes}")
        };
        assert_eq!(values("", "", ""), "guest - -");
        assert_eq!(values("jwt", "-", "-"), "jwt %2D %2D");
        assert_eq!(values("jwt", "", "a - b"), "jwt - a - b");
    }
}
