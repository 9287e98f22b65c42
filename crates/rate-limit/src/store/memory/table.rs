//! A table of buckets on dashmap's shards that never grows.
//!
//! A shard knows its keys in a list, and a sweep that goes round it. A new key takes the place of
//! one whose bucket is full again; the sweep looks at a few keys only, so a full table costs a
//! newcomer no more than that.

use std::{
    hash::{BuildHasher, Hasher},
    sync::{Mutex, PoisonError},
};

use arrayvec::ArrayVec;
use dashmap::{DashMap, RwLockWriteGuard, SharedValue};
use hashbrown::raw::RawTable;

use super::sweep::{Counters, Networks, Sweep};
use crate::store::MOST_CHARGES;

/// Fewer buckets than this are not worth a shard of their own.
const BUCKETS_PER_SHARD: usize = 1024;

/// As many requests can be decided at once.
const MOST_SHARDS: usize = 64;

pub(super) type Cells = RawTable<(u64, SharedValue<u64>)>;

/// Maps the hash of a subject and limit to the moment at which its bucket is full again.
#[derive(Debug)]
pub(super) struct Table {
    buckets: DashMap<u64, u64, AsItIs>,
    sweeps: Box<[Mutex<Sweep>]>,
    counters: Counters,
    room: usize,
    width: usize,
}

/// Where a bucket is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Place {
    /// Not in the table, and nothing is to be written.
    Absent,
    /// In the table since a moment ago, full.
    Fresh,
    /// In the table.
    Own { full_at: u64 },
    /// Among those that newcomers share.
    Shared(Full),
}

/// Why a newcomer gets no bucket of its own.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Full {
    /// The newcomer's network holds its share of a table that is more than half full.
    Network,
    /// All buckets are in use.
    Table,
}

impl Table {
    pub(super) fn new(buckets: usize) -> Self {
        let shards = (buckets / BUCKETS_PER_SHARD)
            .next_power_of_two()
            .clamp(2, MOST_SHARDS);
        let mut width: usize = 16;
        while room(width).saturating_mul(shards) < buckets {
            width = width.saturating_mul(2);
        }
        let room = room(width);
        let cells = shards.saturating_mul(usable(width));
        Self {
            buckets: DashMap::with_capacity_and_hasher_and_shard_amount(cells, AsItIs, shards),
            sweeps: (0..shards).map(|_| Mutex::new(Sweep::new(room))).collect(),
            counters: Counters::new(room * shards),
            room,
            width,
        }
    }

    pub(super) fn capacity(&self) -> usize {
        self.room * self.sweeps.len()
    }

    pub(super) fn len(&self) -> usize {
        self.buckets.len()
    }

    /// A cell is a key, a moment and a control byte; the sweep knows each key once more.
    pub(super) fn memory(&self) -> usize {
        let cell = size_of::<(u64, u64)>() + 1;
        self.sweeps.len() * (self.width * cell + Sweep::memory(self.room)) + Counters::memory()
    }

    /// Locks the shards of some keys, in ascending order.
    pub(super) fn hold(&self, keys: impl Iterator<Item = u64>) -> Held<'_> {
        let mut shards = ArrayVec::<usize, MOST_CHARGES>::new();
        for shard in keys.map(|key| self.shard(key)) {
            if !shards.contains(&shard) {
                shards.push(shard);
            }
        }
        shards.sort_unstable();
        let lock = |shard: usize| Some((shard, self.buckets.shards().get(shard)?.write()));
        Held {
            table: self,
            cells: shards.into_iter().filter_map(lock).collect(),
        }
    }

    fn shard(&self, key: u64) -> usize {
        self.buckets.determine_map(&key)
    }
}

/// hashbrown fills seven cells of eight.
const fn usable(width: usize) -> usize {
    width / 8 * 7
}

/// Half of that: removed keys leave marks, and a table that is more than half full would grow to be rid of them.
const fn room(width: usize) -> usize {
    usable(width) / 2 - 1
}

/// Shards of the table, locked for one decision.
pub(super) struct Held<'a> {
    table: &'a Table,
    cells: ArrayVec<(usize, RwLockWriteGuard<'a, Cells>), MOST_CHARGES>,
}

impl Held<'_> {
    /// Finds a bucket; if there is none and one is to be written, makes room for it.
    pub(super) fn find(&mut self, key: u64, networks: Networks, now: u64, make: bool) -> Place {
        let shard = self.table.shard(key);
        let Some((_, cells)) = self.cells.iter_mut().find(|(held, _)| *held == shard) else {
            return Place::Shared(Full::Table);
        };
        if let Some((_, full_at)) = cells.get(key, |(other, _)| *other == key) {
            return Place::Own {
                full_at: *full_at.get(),
            };
        }
        if !make {
            return Place::Absent;
        }
        let Some(sweep) = self.table.sweeps.get(shard) else {
            return Place::Shared(Full::Table);
        };
        // Only taken under the shard's lock, so nobody ever waits for it.
        let mut sweep = sweep.lock().unwrap_or_else(PoisonError::into_inner);
        if let Err(full) = sweep.make_room(cells, &self.table.counters, (key, networks), now) {
            return Place::Shared(full);
        }
        // In use for a nanosecond, so that the next key of the same request does not take the place.
        let cell = (key, SharedValue::new(now.saturating_add(1)));
        cells.insert_entry(key, cell, |(key, _)| *key);
        Place::Fresh
    }

    /// Writes a bucket that was found.
    pub(super) fn write(&mut self, key: u64, full_at: u64) {
        let shard = self.table.shard(key);
        let held = self.cells.iter_mut().find(|(held, _)| *held == shard);
        if let Some((_, cell)) =
            held.and_then(|(_, cells)| cells.get_mut(key, |(other, _)| *other == key))
        {
            *cell.get_mut() = full_at;
        }
    }
}

/// The keys are keyed hashes already.
#[derive(Clone, Copy, Debug, Default)]
struct AsItIs;

impl BuildHasher for AsItIs {
    type Hasher = Unchanged;

    fn build_hasher(&self) -> Unchanged {
        Unchanged(0)
    }
}

struct Unchanged(u64);

impl Hasher for Unchanged {
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
