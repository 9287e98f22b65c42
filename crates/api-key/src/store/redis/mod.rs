//! Key records in Redis or Valkey, which all processes of a fleet share (feature `redis`).
//!
//! `cache` keeps replies for a moment, `requests` finds the records of requests, `changes` is what operators do,
//! `sealer` protects records, `seen` is what one store takes over from another, `builder` has the choices.

mod builder;
mod changes;
mod cache;
mod requests;
mod sealer;
mod seen;

use std::{
    fmt,
    sync::{Arc, LazyLock},
    time::Duration,
};

use palisade_core::{Secret, SharedClock};
use palisade_internal::{log_limit::LogLimit, redis_link::RedisLink};
use redis::{FromRedisValue, Script, ScriptInvocation};

pub use self::{
    builder::{RedisKeyStoreBuildError, RedisKeyStoreBuilder},
    seen::SeenRecords,
};
use self::{
    cache::KeyCache,
    sealer::{Opened, Sealer},
};
use super::{KeyEvent, StoreUnavailable, TableError};
use crate::{key::KeyId, record::KeyRecord};

static SCRIPT: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("keys.lua")));

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
/// `min-replicas-to-write 1` bounds how long a primary without replicas goes on. With
/// [`revocation_replicas`](RedisKeyStoreBuilder::revocation_replicas) a revocation waits until replicas have it, and tells
/// if they do not. Otherwise, after a failover or a backup, revoke again what was revoked shortly before.
///
/// Records are sealed with HMAC-SHA-256 under a key of the fleet, besides the digest under the pepper. Who can write
/// to the server can remove keys, and can bring back what it had before: a process refuses an older record than it
/// has seen (of the [remembered](RedisKeyStoreBuilder::remembered_keys) keys, since its start), a new process cannot know. A
/// new store of the same process knows what it [takes over](RedisKeyStoreBuilder::seen_records). It can leave a key out of listings: then revoke it by its id, which the audit trail has. It can neither make a
/// key nor widen one beyond what it once had.
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
    /// What a revocation waits for. `None`: for the server alone.
    replicas: Option<ReplicaWait>,
    /// The function of [`RedisKeyStoreBuilder::on_change`].
    changed: Option<Box<dyn Fn(&KeyEvent) + Send + Sync>>,
}

/// How many replicas must have a revocation, and how long that may take.
struct ReplicaWait {
    /// A connection of its own: others do not wait.
    link: RedisLink,
    replicas: u32,
    within: Duration,
}

/// What a change of a record did.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Written {
    /// Nothing: the record is another one meanwhile.
    No,
    /// The server has it, and as many replicas as were asked for.
    Yes,
    /// The server has it, and fewer replicas.
    Unconfirmed { confirmed: u32, wanted: u32 },
}

/// Why a record of the server was not changed, or may not stay so.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum RedisKeyError {
    /// Others changed the record meanwhile. Read it again.
    Contended,
    /// The change is none: there is no such key, or there is one already.
    Table(TableError),
    /// The change was made, but fewer [replicas](RedisKeyStoreBuilder::revocation_replicas) have it than were asked for:
    /// with a failover now it could be lost. Make it again until it is confirmed.
    Unconfirmed {
        /// How many have it.
        confirmed: u32,
        /// How many were asked for.
        wanted: u32,
    },
    /// The server cannot be asked, or the record was changed by somebody without the key of the fleet.
    Unavailable(StoreUnavailable),
}

impl fmt::Display for RedisKeyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Contended => f.write_str("others changed this key meanwhile; read it again"),
            Self::Table(error) => error.fmt(f),
            Self::Unconfirmed { confirmed, wanted } => write!(
                f,
                "the key was changed, but {confirmed} of {wanted} replicas have confirmed it: with a failover the change could be lost; make it again"
            ),
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

    /// Returns all records that can be opened, the oldest first. Others are logged, at most once a minute: they open
    /// nothing. Reads 500 with each call of the server.
    ///
    /// # Errors
    ///
    /// The server cannot be asked, or none of its records can be opened: the key of the fleet is another one.
    pub async fn list(&self) -> Result<Vec<KeyRecord>, RedisKeyError> {
        let (records, unreadable) = self.list_with_unreadable().await?;
        if let Some(first) = unreadable.first() {
            warn_of_unreadable(first, unreadable.len(), self.0.clock.monotonic());
            if records.is_empty() {
                return Err(sealed_by_another().into());
            }
        }
        Ok(records)
    }

    /// Returns all records that can be opened, the oldest first, and the ids of the others: they were changed in the
    /// server, or sealed with another key. [`remove`](Self::remove) removes these too.
    ///
    /// # Errors
    ///
    /// The server cannot be asked.
    pub async fn list_with_unreadable(
        &self,
    ) -> Result<(Vec<KeyRecord>, Vec<Box<str>>), RedisKeyError> {
        // All ids at once: pages of a list that changes meanwhile could leave out a key.
        let ids: Vec<String> = self.0.call(&["ids"], &[]).await?;
        let (mut records, mut unreadable) = (Vec::new(), Vec::new());
        for page in ids.chunks(PAGE) {
            let words: Vec<&str> = ["records"]
                .into_iter()
                .chain(page.iter().map(String::as_str))
                .collect();
            let found: Vec<Option<Vec<u8>>> = self.0.call(&words, &[]).await?;
            for (name, sealed) in page.iter().zip(found) {
                // Removed since the ids were read.
                let Some(sealed) = sealed else { continue };
                let opened = name.parse().ok().map(|id| self.0.open(id, &sealed));
                match opened {
                    Some(Ok(opened)) => records.push(opened.record),
                    _ => unreadable.push(name.as_str().into()),
                }
            }
        }
        Ok((records, unreadable))
    }
}

impl Inner {
    /// Runs the script.
    async fn call<T: FromRedisValue>(
        &self,
        words: &[&str],
        records: &[&[u8]],
    ) -> Result<T, StoreUnavailable> {
        let reply = self.link.run(&self.script_call(words, records)).await;
        reply.map_err(|problem| StoreUnavailable::new(problem.to_string()))
    }

    fn script_call(&self, words: &[&str], records: &[&[u8]]) -> ScriptInvocation<'static> {
        let mut call = SCRIPT.key(self.prefix.as_bytes());
        for word in words {
            call.arg(*word);
        }
        for record in records {
            call.arg(*record);
        }
        call
    }

    async fn read(&self, id: KeyId) -> Result<Option<Vec<u8>>, StoreUnavailable> {
        self.call(&["find", id.as_str()], &[]).await
    }

    /// Runs the script for a change that restricts a key, and waits for the replicas. Returns how the change went, if the
    /// script says that it was made.
    async fn call_and_wait(
        &self,
        words: &[&str],
        records: &[&[u8]],
    ) -> Result<Written, StoreUnavailable> {
        let of = |reply: i64| {
            if reply == 1 {
                Written::Yes
            } else {
                Written::No
            }
        };
        let Some(wait) = &self.replicas else {
            return self.call(words, records).await.map(of);
        };
        let call = self.script_call(words, records);
        let reply = wait.link.run_and_wait(&call, wait.replicas, wait.within);
        let reply = reply.await;
        let (reply, confirmed): (i64, u32) =
            reply.map_err(|problem| StoreUnavailable::new(problem.to_string()))?;
        Ok(match of(reply) {
            Written::Yes if confirmed < wait.replicas => Written::Unconfirmed {
                confirmed,
                wanted: wait.replicas,
            },
            outcome => outcome,
        })
    }

    /// Writes a record in place of another one. `restricts`: replicas must have it too.
    async fn write(
        &self,
        record: &KeyRecord,
        before: &[u8],
        revision: u64,
        restricts: bool,
    ) -> Result<Written, StoreUnavailable> {
        let id = record.id();
        let sealed = self.sealer.seal(record, revision);
        let sealed = sealed.ok_or(StoreUnavailable::new(
            "a time of the record cannot be written",
        ))?;
        let order = record.created().as_secs().to_string();
        let records = [before, &sealed, order.as_bytes()];
        let words = ["write", id.as_str()];
        let written = match restricts {
            true => self.call_and_wait(&words, &records).await,
            false => self
                .call::<i64>(&words, &records)
                .await
                .map(|written| match written {
                    1 => Written::Yes,
                    _ => Written::No,
                }),
        };
        let is_written = written
            .as_ref()
            .is_ok_and(|written| *written != Written::No);
        let known = if is_written { revision } else { 0 };
        // Also after an error: the server may have written, and its reply was lost.
        self.cache.outdate(id, known, self.clock.monotonic());
        written
    }

    /// Tells what this process changed.
    fn tell(&self, before: Option<&KeyRecord>, after: Option<&KeyRecord>) {
        self.tell_each(&KeyEvent::between(before, after));
    }

    fn tell_each(&self, events: &[KeyEvent]) {
        if let Some(changed) = &self.changed {
            events.iter().for_each(changed);
        }
    }

    fn open(&self, id: KeyId, sealed: &[u8]) -> Result<Opened, StoreUnavailable> {
        self.sealer.open(id, sealed).ok_or_else(sealed_by_another)
    }
}

/// Logs, at most once a minute, that a listing left out records.
fn warn_of_unreadable(first: &str, count: usize, now: Duration) {
    static LIMIT: LogLimit = LogLimit::per_minute();
    if let Some(held_back) = LIMIT.admit(now) {
        tracing::warn!(target: "palisade", %first, count, held_back, "records of the key store cannot be opened and are left out: they were changed in the server, or sealed with another key; remove them, or give this process the key of the fleet");
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
