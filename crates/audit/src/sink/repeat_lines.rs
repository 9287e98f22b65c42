//! Limits repeated lines about one client, for sinks that write each record as a line.
//!
//! Of each client address, guard and code only the first refusal in 60 seconds is a line, and so with
//! connection events. The next line has the number of those between. The table of clients is bounded.

use std::{
    collections::{HashMap, HashSet},
    sync::{Mutex, PoisonError},
    time::Duration,
};

use palisade_core::RequestId;

use super::repeats::RepeatKey;
use crate::record::{AuditEvent, RequestRecord};

/// The time in which repeated refusals are one line.
const WINDOW: Duration = Duration::from_secs(60);
/// The most refusals that are distinguished. Beyond that, they share one line in each window.
const MAX_KEYS: usize = 1024;
/// The most requests whose head was held back and that are not over. The end of further ones is sent.
const MAX_HELD_HEADS: usize = 4096;

/// Decides which records a thread sends, for a sink with or without head records.
#[derive(Debug, Default)]
pub(super) struct RepeatFilter {
    lines: RepeatLines,
    /// Whether the sink gets heads.
    has_heads: bool,
    /// Requests whose head was held back: so is their end.
    held_heads: HashSet<RequestId>,
}

impl RepeatFilter {
    /// Returns a filter that has seen no record.
    pub(super) fn new(has_heads: bool) -> Self {
        Self {
            has_heads,
            ..Self::default()
        }
    }

    /// Decides about a head: `None` if it is held back, otherwise how many were held back before it.
    pub(super) fn head(&mut self, record: &RequestRecord) -> Option<u64> {
        let admitted = self.admit(RepeatKey::of_request(record), record.received_at());
        if admitted.is_none() && self.held_heads.len() < MAX_HELD_HEADS {
            self.held_heads.insert(record.request_id());
        }
        admitted
    }

    /// Decides about a request that is over, as [`head`](Self::head). It goes where its head went.
    pub(super) fn request(&mut self, record: &RequestRecord) -> Option<u64> {
        if self.has_heads && record.has_head_record() {
            let held = self.held_heads.remove(&record.request_id());
            return (!held).then_some(0);
        }
        self.admit(RepeatKey::of_request(record), record.received_at())
    }

    /// Decides about an event.
    pub(super) fn event(&self, event: &AuditEvent) -> Option<u64> {
        self.admit(RepeatKey::of_event(event), event.time().unwrap_or_default())
    }

    fn admit(&self, key: Option<RepeatKey>, time: Duration) -> Option<u64> {
        key.map_or(Some(0), |key| self.lines.admit(key, time))
    }
}

/// Decides which repetitions are written.
#[derive(Debug, Default)]
pub(super) struct RepeatLines(Mutex<Lines>);

impl RepeatLines {
    /// Returns how many lines were held back before this one, or `None` if this one is.
    ///
    /// The first line of a kind is admitted, then none until its window is over.
    pub(super) fn admit(&self, key: RepeatKey, now: Duration) -> Option<u64> {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.clear_old(now);
        let mut key = Some(key);
        if lines.by_key.len() >= MAX_KEYS && !lines.by_key.contains_key(&key) {
            key = None;
        }
        let known = lines.by_key.get_mut(&key);
        if let Some(known) = known.filter(|known| !is_over(known.since, now)) {
            known.held_back = known.held_back.saturating_add(1);
            return None;
        }
        let before = lines.by_key.entry(key).or_default();
        before.since = now;
        Some(std::mem::take(&mut before.held_back))
    }
}

/// The refusals that were logged recently.
#[derive(Debug, Default)]
struct Lines {
    /// The last line of each kind of refusal. `None` is for those that are not distinguished.
    by_key: HashMap<Option<RepeatKey>, Repeated>,
    /// When entries with an ended window were last removed.
    cleared: Duration,
}

/// The state of one kind of refusal.
#[derive(Debug, Default)]
struct Repeated {
    /// When its window began.
    since: Duration,
    /// How many lines were not written since then.
    held_back: u64,
}

impl Lines {
    /// If the table is full, removes those whose window is over, once a window. What they held back
    /// is counted in the next line of those that are not distinguished.
    fn clear_old(&mut self, now: Duration) {
        if self.by_key.len() >= MAX_KEYS && is_over(self.cleared, now) {
            self.cleared = now;
            let mut left = 0_u64;
            self.by_key.retain(|key, it| {
                let stays = key.is_none() || !is_over(it.since, now);
                left = left.saturating_add(if stays { 0 } else { it.held_back });
                stays
            });
            if left > 0 {
                let rest = self.by_key.entry(None).or_default();
                rest.held_back = rest.held_back.saturating_add(left);
            }
        }
    }
}

/// The clock may be set: a window that began in the future is over.
fn is_over(since: Duration, now: Duration) -> bool {
    now.checked_sub(since).is_none_or(|passed| passed >= WINDOW)
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::*;

    fn key(client: u32) -> RepeatKey {
        RepeatKey {
            client: Some(IpAddr::V4(Ipv4Addr::from_bits(client))),
            principal: None,
            guard: "rate_limit",
            code: "too_many_requests",
        }
    }

    #[test]
    fn a_refused_client_is_one_line_a_minute_with_a_count() {
        let sink = RepeatLines::default();
        let at = Duration::from_secs;
        assert_eq!(sink.admit(key(1), at(100)), Some(0));
        assert!((101..160).all(|second| sink.admit(key(1), at(second)).is_none()));
        assert_eq!(
            sink.admit(key(2), at(101)),
            Some(0),
            "another client has its own line"
        );
        assert_eq!(sink.admit(key(1), at(159)), None);
        assert_eq!(sink.admit(key(1), at(160)), Some(60));
        assert_eq!(
            sink.admit(key(1), at(10)),
            Some(0),
            "the clock was set back"
        );
    }

    #[test]
    fn many_refused_clients_share_a_line_in_the_end() {
        let sink = RepeatLines::default();
        let lines = |second: u64| {
            let now = Duration::from_secs(second);
            (0..100_000)
                .filter(|it| sink.admit(key(*it), now).is_some())
                .count()
        };
        assert_eq!(lines(100), MAX_KEYS + 1);
        assert!(sink.0.lock().unwrap().by_key.len() <= MAX_KEYS + 1);
    }
}
