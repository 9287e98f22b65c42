//! The builder of the store with leases: its settings and their checks.

use std::{fmt, sync::Arc, time::Duration};

use palisade_core::{SharedClock, SystemClock};

use super::{LeasedState, LeasedStore, questions::Questions, table::LeaseTable};
use crate::store::{LimitStore, nanoseconds};

/// The default life of a lease. Shorter asks the store more often; longer keeps units away from
/// other nodes.
const LIFE: Duration = Duration::from_secs(1);
/// A shorter life would ask the store for nearly each request, and save nothing.
const SHORTEST_LIFE: Duration = Duration::from_millis(10);
/// With a longer life, a node that is stopped could keep units from the others for minutes.
const LONGEST_LIFE: Duration = Duration::from_secs(60);
/// All leases are looked at no more often than so.
#[cfg(feature = "redis")]
const SHORTEST_PAUSE: Duration = Duration::from_millis(100);
/// At most 4.3 MB.
const BUCKETS: usize = 16_384;

/// Configures a [`LeasedStore`]. [`LeasedStore::builder`] returns it.
///
/// | Setting | Default |
/// |---|---|
/// | [`life`](Self::life) | 1 second |
/// | [`buckets`](Self::buckets) | 16,384 |
/// | [`clock`](Self::clock) | the system clock |
///
/// How much a lease holds is a setting of each [policy](crate::Policy::lease).
///
/// # Examples
///
/// Leases of a quarter of a second for few, busy buckets. What a node took and does not need is missing elsewhere for less
/// time, and each bucket asks the store up to four times a second:
///
/// ```
/// use std::time::Duration;
/// use palisade_rate_limit::{LeasedStore, LimitStore as _, MemoryStore};
///
/// let store = LeasedStore::builder(MemoryStore::default())
///     .life(Duration::from_millis(250))
///     .buckets(1_024)
///     .build()?;
/// assert!(store.explain().contains("leases of 250 ms"));
/// # Ok::<(), palisade_rate_limit::LeasedStoreBuildError>(())
/// ```
///
/// A store that has leases cannot have them twice:
///
/// ```
/// use palisade_rate_limit::{LeasedStore, LeasedStoreBuildError, MemoryStore};
///
/// let leased = LeasedStore::builder(MemoryStore::default()).build()?;
/// let twice = LeasedStore::builder(leased).build();
/// assert_eq!(twice.unwrap_err(), LeasedStoreBuildError::StoreHasLeases);
/// # Ok::<(), LeasedStoreBuildError>(())
/// ```
#[derive(Debug)]
#[must_use]
pub struct LeasedStoreBuilder {
    /// The store that all nodes share.
    store: Arc<dyn LimitStore>,
    /// How long a node may hold units that it took ahead.
    life: Duration,
    /// How many buckets may have a lease. Others ask the store for each request.
    buckets: usize,
    /// Tells when a lease ends. Default: the system clock.
    clock: SharedClock,
}

/// Why a [`LeasedStore`] cannot be built.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum LeasedStoreBuildError {
    /// A lease would last less than 10 ms or more than a minute.
    LifeOutOfRange,
    /// The store has leases already.
    StoreHasLeases,
}

impl fmt::Display for LeasedStoreBuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LifeOutOfRange => {
                "the life of leases is out of range; use 10 milliseconds to 60 seconds"
            }
            Self::StoreHasLeases => {
                "the store has leases already; give the store inside it to the builder"
            }
        })
    }
}

impl std::error::Error for LeasedStoreBuildError {}

impl LeasedStoreBuilder {
    /// Starts with the defaults of the table above.
    pub(super) fn new(store: Arc<dyn LimitStore>) -> Self {
        Self {
            store,
            life: LIFE,
            buckets: BUCKETS,
            clock: SystemClock::shared(),
        }
    }

    /// Sets how long a lease lasts, from the call that takes it: 10 ms to a minute. Default: 1 second.
    ///
    /// So long, units that a node took and does not need can be missing elsewhere.
    pub fn life(mut self, life: Duration) -> Self {
        self.life = life;
        self
    }

    /// Sets how many buckets can have a lease at the same time. Default: 16,384, at most 4.3 MB.
    ///
    /// Further buckets are decided by the store, one call for each request.
    pub fn buckets(mut self, buckets: usize) -> Self {
        self.buckets = buckets;
        self
    }

    /// Sets the clock. Default: the system clock. It must be that of the layers over this store.
    pub fn clock(mut self, clock: SharedClock) -> Self {
        self.clock = clock;
        self
    }

    /// Checks the settings and returns the store.
    ///
    /// # Errors
    ///
    /// [`LeasedStoreBuildError`] if the life is out of range, or the store has leases already.
    ///
    /// ```
    /// use std::time::Duration;
    /// use palisade_rate_limit::{LeasedStore, LeasedStoreBuildError, MemoryStore};
    ///
    /// let hour = LeasedStore::builder(MemoryStore::default()).life(Duration::from_secs(3600));
    /// assert_eq!(hour.build().unwrap_err(), LeasedStoreBuildError::LifeOutOfRange);
    /// ```
    pub fn build(self) -> Result<LeasedStore, LeasedStoreBuildError> {
        if !(SHORTEST_LIFE..=LONGEST_LIFE).contains(&self.life) {
            return Err(LeasedStoreBuildError::LifeOutOfRange);
        }
        if self.store.has_leases() {
            return Err(LeasedStoreBuildError::StoreHasLeases);
        }
        let life = nanoseconds(self.life);
        let state = Arc::new(LeasedState {
            store: self.store,
            leases: LeaseTable::new(self.buckets, life),
            life,
            clock: self.clock,
            questions: Questions::default(),
        });
        #[cfg(feature = "redis")]
        return_ended_leases(&state, self.life);
        Ok(LeasedStore(state))
    }
}

/// Starts a task that returns ended leases, if this runs inside a tokio runtime. It ends with the store.
#[cfg(feature = "redis")]
fn return_ended_leases(state: &Arc<LeasedState>, life: Duration) {
    let Ok(runtime) = tokio::runtime::Handle::try_current() else {
        return;
    };
    let (state, pause) = (Arc::downgrade(state), (life / 2).max(SHORTEST_PAUSE));
    runtime.spawn(async move {
        loop {
            tokio::time::sleep(pause).await;
            let Some(state) = state.upgrade() else {
                return;
            };
            LeasedStore(state).return_ended();
        }
    });
}
