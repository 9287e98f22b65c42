//! What a store keeps of a key.

mod last_use;
mod readers;

use std::{fmt, net::IpAddr, time::Duration};

use subtle::ConstantTimeEq;

use palisade_core::Principal;

pub(crate) use self::last_use::LastUse;
use crate::{Grant, InvalidGrant, KeyDigest, KeyFailure, KeyId, PresentedKey, Timestamp};

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
    pub(crate) used: LastUse,
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
    pub fn new(
        id: KeyId,
        digest: KeyDigest,
        grant: Grant,
        created: Duration,
    ) -> Result<Self, InvalidGrant> {
        grant.check()?;
        Ok(Self {
            created: Timestamp::from_unix(created),
            digest,
            principal: principal(id, &grant),
            grant,
            id,
            previous: None,
            revoked: None,
            used: LastUse::default(),
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
    pub fn judge(
        &self,
        key: &PresentedKey,
        now: Duration,
        client: Option<IpAddr>,
    ) -> Result<(), KeyFailure> {
        self.judge_secret(key, now)?;
        self.stands(now, client)
    }

    /// Decides as [`judge`](Self::judge) does, but for the secret: for a session that was made from a key
    /// and must end with it.
    ///
    /// # Errors
    ///
    /// The private reason why the key does not count any more, yet, or from there.
    pub fn stands(&self, now: Duration, client: Option<IpAddr>) -> Result<(), KeyFailure> {
        if self.revoked.is_some() {
            return Err(KeyFailure::Revoked);
        }
        if self
            .grant
            .not_before
            .is_some_and(|start| now < start.unix())
        {
            return Err(KeyFailure::NotYetValid);
        }
        if self.grant.expires.is_some_and(|end| now >= end.unix()) {
            return Err(KeyFailure::Expired);
        }
        match self.grant.allows_client(client) {
            None => Err(KeyFailure::ClientUnknown),
            Some(false) => Err(KeyFailure::NetworkNotAllowed),
            Some(true) => Ok(()),
        }
    }

    fn judge_secret(&self, key: &PresentedKey, now: Duration) -> Result<(), KeyFailure> {
        // Both are compared always, so that time does not tell whether the key was rotated.
        let previous = self.previous.as_ref();
        let current = key.digest.matches(&self.digest);
        let former = key
            .digest
            .matches(previous.map_or(&self.digest, |previous| &previous.digest));
        let named = key
            .id
            .as_str()
            .as_bytes()
            .ct_eq(self.id.as_str().as_bytes());
        let same_environment = key.environment == self.grant.environment;
        if !bool::from(named & (current | former)) || !same_environment {
            return Err(match key.digest.scheme() == self.digest.scheme() {
                true => KeyFailure::WrongSecret,
                false => KeyFailure::OtherScheme,
            });
        }
        match previous {
            Some(previous) if !bool::from(current) && now >= previous.until.unix() => {
                Err(KeyFailure::PreviousSecretExpired)
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
