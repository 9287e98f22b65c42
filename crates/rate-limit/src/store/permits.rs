//! Permits of requests in progress: the counters of this process, and what a shared store adds.
//!
//! [`ConcurrencyLayer`](crate::ConcurrencyLayer) counts in [`PermitCounters`] first. Over a store that several nodes
//! share, each permit is also a [`PermitClaim`] there. It expires if its node does not renew it.

use std::{
    fmt,
    hash::{BuildHasher, Hasher, RandomState},
    num::NonZeroU32,
    sync::{Arc, Mutex, PoisonError, atomic::AtomicBool},
    time::Duration,
};

use arrayvec::ArrayVec;
use dashmap::{DashMap, Entry};
use palisade_core::MaybeReady;

use super::StoreProblem;
use crate::policy::{FailureMode, Subject};

/// The permits of requests in progress, for [`ConcurrencyLayer`](crate::ConcurrencyLayer). Layers of one name over
/// the same permits count together.
///
/// [`LimitStore::permits`](crate::LimitStore::permits) returns those of a store. A custom store keeps a value and
/// returns clones of it: its layers then count in this process, and a layer that is built again goes on counting.
///
/// ```
/// use palisade_rate_limit::{LimitStore, MemoryStore};
///
/// let store = MemoryStore::default();
/// assert!(store.permits().is_some());
/// ```
#[derive(Clone, Default)]
pub struct Permits {
    /// The counters of each name. There is one for each limit of the configuration.
    names: Arc<Mutex<Vec<(Box<str>, Arc<PermitCounters>)>>>,
    /// `None`: each process counts for itself.
    shared: Option<Arc<dyn SharedPermits>>,
}

impl fmt::Debug for Permits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permits")
            .field("shared", &self.shared.is_some())
            .finish_non_exhaustive()
    }
}

impl Permits {
    /// Adds what several nodes share. The counters stay those of this process.
    #[cfg(feature = "redis")]
    pub(crate) fn shared_by(self, shared: Arc<dyn SharedPermits>) -> Self {
        Self {
            shared: Some(shared),
            ..self
        }
    }

    /// Returns the counters of a name. They are made once.
    pub(crate) fn counters(&self, name: &str) -> Arc<PermitCounters> {
        let mut names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        let known = names.iter().find(|(known, _)| **known == *name);
        if let Some((_, counters)) = known {
            return Arc::clone(counters);
        }
        let counters = Arc::<PermitCounters>::default();
        names.push((name.into(), Arc::clone(&counters)));
        counters
    }

    /// Returns what several nodes share. `None`: each process counts for itself.
    pub(crate) fn shared(&self) -> Option<Arc<dyn SharedPermits>> {
        self.shared.clone()
    }
}

/// How many requests of each subject are in progress in this process.
#[derive(Default)]
pub(crate) struct PermitCounters {
    /// Its keys are random for each process: a client cannot choose an address that shares the
    /// counter of another one.
    hasher: RandomState,
    /// The requests in progress by hashed subject. An entry without requests is removed, so an idle
    /// service holds none.
    taken: DashMap<u64, u32>,
}

impl PermitCounters {
    /// Returns the keyed hash of a subject, so that clients cannot choose colliding ones.
    pub(crate) fn hash(&self, subject: &Subject<'_>) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        subject.write(&mut |part| hasher.write(part));
        hasher.finish()
    }

    /// Returns how many subjects have requests in progress.
    pub(crate) fn subjects(&self) -> usize {
        self.taken.len()
    }

    /// Returns how many requests of a subject are in progress.
    pub(crate) fn taken(&self, subject: u64) -> u32 {
        self.taken.get(&subject).map_or(0, |taken| *taken)
    }

    /// Counts one more request of a subject, unless it has reached its limit.
    pub(crate) fn try_acquire(&self, subject: u64, limit: NonZeroU32) -> bool {
        let mut taken = self.taken.entry(subject).or_insert(0);
        let free = *taken < limit.get();
        *taken += u32::from(free);
        drop(taken);
        free
    }

    /// Counts one request less.
    pub(crate) fn release(&self, subject: u64) {
        if let Entry::Occupied(mut taken) = self.taken.entry(subject) {
            match *taken.get() {
                0 | 1 => drop(taken.remove()),
                _ => *taken.get_mut() -= 1,
            }
        }
    }
}

/// The permit of one request in a shared store: one of its subject, and one of the network around it.
#[derive(Debug)]
#[cfg_attr(not(feature = "redis"), allow(dead_code))] // Only that store makes it.
pub(crate) struct PermitClaim {
    /// Unique among the claims of this node.
    pub(crate) id: u64,
    /// The name of the limit.
    pub(crate) name: Arc<str>,
    /// The keyed hash of each subject, and its limit.
    pub(crate) subjects: ArrayVec<(u128, NonZeroU32), 2>,
    /// When the permit expires if it is not renewed.
    pub(crate) expiry: Duration,
    /// Whether the server may know it. One that it cannot know need not be released there.
    pub(crate) is_sent: AtomicBool,
}

/// Permits that several nodes share.
pub(crate) trait SharedPermits: Send + Sync + 'static {
    /// Returns the keyed hash of a subject, which all nodes agree on.
    fn hash(&self, subject: &Subject<'_>) -> u128;

    /// Makes a claim of a request, which is not sent yet.
    fn claim(
        &self,
        name: &Arc<str>,
        expiry: Duration,
        subjects: ArrayVec<(u128, NonZeroU32), 2>,
    ) -> Arc<PermitClaim>;

    /// Asks for the permits of a claim, all or none. `false`: a limit is reached.
    ///
    /// The future may be dropped. [`release`](Self::release) then takes back what the server may have granted.
    fn acquire(&self, claim: &Arc<PermitClaim>) -> MaybeReady<Result<bool, StoreProblem>>;

    /// Renews a claim from now on, until it is released.
    fn hold(&self, claim: &Arc<PermitClaim>);

    /// Ends a claim. Never waits.
    fn release(&self, claim: &Arc<PermitClaim>);

    /// Tells that there are claims of this expiry. All claims are renewed at a third of the shortest one.
    fn register_expiry(&self, expiry: Duration);

    /// Returns what a limit without a failure mode does while the server cannot be reached.
    fn failure_mode(&self) -> FailureMode;

    /// Returns among how many nodes a limit is divided then.
    fn nodes(&self) -> NonZeroU32;
}
