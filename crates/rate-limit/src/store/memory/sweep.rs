//! The sweep of a shard: which keys it holds, how many of each network, and the search for space.
//!
//! `table` calls it for each new key. It removes a few keys whose bucket is full again. If that
//! frees no entry, or the network of the key has its share, it returns the reason and the key shares
//! a bucket.

use std::sync::atomic::{AtomicU32, Ordering};

use dashmap::SharedValue;

use super::table::{BucketCell, Cells, SharingReason};
use crate::store::BucketKey;

/// The keys that are checked for one new key. Most are full again in ordinary times, and under a
/// flood sixteen lookups are still cheaper than a refusal.
const STEPS: usize = 16;

/// The keys that are checked for each new key of a shard that is more than half full. So buckets
/// that are full again do not count for their network for long.
const UPKEEP: usize = 2;

/// The number of counters for groups (IPv4 /24, IPv6 /48, owners), and as many for regions (IPv4
/// /16, IPv6 /32). Two large ones rarely share one.
const COUNTERS: usize = 16_384;

/// Of a table that is more than half full, a group holds at most a sixteenth, a region a quarter.
const GROUP_SHARE: usize = 16;
/// One region of the internet is at most a quarter of the clients.
const REGION_SHARE: usize = 4;

/// The counters of the group and the region of a bucket.
#[derive(Clone, Copy, Debug)]
pub(super) struct NetworkCounters {
    /// The index of the counter of the group.
    group: u16,
    /// The index of the counter of the region.
    region: u16,
}

impl NetworkCounters {
    /// Returns the counters of a snapshot, whatever it holds.
    pub(super) const fn from_parts([group, region]: [u16; 2]) -> Self {
        Self {
            group: group % COUNTERS as u16,
            region: region % COUNTERS as u16,
        }
    }

    /// Returns what a snapshot keeps.
    pub(super) const fn to_parts(self) -> [u16; 2] {
        [self.group, self.region]
    }

    /// Returns the counters of a bucket.
    pub(super) const fn of(bucket: &BucketKey) -> Self {
        Self {
            group: counter(bucket.coarse),
            region: counter(bucket.region),
        }
    }
}

/// The low half of the hash chooses the shared bucket.
#[allow(clippy::cast_possible_truncation)] // There are fewer counters than 65,536.
const fn counter(hash: u64) -> u16 {
    ((hash >> 32) % COUNTERS as u64) as u16
}

/// The number of buckets in the whole table for each group and each region.
#[derive(Debug)]
pub(super) struct NetworkSizes {
    /// Buckets by group. Groups whose hashes meet share a counter, and then their share.
    groups: Box<[AtomicU32]>,
    /// Buckets by region.
    regions: Box<[AtomicU32]>,
    /// Of a table that is more than half full, the most buckets of one group.
    most_of_group: u32,
    /// The most buckets of one region.
    most_of_region: u32,
}

impl NetworkSizes {
    /// Makes counters for a table of this capacity. Shares are rounded down, but at least one bucket.
    pub(super) fn new(capacity: usize) -> Self {
        let counters = || (0..COUNTERS).map(|_| AtomicU32::new(0)).collect();
        let most = |share| u32::try_from(capacity / share).unwrap_or(u32::MAX).max(1);
        Self {
            groups: counters(),
            regions: counters(),
            most_of_group: most(GROUP_SHARE),
            most_of_region: most(REGION_SHARE),
        }
    }

    /// Returns the memory of all counters in bytes.
    pub(super) const fn memory() -> usize {
        2 * COUNTERS * size_of::<AtomicU32>()
    }

    /// Tells whether the networks of a new key hold less than their share.
    fn admit(&self, networks: NetworkCounters) -> bool {
        let held = |counters: &[AtomicU32], index: u16| {
            let counter = counters.get(usize::from(index));
            counter.map_or(0, |counter| counter.load(Ordering::Relaxed))
        };
        held(&self.groups, networks.group) < self.most_of_group
            && held(&self.regions, networks.region) < self.most_of_region
    }

    /// Returns the counters of the group and of the region.
    fn each(&self, networks: NetworkCounters) -> impl Iterator<Item = &AtomicU32> {
        let group = self.groups.get(usize::from(networks.group));
        let region = self.regions.get(usize::from(networks.region));
        group.into_iter().chain(region)
    }

    /// Counts a new bucket of these networks.
    fn add(&self, networks: NetworkCounters) {
        for counter in self.each(networks) {
            counter.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Counts a removed bucket of these networks.
    fn remove(&self, networks: NetworkCounters) {
        for counter in self.each(networks) {
            counter.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// Visits the keys of one shard in a circle and removes those whose bucket is full again.
#[derive(Debug)]
pub(super) struct Sweep {
    /// The keys of the shard, in no order. A removed one is replaced by the last.
    keys: Vec<u64>,
    /// The counters of each key, at the same index.
    networks: Vec<NetworkCounters>,
    /// Where the next search begins, so that each key is looked at in turn.
    next: usize,
    /// The most keys of the shard.
    capacity: usize,
}

impl Sweep {
    /// Reserves the memory of a full shard at once, so that a flood allocates nothing.
    pub(super) fn new(capacity: usize) -> Self {
        Self {
            keys: Vec::with_capacity(capacity),
            networks: Vec::with_capacity(capacity),
            next: 0,
            capacity,
        }
    }

    /// Returns how many bytes the sweep of a shard of this capacity takes.
    pub(super) const fn memory(capacity: usize) -> usize {
        capacity * (size_of::<u64>() + size_of::<NetworkCounters>())
    }

    /// Adds a new key if there is space for it or if a few steps make space.
    ///
    /// # Errors
    ///
    /// Why the subject must share a bucket: the table is full, or its network holds its share.
    pub(super) fn add_key(
        &mut self,
        cells: &mut Cells,
        counters: &NetworkSizes,
        (key, networks): (u64, NetworkCounters),
        now: u64,
    ) -> Result<(), SharingReason> {
        let mut steps = 0..STEPS;
        if self.is_half_full() {
            for _ in steps.by_ref().take(UPKEEP) {
                self.step(cells, counters, now);
            }
        }
        while let Some(full) = self.is_full(counters, networks) {
            if steps.next().is_none() {
                return Err(full);
            }
            self.step(cells, counters, now);
        }
        self.keys.push(key);
        self.networks.push(networks);
        counters.add(networks);
        Ok(())
    }

    /// Returns all keys with their networks.
    pub(super) fn keys(&self) -> impl Iterator<Item = (u64, NetworkCounters)> {
        self.keys.iter().copied().zip(self.networks.iter().copied())
    }

    /// Tells whether the shard is more than half full, so that shares of networks apply.
    fn is_half_full(&self) -> bool {
        self.keys.len() >= self.capacity / 2
    }

    /// Returns why there is no space for a key of these networks. `None`: there is.
    fn is_full(&self, counters: &NetworkSizes, networks: NetworkCounters) -> Option<SharingReason> {
        if self.keys.len() >= self.capacity {
            return Some(SharingReason::Table);
        }
        let more_than_its_share = self.is_half_full() && !counters.admit(networks);
        more_than_its_share.then_some(SharingReason::Network)
    }

    /// Checks one key and removes it if its bucket is full again.
    fn step(&mut self, cells: &mut Cells, counters: &NetworkSizes, now: u64) {
        if self.next >= self.keys.len() {
            self.next = 0;
        }
        let Some(key) = self.keys.get(self.next).copied() else {
            return;
        };
        let in_use = |(_, cell): &(u64, SharedValue<BucketCell>)| cell.get().full_at > now;
        if cells
            .get(key, |(other, _)| *other == key)
            .is_some_and(in_use)
        {
            self.next += 1;
            return;
        }
        cells.erase_entry(key, |(other, _)| *other == key);
        self.keys.swap_remove(self.next);
        counters.remove(self.networks.swap_remove(self.next));
    }
}
