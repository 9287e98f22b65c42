//! Key records in Redis or Valkey, which all processes of a fleet share (feature `redis`).
//!
//! `cache` keeps replies for a moment, `sealer` protects records, `builder` has the choices.

mod builder;
mod cache;
mod sealer;

use std::{
    fmt,
    sync::{Arc, LazyLock},
    time::Duration,
};

use palisade_core::{MaybeReady, Secret, SharedClock};
use palisade_internal::redis_link::RedisLink;
use redis::{FromRedisValue, Script};

pub use self::builder::{RedisKeyStoreBuildError, RedisKeyStoreBuilder};
use self::{cache::KeyCache, sealer::Sealer};
use super::{KeyStore, StoreUnavailable, TableError};
use crate::{
    key::KeyId,
    record::{DigestRenewal, KeyRecord},
};

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
/// | a key was revoked before the server went away | it stays refused: an older record is never used |
/// | the server was restarted without its data | all keys are unknown: 401 |
/// | a record was changed in the server, or put under another id | 503 and a line in the log: it is sealed |
///
/// Records are sealed with HMAC-SHA-256 under a key of the fleet, besides the digest under the pepper: who can write
/// to the server can remove keys, and can neither make one nor widen what it may do. Use one server (`redis://`, with
/// the feature `redis-tls` `rediss://`) that keeps its data on a disk, with `maxmemory-policy noeviction`.
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
}

/// Why a record of the server was not changed.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum RedisKeyError {
    /// Other processes changed the record again and again meanwhile.
    Contended,
    /// The change is none: there is no such key, or there is one already.
    Table(TableError),
    /// The server cannot be asked, or the record was changed by somebody without the key of the fleet.
    Unavailable(StoreUnavailable),
}

impl fmt::Display for RedisKeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Contended => f.write_str("other processes change this key; try again"),
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
        let is_new = self.0.write(record, &[]).await?;
        let duplicate = TableError::Duplicate(record.id());
        is_new.then_some(()).ok_or_else(|| duplicate.into())
    }

    /// Reads a record from the server. `None` if there is none.
    ///
    /// # Errors
    ///
    /// The server cannot be asked.
    pub async fn get(&self, id: KeyId) -> Result<Option<KeyRecord>, RedisKeyError> {
        let sealed = self.0.read(id).await?;
        let record = sealed.map(|sealed| self.0.open(id, &sealed)).transpose()?;
        Ok(record)
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

    /// Replaces a record, after [`KeyScheme::rotate`](crate::KeyScheme::rotate).
    ///
    /// # Errors
    ///
    /// [`TableError::Unknown`]; [`TableError::Revoked`] if it was revoked and the new one is not; or the server
    /// cannot be asked.
    pub async fn replace(&self, record: &KeyRecord) -> Result<(), RedisKeyError> {
        self.update(record.id(), |_| Ok(record.clone())).await
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
            let record = self.0.open(id, &before).map_err(RedisKeyError::from)?;
            let after = change(&record)?;
            if record.revoked_at().is_some() && after.revoked_at().is_none() {
                return Err(RedisKeyError::from(TableError::Revoked(id)).into());
            }
            let written = self.0.write(&after, &before).await;
            if written.map_err(RedisKeyError::from)? {
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
                all.push(self.0.open(id, &sealed)?);
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
    async fn write(&self, record: &KeyRecord, before: &[u8]) -> Result<bool, StoreUnavailable> {
        let id = record.id();
        let sealed = self.sealer.seal(record);
        let sealed = sealed.ok_or(StoreUnavailable::new(
            "a time of the record cannot be written",
        ))?;
        let order = record.created().as_secs().to_string();
        let records = [before, &sealed, order.as_bytes()];
        let written: i64 = self.call(&["write", id.as_str()], &records).await?;
        self.cache.forget(id);
        Ok(written == 1)
    }

    fn open(&self, id: KeyId, sealed: &[u8]) -> Result<KeyRecord, StoreUnavailable> {
        self.sealer.open(id, sealed).ok_or_else(sealed_by_another)
    }

    /// Asks the server about an id, and keeps the reply.
    async fn look_up(&self, id: KeyId) -> Result<Option<Arc<KeyRecord>>, StoreUnavailable> {
        // The server decides at some time after this one.
        let asked = self.clock.monotonic();
        let sealed = self.read(id).await?;
        let record = sealed.map(|sealed| self.open(id, &sealed)).transpose()?;
        Ok(self.cache.put(id, record, asked))
    }
}

/// The error of a record that cannot be opened.
fn sealed_by_another() -> StoreUnavailable {
    StoreUnavailable::new("a record of the server was changed, or sealed with another key")
}

impl KeyStore for RedisKeyStore {
    fn find(&self, id: KeyId) -> MaybeReady<Result<Option<Arc<KeyRecord>>, StoreUnavailable>> {
        if let Some(known) = self.0.cache.get(id, self.0.clock.monotonic()) {
            return MaybeReady::Ready(Ok(known));
        }
        let inner = Arc::clone(&self.0);
        MaybeReady::pending(async move { inner.look_up(id).await })
    }

    /// Written in a task of the runtime of the request. If the server cannot be asked, the older digest stays.
    fn renew_digest(&self, renewal: DigestRenewal) {
        let store = self.clone();
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                let renewed = |record: &KeyRecord| record.with_renewed_digest(&renewal);
                // An error of its own where there is nothing to renew: then nothing is written.
                let nothing = RedisKeyError::Contended;
                let renew = |record: &KeyRecord| renewed(record).ok_or(nothing.clone());
                drop(store.update(renewal.id(), renew).await);
            });
        }
    }
}

impl fmt::Debug for RedisKeyStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisKeyStore")
            .field("link", &self.0.link)
            .field("prefix", &self.0.prefix)
            .finish_non_exhaustive()
    }
}
