//! Where sessions are kept: [`SessionStore`], one in memory, and one in Redis.

mod memory;
#[cfg(feature = "redis")]
mod redis;

use std::{fmt, sync::Arc, time::Duration};

use palisade_core::MaybeReady;

pub use self::memory::{MemorySessionStore, MemorySessionStoreBuilder};
#[cfg(feature = "redis")]
pub use self::redis::{RedisSessionStore, RedisSessionStoreBuildError, RedisSessionStoreBuilder};
use crate::{
    error::SessionError,
    record::{SessionOwner, SessionRecord},
    token::SessionDigest,
};

/// What a call of a store returns.
pub type StoreReply<T> = MaybeReady<Result<T, SessionError>>;

/// Keeps sessions under the digest of their token. It never sees a token.
///
/// This crate has [`MemorySessionStore`], and with the feature `redis` `RedisSessionStore`. A store on a network
/// returns [`MaybeReady::pending`], and has a deadline of its own.
///
/// # What an implementation has to hold
///
/// - Its size is bounded: as a whole, and for each owner. The oldest session of an owner gives way to a
///   new one of the same owner. A store that is full of sessions of others is [`SessionError::Full`].
/// - [`replace`](Self::replace) is atomic: never do both sessions exist, and only one of two calls
///   with the same old session succeeds.
/// - [`touch`](Self::touch) never brings back a session that was removed.
/// - What was removed is found by no later call, of any process.
/// - A session that has ended may be returned or not: the caller compares the time, and removes nothing by it. A store
///   that a fleet shares removes ended sessions by its own clock: one process may have a wrong one.
///
/// # Errors
///
/// All methods return [`SessionError::Unavailable`] if the store cannot be asked. The request is then
/// refused with 503.
///
/// # Examples
///
/// A store of the application counts how often it is asked, and leaves the rest to another one:
///
/// ```
/// use std::{sync::atomic::{AtomicU64, Ordering}, time::Duration};
/// use palisade_session::{
///     MemorySessionStore, SessionDigest, SessionOwner, SessionRecord, SessionStore, Sessions, StoreReply,
/// };
///
/// #[derive(Debug)]
/// struct Counting { store: MemorySessionStore, questions: AtomicU64 }
///
/// impl SessionStore for Counting {
///     fn find(&self, digest: SessionDigest) -> StoreReply<Option<SessionRecord>> {
///         self.questions.fetch_add(1, Ordering::Relaxed);
///         self.store.find(digest)
///     }
/// #   fn insert(&self, a: SessionDigest, b: SessionRecord, now: Duration) -> StoreReply<Vec<SessionDigest>> { self.store.insert(a, b, now) }
/// #   fn touch(&self, a: SessionDigest, b: Duration) -> StoreReply<()> { self.store.touch(a, b) }
/// #   fn replace(&self, a: SessionDigest, b: SessionDigest, c: SessionRecord) -> StoreReply<bool> { self.store.replace(a, b, c) }
/// #   fn remove(&self, a: SessionDigest) -> StoreReply<bool> { self.store.remove(a) }
/// #   fn remove_all(&self, a: SessionOwner, b: Option<SessionDigest>) -> StoreReply<usize> { self.store.remove_all(a, b) }
/// #   fn list(&self, a: SessionOwner) -> StoreReply<Vec<(SessionDigest, SessionRecord)>> { self.store.list(a) }
///     // The other methods call `self.store` in the same way.
/// }
///
/// let sessions = Sessions::new(Counting { store: MemorySessionStore::new(), questions: AtomicU64::new(0) });
/// # let _ = sessions;
/// ```
///
/// A store on a network returns [`MaybeReady::pending`] with a future that has a deadline:
///
/// ```
/// use palisade_core::MaybeReady;
/// use palisade_session::{SessionError, SessionRecord, StoreReply};
///
/// fn find_in_database() -> StoreReply<Option<SessionRecord>> {
///     MaybeReady::pending(async {
///         // Ask the database here, with a time-out. A failure is a 503, and never a guest.
///         Err(SessionError::unavailable("the database did not answer within 250 ms"))
///     })
/// }
/// ```
pub trait SessionStore: fmt::Debug + Send + Sync + 'static {
    /// Adds a session, and returns those of the same owner that gave way to it and had not ended. `now` tells
    /// which sessions have ended and need no place.
    ///
    /// [`SessionError::Full`] if there is no place.
    fn insert(
        &self,
        digest: SessionDigest,
        record: SessionRecord,
        now: Duration,
    ) -> StoreReply<Vec<SessionDigest>>;

    /// Finds a session.
    fn find(&self, digest: SessionDigest) -> StoreReply<Option<SessionRecord>>;

    /// Writes when a session was used. Does nothing if there is none.
    fn touch(&self, digest: SessionDigest, last_used: Duration) -> StoreReply<()>;

    /// Removes a session and adds another one in its place. `false`: the old one was not there, and
    /// nothing was added.
    fn replace(
        &self,
        old: SessionDigest,
        new: SessionDigest,
        record: SessionRecord,
    ) -> StoreReply<bool>;

    /// Removes a session. `false` if there was none.
    fn remove(&self, digest: SessionDigest) -> StoreReply<bool>;

    /// Removes all sessions of an owner but `except`, and returns how many.
    fn remove_all(&self, owner: SessionOwner, except: Option<SessionDigest>) -> StoreReply<usize>;

    /// Returns the sessions of an owner, in any order.
    fn list(&self, owner: SessionOwner) -> StoreReply<Vec<(SessionDigest, SessionRecord)>>;

    /// Tells whether there is certainly no such session, without asking a network. Default: not known.
    ///
    /// A request with such a cookie has no credential, and another one that it has may count.
    fn is_surely_absent(&self, digest: SessionDigest) -> bool {
        let _ = digest;
        false
    }
}

impl<S: SessionStore + ?Sized> SessionStore for Arc<S> {
    fn insert(
        &self,
        digest: SessionDigest,
        record: SessionRecord,
        now: Duration,
    ) -> StoreReply<Vec<SessionDigest>> {
        (**self).insert(digest, record, now)
    }

    fn find(&self, digest: SessionDigest) -> StoreReply<Option<SessionRecord>> {
        (**self).find(digest)
    }

    fn touch(&self, digest: SessionDigest, last_used: Duration) -> StoreReply<()> {
        (**self).touch(digest, last_used)
    }

    fn replace(
        &self,
        old: SessionDigest,
        new: SessionDigest,
        record: SessionRecord,
    ) -> StoreReply<bool> {
        (**self).replace(old, new, record)
    }

    fn remove(&self, digest: SessionDigest) -> StoreReply<bool> {
        (**self).remove(digest)
    }

    fn remove_all(&self, owner: SessionOwner, except: Option<SessionDigest>) -> StoreReply<usize> {
        (**self).remove_all(owner, except)
    }

    fn list(&self, owner: SessionOwner) -> StoreReply<Vec<(SessionDigest, SessionRecord)>> {
        (**self).list(owner)
    }

    fn is_surely_absent(&self, digest: SessionDigest) -> bool {
        (**self).is_surely_absent(digest)
    }
}
