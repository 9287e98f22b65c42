//! Reads the members of a good record and adds them to the report.
//!
//! Only records whose hash is correct, or cannot be checked, come here. Unknown types and members
//! are ignored: later versions may add some.

use std::borrow::Cow;

use serde::Deserialize;

use super::Scan;
use crate::{chain::Anchor, record::timestamp, verify::FindingReason, verify::report::TimeGap};

/// The most gaps that are kept. All are counted.
const MAX_GAPS: usize = 16;

/// The members that verification needs. All others are covered by the hash and skipped.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct RecordMembers<'a> {
    /// The version of the record.
    pub(super) v: u64,
    /// The type of the record.
    #[serde(borrow, rename = "type")]
    pub(super) kind: Cow<'a, str>,
    /// When it was written, in RFC 3339.
    #[serde(borrow)]
    pub(super) time: Cow<'a, str>,
    /// The identifier of the request.
    #[serde(borrow)]
    pub(super) id: Option<Cow<'a, str>>,
    /// The name of the trail, in `opened` and `recovered`.
    #[serde(borrow)]
    pub(super) trail: Option<Cow<'a, str>>,
    /// The algorithm of the chain, in `opened`.
    #[serde(borrow)]
    pub(super) algorithm: Option<Cow<'a, str>>,
    /// The public identifier of the key, in `opened`.
    #[serde(borrow)]
    pub(super) key: Option<Cow<'a, str>>,
    /// The hash of the record before, in `opened`.
    #[serde(borrow)]
    pub(super) follows: Option<Cow<'a, str>>,
    /// The tree over the records before, in `opened`.
    #[serde(borrow)]
    pub(super) tree: Option<Cow<'a, str>>,
    /// The root of that tree, in `rotated` and `closed`.
    #[serde(borrow)]
    pub(super) root: Option<Cow<'a, str>>,
    /// The reason, in `recovered`.
    #[serde(borrow)]
    pub(super) cause: Option<Cow<'a, str>>,
    /// `close` or `interruption`, in `resumed`.
    #[serde(borrow)]
    pub(super) after: Option<Cow<'a, str>>,
    /// `fail_closed` or `drop_and_count`, in `resumed`.
    #[serde(borrow)]
    pub(super) promise: Option<Cow<'a, str>>,
    /// The hash of the last deleted record, in `retired`.
    #[serde(borrow)]
    pub(super) last_hash: Option<Cow<'a, str>>,
    /// Bytes that were set aside, in `recovered`, or deleted, in `retired`.
    pub(super) bytes: u64,
    /// Requests without a record, in `lost`.
    pub(super) dropped: u64,
    /// Refused requests, in `lost`.
    pub(super) turned_away: u64,
    /// Events without a record, in `lost`.
    pub(super) events: u64,
    /// The number of the segment, in `opened` of a trail with an evolving key.
    pub(super) epoch: Option<u64>,
    /// Counted repetitions, in `folded`.
    pub(super) count: u64,
    /// The first missing record, in `recovered`, or deleted record, in `retired`.
    pub(super) from: u64,
    /// The last missing record, in `recovered`, or deleted record, in `retired`.
    pub(super) to: u64,
}

impl<'a> RecordMembers<'a> {
    /// Reads a line. `None` if it is not one JSON object with members of the right types.
    ///
    /// Strings are borrowed from the line where they have no escapes, so a usual record costs no allocation.
    pub(super) fn parse(line: &'a [u8]) -> Option<Self> {
        serde_json::from_slice(line).ok()
    }
}

impl Scan {
    /// Adds a record to the counts of the report.
    pub(super) fn count(&mut self, here: Anchor, content: &RecordMembers<'_>) {
        let report = &mut self.report;
        report.records += 1;
        self.position.closed = content.kind == "closed";
        self.position.rotated = content.kind == "rotated";
        match (&*content.kind, content.id.as_deref()) {
            ("request", Some(_)) => report.requests += 1,
            ("head", Some(id)) => {
                report.requests += 1;
                self.heads.insert(id.into());
            }
            ("end", Some(id)) => {
                self.heads.remove(id);
            }
            ("event", _) => report.events += 1,
            ("folded", _) => report.folded = report.folded.saturating_add(content.count),
            ("clock_step", _) => report.clock_steps += 1,
            ("lost", _) => {
                report.lost = report.lost.saturating_add(content.dropped);
                report.events_lost = report.events_lost.saturating_add(content.events);
                report.turned_away = report.turned_away.saturating_add(content.turned_away);
            }
            ("resumed", _) if content.after.as_deref() == Some("interruption") => {
                report.interruptions += 1;
                let drops = content.promise.as_deref() != Some("fail_closed");
                report.uncounted_interruptions += u64::from(drops);
            }
            ("retired", _) => self.retire(content),
            ("recovered", _) => self.recovered(content),
            _ => {}
        }
        // The record that explains a gap comes right after the record that opens the file.
        if !matches!(&*content.kind, "opened" | "recovered" | "retired") {
            self.flush_gap();
        }
        self.measure_time(here, content);
    }

    /// Notes which records retention deleted.
    fn retire(&mut self, content: &RecordMembers<'_>) {
        let anchor = content.last_hash.as_deref().and_then(|hash| {
            let anchor = format!("{}:{hash}", content.to).parse();
            anchor.ok()
        });
        let later = |retired: Anchor| {
            self.retired
                .is_none_or(|known| known.sequence() < retired.sequence())
        };
        if let Some(retired) = anchor.filter(|anchor| later(*anchor)) {
            self.retired = Some(retired);
        }
    }

    /// Adds what the writer reported as damaged or missing.
    fn recovered(&mut self, content: &RecordMembers<'_>) {
        self.report.recoveries += 1;
        let reason = match content.cause.as_deref() {
            Some("torn_line") => {
                self.report.torn_bytes = self.report.torn_bytes.saturating_add(content.bytes);
                return;
            }
            Some("damaged") => FindingReason::DamageSetAside,
            Some("deleted") => FindingReason::FileDeleted,
            Some("replaced") => FindingReason::FileReplaced,
            Some("rolled_back") => FindingReason::RolledBack {
                from: content.from,
                to: content.to,
            },
            Some("trail_missing") => {
                let trail = content.trail.as_deref().unwrap_or_default();
                self.expected.trail_reported_missing(trail, content.to);
                FindingReason::TrailMissing { to: content.to }
            }
            // A failing disk: every uncertain record was written again.
            _ => return,
        };
        let own_trail = !matches!(reason, FindingReason::TrailMissing { .. });
        if own_trail && content.from > 0 && content.from <= content.to {
            let range = (content.from, content.to);
            self.reported_gone.push(range);
            let explains = |gap: &mut super::Gap| (gap.from, gap.to) == range;
            self.gap.take_if(explains);
        }
        if !self.stop_at_first {
            self.find_at(reason, self.last.map_or(0, |last| last.sequence()));
        }
    }

    /// Notes the time of a record, and a gap before it. A record without a valid time is skipped.
    ///
    /// A time that goes back is no finding: requests are recorded at their end and carry the time of their arrival.
    fn measure_time(&mut self, here: Anchor, content: &RecordMembers<'_>) {
        let Some(now) = timestamp::parse(&content.time) else {
            return;
        };
        let before = self.latest.unwrap_or(now);
        self.report.first_time.get_or_insert(now);
        self.latest = Some(before.max(now));
        self.report.last_time = self.latest;
        let gap = now.saturating_sub(before);
        if gap > self.max_gap {
            self.report.gaps_total += 1;
            if self.report.gaps.len() < MAX_GAPS {
                self.report.gaps.push(TimeGap {
                    before: here.sequence(),
                    length: gap,
                });
            }
        }
    }
}
