//! The choices of a store in Redis.

use std::{error::Error, fmt, sync::Arc, time::Duration};

use palisade_core::Secret;
use palisade_internal::redis_settings::{RedisSettingProblem, RedisSettings};

use super::{Inner, RedisSessionStore, SCRIPT, document::Sealer};

/// The default bounds: those of the store in memory, for a fleet.
const CAPACITY: usize = 1_000_000;
const PER_OWNER: usize = 8;
/// The most sessions of one owner: a script reads all of them.
const MOST_PER_OWNER: usize = 1000;
const DEADLINE: Duration = Duration::from_millis(250);
/// The kinds of principals that Palisade makes.
const KINDS: [&str; 5] = [
    "api_key",
    "jwt",
    "introspection",
    "client_certificate",
    "user",
];

/// Configures a [`RedisSessionStore`]. Made by [`RedisSessionStore::builder`].
///
/// | choice | default |
/// |---|---|
/// | [`capacity`](Self::capacity) | 1,000,000 sessions |
/// | [`per_owner`](Self::per_owner) | 8 sessions |
/// | [`prefix`](Self::prefix) | `palisade-session` |
/// | [`deadline`](Self::deadline) | 250 ms |
/// | [`kinds`](Self::kinds) | `api_key`, `jwt`, `introspection`, `client_certificate`, `user` |
/// | [`password`](Self::password) | that of the address |
///
/// ```no_run
/// use palisade_core::Secret;
/// use palisade_session::{RedisSessionStore, Sessions};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let key = Secret::new(std::fs::read("sessions.key")?);
/// let store = RedisSessionStore::builder("redis://127.0.0.1:6379/3", key)
///     .kinds(["employee", "customer"])
///     .build()?;
/// let sessions = Sessions::new(store);
/// # let _ = sessions; Ok(()) }
/// ```
///
/// With a password of its own file, and bounds for a smaller server. What cannot be used is told when it is built, and not
/// by the first request:
///
/// ```
/// use std::time::Duration;
/// use palisade_core::Secret;
/// use palisade_session::{RedisSessionStore, RedisSessionStoreBuildError};
///
/// let key = || Secret::new(*b"a key of the fleet: thirty-two b");
/// let store = RedisSessionStore::builder("redis://127.0.0.1:6379/3", key())
///     .password(Secret::new("from a file with mode 0600"))
///     .prefix("shop")
///     .capacity(50_000)
///     .deadline(Duration::from_millis(100))
///     .build()?;
/// # let _ = store;
///
/// let without_scheme = RedisSessionStore::builder("127.0.0.1:6379", key()).build();
/// assert_eq!(without_scheme.unwrap_err(), RedisSessionStoreBuildError::Address);
/// # Ok::<(), RedisSessionStoreBuildError>(())
/// ```
#[must_use]
pub struct RedisSessionStoreBuilder {
    url: Box<str>,
    key: Secret,
    password: Option<Secret>,
    prefix: Box<str>,
    kinds: Vec<&'static str>,
    capacity: usize,
    per_owner: usize,
    deadline: Duration,
}

impl RedisSessionStoreBuilder {
    pub(super) fn new(url: &str, key: Secret) -> Self {
        Self {
            url: url.into(),
            key,
            password: None,
            prefix: "palisade-session".into(),
            kinds: KINDS.to_vec(),
            capacity: CAPACITY,
            per_owner: PER_OWNER,
            deadline: DEADLINE,
        }
    }

    /// Sets how many sessions there may be at once. Default: 1,000,000. At least 1.
    pub fn capacity(mut self, sessions: usize) -> Self {
        self.capacity = sessions.max(1);
        self
    }

    /// Sets how many sessions one owner may have at once. Default: 8. From 1 to 1000.
    pub fn per_owner(mut self, sessions: usize) -> Self {
        self.per_owner = sessions.clamp(1, MOST_PER_OWNER);
        self
    }

    /// Sets what the keys in the server begin with. Default: `palisade-session`. Services that share a server
    /// and no sessions need different ones.
    pub fn prefix(mut self, prefix: impl Into<Box<str>>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Sets how long the server may take to reply. Default: 250 ms. At most 10 s.
    ///
    /// After it the request is refused with 503. A connection that must be opened first has 500 ms besides, and trying
    /// its permissions 500 ms.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Adds kinds of principals ([`Principal::kind`](palisade_core::Principal::kind)) that sessions have.
    ///
    /// A session of another kind cannot be opened: what is read from the server becomes no kind that the
    /// application does not know.
    pub fn kinds(mut self, kinds: impl IntoIterator<Item = &'static str>) -> Self {
        self.kinds.extend(kinds);
        self
    }

    /// Sets the password of the server, in place of one in the address.
    pub fn password(mut self, password: Secret) -> Self {
        self.password = Some(password);
        self
    }

    /// Makes the store. Opens no connection: the first call does.
    ///
    /// # Errors
    ///
    /// [`RedisSessionStoreBuildError`]: the address is malformed, the key is too short, or a value is out of
    /// its range.
    pub fn build(self) -> Result<RedisSessionStore, RedisSessionStoreBuildError> {
        let settings = RedisSettings {
            url: &self.url,
            password: self.password.as_ref().map(Secret::expose),
            prefix: &self.prefix,
            deadline: self.deadline,
        };
        let sealer = Sealer::new(&self.key, self.kinds);
        Ok(RedisSessionStore(Arc::new(Inner {
            link: settings
                .open()
                .map_err(build_error)?
                .with_probe(&SCRIPT, &settings.key_start()),
            sealer: sealer.ok_or(RedisSessionStoreBuildError::Key)?,
            prefix: settings.key_start(),
            capacity: self.capacity,
            per_owner: self.per_owner,
        })))
    }
}

impl fmt::Debug for RedisSessionStoreBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // No address: it may hold a password.
        f.debug_struct("RedisSessionStoreBuilder")
            .field("prefix", &self.prefix)
            .field("kinds", &self.kinds)
            .field("capacity", &self.capacity)
            .field("per_owner", &self.per_owner)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}

/// Why a [`RedisSessionStore`] cannot be built.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum RedisSessionStoreBuildError {
    /// The address is no `redis://` or `rediss://` address, or this build has no TLS to the server.
    Address,
    /// The deadline is zero or over 10 seconds.
    Deadline,
    /// The key that records are sealed with has fewer than 16 bytes, or is a repetition of few bytes.
    Key,
    /// The password is not UTF-8.
    Password,
    /// The prefix is empty, or has a space or one of `{}:`.
    Prefix,
}

/// Returns the error for a setting that all stores in Redis have.
const fn build_error(problem: RedisSettingProblem) -> RedisSessionStoreBuildError {
    match problem {
        RedisSettingProblem::Address => RedisSessionStoreBuildError::Address,
        RedisSettingProblem::Deadline => RedisSessionStoreBuildError::Deadline,
        RedisSettingProblem::Password => RedisSessionStoreBuildError::Password,
        RedisSettingProblem::Prefix => RedisSessionStoreBuildError::Prefix,
    }
}

impl fmt::Display for RedisSessionStoreBuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Address => {
                "the address of the session store cannot be used: write for example redis://127.0.0.1:6379/3; rediss:// needs the feature `redis-tls`"
            }
            Self::Deadline => "the deadline of the session store is out of range: use 1 ms to 10 s",
            Self::Key => "the key of the session store is too short or can be guessed: use at least 16 random bytes",
            Self::Password => "the password of the session store is not UTF-8",
            Self::Prefix => "the prefix of the session store is empty, or has a space or one of `{}:`",
        })
    }
}

impl Error for RedisSessionStoreBuildError {}
