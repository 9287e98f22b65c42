//! The table of repetitions whose window has not ended, bounded in memory.

use std::{
    collections::{HashMap, HashSet},
    mem,
    time::Duration,
};

use palisade_core::RequestId;

use super::{RepeatCount, RepeatKey, RepeatSettings};

/// The most keys that are counted separately. Beyond that, only guard and code are distinguished.
const MAX_KEYS: usize = 1024;
/// The most pairs of guard and code beyond that. Both are constants of the code, so there are few.
const MAX_KINDS: usize = 64;
/// The bytes charged for a record until its length is known.
const ESTIMATE: i64 = 512;
/// The bytes that number and hash add to a record.
const SEAL: i64 = 96;
/// How many seconds of the budget may be used at once.
const BURST_SECONDS: i64 = 16;

/// A count whose window has not ended.
#[derive(Debug)]
struct Count {
    /// When the window ends, on the monotonic clock.
    until: Duration,
    /// How many were counted.
    count: u64,
    /// When the first one was counted, since the Unix epoch.
    first: Duration,
    /// When the last one was counted, since the Unix epoch.
    last: Duration,
}

/// All counts of a sink, and the budget for first refusals.
///
/// Bounded in memory: 1024 counts by client, then 64 by guard and code, then one for the rest. The numbers stay
/// exact; what is lost beyond a bound is only the distinction.
#[derive(Debug)]
pub(crate) struct RepeatTable {
    /// Window and budget.
    settings: RepeatSettings,
    /// Counts by what they have in common. Bounded by [`MAX_KEYS`] and [`MAX_KINDS`].
    by_key: HashMap<RepeatKey, Count>,
    /// Bytes that are left of the budget. Below zero after records that were longer than estimated.
    tokens: i64,
    /// When the budget was last refilled, on the monotonic clock.
    refilled: Option<Duration>,
    /// When the next window ends, on the monotonic clock.
    next_due: Option<Duration>,
    /// How many refusals were only counted, since the start.
    pub(crate) total: u64,
    /// Requests whose head was only counted. Their end is not written either.
    heads: HashSet<RequestId>,
    /// Whether the disk has little space: no refusal is written, all are counted.
    pub(crate) count_only: bool,
}

impl RepeatTable {
    /// Returns an empty table with a full budget.
    pub(crate) fn new(settings: RepeatSettings) -> Self {
        Self {
            settings,
            by_key: HashMap::new(),
            tokens: i64::from(settings.budget.unwrap_or_default()) * BURST_SECONDS,
            refilled: None,
            next_due: None,
            total: 0,
            heads: HashSet::new(),
            count_only: false,
        }
    }

    /// Returns `true` if the refusal is only counted, `false` if it must be written.
    ///
    /// `now` is the wall-clock time since the Unix epoch and the monotonic time: the first goes into the record, the
    /// second decides, so that a clock that is set neither opens nor extends a window.
    pub(crate) fn counts(&mut self, key: RepeatKey, now: (Duration, Duration)) -> bool {
        let Some(window) = self.settings.window else {
            return false;
        };
        let (unix_time, monotonic) = now;
        let key = match self.settings.budget {
            None if !self.by_key.contains_key(&key) => self.key_within_capacity(key),
            _ => key,
        };
        if let Some(known) = self.by_key.get_mut(&key) {
            known.add(unix_time);
            self.total = self.total.saturating_add(1);
            return true;
        }
        let writes = !self.count_only && self.takes_budget(monotonic);
        let key = self.key_within_capacity(key);
        let until = monotonic.saturating_add(window);
        self.next_due = Some(self.next_due.map_or(until, |due| due.min(until)));
        let count = self.by_key.entry(key).or_insert(Count {
            until,
            count: 0,
            first: unix_time,
            last: unix_time,
        });
        if !writes {
            count.add(unix_time);
            self.total = self.total.saturating_add(1);
        }
        !writes
    }

    /// Notes that the head of a request was only counted.
    pub(crate) fn head_was_counted(&mut self, id: RequestId) {
        self.heads.insert(id);
    }

    /// Returns whether the head of a request was only counted, and forgets it.
    pub(crate) fn take_counted_head(&mut self, id: RequestId) -> bool {
        !self.heads.is_empty() && self.heads.remove(&id)
    }

    /// Charges the length of a written record to the budget, minus the estimate that was charged
    /// before.
    ///
    /// Of a request with two records only the first was `estimated`.
    pub(crate) fn was_written(&mut self, bytes: usize, estimated: bool) {
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        let before = if estimated { ESTIMATE } else { 0 };
        let owed = bytes.saturating_add(SEAL).saturating_sub(before);
        self.tokens = self.tokens.saturating_sub(owed);
    }

    /// Returns the time until the next window ends. `None` if nothing is counted.
    pub(crate) fn due_in(&self, now: Duration) -> Option<Duration> {
        self.next_due.map(|due| due.saturating_sub(now))
    }

    /// Removes and returns the counts whose window has ended, or all.
    pub(crate) fn take_due(&mut self, now: Duration, all: bool) -> Vec<RepeatCount> {
        if !all && self.next_due.is_none_or(|due| due > now) {
            return Vec::new();
        }
        let mut over = Vec::new();
        for (key, count) in mem::take(&mut self.by_key) {
            if !all && count.until > now {
                self.by_key.insert(key, count);
            } else if count.count > 0 {
                let Count {
                    count, first, last, ..
                } = count;
                over.push(RepeatCount {
                    key,
                    count,
                    first,
                    last,
                });
            }
        }
        self.next_due = self.by_key.values().map(|count| count.until).min();
        over
    }

    /// Refills the budget and charges one record. Returns false if the budget is used up.
    fn takes_budget(&mut self, now: Duration) -> bool {
        let Some(budget) = self.settings.budget else {
            return true;
        };
        let rate = i64::from(budget);
        let passed = now.saturating_sub(self.refilled.unwrap_or(now)).as_millis();
        let passed = i64::try_from(passed).unwrap_or(i64::MAX);
        let gained = rate.saturating_mul(passed) / 1000;
        if gained > 0 || self.refilled.is_none() {
            self.refilled = Some(now);
            self.tokens = self.tokens.saturating_add(gained).min(rate * BURST_SECONDS);
        }
        let enough = self.tokens > 0;
        if enough {
            self.tokens -= ESTIMATE;
        }
        enough
    }

    /// Returns the key, or a less specific one if the table is full.
    fn key_within_capacity(&self, key: RepeatKey) -> RepeatKey {
        if self.by_key.len() < MAX_KEYS {
            return key;
        }
        let kind = RepeatKey {
            client: None,
            principal: None,
            ..key
        };
        if self.by_key.contains_key(&kind) || self.by_key.len() < MAX_KEYS + MAX_KINDS {
            return kind;
        }
        RepeatKey {
            guard: "several",
            code: "several",
            ..kind
        }
    }
}

impl Count {
    /// Counts one more refusal.
    fn add(&mut self, now: Duration) {
        if self.count == 0 {
            self.first = now;
        }
        self.count = self.count.saturating_add(1);
        self.last = now;
    }
}

#[cfg(test)]
mod tests {
    use std::net::IpAddr;

    use super::*;

    const WINDOW: Duration = Duration::from_secs(60);

    fn folds(budget: u32) -> RepeatTable {
        RepeatTable::new(RepeatSettings {
            window: Some(WINDOW),
            budget: Some(budget),
        })
    }

    fn key(client: u32) -> RepeatKey {
        RepeatKey {
            client: Some(IpAddr::V4(client.into())),
            principal: None,
            guard: "rate_limit",
            code: "too_many_requests",
        }
    }

    fn at(seconds: u64) -> (Duration, Duration) {
        let time = Duration::from_secs(seconds);
        (Duration::from_secs(1_700_000_000) + time, time)
    }

    #[test]
    fn the_first_is_written_and_a_window_of_others_is_one_count() {
        let mut folds = folds(1 << 20);
        assert!(!folds.counts(key(1), at(0)));
        assert!((1..50).all(|second| folds.counts(key(1), at(second))));
        assert_eq!(folds.take_due(at(59).1, false), []);
        let over = folds.take_due(at(60).1, false);
        assert_eq!((over.len(), over[0].count), (1, 49));
        assert_eq!((over[0].first, over[0].last), (at(1).0, at(49).0));
        assert!(
            !folds.counts(key(1), at(61)),
            "a new window has a first one"
        );
        assert_eq!(folds.due_in(at(61).1), Some(WINDOW));
    }

    #[test]
    fn beyond_the_budget_even_first_ones_are_counted_and_none_is_lost() {
        let mut folds = folds(1024);
        let written = (0..10_000)
            .filter(|it| !folds.counts(key(*it), at(0)))
            .count();
        assert_eq!(written, 32, "16 seconds of 1024 bytes, at 512 bytes each");
        let counted: u64 = folds
            .take_due(at(0).1, true)
            .iter()
            .map(|it| it.count)
            .sum();
        assert_eq!(counted, 10_000 - 32);
        assert!(
            !folds.counts(key(1), at(1)),
            "the next second has its own share"
        );
    }

    #[test]
    fn the_table_is_bounded() {
        let mut folds = folds(1);
        for client in 0..100_000 {
            folds.counts(key(client), at(0));
        }
        assert!(folds.by_key.len() <= MAX_KEYS + MAX_KINDS + 1);
        let over = folds.take_due(at(0).1, true);
        let rest = over.iter().find(|it| it.key.client.is_none()).unwrap();
        assert!(rest.count > 98_000);
    }

    #[test]
    fn longer_records_use_up_more_of_the_budget() {
        let mut folds = folds(1024);
        assert!(!folds.counts(key(1), at(0)));
        folds.was_written(1 << 20, true);
        assert!(folds.counts(key(2), at(0)));
        assert!(
            folds.counts(key(3), at(60)),
            "a mebibyte is not paid back in a minute"
        );
    }
}
