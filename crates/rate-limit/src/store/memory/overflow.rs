//! The buckets that new subjects share while the table is full.
//!
//! A fixed array of 4,096 groups with eight limits each, so that there is a bucket for every
//! subject. Sharing is strict: subjects of one group may cause refusals for each other, but none
//! avoids the limit.

use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicU64, Ordering},
};

use crate::store::PerCharge;

/// The number of groups (IPv4 /24, IPv6 /48, owners, principals without one). Beyond it some share.
const GROUPS: usize = 4096;

/// The number of limits with a bucket of their own in one group. A long backlog of a daily limit
/// must not refuse what a limit by the minute counts.
const LIMITS_PER_GROUP: usize = 8;

/// A fixed array of groups, each with its own lock.
#[derive(Debug)]
pub(super) struct OverflowBuckets {
    /// One set of buckets for each group.
    groups: Box<[Mutex<GroupBuckets>]>,
    /// When all of them are full again. Until then a check must read them.
    in_use_until: AtomicU64,
}

/// The buckets of one group: which limit each counts, and when it is full again.
#[derive(Debug, Default)]
struct GroupBuckets {
    /// The hashed names of the limits that have a bucket here. A full bucket is free for another
    /// limit.
    limits: [u32; LIMITS_PER_GROUP],
    /// When each bucket is full again, in nanoseconds.
    full_at: [u64; LIMITS_PER_GROUP],
}

impl Default for OverflowBuckets {
    fn default() -> Self {
        Self {
            groups: (0..GROUPS).map(|_| Mutex::default()).collect(),
            in_use_until: AtomicU64::new(0),
        }
    }
}

impl OverflowBuckets {
    /// Returns the memory in bytes.
    pub(super) const fn memory(&self) -> usize {
        GROUPS * size_of::<Mutex<GroupBuckets>>()
    }

    /// Tells whether anything is counted here.
    pub(super) fn in_use(&self, now: u64) -> bool {
        self.in_use_until.load(Ordering::Relaxed) > now
    }

    /// Passes every shared bucket that is not full to a function: its group, its limit, and when it is full.
    pub(super) fn for_each_in_use(&self, now: u64, mut pass: impl FnMut(usize, u32, u64)) {
        for (index, group) in self.groups.iter().enumerate() {
            let group = group.lock().unwrap_or_else(PoisonError::into_inner);
            for (limit, full_at) in group.limits.iter().zip(&group.full_at) {
                if *full_at > now {
                    pass(index, *limit, *full_at);
                }
            }
        }
    }

    /// Adds a shared bucket of a snapshot.
    pub(super) fn restore(&self, group: u64, limit: u32, now: u64, full_at: u64) {
        let mut locked = self.lock_groups([group].into_iter());
        let (before, _) = locked.full_at(group, limit, now);
        locked.write(group, limit, now, full_at.max(before));
    }

    /// Locks groups, in ascending order.
    pub(super) fn lock_groups(&self, groups: impl Iterator<Item = u64>) -> LockedGroups<'_> {
        let mut indices = PerCharge::<usize>::new();
        for index in groups.map(group_index) {
            if !indices.contains(&index) {
                indices.push(index);
            }
        }
        indices.sort_unstable();
        let lock = |index: usize| {
            let buckets = self.groups.get(index)?.lock();
            Some((index, buckets.unwrap_or_else(PoisonError::into_inner)))
        };
        LockedGroups {
            overflow: self,
            buckets: indices.into_iter().filter_map(lock).collect(),
        }
    }
}

/// Returns the index of a group. Two groups with one index share their buckets.
fn group_index(group: u64) -> usize {
    usize::try_from(group % GROUPS as u64).unwrap_or(0)
}

/// Some groups while they are locked.
pub(super) struct LockedGroups<'a> {
    /// Where the groups are.
    overflow: &'a OverflowBuckets,
    /// The locked groups, each with its index and in ascending order.
    buckets: PerCharge<(usize, MutexGuard<'a, GroupBuckets>)>,
}

impl LockedGroups<'_> {
    /// Returns when the bucket of a group for a limit is full again, and whether the bucket counts
    /// this limit alone. A group that is not locked has none, and is refused.
    pub(super) fn full_at(&self, group: u64, limit: u32, now: u64) -> (u64, bool) {
        let held = self
            .buckets
            .iter()
            .find(|(held, _)| *held == group_index(group));
        held.map_or((u64::MAX, false), |(_, buckets)| buckets.read(limit, now))
    }

    /// Writes when the bucket of a group for a limit is full again.
    pub(super) fn write(&mut self, group: u64, limit: u32, now: u64, full_at: u64) {
        let mut held = self.buckets.iter_mut();
        if let Some((_, buckets)) = held.find(|(held, _)| *held == group_index(group)) {
            buckets.write(limit, now, full_at);
            let until = &self.overflow.in_use_until;
            until.fetch_max(full_at, Ordering::Relaxed);
        }
    }
}

impl GroupBuckets {
    /// Finds the entry that counts a limit or, if there is none, one that counts nothing now.
    /// `None` if all are in use by other limits; the limit then shares one.
    fn find(&self, limit: u32, now: u64) -> Option<usize> {
        let own = self.limits.iter().position(|other| *other == limit);
        own.or_else(|| self.full_at.iter().position(|full_at| *full_at <= now))
    }

    /// Returns when the bucket of a limit is full again, and whether it counts this limit alone.
    fn read(&self, limit: u32, now: u64) -> (u64, bool) {
        match self.find(limit, now) {
            Some(index) if self.limits.get(index) == Some(&limit) => (self.at(index), true),
            Some(_) => (0, true),
            None => (self.at(shared_index(limit)), false),
        }
    }

    /// Returns when the bucket of an entry is full again.
    fn at(&self, index: usize) -> u64 {
        self.full_at.get(index).copied().unwrap_or(u64::MAX)
    }

    /// Writes when the bucket of a limit is full again, in its own entry or the shared one.
    fn write(&mut self, limit: u32, now: u64, full_at: u64) {
        let found = self.find(limit, now);
        let index = found.unwrap_or(shared_index(limit));
        if let (Some(at), Some(name)) = (self.full_at.get_mut(index), self.limits.get_mut(index)) {
            *at = full_at;
            if found.is_some() {
                *name = limit;
            }
        }
    }
}

/// Returns the entry that a limit shares if none is free.
const fn shared_index(limit: u32) -> usize {
    limit as usize % LIMITS_PER_GROUP
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_of_one_group_do_not_disturb_each_other() {
        let overflow = OverflowBuckets::default();
        let mut shared = overflow.lock_groups([7].into_iter());
        shared.write(7, 1, 0, 86_400);
        shared.write(7, 2, 0, 60);
        assert_eq!(shared.full_at(7, 1, 10), (86_400, true));
        assert_eq!(shared.full_at(7, 2, 10), (60, true));
        assert_eq!(shared.full_at(7, 3, 10), (0, true));
    }

    #[test]
    fn a_ninth_limit_shares_until_an_entry_is_full_again() {
        let overflow = OverflowBuckets::default();
        let mut shared = overflow.lock_groups([7].into_iter());
        for limit in 1..=8 {
            shared.write(7, limit, 0, 100);
        }
        assert_eq!(shared.full_at(7, 9, 10), (100, false));
        assert_eq!(shared.full_at(7, 9, 100), (0, true));
        shared.write(7, 9, 100, 130);
        assert_eq!(shared.full_at(7, 9, 110), (130, true));
    }

    #[test]
    fn it_is_in_use_until_the_last_bucket_is_full_again() {
        let overflow = OverflowBuckets::default();
        assert!(!overflow.in_use(0));
        overflow.lock_groups([7].into_iter()).write(7, 1, 0, 50);
        overflow.lock_groups([8].into_iter()).write(8, 1, 0, 20);
        assert!(overflow.in_use(49) && !overflow.in_use(50));
    }
}
