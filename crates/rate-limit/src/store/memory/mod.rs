//! Buckets in this process' memory: governor's arithmetic over dashmap's shards, of a size that never changes.
//!
//! Governor's own keyed limiter grows with every key that is ever seen and decides one key of one
//! quota at a time. Here a request locks the shards of all its buckets (in ascending order, so that
//! no two requests wait for each other; buckets of one subject share a shard, so that it is nearly
//! always one lock), lets governor judge each, and writes only if all agreed.

mod overflow;
mod table;

use std::{
    borrow::Borrow,
    hash::{BuildHasher, Hasher, RandomState},
    sync::Arc,
    time::Duration,
};

use arrayvec::ArrayVec;
use palisade_core::Soon;

use self::{
    overflow::{Overflow, Shared},
    table::{Held, Place, Table},
};
use super::{Answer, Bucket, Charge, LimitStore, MOST_CHARGES, Ruling, Standing, nanoseconds};
use crate::{Limit, Subject, gcra::Gcra};

/// Enough for a busy public server: about four megabytes.
const DEFAULT_CAPACITY: usize = 65_536;

/// Subjects that belong to no wider circle share so many buckets when there is no room.
const STRANGERS: u64 = 64;

/// Keeps buckets in memory, in a table that is as large on the first day as on the last.
///
/// A bucket that is full again equals no bucket, so those make room for new ones. When all that
/// were looked at are in use, a new client is charged to a bucket that it shares with its neighbours
/// (IPv4 /24, IPv6 /48, or the owner): it is neither turned away nor let off, and nobody can push
/// his own penalty out of the table.
#[derive(Debug)]
pub struct MemoryStore {
    hasher: RandomState,
    table: Table,
    overflow: Overflow,
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::with_capacity(DEFAULT_CAPACITY)
    }
}

impl MemoryStore {
    /// Makes room for at least so many buckets: one for each subject and limit.
    #[must_use]
    pub fn with_capacity(buckets: usize) -> Self {
        Self {
            hasher: RandomState::new(),
            table: Table::new(buckets),
            overflow: Overflow::default(),
        }
    }

    /// Returns how many buckets fit.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.table.capacity()
    }

    /// Returns how many buckets are kept, those included that are full again and still stand there.
    #[must_use]
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Tells whether nobody was counted yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns how many bytes the buckets may take, on the first day as on the last.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.table.memory() + self.overflow.memory()
    }

    fn hash(&self, subject: &Subject<'_>) -> u64 {
        let mut hasher = self.hasher.build_hasher();
        subject.write(&mut |part| hasher.write(part));
        hasher.finish()
    }

    /// Finds the bucket that a subject shares when there is no room.
    pub(crate) fn coarse(&self, subject: &Subject<'_>) -> u64 {
        match subject.coarser() {
            Some(wider) => self.hash(&wider),
            None => self.hash(subject) % STRANGERS,
        }
    }

    /// Decides. `pick` chooses the arithmetic of a limit: the whole, or this node's part.
    pub(crate) fn decide<'a, G: Borrow<Gcra>>(
        &self,
        now: Duration,
        charges: &[Charge<'a>],
        pick: impl Fn(&'a Limit) -> G,
    ) -> Answer {
        let now = nanoseconds(now);
        if charges.len() > MOST_CHARGES {
            return Answer::new(Ruling::Unavailable, []);
        }
        let mut session = Session {
            held: self.table.hold(charges.iter().map(key)),
            shared: None,
            overflow: &self.overflow,
            now,
        };
        let places: ArrayVec<Found, MOST_CHARGES> = charges
            .iter()
            .map(|c| session.find(c, pick(c.limit).borrow()))
            .collect();
        let weighed = charges.iter().zip(&places);
        let standings: ArrayVec<Standing, MOST_CHARGES> = weighed
            .map(|(c, found)| weigh(pick(c.limit).borrow(), c, found.backlog))
            .collect();
        if standings.iter().any(Standing::refused) {
            session.leave(charges, &places);
            return Answer {
                ruling: Ruling::Refused,
                standings,
                degraded: false,
            };
        }
        for ((charge, place), standing) in charges.iter().zip(&places).zip(&standings) {
            session.commit(charge, place, standing.backlog, pick(charge.limit).borrow());
        }
        Answer {
            ruling: Ruling::Admitted,
            standings,
            degraded: false,
        }
    }

    /// Charges without asking, or gives back, by the given arithmetic.
    pub(crate) fn adjust(
        &self,
        now: Duration,
        limit: &Arc<Limit>,
        bucket: Bucket,
        units: i64,
        gcra: &Gcra,
    ) {
        let charge = Charge::new(limit, bucket, u32::from(units > 0));
        let mut session = Session {
            held: self.table.hold(std::iter::once(key(&charge))),
            shared: None,
            overflow: &self.overflow,
            now: nanoseconds(now),
        };
        let place = session.find(&charge, gcra);
        session.set(&charge, &place, |backlog| gcra.add(backlog, units));
    }
}

impl LimitStore for MemoryStore {
    fn bucket(&self, subject: &Subject<'_>) -> Bucket {
        Bucket::new(u128::from(self.hash(subject)), self.coarse(subject))
    }

    fn take(&self, now: Duration, charges: &[Charge<'_>]) -> Soon<Answer> {
        Soon::Now(self.decide(now, charges, whole))
    }

    fn add(&self, now: Duration, limit: &Arc<Limit>, bucket: Bucket, units: i64) {
        self.adjust(now, limit, bucket, units, &limit.gcra);
    }

    fn explain(&self) -> String {
        let (buckets, bytes) = (self.capacity(), self.memory());
        format!("memory: {buckets} buckets, {bytes} bytes, fixed")
    }
}

pub(crate) fn whole(limit: &Limit) -> &Gcra {
    &limit.gcra
}

/// Names the bucket of a subject for one limit. Only the low half differs between limits, and the
/// high half chooses the shard: one subject, one lock.
fn key(charge: &Charge<'_>) -> u64 {
    #[allow(clippy::cast_possible_truncation)] // Half of a keyed hash is a keyed hash.
    let subject = charge.bucket.own as u64;
    subject ^ u64::from(charge.limit.salt)
}

fn weigh(gcra: &Gcra, charge: &Charge<'_>, backlog: u64) -> Standing {
    // A part of a limit may hold less than one request costs; that request then takes the whole part.
    let (need, take) = (charge.need.min(gcra.burst()), charge.take.min(gcra.burst()));
    match gcra.weigh(backlog, need, take) {
        Ok(backlog) => Standing { backlog, wait: 0 },
        Err(wait) => Standing { backlog, wait },
    }
}

/// One decision, with the locks that it needs.
struct Session<'a> {
    held: Held<'a>,
    shared: Option<Shared<'a>>,
    overflow: &'a Overflow,
    now: u64,
}

/// Where a charge goes, and what stands there.
struct Found {
    place: Place,
    /// Never beyond the limit's ceiling.
    backlog: u64,
    /// What stands there is beyond it.
    beyond: bool,
}

impl Session<'_> {
    fn find(&mut self, charge: &Charge<'_>, gcra: &Gcra) -> Found {
        let place = self.held.find(key(charge), self.now, charge.take > 0);
        let full_at = match place {
            Place::Own { full_at } => full_at,
            Place::Fresh | Place::Nowhere => 0,
            Place::Shared => *self.slot(charge),
        };
        let stored = full_at.saturating_sub(self.now);
        Found {
            place,
            backlog: stored.min(gcra.ceiling()),
            beyond: stored > gcra.ceiling(),
        }
    }

    fn slot(&mut self, charge: &Charge<'_>) -> &mut u64 {
        let shared = self.shared.get_or_insert_with(|| self.overflow.lock());
        shared.slot(charge.bucket.coarse ^ u64::from(charge.limit.salt))
    }

    /// Leaves buckets as they are, but for those beyond their ceiling: what is told must be true.
    fn leave(&mut self, charges: &[Charge<'_>], places: &[Found]) {
        for (charge, found) in charges.iter().zip(places) {
            match found.place {
                Place::Fresh => self.held.write(key(charge), self.now),
                _ if found.beyond => self.set(charge, found, |backlog| backlog.min(found.backlog)),
                _ => {}
            }
        }
    }

    fn commit(&mut self, charge: &Charge<'_>, found: &Found, backlog: u64, gcra: &Gcra) {
        let take = i64::from(charge.take.min(gcra.burst()));
        match found.place {
            Place::Fresh | Place::Own { .. } => self
                .held
                .write(key(charge), self.now.saturating_add(backlog)),
            _ => self.set(charge, found, |backlog| gcra.add(backlog, take)),
        }
    }

    /// Changes a bucket from what stands there by now: two charges of one request may share a slot.
    fn set(&mut self, charge: &Charge<'_>, found: &Found, change: impl Fn(u64) -> u64) {
        let now = self.now;
        match found.place {
            Place::Fresh | Place::Own { .. } => {
                let backlog = change(found.backlog);
                self.held.write(key(charge), now.saturating_add(backlog));
            }
            Place::Nowhere => {}
            Place::Shared => {
                let slot = self.slot(charge);
                *slot = now.saturating_add(change(slot.saturating_sub(now)));
            }
        }
    }
}
