//! What operators do with the keys of the server.

use std::time::Duration;

use super::{
    RedisKeyError, RedisKeyStore, Written,
    sealer::{Opened, is_same},
};
use crate::{
    key::KeyId,
    record::KeyRecord,
    store::{KeyEvent, TableError},
};

/// How often a change is tried again, if another process changed the record meanwhile.
const TRIES: usize = 8;
/// How often the keys of an owner are looked for, if there are new ones each time.
const PASSES: usize = 8;
/// Changes of a record within a second that its revision has place for.
const REVISIONS_PER_SECOND: u64 = 1 << 16;

/// Returns the revision of a new record. It grows with time, so that a record of an id that was removed, such as that
/// of a key that is imported again, is newer than what processes have seen.
fn first_revision(record: &KeyRecord) -> u64 {
    let seconds = record.created().as_secs();
    seconds.saturating_mul(REVISIONS_PER_SECOND).max(1)
}

impl RedisKeyStore {
    /// Adds a record.
    ///
    /// # Errors
    ///
    /// [`TableError::Duplicate`], or the server cannot be asked.
    pub async fn insert(&self, record: &KeyRecord) -> Result<(), RedisKeyError> {
        let first = first_revision(record);
        if self.0.write(record, &[], first, false).await? == Written::No {
            return Err(TableError::Duplicate(record.id()).into());
        }
        self.0.tell(None, Some(record));
        Ok(())
    }

    /// Revokes a key. This process refuses it at once, all others within the
    /// [lifetime](super::RedisKeyStoreBuilder::lifetime) of a record.
    ///
    /// # Errors
    ///
    /// [`TableError::Unknown`], the server cannot be asked, or [`RedisKeyError::Unconfirmed`]: the key is revoked, but not on
    /// as many replicas as were asked for.
    pub async fn revoke(&self, id: KeyId, now: Duration) -> Result<(), RedisKeyError> {
        self.update(id, |record| Ok(record.clone().revoked(now)))
            .await
    }

    /// Replaces the record `before`, after [`KeyScheme::rotate`](crate::KeyScheme::rotate). `before` is what `after` was
    /// made of: if others changed the record since, nothing is written, so that an old secret does not come back.
    ///
    /// # Errors
    ///
    /// [`TableError::Unknown`]; [`TableError::Revoked`] if it was revoked and the new one is not;
    /// [`RedisKeyError::Contended`] if the record is not `before` any more; or the server cannot be asked.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # use palisade_api_key::{KeyId, KeyScheme, RedisKeyStore};
    /// # async fn rotate(store: RedisKeyStore, scheme: KeyScheme, id: KeyId, now: Duration) -> Result<(), Box<dyn std::error::Error>> {
    /// let before = store.get(id).await?.ok_or("unknown")?;
    /// let rotated = scheme.rotate(&before, now + Duration::from_secs(86_400), now)?;
    /// store.replace(&before, rotated.record()).await?;
    /// # Ok(()) }
    /// ```
    pub async fn replace(
        &self,
        before: &KeyRecord,
        after: &KeyRecord,
    ) -> Result<(), RedisKeyError> {
        let replaced = |stored: &KeyRecord| {
            let id = stored.id();
            if stored.revoked_at().is_some() && after.revoked_at().is_none() {
                return Err(TableError::Revoked(id).into());
            }
            let is_free = after.id() == id && is_same(stored, before);
            is_free
                .then(|| after.clone())
                .ok_or(RedisKeyError::Contended)
        };
        self.update(before.id(), replaced).await
    }

    /// Changes a record: reads it, and writes it unless another process changed it meanwhile; then once more. The
    /// function may be called several times, and its last result is stored.
    ///
    /// # Errors
    ///
    /// That of the function; [`TableError::Unknown`]; [`TableError::Revoked`] if it would revive a revoked key; or
    /// the server cannot be asked.
    pub async fn update<E: From<RedisKeyError>>(
        &self,
        id: KeyId,
        change: impl Fn(&KeyRecord) -> Result<KeyRecord, E>,
    ) -> Result<(), E> {
        for _ in 0..TRIES {
            let before = self.0.read(id).await.map_err(RedisKeyError::from)?;
            let Some(before) = before else {
                return Err(RedisKeyError::from(TableError::Unknown(id)).into());
            };
            let Opened { record, revision } =
                self.0.open(id, &before).map_err(RedisKeyError::from)?;
            let after = change(&record)?;
            if record.revoked_at().is_some() && after.revoked_at().is_none() {
                return Err(RedisKeyError::from(TableError::Revoked(id)).into());
            }
            let next = revision.saturating_add(1);
            let written = self
                .0
                .write(&after, &before, next, restricts(&record, &after));
            let written = written.await.map_err(RedisKeyError::from)?;
            if written != Written::No {
                self.0.tell(Some(&record), Some(&after));
                return written.confirmed().map_err(E::from);
            }
        }
        Err(RedisKeyError::Contended.into())
    }

    /// Disables a key until it is [enabled](Self::enable). This process refuses it at once, all others within the
    /// [lifetime](super::RedisKeyStoreBuilder::lifetime) of a record.
    ///
    /// # Errors
    ///
    /// [`TableError::Unknown`], or the server cannot be asked.
    pub async fn disable(&self, id: KeyId, now: Duration) -> Result<(), RedisKeyError> {
        self.update(id, |record| Ok(record.clone().disabled(now)))
            .await
    }

    /// Enables a key that was disabled.
    ///
    /// # Errors
    ///
    /// [`TableError::Unknown`]; [`TableError::Revoked`] if it was revoked; or the server cannot be asked.
    pub async fn enable(&self, id: KeyId) -> Result<(), RedisKeyError> {
        let enable = |record: &KeyRecord| match record.revoked_at() {
            Some(_) => Err(TableError::Revoked(id).into()),
            None => Ok(record.clone().enabled()),
        };
        self.update(id, enable).await
    }

    /// Revokes all keys of an owner, and returns their ids, the oldest first. Keys that were revoked before are among
    /// them.
    ///
    /// Keys that others mint for the owner meanwhile are looked for again, a few times; stop that first. A record
    /// that cannot be opened is left out: it opens nothing.
    ///
    /// # Errors
    ///
    /// The server cannot be asked, or a key could not be revoked. All others are revoked then.
    pub async fn revoke_owner(
        &self,
        owner: &str,
        now: Duration,
    ) -> Result<Vec<KeyId>, RedisKeyError> {
        let mut last = Vec::new();
        for _ in 0..PASSES {
            let (records, _) = self.list_with_unreadable().await?;
            let theirs = records
                .into_iter()
                .filter(|record| record.principal().owner() == Some(owner));
            let (mut ids, mut valid) = (Vec::new(), Vec::new());
            for record in theirs {
                ids.push(record.id());
                if record.revoked_at().is_none() {
                    valid.push(record.id());
                }
            }
            last = ids;
            if valid.is_empty() {
                break;
            }
            self.revoke_each(&valid, now).await?;
        }
        Ok(last)
    }

    /// Revokes each of these keys, also if one of them fails.
    async fn revoke_each(&self, ids: &[KeyId], now: Duration) -> Result<(), RedisKeyError> {
        let mut outcome = Ok(());
        for id in ids {
            match self.revoke(*id, now).await {
                // Removed meanwhile: it is unknown, so it opens nothing.
                Ok(()) | Err(RedisKeyError::Table(TableError::Unknown(_))) => {}
                Err(problem) => outcome = Err(problem),
            }
        }
        outcome
    }

    /// Removes a record, also one that cannot be opened. Returns whether there was one. This process refuses the key at
    /// once, all others within the [lifetime](super::RedisKeyStoreBuilder::lifetime) of a record.
    ///
    /// Prefer [`revoke`](Self::revoke): a removed key is unknown, and the audit trail cannot name its owner.
    ///
    /// # Errors
    ///
    /// The server cannot be asked.
    pub async fn remove(&self, id: KeyId) -> Result<bool, RedisKeyError> {
        let before = self.0.read(id).await?;
        let was_there = before.is_some();
        let before = before.and_then(|sealed| self.0.open(id, &sealed).ok());
        let removed = self.0.call_and_wait(&["remove", id.as_str()], &[]).await;
        // A late reply with the removed record is older than this.
        let revision = before
            .as_ref()
            .map_or(0, |opened| opened.revision.saturating_add(1));
        // Also after an error: the server may have removed it, and its reply was lost.
        self.0.cache.outdate(id, revision, self.0.clock.monotonic());
        // The call is sent again after a lost connection, and then finds nothing any more.
        let removed = removed?;
        let is_removed = removed != Written::No || was_there;
        if is_removed {
            let record = before.map(|opened| opened.record);
            self.0.tell_each(&[KeyEvent::removed(id, record.as_ref())]);
        }
        removed.confirmed()?;
        Ok(is_removed)
    }
}

impl Written {
    /// # Errors
    ///
    /// Fewer replicas have the change than were asked for.
    const fn confirmed(self) -> Result<(), RedisKeyError> {
        match self {
            Self::No | Self::Yes => Ok(()),
            Self::Unconfirmed { confirmed, wanted } => {
                Err(RedisKeyError::Unconfirmed { confirmed, wanted })
            }
        }
    }
}

/// Returns whether a change revokes or disables a key, also one that was before: a change that was not confirmed is made
/// again. A rotation is none: if it is lost, the secret before it is valid again, and nothing was taken from its holder.
fn restricts(before: &KeyRecord, after: &KeyRecord) -> bool {
    let is_rotation = before.digest().to_text() != after.digest().to_text();
    !is_rotation && (after.revoked_at().is_some() || after.disabled_at().is_some())
}
