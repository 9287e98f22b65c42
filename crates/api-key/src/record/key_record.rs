//! What a store keeps of a key: digest, grant, dates and revocation.
//!
//! The layer checks each presented key with [`KeyRecord::check`].

use std::{fmt, net::IpAddr, time::Duration};

use subtle::ConstantTimeEq;

use palisade_core::Principal;

use crate::{
    key::{Environment, KeyDigest, KeyId, PresentedKey},
    record::{Grant, InvalidGrant, KeyFailure, Timestamp, last_used::LastUsed},
};

/// The kind of the principals that keys authenticate.
pub(crate) const KIND: &str = "api_key";

/// A key without its secret: what a store keeps.
///
/// It has the [`Principal`] ready, so a request costs no allocation for it. `Debug` shows neither
/// digests nor the secret. Clones share the time of last use.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// use palisade_api_key::{Environment, Grant, KeyScheme, Pepper};
///
/// let scheme = KeyScheme::new(Pepper::generate()?);
/// let now = Duration::from_secs(1_800_000_000);
/// let minted = scheme.mint(Grant::new(Environment::Live).owner("ann"), now)?;
///
/// let record = minted.record().clone();
/// assert!(!record.is_over(now));
/// let later = now + Duration::from_secs(60);
/// assert!(record.revoked(later).is_over(later));
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct KeyRecord {
    /// When the key was minted.
    pub(crate) created: Timestamp,
    /// The digest of the current secret.
    pub(crate) digest: KeyDigest,
    pub(crate) grant: Grant,
    pub(crate) id: KeyId,
    /// The old secret, while both are accepted.
    pub(crate) previous: Option<Previous>,
    /// Until when secrets before these two were accepted.
    pub(crate) retired_until: Option<Timestamp>,
    /// Made once from the grant.
    pub(crate) principal: Principal,
    /// Set once; a revoked key is refused at any time.
    pub(crate) revoked: Option<Timestamp>,
    /// Since when the key is refused until an operator enables it.
    pub(crate) disabled: Option<Timestamp>,
    /// Whether another system made the current secret.
    pub(crate) imported: bool,
    pub(crate) used: LastUsed,
}

/// The secret before the last rotation.
#[derive(Clone, Debug)]
pub(crate) struct Previous {
    pub(crate) digest: KeyDigest,
    /// The old secret is refused from this moment on.
    pub(crate) until: Timestamp,
}

impl KeyRecord {
    /// Creates a record from what a custom store has kept.
    ///
    /// `created` is the time since the Unix epoch. Add a former secret with
    /// [`with_previous`](Self::with_previous), a revocation with [`revoked`](Self::revoked), and the rest with
    /// [`disabled`](Self::disabled), [`imported`](Self::imported) and [`with_retired_until`](Self::with_retired_until).
    ///
    /// # Errors
    ///
    /// [`InvalidGrant`] when the grant contradicts itself or has text that is not allowed.
    pub fn from_grant(
        id: KeyId,
        digest: KeyDigest,
        grant: Grant,
        created: Duration,
    ) -> Result<Self, InvalidGrant> {
        grant.check_values()?;
        Ok(Self::with_checked_grant(id, digest, grant, created))
    }

    /// A record that no key matches. A presented key is compared with it when the store has no
    /// record, so that both cases take the same time.
    pub(crate) fn decoy_record(digest: KeyDigest) -> Self {
        let grant = Grant::new(Environment::Live);
        Self::with_checked_grant(KeyId::decoy(), digest, grant, Duration::ZERO)
    }

    fn with_checked_grant(id: KeyId, digest: KeyDigest, grant: Grant, created: Duration) -> Self {
        Self {
            created: Timestamp::from_unix(created),
            digest,
            principal: principal_of(id, &grant),
            grant,
            id,
            previous: None,
            retired_until: None,
            revoked: None,
            disabled: None,
            imported: false,
            used: LastUsed::default(),
        }
    }

    /// Adds the secret before the last rotation. It is accepted until a time since the Unix epoch.
    #[must_use]
    pub fn with_previous(mut self, digest: KeyDigest, until: Duration) -> Self {
        let until = Timestamp::from_unix(until);
        self.previous = Some(Previous { digest, until });
        self
    }

    /// Checks whether a presented key is valid at a time since the Unix epoch, for a client
    /// address.
    ///
    /// `client` is needed only for a key that is bound to networks. The environments that a server
    /// accepts are checked by the layer, not here.
    ///
    /// # Errors
    ///
    /// [`KeyFailure`], the private reason. Dates, revocation and networks are checked after the
    /// secret, so a client without it learns nothing.
    pub fn check(
        &self,
        key: &PresentedKey,
        now: Duration,
        client: Option<IpAddr>,
    ) -> Result<(), KeyFailure> {
        self.check_secret(key, now)?;
        self.check_without_secret(now, client)
    }

    /// Checks as [`check`](Self::check) does, but without the secret.
    ///
    /// For a session that was started with a key and must end with it: when the key is revoked or
    /// expires.
    ///
    /// # Errors
    ///
    /// [`KeyFailure`]: the key is revoked, disabled, expired, not yet valid, or not allowed for the client's
    /// address.
    pub fn check_without_secret(
        &self,
        now: Duration,
        client: Option<IpAddr>,
    ) -> Result<(), KeyFailure> {
        if self.revoked.is_some() {
            return Err(KeyFailure::Revoked);
        }
        if self.disabled.is_some() {
            return Err(KeyFailure::Disabled);
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

    /// Compares id, environment and both secrets.
    fn check_secret(&self, key: &PresentedKey, now: Duration) -> Result<(), KeyFailure> {
        // Both secrets are always compared, so that the time does not reveal whether the key was
        // rotated.
        let previous = self.previous.as_ref();
        let current = key.matches(&self.digest);
        let former = key.matches(previous.map_or(&self.digest, |previous| &previous.digest));
        let named = key
            .id
            .as_str()
            .as_bytes()
            .ct_eq(self.id.as_str().as_bytes());
        let ours = self.grant.environment;
        let same_environment = key
            .environment
            .is_none_or(|environment| environment == ours);
        if !bool::from(named & (current | former)) || !same_environment {
            return Err(match key.knows_scheme_of(&self.digest) {
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
}

/// The principal of every request with this key.
fn principal_of(id: KeyId, grant: &Grant) -> Principal {
    let mut who = Principal::builder(KIND, id.as_str())
        .credential(id.as_str())
        .scopes(grant.scopes.iter().map(String::as_str))
        .attribute("environment", grant.environment.as_str());
    for (name, value) in &grant.metadata {
        who = who.attribute(format!("metadata.{name}"), value.as_str());
    }
    if let Some(owner) = &grant.owner {
        who = who.owner(owner.as_str());
    }
    if let Some(tier) = &grant.tier {
        who = who.tier(tier.as_str());
    }
    if let Some(end) = grant.expires {
        who = who.expires(end.unix());
    }
    // `Grant::check_values` has refused amounts that cannot be used.
    if let Ok(own) = grant.own_limits() {
        who = who.own_limits(own);
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
            .field("disabled", &self.disabled.is_some())
            .finish_non_exhaustive()
    }
}
