//! Key records in Redis or Valkey, which all processes of a fleet share (feature `redis`).
//!
//! `cache` keeps replies for a moment, `requests` finds the records of requests, `sealer` protects records, `builder`
//! has the choices.

mod builder;
mod cache;
mod requests;
mod sealer;

use std::{
    fmt,
    sync::{Arc, LazyLock},
    time::Duration,
};

use palisade_core::{Secret, SharedClock};
use palisade_internal::redis_link::RedisLink;
use redis::{FromRedisValue, Script};

pub use self::builder::{RedisKeyStoreBuildError, RedisKeyStoreBuilder};
use self::{
    cache::KeyCache,
    sealer::{Opened, Sealer, is_same},
};
use super::{KeyEvent, StoreUnavailable, TableError};
use crate::{key::KeyId, record::KeyRecord};

static SCRIPT: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("keys.lua")));

/// How often a change is tried again, if another process changed the record meanwhile.
const TRIES: usize = 8;
/// How many records one call of a listing reads.
const PAGE: usize = 500;

/// Keeps key records in Redis (6.2 or later) or Valkey, for a fleet. Clones share one connection and one cache.
///
/// A process uses a record for [900 ms](RedisKeyStoreBuilder::lifetime) before it asks the server again. So a
/// key that one process revoked, rotated or restricted is refused by all others within a second, also if messages
/// between them are lost. The process that made the change sees it at once.
///
/// | case | what happens |
/// |---|---|
/// | the server does not answer within the [deadline](RedisKeyStoreBuilder::deadline) | records of the last 900 ms are used, then 503 |
/// | a key was revoked before the server went away, and it comes back with its data | it stays refused |
/// | the server became a replica, or may not write (`min-replicas-to-write`, a full disk) | 503, and another connection |
/// | the server was restarted without its data | all keys are unknown: 401 |
/// | the server lost its last writes: a restart, a failover, an old backup | what was revoked by them **is valid again**, but for processes that have seen the revocation: 503 |
/// | a record was changed in the server, or put under another id | 503 and a line in the log: it is sealed |
/// | old bytes of a record were put back in the server | 503 and a line in the log, on processes that have seen newer ones |
///
/// So that a revocation that returned `Ok` is not lost, the server must write before it replies: `appendonly yes` with
/// `appendfsync always`. Replication is asynchronous: with a failover the last writes may be lost also then;
/// `min-replicas-to-write 1` bounds how long a primary without replicas goes on. After a failover or a backup, revoke
/// again what was revoked shortly before.
///
/// Records are sealed with HMAC-SHA-256 under a key of the fleet, besides the digest under the pepper. Who can write
/// to the server can remove keys, and can bring back what it had before: a process refuses an older record than it
/// has seen (of the [remembered](RedisKeyStoreBuilder::remembered_keys) keys, since its start), a new process cannot
/// know. It can neither make a key nor widen one beyond what it once had.
///
/// Sealed is not encrypted: owner, tier, scopes, note, networks and dates of each key are readable in the server.
/// Secrets are not, nor their SHA-256. Use one server (`redis://`, with the feature `redis-tls` `rediss://`), with
/// `maxmemory-policy noeviction`, which only the fleet can reach.
///
/// ```no_run
/// use palisade_api_key::{ApiKeyLayer, Environment, Grant, KeyScheme, Pepper, RedisKeyStore};
/// use palisade_core::{Clock, Secret, SystemClock};
///
/// # async fn start() -> Result<(), Box<dyn std::error::Error>> {
/// let key = Secret::new(std::fs::read("keys.seal")?); // the same on all processes
/// let store = RedisKeyStore::builder("redis://127.0.0.1:6379/4", key).build()?;
/// let scheme = KeyScheme::new(Pepper::read_file("pepper")?);
///
/// let minted = scheme.mint(Grant::new(Environment::Live), SystemClock::default().unix_time())?;
/// store.insert(minted.record()).await?;
/// let layer = ApiKeyLayer::new(scheme, store);
/// # let _ = layer; Ok(()) }
/// ```
#[derive(Clone)]
pub struct RedisKeyStore(Arc<Inner>);

struct Inner {
    link: RedisLink,
    sealer: Sealer,
    prefix: Box<str>,
    cache: KeyCache,
    clock: SharedClock,
    /// The function of [`RedisKeyStoreBuilder::on_change`].
    changed: Option<Box<dyn Fn(&KeyEvent) + Send + Sync>>,
}

/// Why a record of the server was not changed.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum RedisKeyError {
    /// Others changed the record meanwhile. Read it again.
    Contended,
    /// The change is none: there is no such key, or there is one already.
    Table(TableError),
    /// The server cannot be asked, or the record was changed by somebody without the key of the fleet.
    Unavailable(StoreUnavailable),
}

impl fmt::Display for RedisKeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Contended => f.write_str("others changed this key meanwhile; read it again"),
            Self::Table(error) => error.fmt(f),
            Self::Unavailable(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for RedisKeyError {}

impl From<StoreUnavailable> for RedisKeyError {
    fn from(error: StoreUnavailable) -> Self {
        Self::Unavailable(error)
    }
}

impl From<TableError> for RedisKeyError {
    fn from(error: TableError) -> Self {
        Self::Table(error)
    }
}

impl RedisKeyStore {
    /// Starts to configure a store. `key` seals the records: at least 16 random bytes, the same on all processes.
    pub fn builder(url: &str, key: Secret) -> RedisKeyStoreBuilder {
        RedisKeyStoreBuilder::new(url, key)
    }

    /// Adds a record.
    ///
    /// # Errors
    ///
    /// [`TableError::Duplicate`], or the server cannot be asked.
    pub async fn insert(&self, record: &KeyRecord) -> Result<(), RedisKeyError> {
        let is_new = self.0.write(record, &[], 1).await?;
        if !is_new {
            return Err(TableError::Duplicate(record.id()).into());
        }
        self.0.tell(None, Some(record));
        Ok(())
    }

    /// Reads a record from the server. `None` if there is none.
    ///
    /// # Errors
    ///
    /// The server cannot be asked.
    pub async fn get(&self, id: KeyId) -> Result<Option<KeyRecord>, RedisKeyError> {
        let sealed = self.0.read(id).await?;
        let opened = sealed.map(|sealed| self.0.open(id, &sealed)).transpose()?;
        Ok(opened.map(|opened| opened.record))
    }

    /// Revokes a key. This process refuses it at once, all others within the
    /// [lifetime](RedisKeyStoreBuilder::lifetime) of a record.
    ///
    /// # Errors
    ///
    /// [`TableError::Unknown`], or the server cannot be asked.
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
            let written = self.0.write(&after, &before, next).await;
            if written.map_err(RedisKeyError::from)? {
                self.0.tell(Some(&record), Some(&after));
                return Ok(());
            }
        }
        Err(RedisKeyError::Contended.into())
    }

    /// Returns all records, the oldest first. Reads 500 with each call of the server.
    ///
    /// # Errors
    ///
    /// The server cannot be asked.
    pub async fn list(&self) -> Result<Vec<KeyRecord>, RedisKeyError> {
        let mut all = Vec::new();
        loop {
            let (from, to) = (all.len(), all.len() + PAGE - 1);
            let page: Vec<(String, Option<Vec<u8>>)> = self
                .0
                .call(&["list", &from.to_string(), &to.to_string()], &[])
                .await?;
            let count = page.len();
            for (id, sealed) in page {
                let id: KeyId = id.parse().map_err(|_| sealed_by_another())?;
                let sealed = sealed.ok_or_else(sealed_by_another)?;
                all.push(self.0.open(id, &sealed)?.record);
            }
            if count < PAGE {
                return Ok(all);
            }
        }
    }
}

impl Inner {
    /// Runs the script.
    async fn call<T: FromRedisValue>(
        &self,
        words: &[&str],
        records: &[&[u8]],
    ) -> Result<T, StoreUnavailable> {
        let mut call = SCRIPT.key(self.prefix.as_bytes());
        for word in words {
            call.arg(*word);
        }
        for record in records {
            call.arg(*record);
        }
        let reply = self.link.run(&call).await;
        reply.map_err(|problem| StoreUnavailable::new(problem.to_string()))
    }

    async fn read(&self, id: KeyId) -> Result<Option<Vec<u8>>, StoreUnavailable> {
        self.call(&["find", id.as_str()], &[]).await
    }

    /// Writes a record in place of another one. `false`: that one is not there any more.
    async fn write(
        &self,
        record: &KeyRecord,
        before: &[u8],
        revision: u64,
    ) -> Result<bool, StoreUnavailable> {
        let id = record.id();
        let sealed = self.sealer.seal(record, revision);
        let sealed = sealed.ok_or(StoreUnavailable::new(
            "a time of the record cannot be written",
        ))?;
        let order = record.created().as_secs().to_string();
        let records = [before, &sealed, order.as_bytes()];
        let written: i64 = self.call(&["write", id.as_str()], &records).await?;
        let is_written = written == 1;
        let known = if is_written { revision } else { 0 };
        self.cache.outdate(id, known, self.clock.monotonic());
        Ok(is_written)
    }

    /// Tells what this process changed.
    fn tell(&self, before: Option<&KeyRecord>, after: Option<&KeyRecord>) {
        if let Some(changed) = &self.changed {
            KeyEvent::between(before, after).iter().for_each(changed);
        }
    }

    fn open(&self, id: KeyId, sealed: &[u8]) -> Result<Opened, StoreUnavailable> {
        self.sealer.open(id, sealed).ok_or_else(sealed_by_another)
    }
}

/// The error of a record that cannot be opened.
fn sealed_by_another() -> StoreUnavailable {
    StoreUnavailable::new("a record of the server was changed, or sealed with another key")
}

impl fmt::Debug for RedisKeyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisKeyStore")
            .field("link", &self.0.link)
            .field("prefix", &self.0.prefix)
            .finish_non_exhaustive()
    }
}
