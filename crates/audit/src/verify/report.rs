//! The report of a verification: counts, findings and the outcome.
//!
//! Built by the scan. At most 1000 findings and 16 gaps are kept; all are counted.

use std::time::Duration;

use super::{Finding, expected_records::CheckpointSummary, finding::FindingClass};
use crate::chain::Anchor;

/// What a trail contains and what is wrong with it. From [`verify`](crate::verify) and
/// [`verify_file`](crate::verify_file).
///
/// [`outcome`](Self::outcome) has the result. [`findings`](Self::findings) has each fault with
/// file, line and record. A count above zero is not a fault by itself: `lost`, for example, is what
/// the writer itself counted.
///
/// # Examples
///
/// An empty trail is not intact: a trail begins with an opening record.
///
/// ```
/// use palisade_audit::{VerifyOptions, VerifyOutcome, verify};
///
/// let report = verify(&b""[..], &VerifyOptions::new())?;
/// assert_eq!(report.outcome(), VerifyOutcome::NotIntact);
/// assert_eq!((report.records, report.findings_total), (0, 1));
/// # Ok::<(), palisade_audit::VerifyError>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct VerifyReport {
    /// Faults and incidents, in the order in which they were found. At most 1000 are kept.
    ///
    /// [`findings_total`](Self::findings_total) counts all of them.
    pub findings: Vec<Finding>,
    /// How many faults and incidents there were, including those beyond the first 1000.
    ///
    /// If it exceeds the length of `findings`, the outcome is
    /// [`NotIntact`](VerifyOutcome::NotIntact).
    pub findings_total: u64,
    /// Good records of every type, including those that the writer made about the trail.
    pub records: u64,
    /// Requests that have a record: a whole one (`request`) or at least a head (`head`).
    pub requests: u64,
    /// Refusals and connection events that are only counted, as repetitions of one that is
    /// recorded.
    ///
    /// See [`FileSinkBuilder::fold_window`](crate::FileSinkBuilder::fold_window).
    pub folded: u64,
    /// Events that are not requests: see [`AuditEvent`](crate::AuditEvent).
    pub events: u64,
    /// Requests with a head record and no end record.
    ///
    /// They are still running, or the process was killed before they ended.
    pub unfinished: u64,
    /// Requests that were served without a record, as counted by the writer.
    ///
    /// It is above zero if the queue was full or the disk failed. A sink that is
    /// [fail-closed](crate::FileSinkBuilder::fail_closed) refuses those requests instead.
    pub lost: u64,
    /// Events that have no record, as counted by the writer.
    pub events_lost: u64,
    /// Requests that were refused with 503 because no record could be kept, as counted by the
    /// writer.
    pub turned_away: u64,
    /// How often the writer found damage, a missing file or a torn line, and continued. One for
    /// each record `recovered`.
    pub recoveries: u64,
    /// Bytes of incomplete last lines that the writer set aside, usually after a power failure.
    pub torn_bytes: u64,
    /// How often a process ended without closing the trail: it was killed, or it crashed.
    pub interruptions: u64,
    /// Interruptions that may have lost records without counting them, as the writer was not
    /// fail-closed.
    pub uncounted_interruptions: u64,
    /// Records whose hash could not be checked, because the record before them is missing or bad.
    pub unproven: u64,
    /// Roots of the Merkle tree that were compared: those of checkpoints and of the ends of files.
    pub roots: u64,
    /// How often the clock of the machine was set by 2 seconds or more while the writer ran.
    pub clock_steps: u64,
    /// The first 16 times without a record that are longer than
    /// [`VerifyOptions::max_gap`](crate::VerifyOptions::max_gap). A gap is not a finding.
    pub gaps: Vec<TimeGap>,
    /// How many such gaps there were.
    pub gaps_total: u64,
    /// The number of the last record that retention deleted; 0 if none was deleted.
    ///
    /// See [`FileSinkBuilder::keep_for`](crate::FileSinkBuilder::keep_for).
    pub retired: u64,
    /// How many files were read.
    pub files: u64,
    /// The number of the first record. It is above 1 if earlier files were deleted by retention or
    /// are stored elsewhere.
    pub first: u64,
    /// The last good record: its number and hash.
    ///
    /// Store it in another place and give it to
    /// [`VerifyOptions::anchor`](crate::VerifyOptions::anchor) next time: a trail that was cut is
    /// then found.
    pub last: Anchor,
    /// Whether the last record says that the writer closed the trail. False while a writer runs,
    /// and after an interruption.
    pub closed: bool,
    /// When the first record was written, since the Unix epoch. `None` if no record has a time.
    pub first_time: Option<Duration>,
    /// When the latest record was written, since the Unix epoch.
    pub last_time: Option<Duration>,
    /// The name of the trail: 32 random hexadecimal digits, from its opening record. `None` without
    /// good records.
    pub trail: Option<String>,
    /// The public identifier of the key that the trail was verified with. `None` without a key.
    pub key: Option<String>,
    /// What the checkpoint file contains. Filled by [`verify_file`](crate::verify_file).
    pub checkpoints: CheckpointSummary,
}

/// A time without a record that is longer than
/// [`VerifyOptions::max_gap`](crate::VerifyOptions::max_gap).
///
/// The service was stopped or had no requests, or records were lost with the process.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use palisade_audit::{AuditLayer, FileSink, VerifyOptions, verify_file};
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("audit.jsonl");
/// let layer = AuditLayer::builder().sink(FileSink::builder(&path).open()?).build()?;
/// layer.handle().close_blocking()?;
/// // A service that is asked every minute: ten minutes of silence are worth a question.
/// let options = VerifyOptions::new().max_gap(Duration::from_secs(600));
/// for gap in &verify_file(&path, &options)?.gaps {
///     println!("{gap:?}");
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct TimeGap {
    /// The number of the first record after the gap.
    pub before: u64,
    /// How long the gap is.
    pub length: Duration,
}

/// The result of a verification, from [`VerifyReport::outcome`].
///
/// `palisade audit verify` has an exit code for each: 0 for [`Intact`](Self::Intact), 3 for
/// [`Incidents`](Self::Incidents), 1 for [`NotIntact`](Self::NotIntact).
///
/// # Examples
///
/// ```
/// use palisade_audit::{AuditLayer, FileSink, VerifyOptions, VerifyOutcome, verify_file};
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("audit.jsonl");
/// let layer = AuditLayer::builder().sink(FileSink::builder(&path).open()?).build()?;
/// layer.handle().close_blocking()?;
/// // The exit code of a nightly check: 0 intact, 1 altered, 2 to be looked at.
/// let code = match verify_file(&path, &VerifyOptions::new())?.outcome() {
///     VerifyOutcome::Intact => 0,
///     VerifyOutcome::NotIntact => 1,
///     _ => 2,
/// };
/// assert_eq!(code, 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum VerifyOutcome {
    /// The chain is correct, but there are incidents that an operator must check.
    ///
    /// The writer recorded them, or they can have a harmless reason. Use
    /// [`acknowledge`](crate::acknowledge) once they are checked.
    Incidents,
    /// Every record is unchanged and in its place, and none is missing.
    Intact,
    /// Records were altered, removed or forged.
    NotIntact,
}

impl VerifyReport {
    /// Returns the result: the most serious class among the findings.
    ///
    /// Acknowledged incidents do not count. If there were more than 1000 findings, the result is
    /// [`NotIntact`](VerifyOutcome::NotIntact), as the rest is unknown.
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

    /// Returns whether the outcome is [`Intact`](VerifyOutcome::Intact).
    ///
    /// No record was altered, removed or forged, and every incident is acknowledged.
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
            roots: 0,
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
