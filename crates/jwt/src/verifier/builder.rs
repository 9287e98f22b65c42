//! Which tokens are valid. The builder refuses configurations that would accept too much.

use std::{
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use palisade_core::{SharedClock, SystemClock};
use palisade_internal::wall_clock::WallClock;

use super::{Inner, LARGEST_CAP, Verifier};
use crate::{BuildError, KeyError, KeySet, Keys, VerifyingKey};

/// More leeway would extend every token noticeably.
const LONGEST_LEEWAY: Duration = Duration::from_secs(300);
/// The default of [`Issuer::max_lifetime`]: the longest default of the large providers.
const MAX_LIFETIME: Duration = Duration::from_secs(86_400);
const LONGEST_MAX_LIFETIME: Duration = Duration::from_secs(10 * 366 * 86_400);
const LONGEST_CLOCK_STEP: Duration = Duration::from_secs(7 * 86_400);
/// In bytes. A smaller limit would refuse practically every token.
const SMALLEST_CAP: usize = 256;

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
    name: Box<str>,
    /// One of them must be in `aud`.
    audiences: Vec<Box<str>>,
    /// Verify the signatures.
    keys: Keys,
    /// Prefix of the ids of principals.
    label: Option<Box<str>>,
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

/// A required claim and its type.
#[derive(Clone, Debug)]
pub(super) struct Demand {
    /// The name of the claim.
    pub(super) claim: Box<str>,
    /// Whether it must be text that is not empty. Otherwise `null` and empty values are refused.
    pub(super) text: bool,
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

    fn is_nameless(&self) -> bool {
        self.name.is_empty() || self.audiences.iter().any(|audience| audience.is_empty())
    }
}

/// Configures a [`Verifier`]. Made by [`Verifier::builder`].
///
/// | choice | default |
/// |---|---|
/// | [`issuer`](Self::issuer) | none; at least one is required |
/// | [`types`](Self::types) | `JWT` and `at+jwt` |
/// | [`require`](Self::require) | `iss`, `aud` and `exp` are always required |
/// | [`leeway`](Self::leeway) | 30 seconds |
/// | [`longest_token`](Self::longest_token) | 8 KiB |
/// | [`max_clock_step`](Self::max_clock_step) | 24 hours |
/// | [`clock`](Self::clock) | the system clock |
#[derive(Clone, Debug)]
#[must_use]
pub struct VerifierBuilder {
    issuers: Vec<Issuer>,
    types: Vec<Box<str>>,
    untyped: bool,
    required: Vec<Demand>,
    leeway: Duration,
    cap: usize,
    clock: SharedClock,
    clock_step: Duration,
}

impl Default for VerifierBuilder {
    fn default() -> Self {
        Self {
            issuers: Vec::new(),
            types: vec!["JWT".into(), "at+jwt".into()],
            untyped: false,
            required: Vec::new(),
            leeway: Duration::from_secs(30),
            cap: 8 * 1024,
            clock: SystemClock::shared(),
            clock_step: WallClock::MAX_STEP,
        }
    }
}

impl VerifierBuilder {
    /// Adds an issuer. With several, each needs a different name and an [`Issuer::label`].
    pub fn issuer(mut self, issuer: Issuer) -> Self {
        self.issuers.push(issuer);
        self
    }

    /// Requires a claim to be text that is not empty. `null`, a number or `""` is refused.
    ///
    /// `iss`, `aud` and `exp` are always required.
    pub fn require(mut self, claim: impl Into<Box<str>>) -> Self {
        let claim = claim.into();
        self.required.push(Demand { claim, text: true });
        self
    }

    /// Requires a claim of any type: a number, a boolean, an object. `null`, `""`, `[]` and `{}`
    /// are refused.
    pub fn require_any_type(mut self, claim: impl Into<Box<str>>) -> Self {
        let claim = claim.into();
        self.required.push(Demand { claim, text: false });
        self
    }

    /// Accepts only access tokens by RFC 9068: `typ` is `at+jwt`; `sub`, `client_id` and `jti` are
    /// text that is not empty, and `iat` is a date (2.2).
    pub fn only_access_tokens(mut self) -> Self {
        self.types = vec!["at+jwt".into()];
        let texts = ["sub", "client_id", "jti"];
        texts
            .into_iter()
            .fold(self.require_any_type("iat"), Self::require)
    }

    /// Sets the accepted types (`typ`), in place of `JWT` and `at+jwt`.
    ///
    /// Compared without case and without `application/` (RFC 7515 section 4.1.9).
    pub fn types<T: Into<Box<str>>>(mut self, types: impl IntoIterator<Item = T>) -> Self {
        self.types = types.into_iter().map(Into::into).collect();
        self
    }

    /// Accepts tokens without a type (`typ`), as some providers make them. A token of another
    /// protocol by the same issuer (a logout token, a proof of possession) is then accepted as an
    /// access token, if its other claims happen to fit.
    pub fn dangerously_accept_untyped_tokens(mut self) -> Self {
        self.untyped = true;
        self
    }

    /// Sets how far the clocks of issuer and server may differ. Default: 30 seconds; at most 5
    /// minutes.
    pub fn leeway(mut self, leeway: Duration) -> Self {
        self.leeway = leeway;
        self
    }

    /// Sets the maximum length of a token in bytes. Default: 8 KiB; 256 bytes to 64 KiB.
    ///
    /// A longer token is refused before it is parsed.
    pub fn longest_token(mut self, bytes: usize) -> Self {
        self.cap = bytes;
        self
    }

    /// Sets the largest step back of the clock that is ignored. Default: 24 hours; at most a
    /// week.
    ///
    /// What has expired must not become valid again because a clock was set back. After a smaller
    /// step back the time stands still at the latest reading until the clock has caught up: tokens
    /// issued meanwhile that end before that moment are refused. A larger step back is accepted,
    /// since the earlier readings were then wrong. Either is logged once and recorded once in the
    /// audit trail (`clock_stepped_back`); a restart forgets the latest reading.
    pub fn max_clock_step(mut self, step: Duration) -> Self {
        self.clock_step = step;
        self
    }

    /// Sets the clock for `exp`, `nbf` and `iat`. Default: the system clock.
    pub fn clock(mut self, clock: SharedClock) -> Self {
        self.clock = clock;
        self
    }

    /// Builds the verifier.
    ///
    /// # Errors
    ///
    /// [`BuildError`] if there is no issuer, an issuer has no name, no audience, or a name or label
    /// that another has, a secret that can be guessed, or a value is out of bounds.
    pub fn build(self) -> Result<Verifier, BuildError> {
        judge_issuers(&self.issuers)?;
        if self.leeway > LONGEST_LEEWAY {
            return Err(BuildError::OutOfBounds("the leeway is over 5 minutes"));
        }
        if !(SMALLEST_CAP..=LARGEST_CAP).contains(&self.cap) {
            return Err(BuildError::OutOfBounds(
                "the longest token is not between 256 bytes and 64 KiB",
            ));
        }
        if self.clock_step > LONGEST_CLOCK_STEP {
            return Err(BuildError::OutOfBounds(
                "the clock step that is not believed is over a week",
            ));
        }
        if self.types.is_empty() && !self.untyped {
            return Err(BuildError::OutOfBounds("no type of token is accepted"));
        }
        Ok(Verifier(Arc::new(Inner {
            issuers: self.issuers.into(),
            types: self.types.into(),
            untyped: self.untyped,
            required: self.required.into(),
            leeway: self.leeway,
            cap: self.cap,
            clock: self.clock,
            wall: WallClock::new(self.clock_step),
            clock_stepped_back: AtomicBool::new(false),
        })))
    }
}

/// Refuses issuers without names or labels, keys that can be guessed, and lifetimes out of bounds.
fn judge_issuers(issuers: &[Issuer]) -> Result<(), BuildError> {
    if issuers.is_empty() {
        return Err(BuildError::NoKeys);
    }
    for (index, issuer) in issuers.iter().enumerate() {
        let others = || issuers.iter().take(index);
        if issuer.is_nameless() || others().any(|other| other.name == issuer.name) {
            return Err(BuildError::Issuer(issuer.name.clone()));
        }
        let guessable = |set: &KeySet| set.keys().any(VerifyingKey::is_guessable);
        if issuer.keys.current().is_ok_and(|set| guessable(&set)) {
            return Err(KeyError::Weak.into());
        }
        let lifetime = issuer.rules.max_lifetime;
        if lifetime.is_zero() || lifetime > LONGEST_MAX_LIFETIME {
            return Err(BuildError::OutOfBounds(
                "the longest lifetime of a token is zero or over 10 years",
            ));
        }
        let label = issuer.label.as_deref();
        let missing = label.is_none() && issuers.len() > 1;
        let unfit = label.is_some_and(|label| {
            label.is_empty() || label.contains(|c: char| c == ':' || c.is_control())
        });
        if missing || unfit || others().any(|other| other.label == issuer.label) {
            return Err(BuildError::Label(issuer.name.clone()));
        }
    }
    Ok(())
}

/// Names a required claim in an error that must not allocate.
pub(super) fn static_name(claim: &str) -> &'static str {
    let known = [
        "sub",
        "client_id",
        "iat",
        "nbf",
        "jti",
        "scope",
        "auth_time",
        "azp",
    ];
    known
        .into_iter()
        .find(|name| *name == claim)
        .unwrap_or("another required claim")
}
