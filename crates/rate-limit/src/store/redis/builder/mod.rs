//! The builder of the Redis store: its settings. `connect` checks them, and opens the first connection.
//!
//! A wrong setting is an error of `connect`. A server that cannot be reached is not: the store
//! starts with its fallback.

mod connect;

use std::{num::NonZeroU32, time::Duration};

use palisade_core::{Secret, SharedClock, SystemClock};

use super::credentials::{Credentials, TlsFiles};
use crate::policy::FailureMode;

/// The default deadline of a decision.
const DEADLINE: Duration = Duration::from_millis(25);

/// The default memory for settlements of 16,000 buckets.
const SETTLEMENT_MEMORY: usize = 4 * 1024 * 1024;

/// The default number of buckets of the fallback.
const LOCAL_BUCKETS: usize = 16_384;
/// Configures a [`RedisStore`](super::RedisStore). [`RedisStore::builder`](super::RedisStore::builder) returns it.
///
/// | Setting | Default |
/// |---|---|
/// | [`prefix`](Self::prefix) | `palisade` |
/// | [`deadline`](Self::deadline) | 25 ms |
/// | [`local_buckets`](Self::local_buckets) | 16,384 |
/// | [`settlement_memory`](Self::settlement_memory) | 4 MiB |
/// | [`share`](Self::share) | the number of nodes that were counted |
/// | [`failure_mode`](Self::failure_mode) | [`FailureMode::local`] |
/// | [`password`](Self::password) | that of the address |
/// | [`sentinel_user`](Self::sentinel_user), [`sentinel_password`](Self::sentinel_password) | none |
/// | `root_certificate` (feature `redis-tls`) | the authorities of the system |
/// | `client_certificate` (feature `redis-tls`) | none |
///
/// [`connect`](Self::connect) checks them all. Its `Debug` output holds neither the address nor the key.
///
/// # Examples
///
/// ```no_run
/// use std::{num::NonZeroU32, time::Duration};
/// use palisade_core::Secret;
/// use palisade_rate_limit::{FailureMode, RedisStore};
///
/// # async fn connect() -> Result<(), Box<dyn std::error::Error>> {
/// // Three nodes share the limits. While Redis cannot be reached, each grants a third.
/// let store = RedisStore::builder("redis://10.0.0.5:6379", Secret::new(std::fs::read("limits.key")?))
///     .prefix("tts")
///     .deadline(Duration::from_millis(10))
///     .share(NonZeroU32::new(3).expect("not zero"))
///     .failure_mode(FailureMode::local())
///     .connect()
///     .await?;
/// # drop(store); Ok(()) }
/// ```
#[derive(Debug)]
#[must_use]
pub struct RedisStoreBuilder {
    /// The address. A secret, since it may contain a password.
    url: Secret,
    /// The key of the hashes of subjects. All nodes have the same one.
    hash_key: Secret,
    /// What the keys in the server begin with. Two services in one server need two prefixes.
    prefix: Box<str>,
    /// The time limit of a call that a request waits for.
    deadline: Duration,
    /// The buckets of the memory that counts while the server cannot be reached.
    local_buckets: usize,
    /// Bytes for settlements that wait for the server.
    settlement_memory: usize,
    /// In how many parts a limit is divided during an outage. `None`: the nodes that were counted.
    share: Option<NonZeroU32>,
    /// What happens to requests while the server cannot be reached.
    failure: FailureMode,
    /// The passwords that are not in the address.
    credentials: Credentials,
    /// Authorities and the certificate of this client.
    tls: TlsFiles,
    /// Measures deadlines, pauses and outages. Default: the system clock.
    clock: SharedClock,
}

impl RedisStoreBuilder {
    /// Starts with the defaults of the table above.
    pub(super) fn new(url: &str, hash_key: Secret) -> Self {
        Self {
            // It may hold a password.
            url: Secret::new(url),
            hash_key,
            prefix: "palisade".into(),
            deadline: DEADLINE,
            local_buckets: LOCAL_BUCKETS,
            settlement_memory: SETTLEMENT_MEMORY,
            share: None,
            failure: FailureMode::default(),
            credentials: Credentials::default(),
            tls: TlsFiles::default(),
            clock: SystemClock::shared(),
        }
    }

    /// Sets the password of the servers. Default: the one in the address, or none.
    ///
    /// With it the address holds no secret. It takes the place of a password in the address. The user
    /// stays that of the address; without one it is `default`.
    ///
    /// ```no_run
    /// use palisade_core::Secret;
    /// use palisade_rate_limit::RedisStore;
    ///
    /// # async fn connect(hash_key: Secret) -> Result<(), Box<dyn std::error::Error>> {
    /// let password = std::fs::read_to_string("/run/secrets/redis")?;
    /// let store = RedisStore::builder("redis://limits@10.0.0.5:6379/1", hash_key)
    ///     .password(Secret::new(password.trim_end()))
    ///     .connect()
    ///     .await?;
    /// # let _ = store;
    /// # Ok(()) }
    /// ```
    pub fn password(mut self, password: Secret) -> Self {
        self.credentials.password = Some(password);
        self
    }

    /// Sets the user that the sentinels know this node by. Default: `default`.
    ///
    /// Only for an address with `redis-sentinel`. Needs a [password](Self::sentinel_password).
    pub fn sentinel_user(mut self, user: impl Into<Box<str>>) -> Self {
        self.credentials.sentinel_user = Some(user.into());
        self
    }

    /// Sets the password of the sentinels (`requirepass` in their file). Default: they are asked without one.
    ///
    /// Sentinels have users of their own: the password of the servers is never sent to them. Only for
    /// an address with `redis-sentinel`.
    ///
    /// ```no_run
    /// use palisade_core::Secret;
    /// use palisade_rate_limit::RedisStore;
    ///
    /// # async fn connect(hash_key: Secret) -> Result<(), Box<dyn std::error::Error>> {
    /// let store = RedisStore::builder("redis-sentinel://10.0.0.5,10.0.0.6/main", hash_key)
    ///     .password(Secret::new(std::fs::read_to_string("/run/secrets/redis")?.trim_end()))
    ///     .sentinel_password(Secret::new(std::fs::read_to_string("/run/secrets/sentinel")?.trim_end()))
    ///     .connect()
    ///     .await?;
    /// # let _ = store;
    /// # Ok(()) }
    /// ```
    pub fn sentinel_password(mut self, password: Secret) -> Self {
        self.credentials.sentinel_password = Some(password);
        self
    }

    /// Trusts this certificate authority (PEM) for `rediss://`. Default: those of the system.
    ///
    /// The server's certificate must be valid for the host in the address. In a cluster, for the
    /// host that each node announces.
    #[cfg(feature = "redis-tls")]
    pub fn root_certificate(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.tls.root = Some(pem.into());
        self
    }

    /// Shows this certificate to a server with `tls-auth-clients yes`, both in PEM form. Default: no
    /// certificate.
    ///
    /// The files are read once. A certificate that is renewed needs a new store.
    #[cfg(feature = "redis-tls")]
    pub fn client_certificate(mut self, pem: impl Into<Vec<u8>>, private_key: Secret) -> Self {
        self.tls.client = Some((pem.into(), private_key));
        self
    }

    /// Sets the first part of all keys. Default: `palisade`.
    ///
    /// Two services on one server need two prefixes, or two databases. Braces, colons and blanks are a build
    /// error: they have a meaning in keys.
    pub fn prefix(mut self, prefix: impl Into<Box<str>>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Sets how long a request waits for a decision. Default: 25 ms.
    ///
    /// Afterwards the request follows the [`FailureMode`] of its policies. Five failures in a row end the
    /// connection, and no request waits until it is there again. The time in which this process was not scheduled
    /// does not count. A server that needs longer even for a probe is not used.
    ///
    /// For a server in another zone, choose about three times its usual round trip.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Sets the number of buckets in memory while the server is unavailable. Default: 16,384, about 1.5 MB.
    ///
    /// So many buckets are also remembered to be written to the server when it is back.
    pub fn local_buckets(mut self, buckets: usize) -> Self {
        self.local_buckets = buckets;
        self
    }

    /// Limits the memory for settlements that have not reached the server, in bytes.
    ///
    /// Default: 4 MiB, enough for 16,000 buckets. Several settlements of one bucket take the memory
    /// of one. What does not fit is counted ([`StoreStatus::lost`](crate::StoreStatus::lost)),
    /// logged once a minute, and treated strictly: a refund is not made, and a charge applies on
    /// this node.
    pub fn settlement_memory(mut self, bytes: usize) -> Self {
        self.settlement_memory = bytes;
        self
    }

    /// Sets among how many nodes a limit is divided while the server cannot be reached, for policies with
    /// [`FailureMode::LocalFallback`] that do not say so themselves. Default: as many as were seen.
    ///
    /// Each node registers in the server every ten seconds and counts those of the last minute.
    /// While the server cannot be reached, each of `n` nodes then grants an `n`-th of a limit, rounded up:
    /// together at most the limit and one unit a node. A request that costs more than such a part
    /// takes all of it: each node may grant one. If nodes were added since the last count,
    /// say `m` beside the `n`, together at most `(n + m) / n` times that. A node that has not
    /// reached the server since it started knows of no other and grants the whole limit.
    ///
    /// ```no_run
    /// use std::num::NonZeroU32;
    /// use palisade_core::Secret;
    /// use palisade_rate_limit::RedisStore;
    ///
    /// # async fn connect(hash_key: Secret) -> Result<(), Box<dyn std::error::Error>> {
    /// // Four nodes, whatever was counted: each grants a quarter.
    /// let store = RedisStore::builder("redis://127.0.0.1/2", hash_key)
    ///     .share(NonZeroU32::new(4).expect("four is not zero"))
    ///     .connect()
    ///     .await?;
    /// # let _ = store;
    /// # Ok(()) }
    /// ```
    pub fn share(mut self, nodes: NonZeroU32) -> Self {
        self.share = Some(nodes);
        self
    }

    /// Sets what policies do while the server is unavailable, unless they [set it
    /// themselves](crate::Policy::when_store_fails). Default: [`FailureMode::local`].
    pub fn failure_mode(mut self, mode: FailureMode) -> Self {
        self.failure = mode;
        self
    }

    /// Sets the clock. Default: the system clock.
    ///
    /// It measures how late this process is scheduled, how long a connection lasts, and the time between two log
    /// lines. Windows of limits are those of the server's clock, and deadlines are timers of tokio.
    ///
    /// ```
    /// use palisade_core::{ManualClock, Secret};
    /// use palisade_rate_limit::RedisStore;
    ///
    /// let clock = ManualClock::new(std::time::Duration::from_secs(1_800_000_000));
    /// let key = Secret::new("sixteen bytes or more");
    /// let store = RedisStore::builder("redis://127.0.0.1", key).clock(clock.shared());
    /// # drop(store);
    /// ```
    pub fn clock(mut self, clock: SharedClock) -> Self {
        self.clock = clock;
        self
    }
}
