//! The buckets of one decision in memory, while they are locked.
//!
//! [`MemoryStore`] creates one per decision, reads all buckets, and writes either the charges or, after a
//! refusal, only backlogs that were beyond their limit. Locks are taken in ascending order, shards
//! first and shared groups after them, so that no two decisions can deadlock.

use super::{
    MemoryStore,
    overflow::LockedGroups,
    sweep::NetworkCounters,
    table::{BucketCell, BucketPlace, LockedShards, SharingReason},
};
use crate::{
    gcra::{Gcra, StoredBacklog},
    store::{Charge, LimitState, PerCharge},
};

/// The readings of one decision, in the order of its charges.
pub(super) type BucketReadings = PerCharge<BucketReading>;

/// The locks of one decision: shards of the table first, then groups of shared buckets, each in
/// ascending order. So no two decisions deadlock.
pub(super) struct LockedBuckets<'a> {
    /// The store whose buckets are locked.
    store: &'a MemoryStore,
    /// The locked parts of the table.
    held: LockedShards<'a>,
    /// The locked groups. `None`: all subjects have a bucket of their own.
    shared: Option<LockedGroups<'a>>,
    /// The moment of the decision in nanoseconds. All limits of a request are decided at one
    /// moment.
    now: u64,
    /// Why a subject shares a bucket. `None`: none does.
    full: Option<SharingReason>,
}

/// The position of a bucket, and its backlog.
pub(super) struct BucketReading {
    /// Where the bucket is, so that the decision is written where it was read.
    place: BucketPlace,
    /// What it holds, at most the ceiling of the limit.
    pub(super) stored: StoredBacklog,
    /// Whether the stored backlog of an own bucket is above the ceiling.
    beyond: bool,
}

impl<'a> LockedBuckets<'a> {
    /// Locks the shards of these charges.
    pub(super) fn new(store: &'a MemoryStore, now: u64, charges: &[Charge<'_>]) -> Self {
        Self {
            store,
            held: store.table.lock_shards(charges.iter().map(key)),
            shared: None,
            now,
            full: None,
        }
    }

    /// Releases the locks. Returns the reason why a charge went to a shared bucket, if one did.
    pub(super) fn sharing_reason(self) -> Option<SharingReason> {
        self.full
    }

    /// Finds all buckets and reads their backlogs, in the order of the charges.
    pub(super) fn find(&mut self, charges: &[Charge<'_>], gcras: &[&Gcra]) -> BucketReadings {
        let places: PerCharge<BucketPlace> = charges
            .iter()
            .map(|charge| self.find_place(charge))
            .collect();
        self.hold_shared(charges, &places);
        let readings = charges.iter().zip(places).zip(gcras);
        readings
            .map(|((charge, place), gcra)| self.reading(charge, place, gcra))
            .collect()
    }

    /// Finds the position of one bucket, and makes space for it if it is to be written.
    fn find_place(&mut self, charge: &Charge<'_>) -> BucketPlace {
        let networks = NetworkCounters::of(&charge.bucket);
        let create = charge.consumed > 0;
        let place = self.held.find(key(charge), networks, self.now, create);
        if let BucketPlace::Shared(full) = place {
            self.full = Some(full);
        }
        place
    }

    /// Locks the shared buckets that are charged or read. A subject that is not in the table may
    /// have been counted there, and a check or a refund must find it.
    fn hold_shared(&mut self, charges: &[Charge<'_>], places: &[BucketPlace]) {
        let overflow = &self.store.overflow;
        let in_use = overflow.in_use(self.now);
        let needed = |place: &BucketPlace| match place {
            BucketPlace::Absent => in_use,
            BucketPlace::Fresh | BucketPlace::Own(_) => false,
            BucketPlace::Shared(_) => true,
        };
        if places.iter().any(needed) {
            let readings = charges.iter().zip(places);
            let groups = readings.filter(|(_, place)| needed(place));
            self.shared =
                Some(overflow.lock_groups(groups.map(|(charge, _)| charge.bucket.coarse)));
        }
    }

    /// Reads one bucket, and limits its backlog to the ceiling. Shared buckets count at the price of each limit.
    fn reading(&self, charge: &Charge<'_>, place: BucketPlace, gcra: &Gcra) -> BucketReading {
        let (stored, own) = match place {
            BucketPlace::Own(cell) => (cell.stored(self.now), true),
            BucketPlace::Fresh => (StoredBacklog::default(), true),
            BucketPlace::Absent | BucketPlace::Shared(_) => {
                let (full_at, own) = self.full_at(charge);
                let time = full_at.saturating_sub(self.now);
                (StoredBacklog::unpriced(time), own)
            }
        };
        let bounded = gcra.bounded(stored);
        BucketReading {
            place,
            stored: bounded,
            beyond: own && stored.time > bounded.time,
        }
    }

    /// Returns when a bucket is full again, and whether it counts this limit alone.
    fn full_at(&self, charge: &Charge<'_>) -> (u64, bool) {
        match &self.shared {
            Some(shared) => shared.full_at(charge.bucket.coarse, charge.limit.salt, self.now),
            None => (0, true),
        }
    }

    /// After a refusal: marks new buckets as full, and lowers backlogs above their ceiling so that
    /// reported waits are true.
    pub(super) fn write_ceilings(&mut self, charges: &[Charge<'_>], readings: &[BucketReading]) {
        for (charge, reading) in charges.iter().zip(readings) {
            match reading.place {
                BucketPlace::Fresh => self.write(charge, StoredBacklog::default()),
                _ if reading.beyond => self.lower(charge, reading),
                _ => {}
            }
        }
    }

    /// Lowers a bucket to its ceiling.
    fn lower(&mut self, charge: &Charge<'_>, reading: &BucketReading) {
        let bounded = reading.stored;
        self.update(charge, reading, |stored| match stored.time > bounded.time {
            true => bounded,
            false => stored,
        });
    }

    /// After an admission: writes the charges. A check writes nothing, except the ceiling.
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
                BucketPlace::Fresh | BucketPlace::Own(_) if consumed > 0 => {
                    self.write(charge, gcra.priced(limit_state.backlog))
                }
                BucketPlace::Fresh | BucketPlace::Own(_) | BucketPlace::Absent
                    if !reading.beyond => {}
                BucketPlace::Fresh | BucketPlace::Own(_) => self.lower(charge, reading),
                _ => self.update(charge, reading, |stored| {
                    gcra.adjust_stored(stored, consumed)
                }),
            }
        }
    }

    /// Changes a bucket from its current backlog: two charges of one request may use the same
    /// bucket.
    pub(super) fn update(
        &mut self,
        charge: &Charge<'_>,
        reading: &BucketReading,
        change: impl Fn(StoredBacklog) -> StoredBacklog,
    ) {
        match reading.place {
            BucketPlace::Fresh | BucketPlace::Own(_) => self.write(charge, change(reading.stored)),
            // Nothing to write: a refund has nothing to give back to.
            BucketPlace::Absent if reading.stored.time == 0 => {}
            BucketPlace::Absent | BucketPlace::Shared(_) => {
                let (full_at, _) = self.full_at(charge);
                let time = full_at.saturating_sub(self.now);
                let changed = change(StoredBacklog::unpriced(time));
                let full_at = self.now.saturating_add(changed.time);
                let (group, limit) = (charge.bucket.coarse, charge.limit.salt);
                if let Some(shared) = &mut self.shared {
                    shared.write(group, limit, self.now, full_at);
                }
            }
        }
    }

    /// Writes one bucket where it was found.
    fn write(&mut self, charge: &Charge<'_>, stored: StoredBacklog) {
        self.held
            .write(key(charge), BucketCell::of(stored, self.now));
    }
}

/// Returns the key of the bucket of a subject for one limit.
///
/// Only the low half differs between limits, and the high half selects the shard: one subject, one
/// lock.
pub(super) fn key(charge: &Charge<'_>) -> u64 {
    #[allow(clippy::cast_possible_truncation)] // Half of a keyed hash is a keyed hash.
    let subject = charge.bucket.own as u64;
    subject ^ u64::from(charge.limit.salt)
}
