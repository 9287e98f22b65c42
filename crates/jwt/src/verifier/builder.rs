//! Says which tokens are good, and refuses to build what would accept too much.

use std::{sync::Arc, time::Duration};

use palisade_core::{SharedClock, SystemClock};

use super::{Inner, LARGEST_CAP, Verifier};
use crate::{BuildError, Keys};

const LONGEST_LEEWAY: Duration = Duration::from_secs(300);
const SMALLEST_CAP: usize = 256;

/// Someone who makes tokens: a name, the audience under which it knows us, and its keys.
#[derive(Clone, Debug)]
#[must_use]
pub struct Issuer {
    name: Box<str>,
    audiences: Vec<Box<str>>,
    keys: Keys,
    label: Option<Box<str>>,
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
        }
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
    required: Vec<Box<str>>,
    leeway: Duration,
    cap: usize,
    clock: SharedClock,
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
        }
    }
}

impl VerifierBuilder {
    /// Adds an issuer.
    pub fn issuer(mut self, issuer: Issuer) -> Self {
        self.issuers.push(issuer);
        self
    }

    /// Demands a claim besides `iss`, `aud` and `exp`.
    pub fn require(mut self, claim: impl Into<Box<str>>) -> Self {
        self.required.push(claim.into());
        self
    }

    /// Accepts only access tokens by RFC 9068: `typ` is `at+jwt`, and `sub`, `client_id`, `iat` and `jti` are there.
    pub fn only_access_tokens(mut self) -> Self {
        self.types = vec!["at+jwt".into()];
        self.required
            .extend(["sub", "client_id", "iat", "jti"].map(Into::into));
        self
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

    /// Sets the clock; the system's without.
    pub fn clock(mut self, clock: SharedClock) -> Self {
        self.clock = clock;
        self
    }

    /// Finishes the verifier.
    ///
    /// # Errors
    ///
    /// [`BuildError`] if there is no issuer, an issuer has no name, no audience, or a name or label that another has,
    /// or a value is out of bounds.
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
