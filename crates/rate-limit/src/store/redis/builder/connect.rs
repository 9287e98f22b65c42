//! Checks the settings of a Redis store, and opens its first connection.

use std::{
    hash::{BuildHasher, RandomState},
    sync::{Arc, atomic::AtomicU32},
    time::Duration,
};

use hmac::{Hmac, KeyInit};
use palisade_internal::redis_settings::is_key_prefix;
use sha2::Sha256;
use tokio::runtime::Handle;

use super::RedisStoreBuilder;
use crate::store::{
    LimitOverrides, StoreProblem,
    memory::MemoryStore,
    redis::{
        RedisStore, RedisStoreBuildError, StoreState, background_tasks,
        connection::ConnectionManager, health::LossRecord, permissions::UsedParts,
        remembered_denials::RememberedDenials, servers::Servers, settlements::SettlementQueue,
        status_changes::StatusChanges,
    },
};

/// The least time for the first connection. At start-up there is time for a server that is starting
/// too.
const FIRST_CONNECTION: Duration = Duration::from_secs(1);

/// The memory for penalties. Each waits for one round trip at most, and one address has one bucket.
const PENALTY_MEMORY: usize = 1024 * 1024;

/// The shortest key for hashing subjects, in bytes.
const SHORTEST_KEY: usize = 16;

impl RedisStoreBuilder {
    /// Connects. A server that cannot be reached is no error: the store starts as it would go on after a failure,
    /// and connects as soon as it can. The log and [`RedisStore::status`] say why.
    ///
    /// Waits at most one second for one server, and three for a cluster or Sentinel.
    ///
    /// # Errors
    ///
    /// [`RedisStoreBuildError`] if the address is malformed, the key is shorter than 16 bytes, the prefix holds
    /// braces, colons or blanks, the deadline is zero, a certificate is not in PEM form or the address is one
    /// without TLS, or this does not run inside a tokio runtime.
    pub async fn connect(self) -> Result<RedisStore, RedisStoreBuildError> {
        self.check()?;
        let servers = self.servers()?;
        let hash_key = Hmac::<Sha256>::new_from_slice(self.hash_key.expose());
        let hash_key = hash_key.map_err(|_| RedisStoreBuildError::HashKeyTooShort)?;
        let changes = StatusChanges::default();
        let shared = Arc::new(StoreState {
            hash_key,
            prefix: self.prefix,
            connections: Arc::new(ConnectionManager::new(
                servers,
                self.deadline,
                changes.clone(),
                self.clock.clone(),
            )),
            denials: RememberedDenials::default(),
            local: MemoryStore::with_capacity(self.local_buckets),
            charged_here: MemoryStore::with_capacity(self.local_buckets),
            penalties: Arc::new(SettlementQueue::with_memory(
                PENALTY_MEMORY,
                changes.clone(),
            )),
            settlements: Arc::new(SettlementQueue::with_memory(
                self.settlement_memory,
                changes.clone(),
            )),
            outage_usage: Arc::new(SettlementQueue::with_buckets(
                self.local_buckets,
                changes.clone(),
            )),
            overrides: LimitOverrides::default(),
            permits: Arc::default(),
            parts: UsedParts::new(),
            losses: LossRecord::new(self.clock),
            #[cfg(feature = "budgets")]
            reserves: Default::default(),
            changes,
            node: format!("{:016x}", RandomState::new().hash_one("node")),
            nodes: AtomicU32::new(1),
            share: self.share,
            failure: self.failure,
        });
        Box::pin(first_connection(&shared)).await;
        background_tasks::start(&shared);
        Ok(RedisStore(shared))
    }

    /// Reads the address, and prepares how its servers are reached.
    fn servers(&self) -> Result<Servers, RedisStoreBuildError> {
        let url = String::from_utf8_lossy(self.url.expose());
        Servers::open(&url, &self.credentials, &self.tls)
            .ok_or(RedisStoreBuildError::MalformedAddress)
    }

    /// Checks everything that needs no connection. Nothing is opened if one setting is wrong.
    fn check(&self) -> Result<(), RedisStoreBuildError> {
        if self.hash_key.expose().len() < SHORTEST_KEY {
            return Err(RedisStoreBuildError::HashKeyTooShort);
        }
        if !is_key_prefix(&self.prefix) {
            return Err(RedisStoreBuildError::InvalidPrefix);
        }
        if self.deadline.is_zero() {
            return Err(RedisStoreBuildError::ZeroDeadline);
        }
        self.credentials.check(&self.url)?;
        #[cfg(feature = "redis-tls")]
        self.tls.check(&self.url)?;
        if Handle::try_current().is_err() {
            return Err(RedisStoreBuildError::NoRuntime);
        }
        Ok(())
    }
}

/// Tries to connect for the first time, and logs why it failed.
async fn first_connection(shared: &StoreState) {
    let connecting = shared.connections.connect(&shared.prefix);
    let time = FIRST_CONNECTION.max(shared.connections.time_to_connect());
    let problem = match tokio::time::timeout(time, connecting).await {
        Ok(Ok(())) => {
            shared.count_nodes().await;
            return shared.refresh_overrides().await;
        }
        Ok(Err(problem)) => problem,
        Err(_) => {
            shared.connections.not_connected(StoreProblem::Timeout);
            StoreProblem::Timeout
        }
    };
    tracing::warn!(
        target: "palisade",
        number = "PAL0019",
        code = problem.code(),
        remedy = problem.remedy(),
        "the store of the limits cannot be used: policies follow their failure modes"
    );
}
