//! What changed between two states of a store, for the audit trail.

use std::sync::Arc;

use super::KeyTable;
use crate::{
    key::{KeyDigest, KeyId},
    record::KeyRecord,
};

/// A change of one key in a store, also by another process. It has no secret and no digest.
///
/// [`FileKeyStoreBuilder::on_change`](crate::FileKeyStoreBuilder::on_change) tells those of a file: changes of this
/// process, of the command `palisade key` and of an editor.
///
/// ```
/// use std::time::Duration;
/// use palisade_api_key::{Environment, Grant, KeyEventKind, KeyScheme, KeyTable, Pepper};
///
/// let scheme = KeyScheme::new(Pepper::generate()?);
/// let now = Duration::from_secs(1_800_000_000);
/// let minted = scheme.mint(Grant::new(Environment::Live).owner("acme"), now)?;
/// let mut table = KeyTable::default();
/// table.insert(minted.record().clone())?;
/// let before = table.clone();
///
/// table.revoke_owner("acme", now);
/// let changes = table.changes_since(&before);
/// assert_eq!(changes.len(), 1);
/// assert_eq!(changes[0].kind(), KeyEventKind::Revoked);
/// assert_eq!(changes[0].owner(), Some("acme"));
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct KeyEvent {
    id: KeyId,
    owner: Option<Box<str>>,
    kind: KeyEventKind,
}

/// What changed of a key.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum KeyEventKind {
    /// There is a new record.
    Created,
    /// It has another secret.
    Rotated,
    /// Its digest is under another pepper: the same key was used, or it was rotated with the pepper.
    DigestRenewed,
    /// It was revoked.
    Revoked,
    /// It is revoked no more. No command and no function does this: somebody wrote to the store.
    Unrevoked,
    /// It was disabled: it is refused until it is enabled.
    Disabled,
    /// It was enabled again.
    Enabled,
    /// Its record was removed. The key is unknown from now on.
    Removed,
    /// Its permissions, dates or notes are others.
    Changed,
}

impl KeyEvent {
    /// Returns the public id of the key.
    #[must_use]
    pub const fn id(&self) -> KeyId {
        self.id
    }

    /// Returns the owner of the key, if it has one.
    #[must_use]
    pub fn owner(&self) -> Option<&str> {
        self.owner.as_deref()
    }

    /// Returns what changed.
    #[must_use]
    pub const fn kind(&self) -> KeyEventKind {
        self.kind
    }

    /// Makes the event of a removed record, which may not be known.
    #[cfg(feature = "redis")]
    pub(super) fn removed(id: KeyId, record: Option<&KeyRecord>) -> Self {
        Self {
            id,
            owner: record.and_then(|record| record.principal().owner().map(Into::into)),
            kind: KeyEventKind::Removed,
        }
    }

    /// Returns what changed from a record to a later one: one entry for each kind of change.
    pub(super) fn between(before: Option<&KeyRecord>, after: Option<&KeyRecord>) -> Vec<Self> {
        let Some(record) = after.or(before) else {
            return Vec::new();
        };
        let kinds = match (before, after) {
            (None, _) => vec![KeyEventKind::Created],
            (_, None) => vec![KeyEventKind::Removed],
            (Some(before), Some(after)) => kinds_of(before, after),
        };
        let change = |kind| Self {
            id: record.id(),
            owner: record.principal().owner().map(Into::into),
            kind,
        };
        kinds.into_iter().map(change).collect()
    }
}

/// Compares two records of one key.
fn kinds_of(before: &KeyRecord, after: &KeyRecord) -> Vec<KeyEventKind> {
    let mut kinds = Vec::new();
    if !is_same(before.digest(), after.digest()) {
        kinds.push(match before.digest().scheme() == after.digest().scheme() {
            true => KeyEventKind::Rotated,
            false => KeyEventKind::DigestRenewed,
        });
    }
    match (before.revoked_at(), after.revoked_at()) {
        (None, Some(_)) => kinds.push(KeyEventKind::Revoked),
        (Some(_), None) => kinds.push(KeyEventKind::Unrevoked),
        _ => {}
    }
    match (before.disabled_at(), after.disabled_at()) {
        (None, Some(_)) => kinds.push(KeyEventKind::Disabled),
        (Some(_), None) => kinds.push(KeyEventKind::Enabled),
        _ => {}
    }
    let has_other_values = before.grant() != after.grant() || before.created() != after.created();
    // After a rotation the former secret belongs to it. Alone it is a change: a secret is accepted that was not.
    let has_same_origin = before.is_imported() == after.is_imported()
        && before.retired_until() == after.retired_until();
    let is_same = has_same_former(before, after) && has_same_origin;
    if has_other_values || (kinds.is_empty() && !is_same) {
        kinds.push(KeyEventKind::Changed);
    }
    kinds
}

fn has_same_former(before: &KeyRecord, after: &KeyRecord) -> bool {
    match (before.previous(), after.previous()) {
        (None, None) => true,
        (Some((one, until)), Some((other, end))) => is_same(one, other) && until == end,
        _ => false,
    }
}

fn is_same(one: &KeyDigest, other: &KeyDigest) -> bool {
    one.scheme() == other.scheme() && one.matches(other).into()
}

impl KeyTable {
    /// Returns what changed since an older state, the oldest key first. A key that was rotated and revoked has two
    /// entries.
    #[must_use]
    pub fn changes_since(&self, older: &Self) -> Vec<KeyEvent> {
        let removed = older.records().into_iter();
        let removed = removed.filter(|record| self.get(record.id()).is_none());
        let mut all: Vec<Arc<KeyRecord>> = removed.chain(self.records()).collect();
        all.sort_by_key(|record| (record.created(), record.id()));
        let changes = all.into_iter().flat_map(|record| {
            let (before, after) = (older.get(record.id()), self.get(record.id()));
            KeyEvent::between(before.map(AsRef::as_ref), after.map(AsRef::as_ref))
        });
        changes.collect()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{Environment, Grant, KeyScheme, MintedKey, Pepper};

    const NOW: Duration = Duration::from_secs(1_800_000_000);

    fn minted(scheme: &KeyScheme) -> MintedKey {
        let grant = Grant::new(Environment::Live).owner("acme");
        scheme.mint(grant, NOW).unwrap()
    }

    fn kinds(before: &KeyRecord, after: &KeyRecord) -> Vec<KeyEventKind> {
        let changes = KeyEvent::between(Some(before), Some(after));
        assert!(changes.iter().all(|change| change.id() == before.id()));
        changes.iter().map(KeyEvent::kind).collect()
    }

    #[test]
    fn each_change_of_a_key_has_its_kind() {
        let scheme = KeyScheme::new(Pepper::generate().unwrap());
        let first = minted(&scheme);
        let before = first.record();
        assert_eq!(kinds(before, before), []);
        let revoked = before.clone().revoked(NOW);
        assert_eq!(kinds(before, &revoked), [KeyEventKind::Revoked]);
        assert_eq!(kinds(&revoked, before), [KeyEventKind::Unrevoked]);
        let disabled = before.clone().disabled(NOW);
        assert_eq!(kinds(before, &disabled), [KeyEventKind::Disabled]);
        assert_eq!(kinds(&disabled, before), [KeyEventKind::Enabled]);
        for overlap in [NOW, NOW + Duration::from_secs(60)] {
            let rotated = scheme.rotate(before, overlap, NOW).unwrap();
            assert_eq!(kinds(before, rotated.record()), [KeyEventKind::Rotated]);
            let both = rotated.record().clone().revoked(NOW);
            let expected = [KeyEventKind::Rotated, KeyEventKind::Revoked];
            assert_eq!(kinds(before, &both), expected);
        }
        let grant = before.grant().clone().scopes(["admin"]);
        let wider = KeyRecord::from_grant(before.id(), before.digest().clone(), grant, NOW);
        assert_eq!(kinds(before, &wider.unwrap()), [KeyEventKind::Changed]);
    }

    /// Who writes to the file could give a key a second secret, which is valid beside its own.
    #[test]
    fn a_former_secret_that_was_added_alone_is_a_change() {
        let scheme = KeyScheme::new(Pepper::generate().unwrap());
        let (first, other) = (minted(&scheme), minted(&scheme));
        let digest = other.record().digest().clone();
        let added = first.record().clone().with_previous(digest, NOW * 2);
        assert_eq!(kinds(first.record(), &added), [KeyEventKind::Changed]);
        let own = first.record().digest().clone();
        let later = first.record().clone().with_previous(own.clone(), NOW * 3);
        let sooner = first.record().clone().with_previous(own, NOW * 2);
        assert_eq!(kinds(&later, &sooner), [KeyEventKind::Changed]);
    }

    #[test]
    fn a_digest_under_another_pepper_is_no_rotation() {
        let one = KeyScheme::new(Pepper::generate().unwrap());
        let two = KeyScheme::new(Pepper::generate().unwrap());
        let (before, other) = (minted(&one), minted(&two));
        let record = before.record();
        let digest = other.record().digest().clone();
        let renewed = KeyRecord::from_grant(record.id(), digest, record.grant().clone(), NOW);
        assert_eq!(
            kinds(record, &renewed.unwrap()),
            [KeyEventKind::DigestRenewed]
        );
    }

    #[test]
    fn a_table_tells_new_and_removed_keys() {
        let scheme = KeyScheme::new(Pepper::generate().unwrap());
        let (one, two) = (minted(&scheme), minted(&scheme));
        let mut table = KeyTable::default();
        table.insert(one.record().clone()).unwrap();
        let before = table.clone();
        table.remove(one.record().id());
        table.insert(two.record().clone()).unwrap();
        let changes = table.changes_since(&before);
        let has = |id, kind| {
            let is = |change: &&KeyEvent| change.id() == id && change.kind() == kind;
            changes.iter().any(|change| is(&change))
        };
        assert_eq!(changes.len(), 2);
        assert!(has(one.record().id(), KeyEventKind::Removed));
        assert!(has(two.record().id(), KeyEventKind::Created));
        assert!(changes.iter().all(|change| change.owner() == Some("acme")));
    }
}
