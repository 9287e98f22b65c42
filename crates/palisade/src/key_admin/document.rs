//! The JSON of the routes.

use std::{collections::BTreeMap, time::Duration};

use palisade_api_key::{Environment, Grant, KeyRecord, MintedKey, Network, Timestamp};
use serde::{Deserialize, Serialize};

use super::KeyAdminError;

/// What a key should be allowed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct GrantDocument {
    environment: String,
    #[serde(default)]
    pub(super) scopes: Vec<String>,
    #[serde(default)]
    networks: Vec<String>,
    owner: Option<String>,
    tier: Option<String>,
    note: Option<String>,
    /// Amounts of its own for rate limits.
    #[serde(default)]
    limits: BTreeMap<String, u32>,
    #[serde(default)]
    metadata: BTreeMap<String, String>,
    not_before: Option<String>,
    expires: Option<String>,
}

/// How a key is rotated.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RotationDocument {
    /// How long the old secret is still accepted. 0: not at all.
    pub(super) overlap_seconds: u64,
}

/// Which part of a list is wanted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct PageQuery {
    pub(super) limit: Option<usize>,
    /// The id of the last record of the page before.
    pub(super) after: Option<String>,
}

/// A key without its secret.
#[derive(Serialize)]
pub(super) struct KeyDocument {
    id: String,
    environment: &'static str,
    status: &'static str,
    created: String,
    not_before: Option<String>,
    expires: Option<String>,
    revoked: Option<String>,
    disabled: Option<String>,
    /// Whether another system made the key.
    imported: bool,
    old_secret_until: Option<String>,
    last_used: Option<String>,
    owner: Option<String>,
    tier: Option<String>,
    scopes: Vec<String>,
    networks: Vec<String>,
    note: Option<String>,
    limits: BTreeMap<String, u32>,
    metadata: BTreeMap<String, String>,
}

/// A page of a list.
#[derive(Serialize)]
pub(super) struct PageDocument {
    pub(super) keys: Vec<KeyDocument>,
    /// The id to go on after. `null`: this was the last page.
    pub(super) next: Option<String>,
}

/// A new key, shown only now.
#[derive(Serialize)]
pub(super) struct MintedDocument {
    key: String,
    record: KeyDocument,
}

impl GrantDocument {
    /// # Errors
    ///
    /// A value cannot be read. The error does not repeat it.
    pub(super) fn read(self) -> Result<Grant, KeyAdminError> {
        let environment: Environment = self.environment.parse().map_err(wrong)?;
        let networks = self.networks.iter().map(|text| text.parse::<Network>());
        let networks = networks.collect::<Result<Vec<_>, _>>().map_err(wrong)?;
        let mut grant = Grant::new(environment)
            .scopes(self.scopes)
            .networks(networks);
        if let Some(owner) = self.owner {
            grant = grant.owner(owner);
        }
        if let Some(tier) = self.tier {
            grant = grant.tier(tier);
        }
        if let Some(note) = self.note {
            grant = grant.note(note);
        }
        for (name, amount) in self.limits {
            grant = grant.limit(name, amount);
        }
        for (name, value) in self.metadata {
            grant = grant.metadata(name, value);
        }
        if let Some(start) = self.not_before {
            grant = grant.not_before(start.parse::<Timestamp>().map_err(wrong)?.unix());
        }
        if let Some(end) = self.expires {
            grant = grant.expires(end.parse::<Timestamp>().map_err(wrong)?.unix());
        }
        Ok(grant)
    }
}

impl KeyDocument {
    pub(super) fn of(record: &KeyRecord, now: Duration) -> Self {
        let date = |time: Duration| Timestamp::from_unix(time).to_string();
        let who = record.principal();
        Self {
            id: record.id().to_string(),
            environment: record.environment().as_str(),
            status: record.status(now),
            created: date(record.created()),
            not_before: record.not_before().map(date),
            expires: record.expires().map(date),
            revoked: record.revoked_at().map(date),
            disabled: record.disabled_at().map(date),
            imported: record.is_imported(),
            old_secret_until: record.previous().map(|(_, until)| date(until)),
            last_used: record.last_used().map(date),
            owner: who.owner().map(str::to_owned),
            tier: who.tier().map(str::to_owned),
            scopes: who.scopes().map(str::to_owned).collect(),
            networks: record.networks().iter().map(ToString::to_string).collect(),
            note: record.note().map(str::to_owned),
            limits: record
                .limits()
                .map(|(name, amount)| (name.to_owned(), amount))
                .collect(),
            metadata: record
                .metadata()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect(),
        }
    }
}

impl MintedDocument {
    pub(super) fn of(minted: &MintedKey, now: Duration) -> Self {
        Self {
            key: minted.key().to_owned(),
            record: KeyDocument::of(minted.record(), now),
        }
    }
}

fn wrong(problem: impl ToString + Copy) -> KeyAdminError {
    KeyAdminError::Grant(problem.to_string())
}
