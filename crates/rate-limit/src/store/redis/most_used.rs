//! The buckets of a limit that are used most, for an operator. No request calls this.

use std::{
    cmp::Reverse,
    collections::{BTreeSet, BinaryHeap},
    time::Duration,
};

use redis::Cmd;

use super::{RedisStore, connection::Connection};
use crate::{policy::Limit, store::StoreProblem};

/// Keys that one call of the server looks at.
const SCANNED_AT_ONCE: u32 = 1_000;

/// Buckets that are read. Beyond it the list is told to be incomplete.
const MOST_READ: usize = 1_000_000;

/// The script counts microseconds from 2025, in seconds since the epoch.
const EPOCH: u64 = 1_735_689_600;

/// A bucket in the shared store, from [`RedisStore::most_used`]. The store knows no names: `subject` is the keyed hash
/// that [`bucket_key`](crate::LimitStore::bucket_key) returns for a subject.
///
/// ```
/// use palisade_rate_limit::{BucketKey, UsedBucket};
///
/// fn is_of(used: &UsedBucket, bucket: BucketKey) -> bool {
///     used.subject == bucket.own()
/// }
/// ```
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub struct UsedBucket {
    /// How many units are used, rounded up. More than the burst: some are owed.
    pub used: u64,
    /// How long until the bucket is full.
    pub full: Duration,
    /// The keyed hash of the subject.
    pub subject: u128,
}

/// The buckets of a limit that are used most.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct MostUsed {
    /// The most used one first.
    pub buckets: Vec<UsedBucket>,
    /// Whether all buckets were looked at. `false`: there are more than a million.
    pub is_complete: bool,
}

impl RedisStore {
    /// Looks at all buckets of a limit in the server, and returns those that are used most. For an operator: it reads
    /// a million buckets in some seconds, in calls of a thousand, and charges nothing.
    ///
    /// The user needs the commands `SCAN`, `MGET` and `TIME`. Units are those of `limit`: principals of a tier have
    /// other ones.
    ///
    /// # Errors
    ///
    /// [`StoreProblem`] if the server cannot be reached or a command is not allowed. [`StoreProblem::Moved`] for a
    /// cluster: a call sees one node only, so open each primary with its own `redis://` address.
    ///
    /// ```no_run
    /// use palisade_rate_limit::{Policy, RedisStore};
    ///
    /// # async fn show(store: RedisStore) -> Result<(), Box<dyn std::error::Error>> {
    /// let limit = Policy::named("tts").rate("100/day")?.limits()?.remove(0);
    /// for bucket in store.most_used(&limit, 10).await?.buckets {
    ///     println!("{:032x} {} units", bucket.subject, bucket.used);
    /// }
    /// # Ok(()) }
    /// ```
    pub async fn most_used(&self, limit: &Limit, most: usize) -> Result<MostUsed, StoreProblem> {
        let connections = &self.0.connections;
        if connections.is_cluster() {
            return Err(StoreProblem::Moved);
        }
        let connection = connections.connection();
        let connection = connection.ok_or_else(|| {
            let problem = connections.problem();
            problem.unwrap_or(StoreProblem::ConnectionLost)
        })?;
        let (seconds, micros): (u64, u64) = connections
            .query(connection.clone(), redis::cmd("TIME"))
            .await?;
        let now = seconds.saturating_sub(EPOCH) * 1_000_000 + micros;
        let mut found = Found::new(most);
        let (mut cursor, mut read) = (0_u64, 0);
        loop {
            let scan = scan(&self.0.prefix, limit, cursor);
            let (next, keys): (u64, Vec<String>) =
                connections.query(connection.clone(), scan).await?;
            read += keys.len();
            self.add_buckets(&connection, &keys, limit, now, &mut found)
                .await?;
            if next == 0 || read >= MOST_READ {
                return Ok(MostUsed {
                    buckets: found.sorted(),
                    is_complete: next == 0,
                });
            }
            cursor = next;
        }
    }

    /// Reads the buckets of some keys. Values that are no buckets are left out.
    ///
    /// # Errors
    ///
    /// The server does not reply.
    async fn add_buckets(
        &self,
        connection: &Connection,
        keys: &[String],
        limit: &Limit,
        now: u64,
        found: &mut Found,
    ) -> Result<(), StoreProblem> {
        if keys.is_empty() {
            return Ok(());
        }
        let mut command = redis::cmd("MGET");
        command.arg(keys);
        let values: Vec<Option<String>> = self
            .0
            .connections
            .query(connection.clone(), command)
            .await?;
        for (key, value) in keys.iter().zip(values) {
            if let Some(bucket) = bucket_of(key, value.as_deref(), limit, now) {
                found.add(bucket);
            }
        }
        Ok(())
    }
}

/// The command that looks at some keys.
fn scan(prefix: &str, limit: &Limit, cursor: u64) -> Cmd {
    let (name, window) = (limit.name(), limit.bucket_window.as_secs());
    let prefix: String = prefix.chars().flat_map(escape_pattern).collect();
    let mut command = redis::cmd("SCAN");
    command.arg(cursor);
    command
        .arg("MATCH")
        .arg(format!("{prefix}:{{*}}:{name}:{window}"));
    command.arg("COUNT").arg(SCANNED_AT_ONCE);
    command
}

/// Returns a letter as it stands in a pattern. Names of limits have none with a meaning.
fn escape_pattern(letter: char) -> impl Iterator<Item = char> {
    let escape = matches!(letter, '*' | '?' | '[' | ']' | '^' | '\\').then_some('\\');
    escape.into_iter().chain([letter])
}

/// Reads a bucket. `None`: it is full, or no bucket.
fn bucket_of(key: &str, value: Option<&str>, limit: &Limit, now: u64) -> Option<UsedBucket> {
    let (_, rest) = key.split_once(":{")?;
    let (subject, _) = rest.split_once('}')?;
    let (full_at, price) = match value?.split_once(' ') {
        None => (value?, None),
        Some((full_at, price)) => (full_at, price.parse::<u128>().ok()),
    };
    let full_at: u64 = full_at.parse().ok()?;
    let backlog = full_at.checked_sub(now).filter(|backlog| *backlog > 0)?;
    let full = Duration::from_micros(backlog);
    let interval = price.unwrap_or(limit.interval().as_micros()).max(1);
    Some(UsedBucket {
        used: u64::try_from(full.as_micros().div_ceil(interval)).unwrap_or(u64::MAX),
        full,
        subject: u128::from_str_radix(subject, 16).ok()?,
    })
}

/// The most used buckets so far. A scan may show a key twice.
struct Found {
    /// How many buckets the operator asked for.
    most: usize,
    /// The least used one is on top.
    heap: BinaryHeap<Reverse<UsedBucket>>,
}

impl Found {
    /// Begins without a bucket.
    fn new(most: usize) -> Self {
        Self {
            most,
            heap: BinaryHeap::new(),
        }
    }

    /// Adds a bucket if it is used more than the least used one of a full list.
    fn add(&mut self, bucket: UsedBucket) {
        let is_known = |Reverse(known): &Reverse<UsedBucket>| known.subject == bucket.subject;
        let least = self.heap.peek().map(|Reverse(least)| *least);
        let fits = self.heap.len() < self.most || least.is_some_and(|least| least < bucket);
        if !fits || self.heap.iter().any(is_known) {
            return;
        }
        self.heap.push(Reverse(bucket));
        if self.heap.len() > self.most {
            self.heap.pop();
        }
    }

    /// Returns the buckets, the most used one first.
    fn sorted(self) -> Vec<UsedBucket> {
        let all: BTreeSet<UsedBucket> = self.heap.into_iter().map(|Reverse(b)| b).collect();
        all.into_iter().rev().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::Policy;

    fn bucket(used: u64, subject: u128) -> UsedBucket {
        UsedBucket {
            used,
            full: Duration::from_secs(used),
            subject,
        }
    }

    #[test]
    fn the_most_used_are_kept_once_each_and_the_most_used_first() {
        let mut found = Found::new(3);
        for (used, subject) in [(5, 1), (9, 2), (5, 1), (1, 3), (7, 4), (9, 2), (2, 5)] {
            found.add(bucket(used, subject));
        }
        let subjects: Vec<u128> = found.sorted().iter().map(|b| b.subject).collect();
        assert_eq!(subjects, [2, 4, 1]);
        let mut none = Found::new(0);
        none.add(bucket(1, 1));
        assert!(none.sorted().is_empty());
    }

    #[test]
    fn only_buckets_are_read() {
        let limit = Policy::named("a")
            .rate("60/minute")
            .unwrap()
            .limits()
            .unwrap()
            .remove(0);
        let key = format!("p:{{{:032x}}}:a:60", 255);
        let read = |key: &str, value| bucket_of(key, value, &limit, 1_000_000);
        let found = read(&key, Some("3500000")).unwrap();
        assert_eq!((found.used, found.subject), (3, 255));
        assert_eq!(found.full, Duration::from_millis(2_500));
        let of_a_tier = read(&key, Some("3500000 100000")).unwrap();
        assert_eq!(of_a_tier.used, 25, "at the price of the tier");
        for value in [
            None,
            Some(""),
            Some("inf"),
            Some("-1"),
            Some("1000000"),
            Some("5"),
        ] {
            assert_eq!(read(&key, value), None, "{value:?}");
        }
        for key in ["p", "p:{", "p:{x}:a:60", "p:{probe}:probe"] {
            assert_eq!(read(key, Some("3500000")), None, "{key}");
        }
    }
}
