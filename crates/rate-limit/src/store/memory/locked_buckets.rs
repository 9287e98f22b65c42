//! The buckets of one decision in memory, while they are locked.
//!
//! [`MemoryStore`] creates one per decision, reads all buckets, and writes either the charges or, after a
//! refusal, only backlogs that were beyond their limit. Locks are taken in ascending order, shards
//! first and shared groups after them, so that no two decisions can deadlock.

use arrayvec::ArrayVec;

use super::{
    MemoryStore,
    overflow::LockedGroups,
    sweep::NetworkCounters,
    table::{BucketPlace, LockedShards, SharingReason},
};
use crate::{
    gcra::Gcra,
    store::{Charge, LimitState, MAX_CHARGES},
};

/// The places of the charges of one decision, in their order.
pub(super) type BucketReadings = ArrayVec<BucketReading, MAX_CHARGES>;

/// One decision. Locks the shards of the table first and groups of shared buckets after them, each
/// in ascending order: no two decisions wait for each other.
pub(super) struct LockedBuckets<'a> {
    store: &'a MemoryStore,
    held: LockedShards<'a>,
    shared: Option<LockedGroups<'a>>,
    now: u64,
    full: Option<SharingReason>,
}

/// Where a charge goes, and what stands there.
pub(super) struct BucketReading {
    place: BucketPlace,
    /// Never beyond the limit's ceiling.
    pub(super) backlog: u64,
    /// What stands there is beyond it.
    beyond: bool,
}

impl<'a> LockedBuckets<'a> {
    pub(super) fn new(store: &'a MemoryStore, now: u64, charges: &[Charge<'_>]) -> Self {
        Self {
            store,
            held: store.table.hold(charges.iter().map(key)),
            shared: None,
            now,
            full: None,
        }
    }

    /// Returns why a charge went to a shared bucket, if one did, and gives the locks back.
    pub(super) fn sharing_reason(self) -> Option<SharingReason> {
        self.full
    }

    pub(super) fn find(&mut self, charges: &[Charge<'_>], gcras: &[&Gcra]) -> BucketReadings {
        let places: ArrayVec<BucketPlace, MAX_CHARGES> =
            charges.iter().map(|charge| self.place(charge)).collect();
        self.hold_shared(charges, &places);
        let readings = charges.iter().zip(places).zip(gcras);
        readings
            .map(|((charge, place), gcra)| self.reading(charge, place, gcra))
            .collect()
    }

    fn place(&mut self, charge: &Charge<'_>) -> BucketPlace {
        let networks = NetworkCounters::of(&charge.bucket);
        let create = charge.consumed > 0;
        let place = self.held.find(key(charge), networks, self.now, create);
        if let BucketPlace::Shared(full) = place {
            self.full = Some(full);
        }
        place
    }

    /// Locks the shared buckets that are charged, and those that are to be read: what is not in
    /// the table may be counted there, and a look or a refund must find it.
    fn hold_shared(&mut self, charges: &[Charge<'_>], places: &[BucketPlace]) {
        let overflow = &self.store.overflow;
        let in_use = overflow.in_use(self.now);
        let needed = |place: &BucketPlace| match place {
            BucketPlace::Absent => in_use,
            BucketPlace::Fresh | BucketPlace::Own { .. } => false,
            BucketPlace::Shared(_) => true,
        };
        if places.iter().any(needed) {
            let readings = charges.iter().zip(places);
            let groups = readings.filter(|(_, place)| needed(place));
            self.shared = Some(overflow.hold(groups.map(|(charge, _)| charge.bucket.coarse)));
        }
    }

    fn reading(&self, charge: &Charge<'_>, place: BucketPlace, gcra: &Gcra) -> BucketReading {
        let (full_at, own) = match place {
            BucketPlace::Own { full_at } => (full_at, true),
            BucketPlace::Fresh => (0, true),
            BucketPlace::Absent | BucketPlace::Shared(_) => self.full_at(charge),
        };
        let stored = full_at.saturating_sub(self.now);
        BucketReading {
            place,
            backlog: stored.min(gcra.ceiling()),
            beyond: own && stored > gcra.ceiling(),
        }
    }

    fn full_at(&self, charge: &Charge<'_>) -> (u64, bool) {
        match &self.shared {
            Some(shared) => shared.full_at(charge.bucket.coarse, charge.limit.salt, self.now),
            None => (0, true),
        }
    }

    /// Leaves buckets as they are, but for those beyond their ceiling: what is told must be true.
    pub(super) fn write_ceilings(&mut self, charges: &[Charge<'_>], readings: &[BucketReading]) {
        for (charge, reading) in charges.iter().zip(readings) {
            match reading.place {
                BucketPlace::Fresh => self.held.write(key(charge), self.now),
                _ if reading.beyond => {
                    self.update(charge, reading, |backlog| backlog.min(reading.backlog))
                }
                _ => {}
            }
        }
    }

    /// Writes what a decision that admitted makes of the buckets.
    pub(super) fn write_charges(
        &mut self,
        charges: &[Charge<'_>],
        readings: &[BucketReading],
        limit_states: &[LimitState],
        gcras: &[&Gcra],
    ) {
        for (((charge, reading), limit_state), gcra) in
            charges.iter().zip(readings).zip(limit_states).zip(gcras)
        {
            let consumed = i64::from(charge.consumed.min(gcra.burst()));
            match reading.place {
                BucketPlace::Fresh | BucketPlace::Own { .. } => {
                    self.write(charge, limit_state.backlog)
                }
                BucketPlace::Absent if !reading.beyond => {}
                _ => self.update(charge, reading, |backlog| gcra.adjust(backlog, consumed)),
            }
        }
    }

    /// Changes a bucket from what stands there by now: two charges of one request may share one.
    pub(super) fn update(
        &mut self,
        charge: &Charge<'_>,
        reading: &BucketReading,
        change: impl Fn(u64) -> u64,
    ) {
        match reading.place {
            BucketPlace::Fresh | BucketPlace::Own { .. } => {
                self.write(charge, change(reading.backlog))
            }
            // SharingReason, and nothing to write: a refund has nothing to give back to.
            BucketPlace::Absent if reading.backlog == 0 => {}
            BucketPlace::Absent | BucketPlace::Shared(_) => {
                let (full_at, _) = self.full_at(charge);
                let backlog = change(full_at.saturating_sub(self.now));
                let full_at = self.now.saturating_add(backlog);
                let (group, limit) = (charge.bucket.coarse, charge.limit.salt);
                if let Some(shared) = &mut self.shared {
                    shared.write(group, limit, self.now, full_at);
                }
            }
        }
    }

    fn write(&mut self, charge: &Charge<'_>, backlog: u64) {
        let full_at = self.now.saturating_add(backlog);
        self.held.write(key(charge), full_at);
    }
}

/// Names the bucket of a subject for one limit. Only the low half differs between limits, and the
/// high half chooses the shard: one subject, one lock.
fn key(charge: &Charge<'_>) -> u64 {
    #[allow(clippy::cast_possible_truncation)] // Half of a keyed hash is a keyed hash.
    let subject = charge.bucket.own as u64;
    subject ^ u64::from(charge.limit.salt)
}
