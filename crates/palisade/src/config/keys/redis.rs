//! `[keys.redis]`: API keys of a fleet, in one server.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

#[cfg(feature = "server")]
use palisade_api_key::KeyScheme;
use palisade_api_key::{
    KeyId, RedisKeyError, RedisKeyStore, RedisKeyStoreBuildError, RedisKeyStoreBuilder,
};
use palisade_core::{Clock as _, SystemClock};
use palisade_internal::log_limit::LogLimit;
use tokio::{runtime::Handle, sync::Semaphore};

use crate::audit_events;
#[cfg(feature = "server")]
use crate::config::document::Keys;
use crate::config::{
    Config, ConfigFileError, audit::late_audit::LateAudit, document::KeysRedis,
    keys::seen::SeenKeys,
};

/// The fewest bytes of `seal_key`.
const SHORTEST_SEAL_KEY: usize = 16;
/// The largest `lifetime_millis`.
const LONGEST_LIFETIME: u64 = 60_000;
/// The largest `deadline_millis`.
const LONGEST_DEADLINE: u64 = 10_000;
/// The largest `remembered_keys`.
const MOST_REMEMBERED: u64 = 1_000_000;
/// The largest `revocation_replicas`.
const MOST_REPLICAS: u64 = 100;
/// The default of `replicas_millis`.
const REPLICAS_MILLIS: u64 = 1_000;
/// How many revocations of keys that were sent without TLS may be in progress. More than that are tried again
/// the next time that the key is sent.
const REVOCATIONS: usize = 64;

impl Config {
    /// Makes the store of `[keys.redis]`. Opens no connection.
    ///
    /// # Errors
    ///
    /// A file cannot be read, or a value cannot be used.
    pub(in crate::config) fn keys_in_redis(
        &self,
        redis: &KeysRedis,
        trail: &LateAudit,
        seen: &SeenKeys,
    ) -> Result<RedisKeyStore, ConfigFileError> {
        let seal = self.secret_file(&redis.seal_key, SHORTEST_SEAL_KEY)?;
        let trail = trail.clone();
        let mut store = RedisKeyStore::builder(redis.url.get_ref(), seal)
            .on_change(move |change| trail.record(audit_events::of_key(change)));
        if let Some(file) = &redis.password_file {
            let remedy = "name a file that holds the password alone";
            store = store.password(self.password(file, remedy)?);
        }
        if let Some(prefix) = &redis.prefix {
            store = store.prefix(prefix.get_ref().as_str());
        }
        if let Some(millis) = self.number(&redis.deadline_millis, 1, LONGEST_DEADLINE)? {
            store = store.deadline(Duration::from_millis(millis));
        }
        if let Some(millis) = self.number(&redis.lifetime_millis, 0, LONGEST_LIFETIME)? {
            store = store.lifetime(Duration::from_millis(millis));
        }
        if let Some(number) = self.number(&redis.remembered_keys, 0, MOST_REMEMBERED)? {
            store = store.remembered_keys(number);
        }
        for fleet in seen.all() {
            store = store.seen_records(fleet);
        }
        let store = self.with_replicas(store, redis)?;
        let store = store.build();
        let store = store.map_err(|problem| self.key_store_error(redis, problem))?;
        seen.remember(&store);
        Ok(store)
    }

    /// Lets revocations wait for replicas, if the file says so.
    ///
    /// # Errors
    ///
    /// A number is out of range, or there is a time and no number of replicas.
    fn with_replicas(
        &self,
        store: RedisKeyStoreBuilder,
        redis: &KeysRedis,
    ) -> Result<RedisKeyStoreBuilder, ConfigFileError> {
        let replicas = self.number::<u32>(&redis.revocation_replicas, 1, MOST_REPLICAS)?;
        let millis = self.number(&redis.replicas_millis, 1, LONGEST_DEADLINE)?;
        match (replicas.and_then(NonZeroU32::new), &redis.replicas_millis) {
            (Some(replicas), _) => {
                let within = Duration::from_millis(millis.unwrap_or(REPLICAS_MILLIS));
                Ok(store.revocation_replicas(replicas, within))
            }
            (None, None) => Ok(store),
            (None, Some(written)) => {
                let problem = "no replica is waited for without `revocation_replicas`";
                let remedy = "add `revocation_replicas`, or remove `replicas_millis`";
                Err(self.source.at(written, problem, remedy))
            }
        }
    }

    /// Makes the error about the key of the file that the store refuses.
    fn key_store_error(
        &self,
        redis: &KeysRedis,
        problem: RedisKeyStoreBuildError,
    ) -> ConfigFileError {
        let remedy = "correct the section [keys.redis]";
        match (problem, &redis.prefix, &redis.password_file) {
            (RedisKeyStoreBuildError::Key, ..) => self.source.at(&redis.seal_key, problem, remedy),
            (RedisKeyStoreBuildError::Prefix, Some(prefix), _) => {
                self.source.at(prefix, problem, remedy)
            }
            (RedisKeyStoreBuildError::Password, _, Some(file)) => {
                self.source.at(file, problem, remedy)
            }
            _ => self.source.at(&redis.url, problem, remedy),
        }
    }

    /// Connects to the server of `[keys.redis]`, and returns why its keys cannot be used: the server does not
    /// reply, records cannot be opened, or keys were made with another pepper or prefix.
    ///
    /// # Errors
    ///
    /// The problem, with the line of its key.
    #[cfg(feature = "server")]
    pub(in crate::config) async fn check_keys_in_redis(
        &self,
        keys: &Keys,
        redis: &KeysRedis,
        scheme: &KeyScheme,
    ) -> Result<(), ConfigFileError> {
        let store = self.keys_in_redis(redis, &LateAudit::default(), &SeenKeys::default())?;
        let all = store.list().await.map_err(|problem| {
            let remedy = "until then requests with a key get status 503";
            self.source.at(&redis.url, problem, remedy)
        })?;
        match all.iter().find(|record| !scheme.made(record)) {
            None => Ok(()),
            Some(record) => Err(self.made_otherwise(keys, record)),
        }
    }
}

/// Returns a function that revokes keys of a store, for keys that were sent without TLS.
///
/// It is called inside a request and never waits: a task of the runtime asks the server.
pub(in crate::config) fn revoker(store: RedisKeyStore) -> impl Fn(KeyId) + Send + Sync + 'static {
    let places = Arc::new(Semaphore::new(REVOCATIONS));
    move |id| {
        let Ok(runtime) = Handle::try_current() else {
            return;
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            return;
        };
        let store = store.clone();
        drop(runtime.spawn(async move {
            revoke(&store, id).await;
            drop(place);
        }));
    }
}

/// Revokes a key, and logs the outcome. A server that cannot be asked is logged at most once a minute, since a
/// client can send its key again and again.
async fn revoke(store: &RedisKeyStore, id: KeyId) {
    static LIMIT: LogLimit = LogLimit::per_minute();
    let clock = SystemClock::default();
    let revoked: Result<(), RedisKeyError> = store.revoke(id, clock.unix_time()).await;
    match revoked {
        Ok(()) => {
            tracing::warn!(target: "palisade", key = %id, "revoked a key that was sent without TLS")
        }
        Err(error) => {
            if let Some(held_back) = LIMIT.admit(clock.monotonic()) {
                tracing::error!(target: "palisade", key = %id, %error, held_back, "cannot revoke a key that was sent without TLS");
            }
        }
    }
}
