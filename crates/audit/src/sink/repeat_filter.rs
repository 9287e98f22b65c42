//! Limits repeated records about one client, for the sinks that send each record elsewhere.
//!
//! Of each client address, principal, guard and code only the first refusal in 60 seconds is sent, and so with
//! connection events. When the 60 seconds are over, a message `held_back` has what was counted and how often. A flush
//! and the end of the sink send the counts that are open then. The table of clients is bounded.

use std::{collections::HashSet, mem, time::Duration};

use palisade_core::{RequestId, SharedClock};

use super::repeats::{RepeatCount, RepeatKey, RepeatSettings, RepeatTable};
use crate::record::{AuditEvent, RequestRecord, VERSION, json::Object};

/// Refusals of one client within this time are one record and a count.
const SETTINGS: RepeatSettings = RepeatSettings {
    window: Some(Duration::from_secs(60)),
    budget: None,
};
/// The most requests whose head was held back and that are not over. Beyond it, older ones are forgotten: their end is
/// sent.
const MAX_HELD_HEADS: usize = 4096;

/// Decides which records are sent, for a sink with or without head records.
#[derive(Debug)]
pub(super) struct RepeatFilter {
    /// The repeated records and their counts.
    counts: RepeatTable,
    /// Tells when a count is written.
    clock: SharedClock,
    /// Whether the sink gets heads.
    has_heads: bool,
    held_heads: HeldHeads,
}

impl RepeatFilter {
    /// Returns a filter that has seen no record. Its windows are measured by this clock.
    pub(super) fn new(has_heads: bool, clock: SharedClock) -> Self {
        Self {
            counts: RepeatTable::new(SETTINGS),
            clock,
            has_heads,
            held_heads: HeldHeads::default(),
        }
    }

    /// Returns whether a head is sent.
    pub(super) fn head(&mut self, record: &RequestRecord) -> bool {
        let sent = self.admits(RepeatKey::of_request(record), record.received_at());
        if !sent {
            self.held_heads.insert(record.request_id());
        }
        sent
    }

    /// Returns whether a request that is over is sent. It goes where its head went.
    pub(super) fn request(&mut self, record: &RequestRecord) -> bool {
        if self.has_heads && record.has_head_record() {
            return !self.held_heads.remove(record.request_id());
        }
        self.admits(RepeatKey::of_request(record), record.received_at())
    }

    /// Returns whether an event is sent.
    pub(super) fn event(&mut self, event: &AuditEvent) -> bool {
        self.admits(RepeatKey::of_event(event), event.time().unwrap_or_default())
    }

    /// Returns the time until [`take_ended`](Self::take_ended) must be called. `None` if nothing is counted.
    pub(super) fn due_in(&self) -> Option<Duration> {
        self.counts.due_in(self.clock.monotonic())
    }

    /// Removes and returns the counts whose window is over. Called before each record, since a window without an end
    /// takes the next one too.
    pub(super) fn take_ended(&mut self) -> Vec<RepeatCount> {
        self.counts.take_due(self.clock.monotonic(), false)
    }

    /// Removes and returns all counts.
    pub(super) fn take_all(&mut self) -> Vec<RepeatCount> {
        self.counts.take_due(self.clock.monotonic(), true)
    }

    fn admits(&mut self, key: Option<RepeatKey>, time: Duration) -> bool {
        let Some(key) = key else { return true };
        !self.counts.counts(key, (time, self.clock.monotonic()))
    }
}

/// Returns the record of a count, as JSON.
pub(super) fn held_back(count: &RepeatCount) -> String {
    let mut out = Vec::with_capacity(256);
    let mut record = Object::open(&mut out);
    record.number("v", VERSION);
    record.text("type", "held_back");
    record.time("time", count.last);
    count.write(&mut record);
    record.close();
    String::from_utf8(out).unwrap_or_default()
}

/// Requests whose head was held back. An end that had no place in the queue never comes, so the older half is forgotten
/// when there are too many.
#[derive(Debug, Default)]
struct HeldHeads {
    newer: HashSet<RequestId>,
    older: HashSet<RequestId>,
}

impl HeldHeads {
    fn insert(&mut self, id: RequestId) {
        if self.newer.len() >= MAX_HELD_HEADS / 2 {
            self.older = mem::take(&mut self.newer);
        }
        self.newer.insert(id);
    }

    /// Returns whether the head was held back, and forgets it.
    fn remove(&mut self, id: RequestId) -> bool {
        self.newer.remove(&id) || self.older.remove(&id)
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use http::Request;
    use palisade_core::{ManualClock, SecurityContext};

    use super::*;

    fn key(client: u32) -> RepeatKey {
        RepeatKey {
            client: Some(IpAddr::V4(Ipv4Addr::from_bits(client))),
            principal: None,
            guard: "rate_limit",
            code: "too_many_requests",
        }
    }

    fn filter(clock: &ManualClock) -> RepeatFilter {
        RepeatFilter::new(false, clock.shared())
    }

    fn sent(filter: &mut RepeatFilter, client: u32) -> bool {
        let time = filter.clock.unix_time();
        filter.admits(Some(key(client)), time)
    }

    #[test]
    fn a_refused_client_is_one_record_a_minute_and_a_count_that_names_it() {
        let clock = ManualClock::new(Duration::from_secs(1_700_000_000));
        let mut filter = filter(&clock);
        assert_eq!(filter.due_in(), None);
        assert!(sent(&mut filter, 1));
        for _ in 1..60 {
            clock.advance(Duration::from_secs(1));
            assert!(!sent(&mut filter, 1));
        }
        assert!(sent(&mut filter, 2), "another client has its own");
        assert_eq!(filter.take_ended(), []);
        assert_eq!(filter.due_in(), Some(Duration::from_secs(1)));
        clock.advance(Duration::from_secs(1));
        let [count] = &filter.take_ended()[..] else {
            panic!("one count");
        };
        assert_eq!(
            held_back(count),
            "{\"v\":2,\"type\":\"held_back\",\"time\":\"2023-11-14T22:14:19.000000Z\",\"client\":\"0.0.0.1\",\"guard\":\"rate_limit\",\
             \"code\":\"too_many_requests\",\"count\":59,\
             \"first\":\"2023-11-14T22:13:21.000000Z\",\"last\":\"2023-11-14T22:14:19.000000Z\"}"
        );
        assert!(sent(&mut filter, 1), "a new window");
        assert!(!sent(&mut filter, 1));
        assert_eq!(filter.take_all().len(), 1);
        assert_eq!(filter.take_all(), []);
    }

    #[test]
    fn many_refused_clients_share_a_record_in_the_end_and_none_is_uncounted() {
        let clock = ManualClock::new(Duration::from_secs(100));
        let mut filter = filter(&clock);
        let records = (0..100_000).filter(|it| sent(&mut filter, *it)).count();
        assert_eq!(records, 1024 + 1);
        let counted: u64 = filter.take_all().iter().map(|it| it.count).sum();
        assert_eq!(counted, 100_000 - 1025);
    }

    #[test]
    fn requests_whose_end_never_comes_leave_space_for_later_ones() {
        let mut held = HeldHeads::default();
        let next_id = || {
            let (mut head, ()) = Request::new(()).into_parts();
            SecurityContext::find_or_create(&mut head).request_id()
        };
        for _ in 0..3 * MAX_HELD_HEADS {
            held.insert(next_id());
        }
        let id = next_id();
        held.insert(id);
        assert!(held.remove(id));
        assert!(!held.remove(id));
        assert!(held.newer.len() + held.older.len() <= MAX_HELD_HEADS);
    }
}
