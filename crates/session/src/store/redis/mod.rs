//! Sessions in Redis or Valkey, which all processes of a fleet share (feature `redis`).
//!
//! One call of a script for each request. `document` seals what is stored, `builder` has the choices.

mod builder;
mod document;

use std::{
    fmt,
    sync::{Arc, LazyLock},
    time::Duration,
};

use palisade_core::{Clock as _, MaybeReady, Secret, SystemClock};
use palisade_internal::{hex, log_limit::LogLimit, redis_link::RedisLink};
use redis::{FromRedisValue, Script};

pub use self::builder::{RedisSessionStoreBuildError, RedisSessionStoreBuilder};
use self::document::{Sealer, Stored, millis};
use super::{SessionStore, StoreReply};
use crate::{
    error::SessionError,
    record::{SessionOwner, SessionRecord},
    token::SessionDigest,
};

static SCRIPT: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("sessions.lua")));

/// Keeps sessions in Redis (6.2 or later) or Valkey. Clones share one connection.
///
/// Each request with a cookie asks the server once. So what ends on one process has ended on all of them with
/// the next request: sign-out, sign-out everywhere, and a renewal.
///
/// | case | what happens |
/// |---|---|
/// | the server does not answer within the [deadline](RedisSessionStoreBuilder::deadline) | 503; no one is admitted without it |
/// | the server was restarted without its data | everybody is signed out |
/// | an owner has [`per_owner`](RedisSessionStoreBuilder::per_owner) sessions | the one that was opened first gives way |
/// | there are [`capacity`](RedisSessionStoreBuilder::capacity) sessions | who has none gets [`SessionError::Full`]; who has one replaces it |
///
/// The server has the digest of each token, the record and the time of last use, sealed with HMAC-SHA-256 under a key
/// of the fleet. Who can write to the server can end sessions, and can bring back what it had before: a session that
/// was signed out is open again, until the end that it had. Who can do so can neither make a session, nor change whose
/// it is, what it may do or when it ends at the latest; a client that uses it needs its cookie.
///
/// Sealed is not encrypted: kind, id, owner, tier, credential id, scopes, attributes and label of each session are
/// readable in the server. Tokens are not.
///
/// Sessions end by the clock of the server, so a process with a wrong clock ends none of others. Use one server
/// (`redis://`, with feature `redis-tls` `rediss://`), of its own database, that only the fleet can reach, with
/// `maxmemory-policy noeviction`: an evicted session signs its user out. A server that became a replica or may not
/// write answers nothing: 503. A session that ended in the last moments before a restart or a failover may last again
/// until its end: `appendonly yes` with `appendfsync always` prevents the former; replication is asynchronous, so
/// `min-replicas-to-write 1` only bounds the latter.
///
/// ```no_run
/// use palisade_core::Secret;
/// use palisade_session::{RedisSessionStore, SessionLayer, Sessions};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let key = Secret::new(std::fs::read("sessions.key")?); // the same on all processes
/// let store = RedisSessionStore::builder("redis://127.0.0.1:6379/3", key).build()?;
/// let layer = SessionLayer::new(Sessions::new(store));
/// # let _ = layer; Ok(()) }
/// ```
#[derive(Clone)]
pub struct RedisSessionStore(Arc<Inner>);

struct Inner {
    link: RedisLink,
    sealer: Sealer,
    prefix: Box<str>,
    capacity: usize,
    per_owner: usize,
}

/// The arguments of one call.
type Arguments = Vec<Vec<u8>>;

impl RedisSessionStore {
    /// Starts to configure a store. `key` seals the records: at least 16 random bytes, the same on all processes.
    pub fn builder(url: &str, key: Secret) -> RedisSessionStoreBuilder {
        RedisSessionStoreBuilder::new(url, key)
    }

    /// Makes a call in the background, and reads its reply.
    fn call<R, T>(
        &self,
        arguments: Arguments,
        read: impl FnOnce(&Inner, R) -> Result<T, SessionError> + Send + 'static,
    ) -> StoreReply<T>
    where
        R: FromRedisValue + Send + 'static,
        T: Send + 'static,
    {
        let inner = Arc::clone(&self.0);
        MaybeReady::pending(async move {
            let mut call = SCRIPT.key(inner.prefix.as_bytes());
            for argument in arguments {
                call.arg(argument);
            }
            let reply = inner.link.run(&call).await;
            let reply = reply.map_err(|problem| SessionError::unavailable(problem.to_string()))?;
            read(&inner, reply)
        })
    }

    /// Returns the arguments that write a record.
    fn writing(
        &self,
        mode: &str,
        digest: SessionDigest,
        record: &SessionRecord,
    ) -> Result<Arguments, SessionError> {
        let Some(sealed) = self.0.sealer.seal(digest, record) else {
            let kind = record.principal.kind();
            let problem =
                format!("the kind of principal {kind:?} is not one of the store: see `kinds`");
            return Err(SessionError::unavailable(problem));
        };
        let lasts = record.ends.saturating_sub(record.last_used);
        Ok(vec![
            mode.into(),
            name(digest),
            self.0.sealer.owner_name(&record.owner()).into(),
            sealed,
            number(millis(record.last_used)),
            number(millis(lasts)),
            number(millis(record.idle)),
            number(self.0.per_owner),
            number(self.0.capacity),
            self.0.sealer.seal_use(digest, millis(record.last_used)),
        ])
    }
}

/// A digest as the server knows it.
fn name(digest: SessionDigest) -> Vec<u8> {
    hex::encode(digest.as_bytes()).into()
}

fn number(number: impl ToString + Copy) -> Vec<u8> {
    number.to_string().into()
}

fn digest_of(name: &[u8]) -> Option<SessionDigest> {
    let mut bytes = [0; 32];
    let name = str::from_utf8(name).ok()?;
    hex::decode_any_case(name, &mut bytes).then(|| SessionDigest::from_bytes(bytes))
}

/// Logs, at most once a minute, that a record cannot be opened.
fn warn_of_seal(digest: SessionDigest) {
    static LIMIT: LogLimit = LogLimit::per_minute();
    if let Some(held_back) = LIMIT.admit(SystemClock::default().monotonic()) {
        tracing::warn!(target: "palisade", session = %digest.id(), held_back, "a session of the store was sealed with another key, or changed: it opens nothing");
    }
}

fn malformed() -> SessionError {
    SessionError::unavailable("an unexpected reply")
}

impl SessionStore for RedisSessionStore {
    fn insert(
        &self,
        digest: SessionDigest,
        record: SessionRecord,
        _: Duration,
    ) -> StoreReply<Vec<SessionDigest>> {
        let arguments = match self.writing("insert", digest, &record) {
            Ok(arguments) => arguments,
            Err(error) => return MaybeReady::Ready(Err(error)),
        };
        self.call(arguments, |_, reply: Vec<redis::Value>| {
            let mut reply = reply.into_iter();
            match reply.next() {
                Some(redis::Value::Int(1)) => {}
                Some(redis::Value::Int(0)) => return Err(SessionError::Full),
                _ => return Err(malformed()),
            }
            let digest = |value| match value {
                redis::Value::BulkString(name) => digest_of(&name).ok_or_else(malformed),
                _ => Err(malformed()),
            };
            reply.map(digest).collect()
        })
    }

    fn find(&self, digest: SessionDigest) -> StoreReply<Option<SessionRecord>> {
        let arguments = vec!["find".into(), name(digest)];
        type Reply = (Option<Vec<u8>>, Option<u64>, Option<Vec<u8>>);
        self.call(arguments, move |inner, (sealed, used, seal): Reply| {
            let Some(sealed) = sealed else {
                return Ok(None);
            };
            // A field that is missing was removed: it opens nothing either.
            let stored = Stored(sealed, used.unwrap_or_default(), seal.unwrap_or_default());
            let record = inner.sealer.open(digest, &stored);
            if record.is_none() {
                warn_of_seal(digest);
            }
            Ok(record)
        })
    }

    fn touch(&self, digest: SessionDigest, last_used: Duration) -> StoreReply<()> {
        let last_used = millis(last_used);
        let seal = self.0.sealer.seal_use(digest, last_used);
        let arguments = vec!["touch".into(), name(digest), number(last_used), seal];
        self.call(arguments, |_, _: i64| Ok(()))
    }

    fn replace(
        &self,
        old: SessionDigest,
        new: SessionDigest,
        record: SessionRecord,
    ) -> StoreReply<bool> {
        let mut arguments = match self.writing("replace", new, &record) {
            Ok(arguments) => arguments,
            Err(error) => return MaybeReady::Ready(Err(error)),
        };
        arguments.push(name(old));
        self.call(arguments, |_, reply: Vec<redis::Value>| {
            match reply.first() {
                Some(redis::Value::Int(replaced)) => Ok(*replaced == 1),
                _ => Err(malformed()),
            }
        })
    }

    fn remove(&self, digest: SessionDigest) -> StoreReply<bool> {
        let arguments = vec!["remove".into(), name(digest)];
        self.call(arguments, |_, removed: i64| Ok(removed == 1))
    }

    fn remove_all(&self, owner: SessionOwner, except: Option<SessionDigest>) -> StoreReply<usize> {
        let owner = self.0.sealer.owner_name(&owner).into();
        let except = except.map(name).unwrap_or_default();
        self.call(vec!["remove_all".into(), owner, except], |_, removed| {
            Ok(removed)
        })
    }

    fn list(&self, owner: SessionOwner) -> StoreReply<Vec<(SessionDigest, SessionRecord)>> {
        let arguments = vec!["list".into(), self.0.sealer.owner_name(&owner).into()];
        type Entry = (Vec<u8>, Option<Vec<u8>>, Option<u64>, Option<Vec<u8>>);
        self.call(arguments, |inner, reply: Vec<Entry>| {
            let read = |(name, sealed, used, seal): Entry| {
                let digest = digest_of(&name)?;
                let stored = Stored(sealed?, used?, seal?);
                let record = inner.sealer.open(digest, &stored)?;
                Some((digest, record))
            };
            Ok(reply.into_iter().filter_map(read).collect())
        })
    }
}

impl fmt::Debug for RedisSessionStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisSessionStore")
            .field("link", &self.0.link)
            .field("prefix", &self.0.prefix)
            .field("capacity", &self.0.capacity)
            .field("per_owner", &self.0.per_owner)
            .finish_non_exhaustive()
    }
}
