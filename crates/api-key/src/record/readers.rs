//! What listings and stores of one's own read in a record.

use std::time::Duration;

use palisade_core::Principal;

use super::KeyRecord;
use crate::{Environment, Grant, KeyDigest, KeyId, Network, Timestamp};

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

    /// Returns when the key was last accepted by this process, to the second. Not kept across restarts.
    #[must_use]
    pub fn last_used(&self) -> Option<Duration> {
        self.used.get()
    }

    /// Returns the networks that the key is bound to; none means everywhere.
    #[must_use]
    pub fn networks(&self) -> &[Network] {
        &self.grant.networks
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

    /// Returns whom this key proves one to be, with owner, tier and scopes.
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
