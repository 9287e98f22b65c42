//! The choices of a key store in Redis.

use std::{error::Error, fmt, num::NonZeroU32, sync::Arc, time::Duration};

use palisade_core::{Secret, SharedClock, SystemClock};
use palisade_internal::redis_settings::{RedisSettingProblem, RedisSettings};

use super::{
    Inner, RedisKeyStore, ReplicaWait, SCRIPT, SeenRecords, cache::KeyCache, sealer::Sealer,
};
use crate::store::KeyEvent;

/// With one call of the server, a revocation counts everywhere within a second.
const LIFETIME: Duration = Duration::from_millis(900);
const LONGEST_LIFETIME: Duration = Duration::from_secs(60);
const DEADLINE: Duration = Duration::from_millis(250);
/// Keys whose records are kept, and ids without a record.
const REMEMBERED: usize = 16_384;
const REMEMBERED_UNKNOWN: usize = 4096;
const MOST_REMEMBERED: usize = 1_000_000;
const LONGEST_REPLICA_WAIT: Duration = Duration::from_secs(10);

/// Configures a [`RedisKeyStore`]. Made by [`RedisKeyStore::builder`].
///
/// | choice | default |
/// |---|---|
/// | [`lifetime`](Self::lifetime) | a record is used for 900 ms: the time in which a revoked key is still accepted |
/// | [`remembered_keys`](Self::remembered_keys) | 16,384, and 4,096 ids without a record |
/// | [`prefix`](Self::prefix) | `palisade-keys` |
/// | [`deadline`](Self::deadline) | 250 ms |
/// | [`password`](Self::password) | that of the address |
/// | [`clock`](Self::clock) | the system clock |
/// | [`revocation_replicas`](Self::revocation_replicas) | none: a revocation waits for the server alone |
/// | [`seen_records`](Self::seen_records) | the store has seen none |
/// | [`on_change`](Self::on_change) | changes of keys are not told |
///
/// ```no_run
/// use std::time::Duration;
/// use palisade_api_key::RedisKeyStore;
/// use palisade_core::Secret;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let key = Secret::new(std::fs::read("keys.seal")?);
/// let store = RedisKeyStore::builder("redis://127.0.0.1:6379/4", key)
///     .lifetime(Duration::from_millis(200))
///     .build()?;
/// # let _ = store; Ok(()) }
/// ```
///
/// Each request asks the server, so that a revocation counts at once. What cannot be used is told when it is built:
///
/// ```
/// use std::time::Duration;
/// use palisade_api_key::{RedisKeyStore, RedisKeyStoreBuildError};
/// use palisade_core::Secret;
///
/// let key = || Secret::new(*b"a key of the fleet: thirty-two b");
/// let store = RedisKeyStore::builder("redis://127.0.0.1:6379/4", key())
///     .password(Secret::new("from a file with mode 0600"))
///     .lifetime(Duration::ZERO)
///     .deadline(Duration::from_millis(100))
///     .build()?;
/// # let _ = store;
///
/// let an_hour = RedisKeyStore::builder("redis://127.0.0.1", key()).lifetime(Duration::from_secs(3600));
/// assert_eq!(an_hour.build().unwrap_err(), RedisKeyStoreBuildError::Bounds);
/// # Ok::<(), RedisKeyStoreBuildError>(())
/// ```
#[must_use]
pub struct RedisKeyStoreBuilder {
    url: Box<str>,
    key: Secret,
    password: Option<Secret>,
    prefix: Box<str>,
    lifetime: Duration,
    remembered: usize,
    deadline: Duration,
    clock: SharedClock,
    replicas: Option<(NonZeroU32, Duration)>,
    seen: Vec<SeenRecords>,
    changed: Option<Box<dyn Fn(&KeyEvent) + Send + Sync>>,
}

impl RedisKeyStoreBuilder {
    pub(super) fn new(url: &str, key: Secret) -> Self {
        Self {
            url: url.into(),
            key,
            password: None,
            prefix: "palisade-keys".into(),
            lifetime: LIFETIME,
            remembered: REMEMBERED,
            deadline: DEADLINE,
            clock: SystemClock::shared(),
            replicas: None,
            seen: Vec::new(),
            changed: None,
        }
    }

    /// Sets how long a record is used before the server is asked again. Default: 900 ms; at most a minute; with
    /// zero each request asks.
    ///
    /// It bounds how long a process accepts a key that another process revoked. It counts from the question, and
    /// it is not longer while the server is away.
    pub fn lifetime(mut self, lifetime: Duration) -> Self {
        self.lifetime = lifetime;
        self
    }

    /// Sets how many records are kept in this process. Default: 16,384; at most a million.
    pub fn remembered_keys(mut self, number: usize) -> Self {
        self.remembered = number;
        self
    }

    /// Sets what the keys in the server begin with. Default: `palisade-keys`.
    pub fn prefix(mut self, prefix: impl Into<Box<str>>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Sets how long the server may take to reply. Default: 250 ms; at most 10 s. After it the request is refused with
    /// 503. A connection that must be opened first has 500 ms besides, and trying its permissions 500 ms.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Sets the password of the server, in place of one in the address.
    pub fn password(mut self, password: Secret) -> Self {
        self.password = Some(password);
        self
    }

    /// Sets the clock that the age of records is measured by. Default: the system clock.
    pub fn clock(mut self, clock: SharedClock) -> Self {
        self.clock = clock;
        self
    }

    /// Waits with each revocation until so many replicas of the server have it (`WAIT`), at most for a time of up to 10
    /// seconds. Default: replicas are not waited for, and a failover may lose a revocation.
    ///
    /// Counts for all that revokes, disables or removes a key. If fewer have it in time, the change is made nevertheless, and
    /// the call returns [`RedisKeyError::Unconfirmed`](super::RedisKeyError::Unconfirmed): make it again. A new connection
    /// is used for it, so requests do not wait. Sentinel may still choose a replica that does not have it: with `n`
    /// replicas ask for all `n`, or for as many as leave none that could be chosen.
    ///
    /// ```
    /// use std::{num::NonZeroU32, time::Duration};
    /// use palisade_api_key::RedisKeyStore;
    /// use palisade_core::Secret;
    ///
    /// let key = Secret::new(*b"a key of the fleet: thirty-two b");
    /// let store = RedisKeyStore::builder("redis://127.0.0.1:6379/4", key)
    ///     .revocation_replicas(NonZeroU32::MIN, Duration::from_secs(1))
    ///     .build()?;
    /// # let _ = store;
    /// # Ok::<(), palisade_api_key::RedisKeyStoreBuildError>(())
    /// ```
    pub const fn revocation_replicas(mut self, replicas: NonZeroU32, within: Duration) -> Self {
        self.replicas = Some((replicas, within));
        self
    }

    /// Takes over what another store of this process has seen, and goes on with it together: records that are older are
    /// refused. Default: the store has seen nothing. Of several calls the one counts whose seal key and prefix are the same;
    /// others have no effect.
    pub fn seen_records(mut self, seen: SeenRecords) -> Self {
        self.seen.push(seen);
        self
    }

    /// Sets a function that is called with each change that this process made, once the server has it. Default: none.
    ///
    /// Changes of other processes are told there. The function must not block.
    pub fn on_change(mut self, changed: impl Fn(&KeyEvent) + Send + Sync + 'static) -> Self {
        self.changed = Some(Box::new(changed));
        self
    }

    /// Makes the store. Opens no connection: the first call does.
    ///
    /// # Errors
    ///
    /// [`RedisKeyStoreBuildError`]: the address is malformed, the key is too short, or a value is out of its
    /// range.
    pub fn build(self) -> Result<RedisKeyStore, RedisKeyStoreBuildError> {
        if self.remembered > MOST_REMEMBERED || self.lifetime > LONGEST_LIFETIME {
            return Err(RedisKeyStoreBuildError::Bounds);
        }
        let settings = RedisSettings {
            url: &self.url,
            password: self.password.as_ref().map(Secret::expose),
            prefix: &self.prefix,
            deadline: self.deadline,
        };
        let sealer = Sealer::new(&self.key).ok_or(RedisKeyStoreBuildError::Key)?;
        let link = || {
            let link = settings.open().map_err(build_error)?;
            Ok(link.with_probe(&SCRIPT, &settings.key_start()))
        };
        let replicas = self.replicas.map(|(replicas, within)| {
            if within.is_zero() || within > LONGEST_REPLICA_WAIT {
                return Err(RedisKeyStoreBuildError::Bounds);
            }
            Ok(ReplicaWait {
                link: link()?,
                replicas: replicas.get(),
                within,
            })
        });
        let new = KeyCache::new(self.remembered, REMEMBERED_UNKNOWN, self.lifetime);
        let own = SeenRecords {
            replies: new.replies(),
            sealed_by: sealer.fingerprint(),
            prefix: settings.key_start(),
        };
        let mut seen = self.seen.into_iter();
        let seen = seen.find(|seen| seen.is_same_fleet(&own));
        let cache = match seen {
            None => new,
            Some(seen) => KeyCache::going_on(seen.replies, self.remembered, self.lifetime),
        };
        Ok(RedisKeyStore(Arc::new(Inner {
            link: link()?,
            sealer,
            prefix: own.prefix,
            cache,
            clock: self.clock,
            replicas: replicas.transpose()?,
            changed: self.changed,
        })))
    }
}

impl fmt::Debug for RedisKeyStoreBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // No address: it may hold a password.
        f.debug_struct("RedisKeyStoreBuilder")
            .field("prefix", &self.prefix)
            .field("lifetime", &self.lifetime)
            .field("remembered", &self.remembered)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}

/// Why a [`RedisKeyStore`] cannot be built.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum RedisKeyStoreBuildError {
    /// The address is no `redis://` or `rediss://` address, or this build has no TLS to the server.
    Address,
    /// The lifetime is over a minute, the deadline or the time for replicas is zero or over 10 seconds, or more than a
    /// million keys would be remembered.
    Bounds,
    /// The key that records are sealed with has fewer than 16 bytes, or is a repetition of few bytes.
    Key,
    /// The password is not UTF-8.
    Password,
    /// The prefix is empty, or has a space or one of `{}:`.
    Prefix,
}

/// Returns the error for a setting that all stores in Redis have.
const fn build_error(problem: RedisSettingProblem) -> RedisKeyStoreBuildError {
    match problem {
        RedisSettingProblem::Address => RedisKeyStoreBuildError::Address,
        RedisSettingProblem::Deadline => RedisKeyStoreBuildError::Bounds,
        RedisSettingProblem::Password => RedisKeyStoreBuildError::Password,
        RedisSettingProblem::Prefix => RedisKeyStoreBuildError::Prefix,
    }
}

impl fmt::Display for RedisKeyStoreBuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Address => {
                "the address of the key store cannot be used: write for example redis://127.0.0.1:6379/4; rediss:// needs the feature `redis-tls`"
            }
            Self::Bounds => {
                "a bound of the key store is out of range: a lifetime of at most 1 minute, a deadline and a time for replicas of 1 ms to 10 s, at most 1,000,000 keys"
            }
            Self::Key => "the key that seals records is too short or can be guessed: use at least 16 random bytes",
            Self::Password => "the password of the key store is not UTF-8",
            Self::Prefix => "the prefix of the key store is empty, or has a space or one of `{}:`",
        })
    }
}

impl Error for RedisKeyStoreBuildError {}
