//! The buckets of a store as bytes, and back: what a snapshot file holds.
//!
//! All numbers are little-endian:
//!
//! | bytes | content |
//! |---|---|
//! | 8 | `PALLIMIT` |
//! | 4 | the version, 2 |
//! | 8 | when it was made, in nanoseconds since the Unix epoch |
//! | 40 | the five keys of the hashes |
//! | 4, 4, 4 | how many buckets and shared buckets there are, and how many bytes of overrides |
//! | 28 each | a bucket: its key, when it is full again, the price of its units, the counters of its networks |
//! | 14 each | a shared bucket: its group, its limit, when it is full again |
//! | | the overrides as text |
//! | 8 | a keyed hash of everything before |
//!
//! Times are those of the clock of the machine, since the monotonic clock begins anew with each process. No address
//! and no name is in it, but with the keys of the hashes one can be looked for: only its owner may read it.

use std::{fmt, hash::Hasher, time::Duration};

use siphasher::sip::SipHasher13;

use super::{
    HashKeys, MemoryStore,
    sweep::NetworkCounters,
    table::{BucketCell, StoredBucket},
};
use crate::{
    gcra::MAX_BACKLOG_NANOS,
    store::{nanoseconds, overrides},
};

/// The first bytes of a snapshot. A file of something else is then an error, and not read as
/// buckets.
const MAGIC: [u8; 8] = *b"PALLIMIT";
/// The form of the bytes. Another version is not read: the limits then begin full.
const VERSION: u32 = 2;
/// The bytes of one bucket.
const BUCKET_BYTES: usize = 28;
/// The bytes of one shared bucket.
const SHARED_BYTES: usize = 14;
/// The bytes of the hash at the end, which finds damage.
const HASH_BYTES: usize = 8;

/// The most buckets of a snapshot: 560 MB. Of a larger table the others begin full.
const MOST_BUCKETS: usize = 20_000_000;

/// The longest snapshot in bytes: the most buckets, all shared ones, and all overrides.
pub(crate) const MOST_BYTES: u64 = (MOST_BUCKETS * BUCKET_BYTES) as u64 + 1024 * 1024;

/// What came of a snapshot.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Restored {
    /// Buckets that are in use again.
    pub(crate) buckets: usize,
    /// Buckets for which there was no space: they begin full.
    pub(crate) left_out: usize,
    /// How old it was.
    pub(crate) age: Duration,
}

/// Why bytes are no snapshot.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum SnapshotProblem {
    /// They are not those that were written.
    Damaged,
    /// Another program, or another version, wrote them.
    Unknown,
}

impl fmt::Display for SnapshotProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Damaged => "it is damaged",
            Self::Unknown => "it is of another version, or no snapshot",
        })
    }
}

impl MemoryStore {
    /// Returns all buckets that are not full, and the overrides, as bytes.
    ///
    /// `now` is the monotonic time of the layers over the store, `unix_time` the same moment of the clock.
    pub(crate) fn to_snapshot(&self, now: Duration, unix_time: Duration) -> Vec<u8> {
        let (now, unix_time) = (nanoseconds(now), nanoseconds(unix_time));
        let unix = |full_at: u64| unix_time.saturating_add(full_at.saturating_sub(now));
        let (mut buckets, mut shared) = (Vec::new(), Vec::new());
        self.table.for_each_in_use(now, |bucket| {
            if buckets.len() < MOST_BUCKETS * BUCKET_BYTES {
                push_bucket(&mut buckets, bucket, unix(bucket.cell.full_at));
            }
        });
        self.overflow.for_each_in_use(now, |group, limit, full_at| {
            shared.extend(u16::try_from(group).unwrap_or(0).to_le_bytes());
            shared.extend(limit.to_le_bytes());
            shared.extend(unix(full_at).to_le_bytes());
        });
        let overrides = self.overrides.read(overrides::to_text);
        let counts = [
            buckets.len() / BUCKET_BYTES,
            shared.len() / SHARED_BYTES,
            overrides.len(),
        ];
        let mut bytes = header(unix_time, &self.hash_keys, counts);
        bytes.append(&mut buckets);
        bytes.append(&mut shared);
        bytes.extend(overrides.as_bytes());
        bytes.extend(hash_of(&bytes, &self.hash_keys).to_le_bytes());
        bytes
    }

    /// Makes a store of this capacity with the buckets and overrides of a snapshot.
    ///
    /// # Errors
    ///
    /// The bytes are no snapshot, or were changed.
    pub(crate) fn from_snapshot(
        bytes: &[u8],
        capacity: usize,
        now: Duration,
        unix_time: Duration,
    ) -> Result<(Self, Restored), SnapshotProblem> {
        let snapshot = Snapshot::read(bytes)?;
        let store = Self::with_hash_keys(capacity, snapshot.hash_keys.clone());
        // A clock that was set back must not make backlogs longer than they were.
        let (now, unix_time) = (
            nanoseconds(now),
            nanoseconds(unix_time).max(snapshot.made_at),
        );
        let full_at = |unix: u64| now.saturating_add(backlog(unix, unix_time));
        let mut restored = Restored {
            age: Duration::from_nanos(unix_time.saturating_sub(snapshot.made_at)),
            ..Restored::default()
        };
        for (mut bucket, unix) in snapshot.buckets() {
            bucket.cell.full_at = full_at(unix);
            if bucket.cell.full_at <= now {
                continue;
            }
            match store.table.restore(bucket, now) {
                true => restored.buckets += 1,
                false => restored.left_out += 1,
            }
        }
        for (group, limit, unix) in snapshot.shared() {
            let full_at = full_at(unix);
            if full_at > now {
                store.overflow.restore(group.into(), limit, now, full_at);
            }
        }
        store
            .overrides
            .replace(overrides::from_text(snapshot.overrides));
        Ok((store, restored))
    }
}

/// Returns how long until a bucket is full, at most the longest backlog that there can be.
fn backlog(full_at: u64, unix_time: u64) -> u64 {
    let most = u64::try_from(MAX_BACKLOG_NANOS).unwrap_or(u64::MAX);
    full_at.saturating_sub(unix_time).min(most)
}

/// Appends one bucket. Its time is written as one since the Unix epoch.
fn push_bucket(bytes: &mut Vec<u8>, bucket: StoredBucket, unix: u64) {
    bytes.extend(bucket.key.to_le_bytes());
    bytes.extend(unix.to_le_bytes());
    bytes.extend(bucket.cell.price.to_le_bytes());
    for counter in bucket.networks.to_parts() {
        bytes.extend(counter.to_le_bytes());
    }
}

/// Makes the bytes before the first bucket.
fn header(made_at: u64, hash_keys: &HashKeys, counts: [usize; 3]) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend(VERSION.to_le_bytes());
    bytes.extend(made_at.to_le_bytes());
    for key in hash_keys.subject.iter().chain(&hash_keys.networks) {
        bytes.extend(key.to_le_bytes());
    }
    for count in counts {
        bytes.extend(u32::try_from(count).unwrap_or(u32::MAX).to_le_bytes());
    }
    bytes
}

/// Returns the keyed hash of bytes. It finds damage; who can write the file can make a right one.
fn hash_of(bytes: &[u8], hash_keys: &HashKeys) -> u64 {
    let [first, second] = hash_keys.subject;
    let mut hasher = SipHasher13::new_with_keys(first, second);
    hasher.write(bytes);
    hasher.finish()
}

/// The parts of a snapshot that is whole.
struct Snapshot<'a> {
    made_at: u64,
    hash_keys: HashKeys,
    buckets: &'a [u8],
    shared: &'a [u8],
    overrides: &'a str,
}

impl<'a> Snapshot<'a> {
    /// Takes bytes apart and compares their hash.
    ///
    /// # Errors
    ///
    /// They are not those of [`MemoryStore::to_snapshot`].
    fn read(bytes: &'a [u8]) -> Result<Self, SnapshotProblem> {
        let mut rest = bytes;
        if rest.split_off(..MAGIC.len()) != Some(&MAGIC[..]) {
            return Err(SnapshotProblem::Unknown);
        }
        let damaged = SnapshotProblem::Damaged;
        if u32_of(&mut rest).ok_or(damaged)? != VERSION {
            return Err(SnapshotProblem::Unknown);
        }
        Self::read_parts(bytes, rest).ok_or(damaged)
    }

    /// Takes the bytes after the version apart. `None`: they are damaged.
    fn read_parts(bytes: &'a [u8], mut rest: &'a [u8]) -> Option<Self> {
        let made_at = u64_of(&mut rest)?;
        let subject = [u64_of(&mut rest)?, u64_of(&mut rest)?];
        let networks = [u64_of(&mut rest)?, u64_of(&mut rest)?, u64_of(&mut rest)?];
        let hash_keys = HashKeys { subject, networks };
        let mut count = || usize::try_from(u32_of(&mut rest)?).ok();
        let [buckets, shared, overrides] = [count()?, count()?, count()?];
        let buckets = rest.split_off(..buckets.checked_mul(BUCKET_BYTES)?)?;
        let shared = rest.split_off(..shared.checked_mul(SHARED_BYTES)?)?;
        let overrides = std::str::from_utf8(rest.split_off(..overrides)?).ok()?;
        let hashed = bytes.get(..bytes.len().checked_sub(HASH_BYTES)?)?;
        let is_whole = u64_of(&mut rest)? == hash_of(hashed, &hash_keys) && rest.is_empty();
        is_whole.then_some(Self {
            made_at,
            hash_keys,
            buckets,
            shared,
            overrides,
        })
    }

    /// Returns the buckets, and when each is full by the clock. Their `full_at` is not set.
    fn buckets(&self) -> impl Iterator<Item = (StoredBucket, u64)> {
        let (buckets, _) = self.buckets.as_chunks::<BUCKET_BYTES>();
        buckets.iter().filter_map(|bytes| {
            let mut rest = &bytes[..];
            let (key, unix) = (u64_of(&mut rest)?, u64_of(&mut rest)?);
            let price = u64_of(&mut rest)?;
            let networks = NetworkCounters::from_parts([u16_of(&mut rest)?, u16_of(&mut rest)?]);
            let bucket = StoredBucket {
                key,
                networks,
                cell: BucketCell { full_at: 0, price },
            };
            Some((bucket, unix))
        })
    }

    fn shared(&self) -> impl Iterator<Item = (u16, u32, u64)> {
        let (shared, _) = self.shared.as_chunks::<SHARED_BYTES>();
        shared.iter().filter_map(|bytes| {
            let mut rest = &bytes[..];
            Some((u16_of(&mut rest)?, u32_of(&mut rest)?, u64_of(&mut rest)?))
        })
    }
}

/// Takes the next eight bytes as a number.
fn u64_of(rest: &mut &[u8]) -> Option<u64> {
    chunk_of(rest).map(u64::from_le_bytes)
}

fn u32_of(rest: &mut &[u8]) -> Option<u32> {
    chunk_of(rest).map(u32::from_le_bytes)
}

fn u16_of(rest: &mut &[u8]) -> Option<u16> {
    chunk_of(rest).map(u16::from_le_bytes)
}

/// Takes an array from the beginning of a slice.
fn chunk_of<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (chunk, after) = rest.split_first_chunk::<N>()?;
    *rest = after;
    Some(*chunk)
}

#[cfg(test)]
mod tests;
