//! Which tokens are valid. The builder refuses configurations that would accept too much.

use std::{
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use palisade_core::{SharedClock, SystemClock};
use palisade_internal::wall_clock::WallClock;

use super::{Issuer, Verifier, verify::Inner};
use crate::{
    claims::RequiredClaim,
    error::{JwtBuildError, KeyError},
    keys::{KeySet, VerifyingKey},
    token::MAX_TOKEN_BYTES,
};

/// More leeway would extend every token noticeably.
const LONGEST_LEEWAY: Duration = Duration::from_secs(300);
const LONGEST_MAX_LIFETIME: Duration = Duration::from_secs(10 * 366 * 86_400);
const LONGEST_CLOCK_STEP: Duration = Duration::from_secs(7 * 86_400);
/// In bytes. A smaller limit would refuse practically every token.
const MIN_TOKEN_BYTES: usize = 256;

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
///
/// ```
/// use std::time::Duration;
/// use palisade_jwt::{Algorithm, Issuer, JwtBuildError, Verifier};
/// # use palisade_jwt::mint::SigningKey;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let key = SigningKey::generate(Algorithm::Es256)?.verifying_key();
/// let issuer = Issuer::new("https://login.example", "tts", key);
/// let verifier = Verifier::builder()
///     .issuer(issuer.clone())
///     .require("client_id")
///     .leeway(Duration::from_secs(5))
///     .longest_token(4096)
///     .build()?;
/// # let _ = verifier;
/// // Two issuers need labels, so that their subjects differ.
/// let other = Issuer::new("https://id.partner.example", "tts", SigningKey::generate(Algorithm::Es256)?.verifying_key());
/// let built = Verifier::builder().issuers([issuer, other]).build();
/// assert!(matches!(built, Err(JwtBuildError::Label(_))));
/// # Ok(())
/// # }
/// ```
///
/// Only tokens of one type, and a test that sets the time. Access tokens (RFC 9068) have the type `at+jwt`:
///
/// ```
/// use std::time::Duration;
/// use palisade_core::ManualClock;
/// use palisade_jwt::{Algorithm, Issuer, Verifier, mint::{SigningKey, Token}};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let key = SigningKey::generate(Algorithm::Es256)?;
/// let clock = ManualClock::new(Duration::from_secs(1_800_000_000));
/// let verifier = Verifier::builder()
///     .issuer(Issuer::new("https://login.example", "tts", key.verifying_key()))
///     .types(["logout+jwt"])
///     .clock(clock.shared())
///     .build()?;
/// let access_token = Token::new("https://login.example", "tts", "lin").sign(&key, clock.shared().as_ref())?;
/// assert!(verifier.verify(&access_token).is_err());
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct VerifierBuilder {
    issuers: Vec<Issuer>,
    types: Vec<Box<str>>,
    untyped: bool,
    required: Vec<RequiredClaim>,
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

    /// Adds several issuers, such as those of [`Issuer::for_tenants`].
    pub fn issuers(mut self, issuers: impl IntoIterator<Item = Issuer>) -> Self {
        self.issuers.extend(issuers);
        self
    }

    /// Requires a claim to be text that is not empty. `null`, a number or `""` is refused.
    ///
    /// `iss`, `aud` and `exp` are always required.
    pub fn require(mut self, claim: impl Into<Box<str>>) -> Self {
        self.required.push(RequiredClaim::text(claim));
        self
    }

    /// Requires a claim of any type: a number, a boolean, an object. `null`, `""`, `[]` and `{}`
    /// are refused.
    pub fn require_any_type(mut self, claim: impl Into<Box<str>>) -> Self {
        self.required.push(RequiredClaim::any_type(claim));
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

    /// Returns whether an issuer was added.
    pub(crate) fn has_issuers(&self) -> bool {
        !self.issuers.is_empty()
    }

    /// Builds the verifier.
    ///
    /// # Errors
    ///
    /// [`JwtBuildError`] if there is no issuer, an issuer has no name, no audience, or a name or label
    /// that another has, a secret that can be guessed, or a value is out of bounds.
    pub fn build(self) -> Result<Verifier, JwtBuildError> {
        check_issuers(&self.issuers)?;
        if self.leeway > LONGEST_LEEWAY {
            return Err(JwtBuildError::Leeway);
        }
        if !(MIN_TOKEN_BYTES..=MAX_TOKEN_BYTES).contains(&self.cap) {
            return Err(JwtBuildError::TokenLength);
        }
        if self.clock_step > LONGEST_CLOCK_STEP {
            return Err(JwtBuildError::ClockStep);
        }
        if self.types.is_empty() && !self.untyped {
            return Err(JwtBuildError::NoTokenType);
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
fn check_issuers(issuers: &[Issuer]) -> Result<(), JwtBuildError> {
    if issuers.is_empty() {
        return Err(JwtBuildError::NoIssuer);
    }
    for (index, issuer) in issuers.iter().enumerate() {
        let others = || issuers.iter().take(index);
        check_rules(issuer)?;
        if issuer.is_nameless() || others().any(|other| other.name == issuer.name) {
            return Err(JwtBuildError::Issuer(issuer.name.clone()));
        }
        let guessable = |set: &KeySet| set.keys().any(VerifyingKey::is_guessable);
        if issuer.keys.current().is_ok_and(|set| guessable(&set)) {
            return Err(KeyError::Weak.into());
        }
        let label = issuer.label.as_deref();
        let missing = label.is_none() && issuers.len() > 1;
        let unfit = label.is_some_and(|label| {
            label.is_empty() || label.contains(|c: char| c == ':' || c.is_control())
        });
        if missing || unfit || others().any(|other| other.label == issuer.label) {
            return Err(JwtBuildError::Label(issuer.name.clone()));
        }
    }
    Ok(())
}

/// Refuses rules that no token can follow, and an audience that any token of a client has.
fn check_rules(issuer: &Issuer) -> Result<(), JwtBuildError> {
    let rules = &issuer.rules;
    if rules.max_lifetime.is_zero() || rules.max_lifetime > LONGEST_MAX_LIFETIME {
        return Err(JwtBuildError::MaxLifetime);
    }
    let no_type = rules.types.as_deref().is_some_and(<[_]>::is_empty) && !rules.accept_untyped;
    if no_type {
        return Err(JwtBuildError::NoTokenType);
    }
    let no_algorithm = rules.algorithms.as_deref().is_some_and(<[_]>::is_empty);
    if no_algorithm || rules.required.iter().any(RequiredClaim::is_impossible) {
        return Err(JwtBuildError::ImpossibleRule(issuer.name.clone()));
    }
    let distinguished = rules.required.iter().any(RequiredClaim::names_a_value);
    match rules.audience_claim.is_some() && !distinguished {
        true => Err(JwtBuildError::AudienceClaimAlone(issuer.name.clone())),
        false => Ok(()),
    }
}
