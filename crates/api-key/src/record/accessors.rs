//! Accessors of a record, for listings and custom stores.
//!
//! All times are durations since the Unix epoch, in whole seconds.

use std::time::Duration;

use palisade_core::Principal;

use super::KeyRecord;
use crate::{
    key::{Environment, KeyDigest, KeyId},
    network::Network,
    record::{Grant, Timestamp},
};

impl KeyRecord {
    /// Returns when the key was minted.
    #[must_use]
    pub const fn created(&self) -> Duration {
        self.created.unix()
    }

    /// Returns the digest of the current secret. Store it with [`KeyDigest::to_text`].
    #[must_use]
    pub const fn digest(&self) -> &KeyDigest {
        &self.digest
    }

    /// Returns the environment of the key.
    #[must_use]
    pub const fn environment(&self) -> Environment {
        self.grant.environment
    }

    /// Returns when the key expires; `None` if never.
    #[must_use]
    pub fn expires(&self) -> Option<Duration> {
        self.grant.expires.map(Timestamp::unix)
    }

    /// Returns the permissions of the key.
    pub const fn grant(&self) -> &Grant {
        &self.grant
    }

    /// Returns the public id, by which a store finds the record.
    #[must_use]
    pub const fn id(&self) -> KeyId {
        self.id
    }

    /// Returns when this process last accepted the key, to the second.
    ///
    /// `None` if it did not since its start. The value is not stored.
    #[must_use]
    pub fn last_used(&self) -> Option<Duration> {
        self.used.get()
    }

    /// Returns the amounts of the key's own for rate limits, by the names of the limits.
    #[must_use]
    pub fn limits(&self) -> impl ExactSizeIterator<Item = (&str, u32)> {
        let all = self.grant.limits.iter();
        all.map(|(name, amount)| (name.as_str(), *amount))
    }

    /// Returns the values for the application, by their names.
    #[must_use]
    pub fn metadata(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        let all = self.grant.metadata.iter();
        all.map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Returns the networks that the key is bound to. An empty list means every network.
    #[must_use]
    pub fn networks(&self) -> &[Network] {
        &self.grant.networks
    }

    /// Returns the note for operators, if there is one.
    #[must_use]
    pub fn note(&self) -> Option<&str> {
        self.grant.note.as_deref()
    }

    /// Returns when the key becomes valid; `None` if it was valid from the start.
    #[must_use]
    pub fn not_before(&self) -> Option<Duration> {
        self.grant.not_before.map(Timestamp::unix)
    }

    /// Returns the digest of the former secret, and until when it is accepted.
    ///
    /// `None` if the key was never rotated, or was rotated without an overlap.
    #[must_use]
    pub fn previous(&self) -> Option<(&KeyDigest, Duration)> {
        let previous = self.previous.as_ref()?;
        Some((&previous.digest, previous.until.unix()))
    }

    /// Returns the principal that a request with this key has: with owner, tier and scopes.
    #[must_use]
    pub const fn principal(&self) -> &Principal {
        &self.principal
    }
}
