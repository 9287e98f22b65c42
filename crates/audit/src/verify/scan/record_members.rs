//! Reads the members of a good record and adds them to the report.
//!
//! Only records whose hash is correct, or cannot be checked, come here. Unknown types and members
//! are ignored: later versions may add some.

use super::Scan;
use crate::{
    chain::Anchor,
    record::{Record, Text, timestamp},
    verify::FindingReason,
    verify::report::TimeGap,
};

/// The most gaps that are kept. All are counted.
const MAX_GAPS: usize = 16;

/// A record whose texts are borrowed from its line. All members are covered by the hash; verification needs some of them.
pub(super) type RecordMembers<'a> = Record<Text<'a>>;

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
            ("folded", _) => {
                let count = content.count.unwrap_or_default();
                report.folded = report.folded.saturating_add(count);
            }
            ("clock_step", _) => report.clock_steps += 1,
            ("lost", _) => {
                let [dropped, events, turned_away] =
                    [content.dropped, content.events, content.turned_away]
                        .map(Option::unwrap_or_default);
                report.lost = report.lost.saturating_add(dropped);
                report.events_lost = report.events_lost.saturating_add(events);
                report.turned_away = report.turned_away.saturating_add(turned_away);
            }
            ("resumed", _) if content.after.as_deref() == Some("interruption") => {
                report.interruptions += 1;
                let drops = content.promise.as_deref() != Some("fail_closed");
                report.uncounted_interruptions += u64::from(drops);
            }
            ("retired", _) => self.retire(here, content),
            ("recovered", _) => self.recovered(content),
            _ => {}
        }
        // The record that explains a gap comes right after the record that opens the file.
        if !matches!(&*content.kind, "opened" | "recovered" | "retired") {
            self.flush_gap();
        }
        self.measure_time(here, content);
    }

    /// Notes which records retention deleted. Only records before this one can have been: another number explains nothing.
    fn retire(&mut self, here: Anchor, content: &RecordMembers<'_>) {
        let anchor = content.last_hash.as_deref().and_then(|hash| {
            let anchor = format!("{}:{hash}", content.to.unwrap_or_default()).parse();
            anchor.ok()
        });
        let counts = |retired: &Anchor| {
            let is_before = retired.sequence() < here.sequence();
            let is_later = |known: Anchor| known.sequence() < retired.sequence();
            is_before && self.retired.is_none_or(is_later)
        };
        if let Some(retired) = anchor.filter(counts) {
            self.retired = Some(retired);
        }
    }

    /// Adds what the writer reported as damaged or missing.
    fn recovered(&mut self, content: &RecordMembers<'_>) {
        self.report.recoveries += 1;
        let (from, to) = (
            content.from.unwrap_or_default(),
            content.to.unwrap_or_default(),
        );
        let reason = match content.cause.as_deref() {
            Some("torn_line") => {
                let bytes = content.bytes.unwrap_or_default();
                self.report.torn_bytes = self.report.torn_bytes.saturating_add(bytes);
                return;
            }
            Some("damaged") => FindingReason::DamageSetAside,
            Some("deleted") => FindingReason::FileDeleted,
            Some("replaced") => FindingReason::FileReplaced,
            Some("rolled_back") => FindingReason::RolledBack { from, to },
            Some("trail_missing") => {
                let trail = content.trail.as_deref().unwrap_or_default();
                self.expected.trail_reported_missing(trail, to);
                FindingReason::TrailMissing { to }
            }
            // A failing disk: every uncertain record was written again.
            _ => return,
        };
        let own_trail = !matches!(reason, FindingReason::TrailMissing { .. });
        if own_trail && from > 0 && from <= to {
            let range = (from, to);
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
