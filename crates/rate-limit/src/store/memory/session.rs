//! One decision over the buckets in memory, with the locks that it needs.

use arrayvec::ArrayVec;

use super::{
    MemoryStore,
    overflow::Shared,
    sweep::Networks,
    table::{Full, Held, Place},
};
use crate::{Charge, Standing, gcra::Gcra, store::MOST_CHARGES};

/// The places of the charges of one decision, in their order.
pub(super) type AllFound = ArrayVec<Found, MOST_CHARGES>;

/// One decision. Locks the shards of the table first and groups of shared buckets after them, each
/// in ascending order: no two decisions wait for each other.
pub(super) struct Session<'a> {
    store: &'a MemoryStore,
    held: Held<'a>,
    shared: Option<Shared<'a>>,
    now: u64,
    full: Option<Full>,
}

/// Where a charge goes, and what stands there.
pub(super) struct Found {
    place: Place,
    /// Never beyond the limit's ceiling.
    pub(super) backlog: u64,
    /// What stands there is beyond it.
    beyond: bool,
}

impl<'a> Session<'a> {
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
    pub(super) fn end(self) -> Option<Full> {
        self.full
    }

    pub(super) fn find(&mut self, charges: &[Charge<'_>], gcras: &[&Gcra]) -> AllFound {
        let places: ArrayVec<Place, MOST_CHARGES> =
            charges.iter().map(|charge| self.place(charge)).collect();
        self.hold_shared(charges, &places);
        let all = charges.iter().zip(places).zip(gcras);
        all.map(|((charge, place), gcra)| self.found(charge, place, gcra))
            .collect()
    }

    fn place(&mut self, charge: &Charge<'_>) -> Place {
        let networks = Networks::of(&charge.bucket);
        let make = charge.take > 0;
        let place = self.held.find(key(charge), networks, self.now, make);
        if let Place::Shared(full) = place {
            self.full = Some(full);
        }
        place
    }

    /// Locks the shared buckets that are charged, and those that are to be read: what is not in
    /// the table may be counted there, and a look or a refund must find it.
    fn hold_shared(&mut self, charges: &[Charge<'_>], places: &[Place]) {
        let overflow = &self.store.overflow;
        let in_use = overflow.in_use(self.now);
        let needed = |place: &Place| match place {
            Place::Absent => in_use,
            Place::Fresh | Place::Own { .. } => false,
            Place::Shared(_) => true,
        };
        if places.iter().any(needed) {
            let all = charges.iter().zip(places);
            let groups = all.filter(|(_, place)| needed(place));
            self.shared = Some(overflow.hold(groups.map(|(charge, _)| charge.bucket.coarse)));
        }
    }

    fn found(&self, charge: &Charge<'_>, place: Place, gcra: &Gcra) -> Found {
        let (full_at, own) = match place {
            Place::Own { full_at } => (full_at, true),
            Place::Fresh => (0, true),
            Place::Absent | Place::Shared(_) => self.full_at(charge),
        };
        let stored = full_at.saturating_sub(self.now);
        Found {
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
    pub(super) fn leave(&mut self, charges: &[Charge<'_>], all: &[Found]) {
        for (charge, found) in charges.iter().zip(all) {
            match found.place {
                Place::Fresh => self.held.write(key(charge), self.now),
                _ if found.beyond => self.set(charge, found, |backlog| backlog.min(found.backlog)),
                _ => {}
            }
        }
    }

    /// Writes what a decision that admitted makes of the buckets.
    pub(super) fn commit(
        &mut self,
        charges: &[Charge<'_>],
        all: &[Found],
        standings: &[Standing],
        gcras: &[&Gcra],
    ) {
        for (((charge, found), standing), gcra) in charges.iter().zip(all).zip(standings).zip(gcras)
        {
            let take = i64::from(charge.take.min(gcra.burst()));
            match found.place {
                Place::Fresh | Place::Own { .. } => self.write(charge, standing.backlog),
                Place::Absent if !found.beyond => {}
                _ => self.set(charge, found, |backlog| gcra.add(backlog, take)),
            }
        }
    }

    /// Changes a bucket from what stands there by now: two charges of one request may share one.
    pub(super) fn set(&mut self, charge: &Charge<'_>, found: &Found, change: impl Fn(u64) -> u64) {
        match found.place {
            Place::Fresh | Place::Own { .. } => self.write(charge, change(found.backlog)),
            // Full, and nothing to write: a refund has nothing to give back to.
            Place::Absent if found.backlog == 0 => {}
            Place::Absent | Place::Shared(_) => {
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
