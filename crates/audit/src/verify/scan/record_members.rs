//! What a good record adds to the report.

use std::borrow::Cow;

use serde::Deserialize;

use super::Scan;
use crate::{chain::Anchor, record::timestamp, verify::FindingReason, verify::report::TimeGap};

/// Gaps that are kept. The first ones; more are counted.
const MAX_GAPS: usize = 16;

/// The members that matter here; all others are covered by the hash and skipped.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct RecordMembers<'a> {
    pub(super) v: u64,
    #[serde(borrow, rename = "type")]
    pub(super) kind: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) time: Cow<'a, str>,
    #[serde(borrow)]
    pub(super) id: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) trail: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) algorithm: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) key: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) follows: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) cause: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) after: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) promise: Option<Cow<'a, str>>,
    #[serde(borrow)]
    pub(super) last_hash: Option<Cow<'a, str>>,
    pub(super) bytes: u64,
    pub(super) dropped: u64,
    pub(super) turned_away: u64,
    pub(super) events: u64,
    pub(super) count: u64,
    /// Records that are gone, of `recovered`; that were deleted in order, of `retired`.
    pub(super) from: u64,
    pub(super) to: u64,
}

impl<'a> RecordMembers<'a> {
    /// Reads a line. `None` if it is not one JSON object with members of the right types.
    pub(super) fn parse(line: &'a [u8]) -> Option<Self> {
        serde_json::from_slice(line).ok()
    }
}

impl Scan {
    pub(super) fn count(&mut self, here: Anchor, content: &RecordMembers<'_>) {
        let report = &mut self.report;
        report.records += 1;
        self.place.closed = content.kind == "closed";
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
        // What explains a gap stands right behind the record that opens the file.
        if !matches!(&*content.kind, "opened" | "recovered" | "retired") {
            self.flush_gap();
        }
        self.measure_time(here, content);
    }

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
            // A failing disk: everything in doubt was written anew.
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
