//! The leases of a node: a bounded table, in parts with a lock each.
//!
//! A lease is made for a bucket that is charged a second time within the life of a lease. So clients
//! that send one request each take no units ahead and cost the store one call, as without leases.

use std::{
    collections::{HashMap, hash_map},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::lease::Lease;
use crate::{policy::Limit, store::BucketKey};

/// The number of parts. As many requests can look up their leases at the same time.
const PARTS: usize = 64;

/// The leases of a node.
#[derive(Debug)]
pub(super) struct LeaseTable {
    /// Parts with a lock each, chosen by the hash of the bucket.
    parts: Box<[Mutex<Part>]>,
    /// The entries that a part may have. A full part gives new buckets no lease.
    most_in_part: usize,
    /// The life of a lease in nanoseconds. An entry that was not charged for so long is idle.
    life: u64,
}

/// The leases of the buckets whose hash belongs to one part.
#[derive(Debug, Default)]
struct Part {
    /// The leases by bucket and limit.
    entries: HashMap<LeaseName, LeaseEntry>,
    /// A part that is full is searched for idle entries at most once in a while.
    search_again: u64,
}

/// The subject of a bucket, and its limit by the name.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
struct LeaseName {
    /// The hash of the subject.
    bucket: u128,
    /// The hash of the name of the limit.
    limit: u32,
}

/// A bucket with its lease.
#[derive(Debug)]
pub(super) struct LeaseEntry {
    /// The limit that is counted, to ask the store again without a request.
    pub(super) limit: Arc<Limit>,
    /// The bucket in the shared store.
    pub(super) bucket: BucketKey,
    /// The units that this node holds.
    pub(super) lease: Lease,
    /// When the bucket is full again, by the last reply of the store.
    pub(super) full_at: u64,
    /// When the bucket was last charged. A bucket that is seldom charged gets no lease.
    last_charge: u64,
}

impl LeaseEntry {
    /// Tells whether the bucket was charged lately, and notes that it is charged now.
    pub(super) fn note_charge(&mut self, now: u64, life: u64) -> bool {
        let passed = now.saturating_sub(self.last_charge);
        self.last_charge = now;
        passed < life
    }
}

impl LeaseTable {
    /// Makes a table for this number of buckets, rounded up to a multiple of its parts.
    pub(super) fn new(buckets: usize, life: u64) -> Self {
        Self {
            parts: (0..PARTS).map(|_| Mutex::default()).collect(),
            most_in_part: buckets.div_ceil(PARTS).max(1),
            life,
        }
    }

    /// Returns the number of buckets that fit.
    pub(super) const fn capacity(&self) -> usize {
        PARTS.saturating_mul(self.most_in_part)
    }

    /// Passes the entry of a bucket to a function. A bucket that has none gets one, if there is space.
    ///
    /// `None`: it has none. A new entry is passed at the next charge.
    pub(super) fn with_charged<T>(
        &self,
        now: u64,
        limit: &Arc<Limit>,
        bucket: BucketKey,
        charge: impl FnOnce(&mut LeaseEntry) -> T,
    ) -> Option<T> {
        let mut part = self.part(bucket)?;
        let is_full = part.entries.len() >= self.most_in_part;
        let entry = match part.entries.entry(LeaseName::of(limit, bucket)) {
            hash_map::Entry::Occupied(entry) => entry.into_mut(),
            hash_map::Entry::Vacant(place) if !is_full => {
                place.insert(LeaseEntry::new(now, limit, bucket));
                return None;
            }
            hash_map::Entry::Vacant(_) => {
                part.make_space(now, self.life);
                return None;
            }
        };
        Some(charge(entry))
    }

    /// Passes the entry of a bucket to a function, if it has one.
    pub(super) fn with<T>(
        &self,
        limit: &Limit,
        bucket: BucketKey,
        change: impl FnOnce(&mut LeaseEntry) -> T,
    ) -> Option<T> {
        let mut part = self.part(bucket)?;
        let entry = part.entries.get_mut(&LeaseName::of(limit, bucket))?;
        Some(change(entry))
    }

    /// Passes every entry to a function, part by part, and removes those that are idle.
    pub(super) fn for_each(&self, now: u64, mut change: impl FnMut(&mut LeaseEntry)) {
        for part in &self.parts {
            let mut part = lock(part);
            part.entries.values_mut().for_each(&mut change);
            part.remove_idle(now, self.life);
        }
    }

    /// Passes entries with units to a function, at most so many.
    pub(super) fn for_each_leased(&self, most: usize, mut change: impl FnMut(&mut LeaseEntry)) {
        let mut passed = 0;
        for part in &self.parts {
            let mut part = lock(part);
            let leased = part.entries.values_mut();
            let leased = leased.filter(|entry| entry.lease.units() > 0);
            for entry in leased.take(most - passed) {
                change(entry);
                passed += 1;
            }
        }
    }

    /// Locks the part of a bucket.
    fn part(&self, bucket: BucketKey) -> Option<MutexGuard<'_, Part>> {
        let index = usize::try_from(bucket.own % PARTS as u128).ok()?;
        self.parts.get(index).map(lock)
    }
}

impl Part {
    /// Removes idle entries of a part that is full, so that the next new bucket finds space.
    fn make_space(&mut self, now: u64, life: u64) {
        if now >= self.search_again {
            self.search_again = now.saturating_add(life / 4);
            self.remove_idle(now, life);
        }
    }

    /// Removes the entries whose lease has ended and that no one has charged for a while.
    fn remove_idle(&mut self, now: u64, life: u64) {
        let is_used = |entry: &LeaseEntry| {
            !entry.lease.is_idle(now) || now.saturating_sub(entry.last_charge) < life
        };
        self.entries.retain(|_, entry| is_used(entry));
    }
}

impl LeaseEntry {
    /// Begins without units.
    fn new(now: u64, limit: &Arc<Limit>, bucket: BucketKey) -> Self {
        Self {
            limit: Arc::clone(limit),
            bucket,
            lease: Lease::default(),
            full_at: 0,
            last_charge: now,
        }
    }
}

impl LeaseName {
    /// Names the lease of a limit and a subject.
    const fn of(limit: &Limit, bucket: BucketKey) -> Self {
        Self {
            bucket: bucket.own,
            limit: limit.salt,
        }
    }
}

/// Locks a part, also after a panic in another thread: units are numbers that are always whole.
fn lock(part: &Mutex<Part>) -> MutexGuard<'_, Part> {
    part.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_number_of_buckets_takes_the_documented_memory() {
        let table = LeaseTable::new(16_384, 1);
        assert_eq!(table.capacity(), 16_384);
        // A full table of hashes is filled to seven of eight cells, and has a power of two of them.
        let cells = (table.most_in_part * 8).div_ceil(7).next_power_of_two();
        let bytes = PARTS * cells * (size_of::<(LeaseName, LeaseEntry)>() + 1);
        assert!(bytes <= 4_300_000, "{bytes} bytes");
    }

    #[test]
    fn the_largest_number_of_buckets_does_not_overflow() {
        assert_eq!(LeaseTable::new(usize::MAX, 1).capacity(), usize::MAX);
    }
}
