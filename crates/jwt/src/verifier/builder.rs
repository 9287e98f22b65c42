//! Says which tokens are good, and refuses to build what would accept too much.

use std::{
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use palisade_core::{SharedClock, SystemClock};
use palisade_internal::wall_clock::WallClock;

use super::{Inner, LARGEST_CAP, Verifier};
use crate::{BuildError, KeyError, KeySet, Keys, VerifyingKey};

const LONGEST_LEEWAY: Duration = Duration::from_secs(300);
/// As long as the large providers let an access token live where nobody has chosen.
const MAX_LIFETIME: Duration = Duration::from_secs(86_400);
const LONGEST_MAX_LIFETIME: Duration = Duration::from_secs(10 * 366 * 86_400);
const LONGEST_CLOCK_STEP: Duration = Duration::from_secs(7 * 86_400);
const SMALLEST_CAP: usize = 256;

/// Someone who makes tokens: a name, the audience under which it knows us, and its keys.
#[derive(Clone, Debug)]
#[must_use]
pub struct Issuer {
    name: Box<str>,
    audiences: Vec<Box<str>>,
    keys: Keys,
    label: Option<Box<str>>,
    pub(super) rules: TokenRules,
}

/// What is demanded of the tokens of one issuer beyond its name and audience.
#[derive(Clone, Copy, Debug)]
pub(super) struct TokenRules {
    pub(super) ignore_confirmation: bool,
    pub(super) accept_id_tokens: bool,
    pub(super) max_lifetime: Duration,
}

/// A claim that must be there, and what it must be.
#[derive(Clone, Debug)]
pub(super) struct Demand {
    pub(super) claim: Box<str>,
    /// Text, and not empty; otherwise anything but `null` and what is empty.
    pub(super) text: bool,
}

impl Issuer {
    /// Trusts `name` (compared letter by letter with `iss`) to speak to `audience` (one of `aud`) with these keys.
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

    /// Sets the longest time from `iat` to `exp`. Default: 24 hours; at most 10 years. Of a token without `iat`, the
    /// time from now to `exp` must not be longer.
    ///
    /// A stolen token works until it expires, so a token that lives for years is a password.
    pub fn max_lifetime(mut self, lifetime: Duration) -> Self {
        self.rules.max_lifetime = lifetime;
        self
    }

    /// Accepts tokens with a confirmation (`cnf`, RFC 7800) as plain bearer tokens. Such a token is bound to a key of
    /// the client (DPoP, RFC 9449; a certificate, RFC 8705), and this crate does not check the proof: whoever steals
    /// the token can then use it, which is what the issuer wanted to prevent. Only where something in front of this
    /// service checks the proof.
    pub fn dangerously_ignore_confirmation(mut self) -> Self {
        self.rules.ignore_confirmation = true;
        self
    }

    /// Accepts ID tokens and event tokens as access tokens: those with `nonce`, `at_hash`, `c_hash` or `events`, with
    /// `token_use: "id"` or the claim `typ: "ID"`. An ID token tells a client who has logged in; clients log and
    /// forward it freely, and it grants nothing. For issuers that write `nonce` into access tokens too.
    pub fn dangerously_accept_id_tokens(mut self) -> Self {
        self.rules.accept_id_tokens = true;
        self
    }

    /// Accepts another audience too.
    pub fn or_audience(mut self, audience: impl Into<Box<str>>) -> Self {
        self.audiences.push(audience.into());
        self
    }

    /// Puts a word before the subjects of this issuer (`label:subject`). A subject is unique only for its issuer
    /// (RFC 7519, 4.1.2), so with several issuers each must have one, or `admin` of one would be `admin` of another.
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

/// Collects what a [`Verifier`] demands.
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
    /// Adds an issuer.
    pub fn issuer(mut self, issuer: Issuer) -> Self {
        self.issuers.push(issuer);
        self
    }

    /// Demands a claim besides `iss`, `aud` and `exp`: text, and not empty. `null`, a number or `""` is refused.
    pub fn require(mut self, claim: impl Into<Box<str>>) -> Self {
        let claim = claim.into();
        self.required.push(Demand { claim, text: true });
        self
    }

    /// Demands a claim of any type: a number, a boolean, an object. `null`, `""`, `[]` and `{}` are refused.
    pub fn require_any_type(mut self, claim: impl Into<Box<str>>) -> Self {
        let claim = claim.into();
        self.required.push(Demand { claim, text: false });
        self
    }

    /// Accepts only access tokens by RFC 9068: `typ` is `at+jwt`; `sub`, `client_id` and `jti` are text that is not
    /// empty, and `iat` is a date (2.2).
    pub fn only_access_tokens(mut self) -> Self {
        self.types = vec!["at+jwt".into()];
        let texts = ["sub", "client_id", "jti"];
        texts
            .into_iter()
            .fold(self.require_any_type("iat"), Self::require)
    }

    /// Replaces the list of types (`typ`), which is `JWT` and `at+jwt`.
    pub fn types<T: Into<Box<str>>>(mut self, types: impl IntoIterator<Item = T>) -> Self {
        self.types = types.into_iter().map(Into::into).collect();
        self
    }

    /// Accepts tokens that do not say of what type they are, as some providers make them. A token of another protocol
    /// by the same issuer (a logout token, a proof of possession) can then be shown as an access token, if its other
    /// claims happen to fit.
    pub fn dangerously_accept_untyped_tokens(mut self) -> Self {
        self.untyped = true;
        self
    }

    /// Sets how far the clocks of issuer and server may differ: 30 seconds, at most 5 minutes.
    pub fn leeway(mut self, leeway: Duration) -> Self {
        self.leeway = leeway;
        self
    }

    /// Sets the length from which a token is refused unread: 8 KiB, at most 64.
    pub fn longest_token(mut self, bytes: usize) -> Self {
        self.cap = bytes;
        self
    }

    /// Sets how far the clock may step back without being believed. Default: 24 hours; at most a week.
    ///
    /// What has expired must not become valid again because a clock was set back. After a smaller step back the time
    /// stands still at the latest reading until the clock has caught up: tokens issued meanwhile that end before that
    /// moment are refused. A larger step back is believed, since the readings before were then wrong. Either is logged
    /// once and recorded once in the audit trail (`clock_stepped_back`); a restart forgets the latest reading.
    pub fn max_clock_step(mut self, step: Duration) -> Self {
        self.clock_step = step;
        self
    }

    /// Sets the clock. Default: the system clock.
    pub fn clock(mut self, clock: SharedClock) -> Self {
        self.clock = clock;
        self
    }

    /// Finishes the verifier.
    ///
    /// # Errors
    ///
    /// [`BuildError`] if there is no issuer, an issuer has no name, no audience, or a name or label that another has,
    /// a secret that can be guessed, or a value is out of bounds.
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
