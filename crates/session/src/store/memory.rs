//! Sessions in memory: bounded as a whole and for each owner.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use palisade_core::MaybeReady;

use super::{SessionStore, StoreReply};
use crate::{
    error::SessionError,
    record::{SessionOwner, SessionRecord},
    token::SessionDigest,
};

/// The default bound of all sessions. One takes about 500 bytes with its principal.
const CAPACITY: usize = 65_536;
/// The default bound for each owner: a few browsers on a few machines.
const PER_OWNER: usize = 8;
/// A full store looks for ended sessions at most this often: the search reads all of them.
const SWEEP_PAUSE: Duration = Duration::from_secs(1);

/// Keeps sessions in the memory of this process. They end with it: a restart signs everyone out.
///
/// | bound | default | if it is reached |
/// |---|---|---|
/// | [`capacity`](MemorySessionStoreBuilder::capacity) | 65,536 sessions | who has none gets [`SessionError::Full`] until sessions end; who has one replaces it |
/// | [`per_owner`](MemorySessionStoreBuilder::per_owner) | 8 sessions | ended ones go, then the one that was opened first |
///
/// Clones share their sessions.
///
/// ```
/// use palisade_session::MemorySessionStore;
///
/// let store = MemorySessionStore::new();
/// assert!(store.is_empty());
///
/// let small = MemorySessionStore::builder().capacity(1_000).per_owner(3).build();
/// assert_eq!(small.len(), 0);
/// ```
///
/// For a service that allows one browser at a time: a user who signs in again signs out the browser before.
///
/// ```
/// use palisade_core::Principal;
/// use palisade_session::{MemorySessionStore, Sessions};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let sessions = Sessions::new(MemorySessionStore::builder().per_owner(1).build());
/// let ann = Principal::builder("user", "ann").build();
/// let first = sessions.open(ann.clone()).await?;
/// let second = sessions.open(ann.clone()).await?;
///
/// let left = sessions.list(&ann).await?;
/// assert_eq!(left.len(), 1);
/// assert!(left[0].id == *second.id() && left[0].id != *first.id());
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct MemorySessionStore {
    /// Locked for each call, and never while anything is waited for.
    shared: Arc<Mutex<Table>>,
    /// The most sessions of all owners.
    capacity: usize,
    /// The most sessions of one owner.
    per_owner: usize,
}

/// The sessions and an index of them by owner. Both change together.
#[derive(Default)]
struct Table {
    /// Each session by the digest of its token.
    sessions: HashMap<SessionDigest, SessionRecord>,
    /// The sessions of each owner, in the order in which they were opened.
    owners: HashMap<SessionOwner, Vec<SessionDigest>>,
    /// When ended sessions were looked for.
    swept: Option<Duration>,
}

impl MemorySessionStore {
    /// Makes an empty store with the default bounds.
    #[must_use]
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// Starts to configure a store.
    pub fn builder() -> MemorySessionStoreBuilder {
        MemorySessionStoreBuilder {
            capacity: CAPACITY,
            per_owner: PER_OWNER,
        }
    }

    /// Returns how many sessions there are. Some may have ended.
    #[must_use]
    pub fn len(&self) -> usize {
        self.table().sessions.len()
    }

    /// Tells whether there is no session.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Locks the table. It is consistent after each call, so a poisoned lock is used.
    fn table(&self) -> MutexGuard<'_, Table> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for MemorySessionStore {
    fn default() -> Self {
        Self::new()
    }
}

/// Configures a [`MemorySessionStore`]. Made by [`MemorySessionStore::builder`].
///
/// ```
/// use palisade_session::MemorySessionStore;
///
/// let store = MemorySessionStore::builder().capacity(100_000).build();
/// # let _ = store;
/// ```
///
/// Memory for a small machine: 10,000 sessions take about 5 MB. Values below 1 count as 1, so `build` cannot fail:
///
/// ```
/// use palisade_session::MemorySessionStore;
///
/// let store = MemorySessionStore::builder().capacity(10_000).per_owner(0).build();
/// assert_eq!(format!("{store:?}"), "MemorySessionStore { sessions: 0, capacity: 10000, per_owner: 1 }");
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct MemorySessionStoreBuilder {
    capacity: usize,
    per_owner: usize,
}

impl MemorySessionStoreBuilder {
    /// Sets how many sessions there may be at once. Default: 65,536. At least 1.
    pub fn capacity(mut self, sessions: usize) -> Self {
        self.capacity = sessions.max(1);
        self
    }

    /// Sets how many sessions one owner may have at once. Default: 8. At least 1.
    pub fn per_owner(mut self, sessions: usize) -> Self {
        self.per_owner = sessions.max(1);
        self
    }

    /// Makes the store.
    #[must_use]
    pub fn build(self) -> MemorySessionStore {
        MemorySessionStore {
            shared: Arc::default(),
            capacity: self.capacity,
            per_owner: self.per_owner,
        }
    }
}

impl Table {
    /// Adds a session. There must be a place for it.
    fn add(&mut self, digest: SessionDigest, record: SessionRecord) {
        let of_owner = self.owners.entry(record.owner()).or_default();
        of_owner.push(digest);
        self.sessions.insert(digest, record);
    }

    /// Removes a session from both indexes, and returns it.
    fn remove(&mut self, digest: &SessionDigest) -> Option<SessionRecord> {
        let removed = self.sessions.remove(digest)?;
        let owner = removed.owner();
        if let Some(of_owner) = self.owners.get_mut(&owner) {
            of_owner.retain(|one| one != digest);
            if of_owner.is_empty() {
                self.owners.remove(&owner);
            }
        }
        Some(removed)
    }

    /// Returns the sessions of an owner, the oldest first.
    fn of(&self, owner: &SessionOwner) -> Vec<SessionDigest> {
        self.owners.get(owner).cloned().unwrap_or_default()
    }

    /// Makes a place for another session of an owner: its ended ones go, then its own oldest ones give way.
    /// Returns the latter.
    fn bound_owner(
        &mut self,
        owner: &SessionOwner,
        per_owner: usize,
        now: Duration,
    ) -> Vec<SessionDigest> {
        let is_over = |one: &SessionDigest| self.sessions.get(one).is_none_or(|it| it.is_over(now));
        let ended: Vec<_> = self.of(owner).into_iter().filter(is_over).collect();
        for digest in &ended {
            self.remove(digest);
        }
        let of_owner = self.of(owner);
        let too_many = (of_owner.len() + 1).saturating_sub(per_owner);
        let give_way: Vec<_> = of_owner.into_iter().take(too_many).collect();
        for digest in &give_way {
            self.remove(digest);
        }
        give_way
    }

    /// Removes the session of an owner that was opened first, and returns it. `None` if it has none.
    fn remove_oldest(&mut self, owner: &SessionOwner) -> Option<SessionDigest> {
        let oldest = self.of(owner).first().copied()?;
        self.remove(&oldest).map(|_| oldest)
    }

    /// Removes ended sessions, unless that was done a moment ago.
    fn sweep(&mut self, now: Duration) {
        let lately = |before: Duration| now >= before && now - before < SWEEP_PAUSE;
        if self.swept.is_some_and(lately) {
            return;
        }
        self.swept = Some(now);
        let over = |(digest, record): (&SessionDigest, &SessionRecord)| {
            record.is_over(now).then_some(*digest)
        };
        let ended: Vec<SessionDigest> = self.sessions.iter().filter_map(over).collect();
        for digest in &ended {
            self.remove(digest);
        }
    }
}

impl SessionStore for MemorySessionStore {
    fn insert(
        &self,
        digest: SessionDigest,
        record: SessionRecord,
        now: Duration,
    ) -> StoreReply<Vec<SessionDigest>> {
        let mut table = self.table();
        let mut gave_way = table.bound_owner(&record.owner(), self.per_owner, now);
        if table.sessions.len() >= self.capacity {
            table.sweep(now);
        }
        if table.sessions.len() >= self.capacity {
            match table.remove_oldest(&record.owner()) {
                Some(oldest) => gave_way.push(oldest),
                None => return MaybeReady::Ready(Err(SessionError::Full)),
            }
        }
        table.add(digest, record);
        MaybeReady::Ready(Ok(gave_way))
    }

    fn find(&self, digest: SessionDigest) -> StoreReply<Option<SessionRecord>> {
        MaybeReady::Ready(Ok(self.table().sessions.get(&digest).cloned()))
    }

    fn touch(&self, digest: SessionDigest, last_used: Duration) -> StoreReply<()> {
        if let Some(record) = self.table().sessions.get_mut(&digest) {
            record.last_used = record.last_used.max(last_used);
        }
        MaybeReady::Ready(Ok(()))
    }

    fn replace(
        &self,
        old: SessionDigest,
        new: SessionDigest,
        record: SessionRecord,
    ) -> StoreReply<bool> {
        let mut table = self.table();
        let replaced = table.remove(&old).is_some();
        if replaced {
            table.bound_owner(&record.owner(), self.per_owner, record.opened);
            table.add(new, record);
        }
        MaybeReady::Ready(Ok(replaced))
    }

    fn remove(&self, digest: SessionDigest) -> StoreReply<bool> {
        MaybeReady::Ready(Ok(self.table().remove(&digest).is_some()))
    }

    fn remove_all(&self, owner: SessionOwner, except: Option<SessionDigest>) -> StoreReply<usize> {
        let mut table = self.table();
        let ending = table.of(&owner).into_iter();
        let ending: Vec<_> = ending.filter(|one| Some(*one) != except).collect();
        for digest in &ending {
            table.remove(digest);
        }
        MaybeReady::Ready(Ok(ending.len()))
    }

    fn list(&self, owner: SessionOwner) -> StoreReply<Vec<(SessionDigest, SessionRecord)>> {
        let table = self.table();
        let of_owner = table.of(&owner).into_iter();
        let found = of_owner.filter_map(|one| Some((one, table.sessions.get(&one)?.clone())));
        MaybeReady::Ready(Ok(found.collect()))
    }

    fn is_surely_absent(&self, digest: SessionDigest) -> bool {
        !self.table().sessions.contains_key(&digest)
    }
}

impl fmt::Debug for MemorySessionStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemorySessionStore")
            .field("sessions", &self.len())
            .field("capacity", &self.capacity)
            .field("per_owner", &self.per_owner)
            .finish()
    }
}
