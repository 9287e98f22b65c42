//! Where buckets are kept: what a store is asked, and what it answers.

pub(crate) mod memory;
mod names;
pub(crate) mod problem;
#[cfg(feature = "redis")]
pub(crate) mod redis;

use std::{fmt, sync::Arc, time::Duration};

use arrayvec::ArrayVec;
use palisade_core::Soon;

pub(crate) use self::names::Owner;
pub use self::{names::LimitNames, problem::StoreProblem};
use crate::{Limit, PolicyError, Subject, rate::MOST_RATES};

/// The most charges of one call: a layer has at most eight limits, and each may count the
/// network around a client too.
pub(crate) const MOST_CHARGES: usize = 2 * MOST_RATES;

/// Keeps buckets and decides over them.
///
/// All charges of one call are decided together: all are taken, or none is.
pub trait LimitStore: fmt::Debug + Send + Sync + 'static {
    /// Finds the name under which the store keeps a subject: a keyed hash, so that nobody can
    /// choose subjects that collide, and no address or user stands in the store.
    fn bucket(&self, subject: &Subject<'_>) -> Bucket;

    /// Decides over at most sixteen charges at once; more are answered with [`Ruling::Unavailable`]. `now` is the monotonic clock's.
    fn take(&self, now: Duration, charges: &[Charge<'_>]) -> Soon<Answer>;

    /// Charges units without asking, or gives them back if negative. Called while a request ends,
    /// possibly outside a runtime: it must not block.
    fn add(&self, now: Duration, limit: &Arc<Limit>, bucket: Bucket, units: i64);

    /// Like [`add`](Self::add), for a request whose answer was [degraded](Answer::degraded): the
    /// store itself did not charge it, so nothing may be given back there.
    fn add_degraded(&self, now: Duration, limit: &Arc<Limit>, bucket: Bucket, units: i64) {
        self.add(now, limit, bucket, units);
    }

    /// Makes a bucket full again, for an operator who lifts a refusal, and forgets what is
    /// remembered of it.
    fn reset(
        &self,
        now: Duration,
        limit: &Arc<Limit>,
        bucket: Bucket,
    ) -> Soon<Result<(), StoreProblem>> {
        self.add(now, limit, bucket, i64::MIN);
        Soon::Now(Ok(()))
    }

    /// Tells whether the store can keep a limit.
    ///
    /// # Errors
    ///
    /// If the limit is finer than the store's arithmetic.
    fn accepts(&self, limit: &Limit) -> Result<(), PolicyError> {
        let _ = limit;
        Ok(())
    }

    /// Returns the names of the limits over this store, so that no two layers share a bucket by
    /// mistake. Without, which is the default, names are compared within each layer only.
    fn names(&self) -> Option<&LimitNames> {
        None
    }

    /// Says in one line what the store is and what it may use, for [`RateLimitLayer::explain`](crate::RateLimitLayer::explain).
    fn explain(&self) -> String;
}

/// The name of a subject in a store, and of the bucket that it shares when there is no room.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub struct Bucket {
    pub(crate) own: u128,
    pub(crate) coarse: u64,
    /// The hash of the network around that: how much of a table it may fill is limited.
    pub(crate) region: u64,
}

impl Bucket {
    /// Names a bucket by its keyed hashes.
    #[must_use]
    pub const fn new(own: u128, coarse: u64) -> Self {
        Self {
            own,
            coarse,
            region: coarse,
        }
    }

    /// Returns the hash of the subject.
    #[must_use]
    pub const fn own(&self) -> u128 {
        self.own
    }

    /// Returns the hash of the wider circle around it.
    #[must_use]
    pub const fn coarse(&self) -> u64 {
        self.coarse
    }
}

/// One limit to be asked about one subject.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Charge<'a> {
    /// The limit.
    pub limit: &'a Arc<Limit>,
    /// The subject's bucket.
    pub bucket: Bucket,
    /// How many units must be there. Never more than the limit's burst.
    pub need: u32,
    /// How many of them are used up.
    pub take: u32,
}

impl<'a> Charge<'a> {
    /// Asks for units, and uses them up if all charges of the call are granted.
    #[must_use]
    pub const fn new(limit: &'a Arc<Limit>, bucket: Bucket, units: u32) -> Self {
        Self {
            limit,
            bucket,
            need: units,
            take: units,
        }
    }

    /// Asks whether one unit is there and leaves it.
    #[must_use]
    pub const fn look(limit: &'a Arc<Limit>, bucket: Bucket) -> Self {
        Self {
            limit,
            bucket,
            need: 1,
            take: 0,
        }
    }
}

/// How one limit stands after a decision.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct Standing {
    pub(crate) backlog: u64,
    pub(crate) wait: u64,
}

impl Standing {
    /// Describes a limit: how long until its bucket is full, and how long until the refused charge could
    /// be granted (zero if this limit did not refuse).
    #[must_use]
    pub fn new(backlog: Duration, wait: Duration) -> Self {
        Self {
            backlog: nanoseconds(backlog),
            wait: nanoseconds(wait),
        }
    }

    /// Returns how long until the bucket is full.
    #[must_use]
    pub const fn full_in(&self) -> Duration {
        Duration::from_nanos(self.backlog)
    }

    /// Returns how long until the refused charge could be granted; zero if this limit did not refuse.
    #[must_use]
    pub const fn wait(&self) -> Duration {
        Duration::from_nanos(self.wait)
    }

    /// Whether this limit refused.
    #[must_use]
    pub const fn refused(&self) -> bool {
        self.wait > 0
    }
}

/// What came of a decision.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Ruling {
    /// Every charge was taken.
    Admitted,
    /// At least one limit refused; nothing was taken.
    Refused,
    /// The store is away, and a policy would rather refuse than guess.
    Unavailable,
}

/// The answer of a store: a ruling, and the standing of each limit in the order of the charges.
#[derive(Clone, Debug)]
pub struct Answer {
    pub(crate) ruling: Ruling,
    pub(crate) standings: ArrayVec<Standing, MOST_CHARGES>,
    pub(crate) degraded: bool,
}

impl Answer {
    /// Composes an answer. Standings beyond the sixteenth are dropped.
    #[must_use]
    pub fn new(ruling: Ruling, standings: impl IntoIterator<Item = Standing>) -> Self {
        let standings = standings.into_iter().take(MOST_CHARGES).collect();
        Self {
            ruling,
            standings,
            degraded: false,
        }
    }

    /// Marks the answer as given without the store's knowledge.
    #[must_use]
    pub fn degraded(mut self) -> Self {
        self.degraded = true;
        self
    }

    /// Returns the ruling.
    #[must_use]
    pub const fn ruling(&self) -> Ruling {
        self.ruling
    }

    /// Returns the standings.
    #[must_use]
    pub fn standings(&self) -> &[Standing] {
        &self.standings
    }

    /// Returns the longest wait of the limits that refused.
    #[must_use]
    pub fn wait(&self) -> Duration {
        Duration::from_nanos(self.standings.iter().map(|s| s.wait).max().unwrap_or(0))
    }
}

pub(crate) fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
