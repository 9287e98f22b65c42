//! What a store keeps of a key.

use std::{fmt, net::IpAddr, time::Duration};

use subtle::ConstantTimeEq;

use palisade_core::Principal;

use crate::{Environment, Failure, Grant, InvalidGrant, KeyDigest, KeyId, PresentedKey, Timestamp};

/// The kind of principals that keys prove.
pub(crate) const KIND: &str = "api_key";

/// A key without its secret: what a store keeps. Holds the [`Principal`] ready for every request.
#[derive(Clone)]
pub struct KeyRecord {
    pub(crate) created: Timestamp,
    pub(crate) digest: KeyDigest,
    pub(crate) grant: Grant,
    pub(crate) id: KeyId,
    pub(crate) previous: Option<Previous>,
    pub(crate) principal: Principal,
    pub(crate) revoked: Option<Timestamp>,
}

/// The secret before the last rotation, and until when it counts.
#[derive(Clone, Debug)]
pub(crate) struct Previous {
    pub(crate) digest: KeyDigest,
    pub(crate) until: Timestamp,
}

impl KeyRecord {
    /// Makes a record of what a store of one's own has kept.
    ///
    /// # Errors
    ///
    /// When the grant contradicts itself or holds unusable text.
    pub fn new(id: KeyId, digest: KeyDigest, grant: Grant, created: Duration) -> Result<Self, InvalidGrant> {
        grant.check()?;
        Ok(Self {
            created: Timestamp::from_unix(created),
            digest,
            principal: principal(id, &grant),
            grant,
            id,
            previous: None,
            revoked: None,
        })
    }

    /// Adds the secret before the last rotation, which counts until a moment since the Unix epoch.
    #[must_use]
    pub fn with_previous(mut self, digest: KeyDigest, until: Duration) -> Self {
        let until = Timestamp::from_unix(until);
        self.previous = Some(Previous { digest, until });
        self
    }

    /// Revokes the key: from now on it is refused, whatever the clock says. The first word counts.
    #[must_use]
    pub fn revoked(mut self, at: Duration) -> Self {
        self.revoked.get_or_insert(Timestamp::from_unix(at));
        self
    }

    /// Decides whether a presented key counts at a moment since the Unix epoch, for a client.
    ///
    /// # Errors
    ///
    /// The private reason why not. All that needs more than public knowledge is judged after the secret.
    pub fn judge(&self, key: &PresentedKey, now: Duration, client: Option<IpAddr>) -> Result<(), Failure> {
        self.judge_secret(key, now)?;
        if self.revoked.is_some() {
            return Err(Failure::Revoked);
        }
        if self.grant.not_before.is_some_and(|start| now < start.unix()) {
            return Err(Failure::NotYetValid);
        }
        if self.grant.expires.is_some_and(|end| now >= end.unix()) {
            return Err(Failure::Expired);
        }
        match self.grant.allows_client(client) {
            None => Err(Failure::ClientUnknown),
            Some(false) => Err(Failure::NetworkNotAllowed),
            Some(true) => Ok(()),
        }
    }

    fn judge_secret(&self, key: &PresentedKey, now: Duration) -> Result<(), Failure> {
        // Both are compared always, so that time does not tell whether the key was rotated.
        let previous = self.previous.as_ref();
        let current = key.digest.matches(&self.digest);
        let former = key.digest.matches(previous.map_or(&self.digest, |previous| &previous.digest));
        let named = key.id.as_str().as_bytes().ct_eq(self.id.as_str().as_bytes());
        let same_environment = key.environment == self.grant.environment;
        if !bool::from(named & (current | former)) || !same_environment {
            return Err(Failure::WrongSecret);
        }
        match previous {
            Some(previous) if !bool::from(current) && now >= previous.until.unix() => {
                Err(Failure::PreviousSecretExpired)
            }
            _ => Ok(()),
        }
    }

    /// Tells whether the key is over for good at a moment since the Unix epoch.
    #[must_use]
    pub fn is_over(&self, now: Duration) -> bool {
        self.revoked.is_some() || self.grant.expires.is_some_and(|end| now >= end.unix())
    }
}

/// Readers, for listings and for stores of one's own.
impl KeyRecord {
    /// Returns when the key was minted.
    #[must_use]
    pub const fn created(&self) -> Duration {
        self.created.unix()
    }

    /// Returns the digest of the secret in force.
    #[must_use]
    pub const fn digest(&self) -> &KeyDigest {
        &self.digest
    }

    /// Returns the environment.
    #[must_use]
    pub const fn environment(&self) -> Environment {
        self.grant.environment
    }

    /// Returns when the key ends.
    #[must_use]
    pub fn expires(&self) -> Option<Duration> {
        self.grant.expires.map(Timestamp::unix)
    }

    /// Returns what the key allows.
    pub const fn grant(&self) -> &Grant {
        &self.grant
    }

    /// Returns the public id.
    #[must_use]
    pub const fn id(&self) -> KeyId {
        self.id
    }

    /// Returns the note for operators.
    #[must_use]
    pub fn note(&self) -> Option<&str> {
        self.grant.note.as_deref()
    }

    /// Returns when the key begins.
    #[must_use]
    pub fn not_before(&self) -> Option<Duration> {
        self.grant.not_before.map(Timestamp::unix)
    }

    /// Returns the former secret's digest and until when it counts.
    #[must_use]
    pub fn previous(&self) -> Option<(&KeyDigest, Duration)> {
        let previous = self.previous.as_ref()?;
        Some((&previous.digest, previous.until.unix()))
    }

    /// Returns who proves to be who, with this key.
    #[must_use]
    pub const fn principal(&self) -> &Principal {
        &self.principal
    }

    /// Returns when the key was revoked.
    #[must_use]
    pub fn revoked_at(&self) -> Option<Duration> {
        self.revoked.map(Timestamp::unix)
    }
}

fn principal(id: KeyId, grant: &Grant) -> Principal {
    let mut who = Principal::builder(KIND, id.as_str())
        .credential(id.as_str())
        .scopes(grant.scopes.iter().map(String::as_str))
        .attribute("environment", grant.environment.as_str());
    if let Some(owner) = &grant.owner {
        who = who.owner(owner.as_str());
    }
    if let Some(tier) = &grant.tier {
        who = who.tier(tier.as_str());
    }
    if let Some(end) = grant.expires {
        who = who.expires(end.unix());
    }
    who.build()
}

impl fmt::Debug for KeyRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyRecord")
            .field("id", &self.id)
            .field("grant", &self.grant)
            .field("rotating", &self.previous.is_some())
            .field("revoked", &self.revoked.is_some())
            .finish_non_exhaustive()
    }
}
