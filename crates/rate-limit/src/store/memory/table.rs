//! A table of buckets on dashmap's shards that never grows.
//!
//! Each shard has a *hand* that goes round its keys. A new key takes the place of one whose bucket is
//! full again; the hand looks at a few keys only, so a full table costs a newcomer no more than that.

use std::{
    hash::{BuildHasher, Hasher},
    sync::{Mutex, PoisonError},
};

use arrayvec::ArrayVec;
use dashmap::{DashMap, RwLockWriteGuard, SharedValue};
use hashbrown::raw::RawTable;

use crate::store::MOST_CHARGES;

/// The hand looks at so many keys for one newcomer: most are full again in ordinary times, and
/// under a flood sixteen look-ups are still cheaper than a refusal.
const STEPS: usize = 16;

/// Fewer buckets than this are not worth a shard of their own.
const BUCKETS_PER_SHARD: usize = 1024;

/// As many requests can be decided at once.
const MOST_SHARDS: usize = 64;

type Cells = RawTable<(u64, SharedValue<u64>)>;

/// Maps the hash of a subject and limit to the moment at which its bucket is full again.
#[derive(Debug)]
pub(super) struct Table {
    buckets: DashMap<u64, u64, AsItIs>,
    hands: Box<[Mutex<Hand>]>,
    room: usize,
    width: usize,
}

/// Where a bucket is.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Place {
    /// In the table since a moment ago, full.
    Fresh,
    /// Nowhere, for nothing is to be written.
    Nowhere,
    /// In the table.
    Own { full_at: u64 },
    /// Among those that newcomers share.
    Shared,
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
            hands: (0..shards).map(|_| Mutex::new(Hand::new(room))).collect(),
            room,
            width,
        }
    }

    pub(super) fn capacity(&self) -> usize {
        self.room * self.hands.len()
    }

    pub(super) fn len(&self) -> usize {
        self.buckets.len()
    }

    /// A cell is a key, a moment and a control byte; the hand knows each key once more.
    pub(super) fn memory(&self) -> usize {
        let cell = size_of::<(u64, u64)>() + 1;
        self.hands.len() * (self.width * cell + self.room * size_of::<u64>())
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
    pub(super) fn find(&mut self, key: u64, now: u64, make: bool) -> Place {
        let shard = self.table.shard(key);
        let Some((_, cells)) = self.cells.iter_mut().find(|(held, _)| *held == shard) else {
            return Place::Shared;
        };
        if let Some((_, full_at)) = cells.get(key, |(other, _)| *other == key) {
            return Place::Own {
                full_at: *full_at.get(),
            };
        }
        if !make {
            return Place::Nowhere;
        }
        let hand = self
            .table
            .hands
            .get(shard)
            .map(|hand| hand.lock().unwrap_or_else(PoisonError::into_inner));
        if !hand.is_some_and(|mut hand| hand.make_room(cells, key, now)) {
            return Place::Shared;
        }
        // In use for a nanosecond, lest the next key of the same request takes the place.
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

/// Goes round the keys of one shard. Its lock is only taken under the shard's, so nobody ever waits for it.
#[derive(Debug)]
struct Hand {
    keys: Vec<u64>,
    next: usize,
    room: usize,
}

impl Hand {
    fn new(room: usize) -> Self {
        Self {
            keys: Vec::with_capacity(room),
            next: 0,
            room,
        }
    }

    fn make_room(&mut self, cells: &mut Cells, key: u64, now: u64) -> bool {
        if self.keys.len() < self.room {
            self.keys.push(key);
            return true;
        }
        (0..STEPS).any(|_| self.step(cells, key, now))
    }

    /// Looks at one key and replaces it if its bucket is full again.
    fn step(&mut self, cells: &mut Cells, key: u64, now: u64) -> bool {
        let index = self.next;
        self.next = (index + 1) % self.room;
        let Some(old) = self.keys.get_mut(index) else {
            return false;
        };
        let in_use = |(_, full_at): &(u64, SharedValue<u64>)| *full_at.get() > now;
        if cells
            .get(*old, |(other, _)| other == old)
            .is_some_and(in_use)
        {
            return false;
        }
        cells.erase_entry(*old, |(other, _)| other == old);
        *old = key;
        true
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
