//! An issuer of tokens, and what this service requires of its tokens.

use std::time::Duration;

use crate::jwks::Keys;

/// The default of [`Issuer::max_lifetime`]: the longest default of the large providers.
const MAX_LIFETIME: Duration = Duration::from_secs(86_400);

/// An issuer of tokens: its name, the audience of this service, and its keys.
///
/// Pass it to [`VerifierBuilder::issuer`]. Default: tokens of at most 24 hours; ID tokens and
/// tokens with a confirmation (`cnf`) are refused.
///
/// ```
/// use std::time::Duration;
/// use palisade_core::Secret;
/// use palisade_jwt::{Algorithm, Issuer, VerifyingKey};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let secret = Secret::new(*b"an example of thirty-two bytes!!");
/// let key = VerifyingKey::from_secret(Algorithm::Hs256, &secret)?;
/// let issuer = Issuer::new("https://login.example", "https://tts.example", key)
///     .or_audience("tts")
///     .max_lifetime(Duration::from_secs(3600))
///     .label("staff");
/// # let _ = issuer;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Issuer {
    /// Compared with `iss`.
    pub(super) name: Box<str>,
    /// One of them must be in `aud`.
    audiences: Vec<Box<str>>,
    /// Verify the signatures.
    pub(super) keys: Keys,
    /// Prefix of the ids of principals.
    pub(super) label: Option<Box<str>>,
    pub(super) rules: TokenRules,
}

/// The requirements for tokens of one issuer beyond name and audience.
#[derive(Clone, Copy, Debug)]
pub(super) struct TokenRules {
    /// Whether `cnf` is accepted without a check.
    pub(super) ignore_confirmation: bool,
    /// Whether ID tokens and event tokens are accepted.
    pub(super) accept_id_tokens: bool,
    /// From `iat` to `exp`.
    pub(super) max_lifetime: Duration,
}

impl Issuer {
    /// Creates an issuer.
    ///
    /// * `name` is compared exactly with `iss`; `https://a.example` is not `https://a.example/`.
    /// * `audience` is the name of this service in `aud`.
    /// * `keys` is a [`VerifyingKey`], a [`KeySet`], or another source that [`Keys`] lists.
    pub fn new(
        name: impl Into<Box<str>>,
        audience: impl Into<Box<str>>,
        keys: impl Into<Keys>,
    ) -> Self {
        Self {
            name: name.into(),
            audiences: vec![audience.into()],
            keys: keys.into(),
            label: None,
            rules: TokenRules {
                ignore_confirmation: false,
                accept_id_tokens: false,
                max_lifetime: MAX_LIFETIME,
            },
        }
    }

    /// Sets the longest time from `iat` to `exp`. Default: 24 hours; at most 10 years. Of a token
    /// without `iat`, the time from now to `exp` must not be longer.
    ///
    /// A stolen token works until it expires, so a token with a lifetime of years is like a
    /// password.
    pub fn max_lifetime(mut self, lifetime: Duration) -> Self {
        self.rules.max_lifetime = lifetime;
        self
    }

    /// Accepts tokens with a confirmation (`cnf`, RFC 7800) as plain bearer tokens. Such a token is
    /// bound to a key of the client (DPoP, RFC 9449; a certificate, RFC 8705), and this crate does
    /// not check the proof. A thief of the token can then use it, which the issuer wanted to
    /// prevent. Use it only where something in front of this service checks the proof.
    pub fn dangerously_ignore_confirmation(mut self) -> Self {
        self.rules.ignore_confirmation = true;
        self
    }

    /// Accepts ID tokens and event tokens as access tokens: those with `nonce`, `at_hash`, `c_hash`
    /// or `events`, with `token_use: "id"` or the claim `typ: "ID"`. An ID token tells a client who
    /// has logged in; clients log and forward it freely, and it grants nothing. For issuers that
    /// write `nonce` into access tokens too.
    pub fn dangerously_accept_id_tokens(mut self) -> Self {
        self.rules.accept_id_tokens = true;
        self
    }

    /// Accepts another audience too. A token needs one of them in `aud`.
    pub fn or_audience(mut self, audience: impl Into<Box<str>>) -> Self {
        self.audiences.push(audience.into());
        self
    }

    /// Sets a prefix for the subjects of this issuer (`label:subject`). A subject is unique only
    /// for its issuer (RFC 7519, 4.1.2), so with several issuers each needs one. Otherwise `admin`
    /// of one would be `admin` of another.
    pub fn label(mut self, label: impl Into<Box<str>>) -> Self {
        self.label = Some(label.into());
        self
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn audiences(&self) -> &[Box<str>] {
        &self.audiences
    }

    pub(crate) fn keys(&self) -> &Keys {
        &self.keys
    }

    pub(crate) fn label_text(&self) -> Option<&str> {
        self.label.as_deref()
    }

    pub(super) fn is_nameless(&self) -> bool {
        self.name.is_empty() || self.audiences.iter().any(|audience| audience.is_empty())
    }
}
