//! What was found in a trail.

use std::time::Duration;

use super::{Finding, expected_records::CheckpointSummary, finding::FindingClass};
use crate::chain::Anchor;

/// What a trail holds, and what is wrong with it. From [`verify`](crate::verify) and
/// [`verify_file`](crate::verify_file).
///
/// [`outcome`](Self::outcome) has the result; `findings` has each fault with file, line and record.
/// Counts that are not zero are not faults by themselves: `lost`, for example, is what the writer
/// counted.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct VerifyReport {
    /// What is wrong, in the order in which it was found; at most 1000.
    pub findings: Vec<Finding>,
    /// How many findings there were.
    pub findings_total: u64,
    /// Records, of every type.
    pub records: u64,
    /// Requests that are recorded, whole or by their head.
    pub requests: u64,
    /// Refusals and connection events that are only counted: repetitions of one that is recorded.
    pub folded: u64,
    /// Events that are not requests.
    pub events: u64,
    /// Requests whose head is recorded and whose end is not: still running, or the process was killed.
    pub unfinished: u64,
    /// Requests that the writer could not record, by its own count.
    pub lost: u64,
    /// Events that the writer could not record, by its own count.
    pub events_lost: u64,
    /// Requests that were refused because they could not be recorded.
    pub turned_away: u64,
    /// How often the writer had to set something aside and go on.
    pub recoveries: u64,
    /// Bytes of torn lines that were set aside.
    pub torn_bytes: u64,
    /// How often a process ended without closing the trail.
    pub interruptions: u64,
    /// How many of those may have lost records uncounted, as the writer was not fail-closed.
    pub uncounted_interruptions: u64,
    /// Records whose own hash could not be checked, because the record before is missing or bad.
    pub unproven: u64,
    /// How often the clock of the machine was set.
    pub clock_steps: u64,
    /// Times without a record that are longer than asked for; at most 16.
    pub gaps: Vec<TimeGap>,
    /// How many of those there were.
    pub gaps_total: u64,
    /// The number of the last record that the writer deleted in order (retention); 0 if none.
    pub retired: u64,
    /// Files.
    pub files: u64,
    /// The number of the first record: above 1 where earlier files were retired or are kept elsewhere.
    pub first: u64,
    /// The last record. Keep it outside, and cutting shows.
    pub last: Anchor,
    /// Whether the last record says that the writer closed the trail in order. False while it runs.
    pub closed: bool,
    /// When the first record was written, as time since the Unix epoch.
    pub first_time: Option<Duration>,
    /// When the latest record was written.
    pub last_time: Option<Duration>,
    /// The name of the trail.
    pub trail: Option<String>,
    /// The name of the key that the trail was written with.
    pub key: Option<String>,
    /// What the checkpoint file says.
    pub checkpoints: CheckpointSummary,
}

/// A time without a record.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct TimeGap {
    /// The record after it.
    pub before: u64,
    /// How long it was.
    pub length: Duration,
}

/// What a report comes to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum VerifyOutcome {
    /// Incidents that the writer recorded, or that can have an innocent reason: an operator must check.
    Incidents,
    /// Every record is what was written, in its place, and none is missing.
    Intact,
    /// Records were altered, removed or forged.
    NotIntact,
}

impl VerifyReport {
    /// Returns the outcome. Incidents that were acknowledged do not count.
    #[must_use]
    pub fn outcome(&self) -> VerifyOutcome {
        let has = |class| self.findings.iter().any(|it| it.class() == class);
        if has(FindingClass::Broken) || self.findings_total > self.findings.len() as u64 {
            VerifyOutcome::NotIntact
        } else if has(FindingClass::Incident) {
            VerifyOutcome::Incidents
        } else {
            VerifyOutcome::Intact
        }
    }

    /// Returns whether no record was altered, removed or forged, and no incident is unacknowledged.
    #[must_use]
    pub fn is_intact(&self) -> bool {
        self.outcome() == VerifyOutcome::Intact
    }
}

impl Default for VerifyReport {
    fn default() -> Self {
        Self {
            findings: Vec::new(),
            findings_total: 0,
            records: 0,
            requests: 0,
            folded: 0,
            events: 0,
            unfinished: 0,
            lost: 0,
            events_lost: 0,
            turned_away: 0,
            recoveries: 0,
            torn_bytes: 0,
            interruptions: 0,
            uncounted_interruptions: 0,
            unproven: 0,
            clock_steps: 0,
            gaps: Vec::new(),
            gaps_total: 0,
            retired: 0,
            files: 0,
            first: 0,
            last: Anchor::GENESIS,
            closed: false,
            first_time: None,
            last_time: None,
            trail: None,
            key: None,
            checkpoints: CheckpointSummary::default(),
        }
    }
}
