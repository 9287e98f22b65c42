//! The claims of a token (RFC 7519 section 4): read strictly, then checked.
//!
//! The verifier reads them before the signature check and checks them after it. A claim of the
//! wrong type is an error, never treated as absent.

mod audience;
mod binding;
mod implied;
mod principal_names;
mod required;
mod scopes;
mod times;
mod pointer;

use std::{fmt, sync::Arc, time::Duration};

use serde::de::DeserializeOwned;
use serde_json::Value;

pub(crate) use self::{
    binding::Binding,
    implied::{ImpliedScopes, is_scope},
    pointer::ClaimPath,
    principal_names::PrincipalNames,
    required::RequiredClaim,
    scopes::ScopeSources,
    times::{Times, date},
};
use crate::{error::InvalidToken, token::json::Object};

/// The claims of a verified token. Returned by [`Verifier::verify`](crate::Verifier::verify).
///
/// Cheap to clone. `Debug` shows the issuer and the names of claims, never their values: claims are
/// about people.
///
/// ```
/// use palisade_core::SystemClock;
/// use palisade_jwt::{Algorithm, Issuer, Verifier, mint::{SigningKey, Token}};
///
/// #[derive(serde::Deserialize)]
/// struct Profile {
///     plan: String,
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let key = SigningKey::generate(Algorithm::EdDsa)?;
/// let token = Token::new("https://login.example", "tts", "lin")
///     .scopes(["tts:speak"])
///     .claim("plan", "gold")
///     .claim("org", serde_json::json!({ "id": "acme" }))
///     .sign(&key, SystemClock::shared().as_ref())?;
/// let issuer = Issuer::new("https://login.example", "tts", key.verifying_key());
/// let claims = Verifier::builder().issuer(issuer).build()?.verify(&token)?;
///
/// assert_eq!(claims.subject(), Some("lin"));
/// assert!(claims.scopes().eq(["tts:speak"]));
/// assert_eq!(claims.text("/org/id"), Some("acme"));
/// assert_eq!(claims.deserialize::<Profile>()?.plan, "gold");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Claims(Arc<Inner>);

struct Inner {
    /// `iss`.
    issuer: Box<str>,
    /// `exp`, `nbf` and `iat`.
    times: Times,
    /// `scope` and `scp`, sorted and without duplicates.
    scopes: Box<[Box<str>]>,
    /// Every claim of the token.
    all: Object,
}

impl Claims {
    /// Reads a claims set of a known issuer and checks the types of registered claims. The values
    /// are checked later.
    ///
    /// With `null_is_absent` a claim that is `null` is removed first.
    ///
    /// # Errors
    ///
    /// A registered claim has another type.
    pub(crate) fn read(
        mut all: Object,
        scopes: &ScopeSources,
        null_is_absent: bool,
    ) -> Result<Self, InvalidToken> {
        if null_is_absent {
            all.retain(|_, value| !value.is_null());
        }
        let issuer = issuer_of(&all)?.into();
        text_of(&all, "sub")?;
        text_of(&all, "jti")?;
        Ok(Self(Arc::new(Inner {
            issuer,
            times: Times::read(&all)?,
            scopes: scopes.read(&all)?,
            all,
        })))
    }

    /// Returns the issuer of the token (`iss`).
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.0.issuer
    }

    /// Returns the subject (`sub`); `None` if the token has none. It is unique only together with
    /// the issuer.
    #[must_use]
    pub fn subject(&self) -> Option<&str> {
        self.text("sub")
    }

    /// Returns the id of the token (`jti`), if it has one. It is unique only together with the
    /// issuer.
    #[must_use]
    pub fn token_id(&self) -> Option<&str> {
        self.text("jti")
    }

    /// Returns when the token expires (`exp`), as time since the Unix epoch, without leeway.
    #[must_use]
    pub fn expires(&self) -> Duration {
        self.0.times.expires
    }

    /// Returns the scopes: `scope` (RFC 8693 section 4.2) and `scp` together, and what
    /// [`Issuer::scopes_from`](crate::Issuer::scopes_from) and
    /// [`Issuer::roles_from`](crate::Issuer::roles_from) add.
    ///
    /// Sorted, without duplicates, at most 256.
    pub fn scopes(&self) -> impl ExactSizeIterator<Item = &str> {
        self.0.scopes.iter().map(AsRef::as_ref)
    }

    /// Returns a claim by its name, or by a JSON pointer (RFC 6901) that begins with `/`. `None` if
    /// it is absent or not text.
    ///
    /// Use [`deserialize`](Self::deserialize) for claims of other types.
    #[must_use]
    pub fn text(&self, path: &str) -> Option<&str> {
        self.get(path)?.as_str()
    }

    /// Deserializes the whole claims set into a type of your application.
    ///
    /// # Errors
    ///
    /// [`InvalidToken::Json`] if the claims do not fit the type.
    pub fn deserialize<T: DeserializeOwned>(&self) -> Result<T, InvalidToken> {
        let all = Value::Object(self.0.all.clone());
        serde_json::from_value(all).map_err(|_| InvalidToken::Json)
    }

    /// Returns a claim of any type, by its name or a JSON pointer.
    pub(crate) fn get(&self, path: &str) -> Option<&Value> {
        pointer::find(&self.0.all, path)
    }

    /// Returns the dates.
    pub(crate) fn times(&self) -> &Times {
        &self.0.times
    }

    /// Returns what the token is bound to (`cnf`, RFC 9449 section 6.1 and RFC 8705 section 3.1).
    /// `None` if there is no confirmation.
    ///
    /// A confirmation that is not exactly one thumbprint is an error: it could demand a proof that
    /// is not checked.
    ///
    /// # Errors
    ///
    /// There is a confirmation that is not exactly one thumbprint.
    pub(crate) fn bound_to(&self) -> Result<Option<Binding>, InvalidToken> {
        let Some(confirmation) = self.get("cnf") else {
            return Ok(None);
        };
        let binding = confirmation.as_object().and_then(Binding::read);
        binding.map(Some).ok_or(InvalidToken::ConfirmationUnchecked)
    }

    /// Returns whether no claim marks this as a token of another kind: an ID token (OpenID Connect
    /// Core, 2 and 3.3.2.11) or a refresh token (`token_use` and `typ` as large providers write them),
    /// or an event (RFC 8417, logout included).
    pub(crate) fn may_be_access_token(&self) -> bool {
        let marks = ["nonce", "at_hash", "c_hash", "events"];
        let marked = marks.iter().any(|mark| self.get(mark).is_some());
        !marked
            && !self.is_one_of("token_use", &["id", "refresh", "refresh_token"])
            && !self.is_one_of("typ", &["ID", "Refresh", "Offline"])
    }

    /// Returns whether a claim is one of these texts, without case.
    pub(crate) fn is_one_of(&self, name: &str, texts: &[&str]) -> bool {
        let value = self.text(name);
        value.is_some_and(|value| texts.iter().any(|text| value.eq_ignore_ascii_case(text)))
    }
}

/// Shows the names of claims but no values: claims are about people.
impl fmt::Debug for Claims {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claims")
            .field("issuer", &self.0.issuer)
            .field("names", &self.0.all.keys().collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

/// Reads the issuer (`iss`), which selects the rules for the other claims.
///
/// # Errors
///
/// `iss` is missing, or not text.
pub(crate) fn issuer_of(all: &Object) -> Result<&str, InvalidToken> {
    text_of(all, "iss")?.ok_or(InvalidToken::ClaimMissing("iss"))
}

/// A claim that is absent or text. Another type is an error.
///
/// # Errors
///
/// The claim has another type.
fn text_of<'a>(all: &'a Object, name: &'static str) -> Result<Option<&'a str>, InvalidToken> {
    match all.get(name) {
        None => Ok(None),
        Some(Value::String(value)) => Ok(Some(value)),
        Some(_) => Err(InvalidToken::ClaimMalformed(name)),
    }
}

#[cfg(test)]
impl Claims {
    /// Reads a claims set by the default rules.
    pub(crate) fn read_text(text: &[u8]) -> Result<Self, InvalidToken> {
        Self::read(
            crate::token::json::object(text)?,
            &ScopeSources::default(),
            false,
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(members: &str, expected: Result<(), InvalidToken>) {
        let text = format!(r#"{{"iss":"i","exp":100{members}}}"#);
        let outcome = Claims::read_text(text.as_bytes()).map(drop);
        assert_eq!(outcome, expected, "{text}");
    }

    #[test]
    fn a_wrong_type_is_not_an_absence() {
        for name in ["sub", "jti"] {
            for value in ["1", "null", "[]", "{}", "true"] {
                check(
                    &format!(r#","{name}":{value}"#),
                    Err(InvalidToken::ClaimMalformed(name)),
                );
            }
        }
        for name in ["nbf", "iat"] {
            for value in ["\"1\"", "null", "[]", "true", "-1", "1e300", "253402300800"] {
                check(
                    &format!(r#","{name}":{value}"#),
                    Err(InvalidToken::ClaimMalformed(name)),
                );
            }
        }
        check(
            r#","scope":["a"]"#,
            Err(InvalidToken::ClaimMalformed("scope")),
        );
        check(
            r#","scp":{"a":1}"#,
            Err(InvalidToken::ClaimMalformed("scp")),
        );
        check(
            r#","scp":["a",1]"#,
            Err(InvalidToken::ClaimMalformed("scp")),
        );
        check(
            r#","scope":"a\nb""#,
            Err(InvalidToken::ClaimMalformed("scope")),
        );
    }

    #[test]
    fn the_registered_claims_have_readers() {
        let claims = Claims::read_text(br#"{"iss":"i","exp":9,"sub":"s","jti":"t-1"}"#).unwrap();
        assert_eq!(claims.issuer(), "i");
        assert_eq!(claims.subject(), Some("s"));
        assert_eq!(claims.token_id(), Some("t-1"));
        let bare = Claims::read_text(br#"{"iss":"i","exp":9}"#).unwrap();
        assert_eq!((bare.subject(), bare.token_id()), (None, None));
    }

    #[test]
    fn a_date_may_have_a_fraction() {
        let claims = Claims::read_text(br#"{"iss":"i","exp":100.5}"#).unwrap();
        assert_eq!(claims.expires(), Duration::from_millis(100_500));
    }

    #[test]
    fn both_forms_of_scope_are_granted_together_and_once() {
        let claims = Claims::read_text(
            br#"{"iss":"i","exp":1,"scope":"tts:speak  tts:list","scp":["tts:list","x"]}"#,
        )
        .unwrap();
        assert!(claims.scopes().eq(["tts:list", "tts:speak", "x"]));
    }
}
