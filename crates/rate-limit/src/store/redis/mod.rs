//! Buckets in Redis or Valkey: one call for each request, on the server's clock, for all nodes
//! together.
//!
//! The script `decide.lua` does the arithmetic that [`crate::gcra`] does in memory, in whole
//! microseconds. Everything around it is for the time in which the server is slow, unavailable,
//! full or sends malformed replies: a deadline, a circuit breaker, and for each policy a
//! [`FailureMode`](crate::FailureMode).
//!
//! Settlements and penalties are charged after their request. They go to the server in two queues
//! (`settlements`).

mod builder;
mod build_error;
#[cfg(feature = "budgets")]
mod budgets;
mod limit_store;
mod health;
mod most_used;
mod background_tasks;
mod subject_calls;
pub(crate) mod fallback;
mod node_share;
mod overrides;
mod permissions;
mod permits;
mod remembered_denials;
pub(crate) mod connection;
mod backoff;
mod calls;
mod servers;
mod address;
mod credentials;
mod script;
pub(crate) mod settlements;
mod status_changes;
mod reply_time;
mod error_codes;
mod store_metrics;

use std::{
    fmt,
    num::NonZeroU32,
    sync::{Arc, atomic::AtomicU32},
};

use hmac::Hmac;
use sha2::Sha256;

pub use self::{
    build_error::RedisStoreBuildError,
    builder::RedisStoreBuilder,
    health::StoreStatus,
    most_used::{MostUsed, UsedBucket},
};
use self::{
    connection::ConnectionManager, health::LossRecord, permissions::UsedParts,
    permits::PermitQueue, remembered_denials::RememberedDenials, settlements::SettlementQueue,
    status_changes::StatusChanges,
};
use super::{LimitOverrides, StoreProblem, memory::MemoryStore};
use crate::policy::FailureMode;

/// Keeps buckets in Redis (6.2 or later) or Valkey, for several nodes together.
///
/// Keys look like `palisade:{2f6c…}:tts:60`: a keyed hash in place of an address or a user, the name
/// of the limit, and its window in seconds. They expire when the bucket is full. Give the server a
/// database of its own and `maxmemory-policy noeviction`, so that no bucket is evicted.
///
/// Two nodes with different amounts under one name and window share a bucket, so a changed quota
/// keeps its state during a roll-out. With different windows they do not share.
///
/// # Addresses
///
/// | Address | Servers |
/// |---|---|
/// | `redis://[user:password@]host:port/database` | one server |
/// | `redis-cluster://[user:password@]host:port,host:port` | a cluster; any of its nodes |
/// | `redis-sentinel://[user:password@]host:port,host:port/service[/database]` | the primary that Sentinel names |
///
/// With feature `redis-tls`, `rediss`, `rediss-cluster` and `rediss-sentinel` are the same over TLS.
/// User and password are those of the servers; sentinels have [their
/// own](RedisStoreBuilder::sentinel_password). A user or password with `@`, `/` or `:` is
/// percent-encoded. With [`password`](RedisStoreBuilder::password) the address holds none. The default
/// port of Sentinel is 26379.
///
/// # One server, and a cluster
///
/// One server decides all limits of a request in one call, all or nothing. In a cluster, buckets of
/// one subject are on one node (the braces in the key), and a request has one call for each subject:
/// a client and its IPv6 network, for example. The calls are made at the same time. If one refuses,
/// what the others granted is released behind the request. So:
///
/// * No limit admits more than it grants.
/// * Until a release arrives, a round trip later, another request may be refused that would fit.
/// * If a node is lost during a call, the call may be sent again. A request is then charged twice at
///   most, never not at all.
///
/// # Failover
///
/// Replication is asynchronous: a primary that fails may lose its last writes, and their clients have
/// that much more. The connection to a server that became a replica is given up at once, and the next
/// one finds the new primary: through Sentinel, or from the cluster's map of slots.
///
/// # Remembered denials
///
/// A denial is remembered on the node until it ends, so that a flood does not reach the server. The
/// server is asked again every two seconds, and at once under another quota.
///
/// # While the server cannot be reached
///
/// Each policy follows its [`FailureMode`]. What this node admits on its own is written to the server
/// when it is back, for as many buckets as [`local_buckets`](RedisStoreBuilder::local_buckets) says,
/// up to an empty bucket and its debt. Calls whose reply was lost are left out, since the server may
/// have counted them: at most five in a row, and those in progress at the same time.
///
/// # What follows a request
///
/// Settlements and penalties are sent behind the requests, in batches, those of one bucket added
/// up. They wait while the server cannot be reached, in a bounded memory
/// ([`settlement_memory`](RedisStoreBuilder::settlement_memory)). A penalty counts on this node at
/// once. If a connection breaks while a batch is in progress, it is unknown whether it was applied:
/// charges are then sent again, and refunds are not. What still waits when the process ends is lost:
/// wait for [`settled`](Self::settled) before.
///
/// # Budgets
///
/// With feature `budgets`, a store is a [`BudgetStore`](crate::BudgetStore) too: counters of days and
/// months in a hash for each counter, such as `palisade:{budgets}:team:2f6c…:month:1767222000`. All of
/// them are in one slot of a cluster, so that a request is decided over all its budgets in one call.
/// While the server cannot be reached, requests with a budget are refused.
///
/// # Concurrent requests
///
/// A [`ConcurrencyLayer`](crate::ConcurrencyLayer) over the store counts requests in progress in a sorted set for each
/// subject, such as `palisade:{2f6c…}:voices:permits`, with the time at which each permit expires. The node
/// renews the permits of running requests, and deletes those of requests that ended.
///
/// # Overrides
///
/// [Overrides](crate::RateLimitLayer::set_override) are in one key, `palisade:{overrides}`, which holds hashes, names
/// of limits and amounts. Each node reads it when it connects and every ten seconds. While the server cannot be
/// reached, those apply that were read last.
///
/// # Metrics
///
/// With feature `metrics`: `palisade_limit_unsettled` (every ten seconds), `palisade_limit_store_up`, `palisade_limit_store_seconds`,
/// `palisade_limit_store_failures_total{code}`, `palisade_limit_scheduling_delays_total`, and
/// `palisade_limit_settlements_lost_total{kind}`, where the kind is `charge`, `fallback`, `penalty`
/// or `refund`.
///
/// # Examples
///
/// A store with its defaults, and a layer over it:
///
/// ```no_run
/// use palisade_core::Secret;
/// use palisade_rate_limit::{Policy, RateLimitLayer, RedisStore};
///
/// # async fn connect() -> Result<(), Box<dyn std::error::Error>> {
/// let hash_key = Secret::new(std::fs::read("limits.key")?);
/// let store = RedisStore::builder("redis://127.0.0.1:6379/2", hash_key).connect().await?;
/// let layer = RateLimitLayer::by_client()
///     .policy(Policy::named("all").rate("60/minute")?)
///     .store(store)
///     .build()?;
/// # let _ = layer;
/// # Ok(()) }
/// ```
///
/// A cluster, a longer deadline, and limits that refuse while it cannot be reached:
///
/// ```no_run
/// use std::time::Duration;
/// use palisade_core::Secret;
/// use palisade_rate_limit::{FailureMode, RedisStore};
///
/// # async fn connect(hash_key: Secret) -> Result<(), Box<dyn std::error::Error>> {
/// let store = RedisStore::builder("redis-cluster://10.0.0.1:7000,10.0.0.2:7000", hash_key)
///     .prefix("shop")
///     .deadline(Duration::from_millis(50))
///     .failure_mode(FailureMode::FailClosed)
///     .connect()
///     .await?;
/// # let _ = store;
/// # Ok(()) }
/// ```
///
/// Cheap to clone; clones share the connection.
#[derive(Clone)]
pub struct RedisStore(Arc<StoreState>);

/// What all clones of a store share.
struct StoreState {
    /// The hash of subjects, ready with its key. The server sees no address and no name.
    hash_key: Hmac<Sha256>,
    /// What the keys in the server begin with.
    prefix: Box<str>,
    /// The connection, and when it is opened again.
    connections: Arc<ConnectionManager>,
    /// Denials that need no further question.
    denials: RememberedDenials,
    /// Counts this node's part of each limit while the server cannot be reached.
    local: MemoryStore,
    /// What this node charged and the server may not know: penalties, and charges that were lost.
    charged_here: MemoryStore,
    /// Penalties that wait to be sent. They never wait behind other settlements.
    penalties: Arc<SettlementQueue>,
    /// Corrections of charges that wait to be sent.
    settlements: Arc<SettlementQueue>,
    /// What this node admitted on its own, for when the server is back.
    outage_usage: Arc<SettlementQueue>,
    /// Those that the server had at the last heartbeat.
    overrides: LimitOverrides,
    /// What the server may not know.
    losses: LossRecord,
    /// The claims of requests in progress.
    permits: Arc<PermitQueue>,
    /// The parts that are used, and whether the server permits them.
    parts: UsedParts,
    /// Numbers of reserves of budgets, with which this node names them.
    #[cfg(feature = "budgets")]
    reserves: std::sync::atomic::AtomicU64,
    /// Wakes those who wait for another status.
    changes: StatusChanges,
    /// This node's name in the server.
    node: String,
    /// How many nodes the last heartbeat counted. At least one: this node.
    nodes: AtomicU32,
    /// In how many parts a limit is divided during an outage. `None`: as many as there are nodes.
    share: Option<NonZeroU32>,
    /// What happens while the server cannot be reached, unless a policy says otherwise.
    failure: FailureMode,
}

impl RedisStore {
    /// Returns a builder. It connects with [`connect`](RedisStoreBuilder::connect).
    ///
    /// `url` is one of the [addresses](Self#addresses). `hash_key` is the key for hashing subjects, at
    /// least 16 random bytes. All nodes must have the same one: otherwise they count apart.
    pub fn builder(url: &str, hash_key: palisade_core::Secret) -> RedisStoreBuilder {
        RedisStoreBuilder::new(url, hash_key)
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // No address: it may hold a password.
        let status = self.status();
        f.debug_struct("RedisStore")
            .field("up", &status.up)
            .field("problem", &status.problem.map(StoreProblem::code))
            .field("nodes", &status.nodes)
            .finish_non_exhaustive()
    }
}
