//! A table of buckets on dashmap's shards that never grows.
//!
//! Each shard lists its keys, and a sweep visits them in a circle. A new key replaces one whose
//! bucket is full again. The sweep checks a few keys only, so a full table costs a new client no
//! more than that.

use std::{
    hash::{BuildHasher, Hasher},
    sync::{Mutex, PoisonError},
};

use dashmap::{DashMap, RwLockWriteGuard, SharedValue};
use hashbrown::raw::RawTable;

use super::sweep::{NetworkCounters, NetworkSizes, Sweep};
use crate::{gcra::StoredBacklog, store::PerCharge};

/// The smallest size of a shard.
const BUCKETS_PER_SHARD: usize = 1024;

/// The largest number of shards. As many requests can be decided at the same time.
const MOST_SHARDS: usize = 64;

/// The cells of one shard: a key, and its bucket.
pub(super) type Cells = RawTable<(u64, SharedValue<BucketCell>)>;

/// When a bucket is full again in nanoseconds of the monotonic clock, and the price of its units.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct BucketCell {
    /// When the bucket is full again, in nanoseconds of the monotonic clock.
    pub(super) full_at: u64,
    /// The nanoseconds of one unit when the bucket was last charged.
    pub(super) price: u64,
}

impl BucketCell {
    /// Returns what the bucket holds now.
    pub(super) const fn stored(self, now: u64) -> StoredBacklog {
        StoredBacklog {
            time: self.full_at.saturating_sub(now),
            price: self.price,
        }
    }

    /// Makes the cell of what a bucket holds now.
    pub(super) const fn of(stored: StoredBacklog, now: u64) -> Self {
        Self {
            full_at: now.saturating_add(stored.time),
            price: stored.price,
        }
    }
}

/// Maps the hash of a subject and limit to the time at which its bucket is full again.
#[derive(Debug)]
pub(super) struct Table {
    /// The buckets by hash. The hash is keyed already, so it is not hashed again.
    buckets: DashMap<u64, BucketCell, IdentityHash>,
    /// One for each shard: the keys in it, and where the search for space goes on.
    sweeps: Box<[Mutex<Sweep>]>,
    /// How many buckets each network has.
    counters: NetworkSizes,
    /// The most buckets of one shard.
    capacity: usize,
    /// The width of the table of one shard, in places for cells.
    width: usize,
}

/// A bucket as a snapshot keeps it.
#[derive(Clone, Copy, Debug)]
pub(super) struct StoredBucket {
    /// The hash of subject and limit.
    pub(super) key: u64,
    /// The counters of the networks of the subject.
    pub(super) networks: NetworkCounters,
    /// What the bucket holds.
    pub(super) cell: BucketCell,
}

/// The position of a bucket.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum BucketPlace {
    /// Not in the table, and not to be written.
    Absent,
    /// Just added to the table, and full.
    Fresh,
    /// In the table.
    Own(BucketCell),
    /// Among the shared buckets.
    Shared(SharingReason),
}

/// Why a new subject gets no bucket of its own.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum SharingReason {
    /// The network of the subject holds its share of a table that is more than half full.
    Network,
    /// All buckets are in use.
    Table,
}

impl Table {
    /// Makes a table for at least this number of buckets. Everything is allocated here.
    ///
    /// Shards of at least a thousand buckets keep the chance low that one fills while others have space.
    pub(super) fn new(buckets: usize) -> Self {
        let shards = (buckets / BUCKETS_PER_SHARD)
            .next_power_of_two()
            .clamp(2, MOST_SHARDS);
        let mut width: usize = 16;
        while capacity_for_width(width).saturating_mul(shards) < buckets {
            width = width.saturating_mul(2);
        }
        let capacity = capacity_for_width(width);
        let cells = shards.saturating_mul(usable(width));
        Self {
            buckets: DashMap::with_capacity_and_hasher_and_shard_amount(
                cells,
                IdentityHash,
                shards,
            ),
            sweeps: (0..shards)
                .map(|_| Mutex::new(Sweep::new(capacity)))
                .collect(),
            counters: NetworkSizes::new(capacity * shards),
            capacity,
            width,
        }
    }

    /// Returns the most buckets of all shards.
    pub(super) fn capacity(&self) -> usize {
        self.capacity * self.sweeps.len()
    }

    /// Returns the buckets that are in the table. Some may be full again and only not be removed
    /// yet.
    pub(super) fn len(&self) -> usize {
        self.buckets.len()
    }

    /// Returns the memory in bytes. A cell is a key, a time, a price and a control byte; the sweep stores
    /// each key once more.
    pub(super) fn memory(&self) -> usize {
        let cell = size_of::<(u64, BucketCell)>() + 1;
        self.sweeps.len() * (self.width * cell + Sweep::memory(self.capacity))
            + NetworkSizes::memory()
    }

    /// Locks the shards of these keys, in ascending order.
    pub(super) fn lock_shards(&self, keys: impl Iterator<Item = u64>) -> LockedShards<'_> {
        let mut shards = PerCharge::<usize>::new();
        for shard in keys.map(|key| self.shard(key)) {
            if !shards.contains(&shard) {
                shards.push(shard);
            }
        }
        shards.sort_unstable();
        let lock = |shard: usize| Some((shard, self.buckets.shards().get(shard)?.write()));
        LockedShards {
            table: self,
            cells: shards.into_iter().filter_map(lock).collect(),
        }
    }

    /// Passes every bucket that is not full to a function, one shard after the other.
    pub(super) fn for_each_in_use(&self, now: u64, mut pass: impl FnMut(StoredBucket)) {
        for (shard, sweep) in self.buckets.shards().iter().zip(&self.sweeps) {
            let cells = shard.read();
            let sweep = sweep.lock().unwrap_or_else(PoisonError::into_inner);
            for (key, networks) in sweep.keys() {
                let cell = cells.get(key, |(other, _)| *other == key);
                let cell = cell.map_or_else(BucketCell::default, |(_, cell)| *cell.get());
                if cell.full_at > now {
                    pass(StoredBucket {
                        key,
                        networks,
                        cell,
                    });
                }
            }
        }
    }

    /// Adds a bucket of a snapshot. `false`: there is no space for it.
    pub(super) fn restore(&self, bucket: StoredBucket, now: u64) -> bool {
        let StoredBucket {
            key,
            networks,
            cell,
        } = bucket;
        let mut held = self.lock_shards([key].into_iter());
        let place = held.find(key, networks, now, true);
        let fits = matches!(place, BucketPlace::Fresh | BucketPlace::Own(_));
        if fits {
            held.write(key, cell);
        }
        fits
    }

    /// Passes the bucket of one key to a function, with its shard locked. One look-up serves for reading and writing.
    /// `None`: the key has no bucket of its own.
    pub(super) fn with_bucket<T>(
        &self,
        key: u64,
        change: impl FnOnce(&mut BucketCell) -> T,
    ) -> Option<T> {
        let mut cells = self.buckets.shards().get(self.shard(key))?.write();
        let (_, cell) = cells.get_mut(key, |(other, _)| *other == key)?;
        Some(change(cell.get_mut()))
    }

    /// Returns the index of the shard of a key. The table and its sweeps have the same shards.
    fn shard(&self, key: u64) -> usize {
        self.buckets.determine_map(&key)
    }
}

/// Returns the cells that hashbrown fills: seven of eight.
const fn usable(width: usize) -> usize {
    width / 8 * 7
}

/// Half of that: removed keys leave marks, and a table that is more than half full would grow to be rid of them.
const fn capacity_for_width(width: usize) -> usize {
    usable(width) / 2 - 1
}

/// Shards of the table, locked for one decision.
pub(super) struct LockedShards<'a> {
    /// Where the shards are.
    table: &'a Table,
    /// The locked shards, each with its index and in ascending order.
    cells: PerCharge<(usize, RwLockWriteGuard<'a, Cells>)>,
}

impl LockedShards<'_> {
    /// Finds a bucket. If there is none and `make` is set, makes space for it.
    ///
    /// A bucket that was made is written as in use for a nanosecond; the decision writes its real value.
    pub(super) fn find(
        &mut self,
        key: u64,
        networks: NetworkCounters,
        now: u64,
        make: bool,
    ) -> BucketPlace {
        let shard = self.table.shard(key);
        let Some((_, cells)) = self.cells.iter_mut().find(|(held, _)| *held == shard) else {
            return BucketPlace::Shared(SharingReason::Table);
        };
        if let Some((_, cell)) = cells.get(key, |(other, _)| *other == key) {
            return BucketPlace::Own(*cell.get());
        }
        if !make {
            return BucketPlace::Absent;
        }
        let Some(sweep) = self.table.sweeps.get(shard) else {
            return BucketPlace::Shared(SharingReason::Table);
        };
        // Only taken under the shard's lock, so no thread ever waits for it.
        let mut sweep = sweep.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(full) = sweep.add_key(cells, &self.table.counters, (key, networks), now) {
            return BucketPlace::Shared(full);
        }
        // In use for a nanosecond, so that the next key of the same request does not take the place.
        let cell = BucketCell::of(StoredBacklog::unpriced(1), now);
        cells.insert_entry(key, (key, SharedValue::new(cell)), |(key, _)| *key);
        BucketPlace::Fresh
    }

    /// Writes a bucket that was found.
    pub(super) fn write(&mut self, key: u64, bucket: BucketCell) {
        let shard = self.table.shard(key);
        let held = self.cells.iter_mut().find(|(held, _)| *held == shard);
        if let Some((_, cell)) =
            held.and_then(|(_, cells)| cells.get_mut(key, |(other, _)| *other == key))
        {
            *cell.get_mut() = bucket;
        }
    }
}

/// Uses keys as their own hash: they are keyed hashes already.
#[derive(Clone, Copy, Debug, Default)]
struct IdentityHash;

impl BuildHasher for IdentityHash {
    type Hasher = IdentityHasher;

    fn build_hasher(&self) -> IdentityHasher {
        IdentityHasher(0)
    }
}

/// Returns the hash that it was given.
struct IdentityHasher(u64);

impl Hasher for IdentityHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 << 8) | u64::from(*byte);
        }
    }

    fn write_u64(&mut self, key: u64) {
        self.0 = key;
    }
}
