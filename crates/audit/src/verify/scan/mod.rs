//! Reads a trail from its first record to its last and collects what is wrong with it.
//!
//! A bad record does not end the scan. The records after it are compared with the hashes that the
//! lines before them state. So one change is one finding, and a second change is found as well.
//!
//! Verification and the recovery of the file sink use it. For a line there is a buffer of 64 KiB,
//! and at most 1000 findings are kept. An error ends the scan: the file cannot be read, or needs
//! another key.
//!
//! | What was done to the trail | What is found |
//! |---|---|
//! | a record was changed | *altered* at this record |
//! | a record was removed | *missing* at the next one |
//! | a record was copied, or moved back | *repeated* at the copy |
//! | a line was inserted | *not a record*, or *altered* |
//! | the end was cut off | *cut short*, if a checkpoint or anchor is later |
//! | the end was written again | *contradicts a checkpoint*, or *rewritten* for an anchor |
//! | a compressed part was damaged | *damaged*, with the records that cannot be read |
//! | an older part was removed | *missing*, or *start missing* for the first ones |

mod record_members;
mod file_start;
mod epochs;
mod roots;
mod damaged_part;
mod position;
mod line_reader;
mod findings;

use std::{collections::HashSet, io::BufRead, path::Path, time::Duration};

use self::{
    damaged_part::Damage,
    line_reader::{read_line, torn_or_endless},
    position::{Gap, Predecessors},
    record_members::RecordMembers,
};
pub(crate) use self::{file_start::record_before, line_reader::FileEnd, position::ScanPosition};
use super::{
    Finding, FindingReason, VerifyError, VerifyReport,
    expected_records::{Comparison, ExpectedRecords},
};
use crate::{
    chain::{
        Anchor, Checkpoint, Line, Seal,
        merkle::{Tree, TreeHash},
    },
    evolving_key::EvolvingKey,
    key::AuditKey,
    record::is_known_version,
};

/// The state of a scan over all files of a trail.
///
/// Files are given in their order with [`file`](Self::file), and [`finish`](Self::finish) returns the report. A
/// scan keeps no record, but the identifiers of requests whose end is still missing.
#[derive(Debug)]
pub(crate) struct Scan {
    /// Computes the hashes, with the key that the caller gave.
    seal: Seal,
    /// What anchor and checkpoints require.
    expected: ExpectedRecords,
    /// Records that the next one may follow.
    bases: Predecessors,
    /// The last good record.
    last: Option<Anchor>,
    /// The name of the trail, from the first opening record.
    trail: Option<Box<str>>,
    /// Identifiers of requests with a head record and no end record so far.
    heads: HashSet<Box<str>>,
    /// What is found and counted.
    report: VerifyReport,
    /// The position in the current file.
    position: ScanPosition,
    /// A gap at the beginning of a file, which the records after it may explain.
    gap: Option<Gap>,
    /// Where a compressed part is damaged, until the next file tells which records that are.
    damage: Option<Damage>,
    /// Numbers of records that the writer itself reported as gone.
    reported_gone: Vec<(u64, u64)>,
    /// The last record that retention deleted.
    retired: Option<Anchor>,
    /// The record that the first file states it follows. `None` until it is read, or if it is not known.
    start_base: Option<Anchor>,
    /// The latest time of a record, since the Unix epoch.
    latest: Option<Duration>,
    /// Longer times without a record are reported.
    max_gap: Duration,
    /// The tree over all records so far. `None` after one that is missing or bad, until a file
    /// states it again.
    tree: Option<Tree>,
    /// A size and root at which the tree is marked, for the writer.
    mark_at: Option<(u64, TreeHash)>,
    /// The epoch of the file before, and whether that file has its full length.
    segment: Option<(u64, bool)>,
    /// The key of epoch 0, or of the epoch that a writer knows.
    known_key: Option<EvolvingKey>,
    /// Whether a file of an earlier epoch than the known one is read: a writer looks for the end of its trail.
    reads_earlier: bool,
    /// Whether the scan ends at the first finding: a writer wants to continue after the good
    /// records.
    stop_at_first: bool,
}

/// Whether the scan continues in the file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Next {
    /// Read the next line.
    Line,
    /// The rest of the file cannot be verified.
    SkipFile,
}

impl Scan {
    /// Returns a scan that has read nothing.
    pub(crate) fn new(key: Option<AuditKey>, expected: ExpectedRecords, max_gap: Duration) -> Self {
        Self {
            known_key: key.clone().map(EvolvingKey::first),
            segment: None,
            reads_earlier: false,
            seal: Seal::new(key),
            expected,
            bases: Predecessors::default(),
            last: None,
            trail: None,
            heads: HashSet::new(),
            report: VerifyReport::default(),
            position: ScanPosition::default(),
            gap: None,
            damage: None,
            reported_gone: Vec::new(),
            retired: None,
            start_base: None,
            latest: None,
            max_gap,
            tree: None,
            mark_at: None,
            stop_at_first: false,
        }
    }

    /// Returns a scan for a writer that wants to continue a file.
    ///
    /// It ends at the first bad record, and does not report incidents that are already recorded.
    /// The tree is marked at the record of the checkpoint, if that is in the file.
    pub(crate) fn for_writer(seal: &Seal, checkpoint: Option<&Checkpoint>) -> Self {
        Self {
            known_key: seal.evolving_key().cloned(),
            seal: seal.clone(),
            stop_at_first: true,
            mark_at: checkpoint.map(|it| (it.anchor.sequence(), it.root)),
            ..Self::new(None, ExpectedRecords::default(), Duration::MAX)
        }
    }

    /// Returns the position in the file that was read last.
    pub(crate) fn position(&self) -> &ScanPosition {
        &self.position
    }

    /// Returns the last good record. `None` if there was none.
    pub(crate) fn last(&self) -> Option<Anchor> {
        self.last
    }

    /// Returns the tree over all records up to the last good one. `None` if it is not known.
    pub(crate) fn tree(&self) -> Option<&Tree> {
        let last = self.last.map_or(0, |last| last.sequence());
        self.tree.as_ref().filter(|tree| tree.size() == last)
    }

    /// Returns when the latest record so far was written.
    pub(crate) fn latest(&self) -> Option<Duration> {
        self.latest
    }

    /// Returns how many requests of this file have a head and no end so far.
    pub(crate) fn unfinished(&self) -> u64 {
        u64::try_from(self.heads.len()).unwrap_or(u64::MAX)
    }

    /// Returns the first finding so far.
    pub(crate) fn first_finding(&self) -> Option<&Finding> {
        self.report.findings.first()
    }

    /// Reads the lines of one file.
    ///
    /// # Errors
    ///
    /// As [`file`](Self::file), and a compressed part that is damaged.
    fn lines(
        &mut self,
        reader: &mut impl BufRead,
        name: Option<&Path>,
        tail: FileEnd,
    ) -> Result<(), VerifyError> {
        self.leave_segment();
        self.position = ScanPosition::new(name);
        self.report.files += 1;
        let mut line = Vec::new();
        loop {
            line.clear();
            let length = read_line(reader, &mut line, tail)?;
            if length == 0 {
                return Ok(());
            }
            self.position.line += 1;
            let next = match line.strip_suffix(b"\n") {
                Some(whole) => self.line(whole)?,
                None => {
                    let reason = torn_or_endless(reader, line.len(), tail)?;
                    self.find(reason);
                    self.bases.unknown();
                    Next::Line
                }
            };
            if next == Next::SkipFile || (self.stop_at_first && self.first_finding().is_some()) {
                return Ok(());
            }
            self.position.bytes += u64::try_from(length).unwrap_or(u64::MAX);
        }
    }

    /// Ends the scan: adds what is missing at the end, and returns the report.
    pub(crate) fn finish(mut self) -> VerifyReport {
        self.flush_gap();
        self.report_damage(None);
        self.explain_start();
        let Some(last) = self.last else {
            if self.report.findings_total == 0 {
                self.position.line += 1;
                self.find(FindingReason::NotOpened);
            }
            return self.report;
        };
        self.position.line += 1;
        let trail = self.trail.take().unwrap_or_default();
        let gone = std::mem::take(&mut self.reported_gone);
        for (reason, sequence) in self.expected.unmet(&trail, last, &gone) {
            self.find_at(reason, sequence);
        }
        self.report.unfinished = self.unfinished();
        self.report.last = last;
        self.report.key = self.seal.key_id();
        self.report.trail = Some(trail.into());
        self.report.closed = self.position.closed;
        self.report.retired = self.retired.map_or(0, |retired| retired.sequence());
        self.report
    }

    /// Checks one line without its line feed: its form, its place, and its hash.
    ///
    /// # Errors
    ///
    /// It is the first line of the trail, and needs another key or version.
    fn line(&mut self, bytes: &[u8]) -> Result<Next, VerifyError> {
        let (Some(line), Some(content)) = (Line::parse(bytes), RecordMembers::borrowed(bytes))
        else {
            self.find(FindingReason::Malformed);
            self.bases.unknown();
            return Ok(Next::Line);
        };
        let opens = content.kind == "opened";
        if self.position.line == 1 && opens {
            if let Some(reason) = self.check_header(&content) {
                return self.unusable(reason);
            }
            self.position.first = line.sequence;
            self.close_damage(&line, &content);
        } else if opens || self.position.line == 1 {
            self.find(FindingReason::NotOpened);
            if opens {
                return Ok(Next::Line);
            }
        }
        if self.bases.is_empty() {
            self.start(&line, &content);
        }
        if !is_known_version(content.v) {
            self.find(FindingReason::UnknownVersion);
        }
        self.check_place(&line, &content);
        Ok(Next::Line)
    }

    /// Checks that a record follows one of the records before it, and adds a finding if it does not.
    ///
    /// A wrong hash is *altered*. A number that was skipped is *missing*, one that occurred is *repeated* or *moved*.
    fn check_place(&mut self, line: &Line<'_>, content: &RecordMembers<'_>) {
        let here = Anchor::new(line.sequence, line.hash);
        let leaf = line.leaf();
        if let Some(proven) = self.bases.find(&self.seal, line, &leaf) {
            self.report.unproven += u64::from(!proven);
            self.check_epoch(content);
            return self.accept(here, &leaf, content);
        }
        let expected = self.bases.expected();
        let follows_itself = self.position.line == 1
            && file_start::stated_base(line, content)
                .is_some_and(|base| self.seal.fits(base, &leaf, &line.hash));
        if line.sequence > expected && follows_itself {
            // The record is genuine; what came before it is not here.
            self.flush_gap();
            self.gap = Some(Gap {
                from: expected,
                to: line.sequence - 1,
                position: self.position.clone(),
                starts: false,
            });
            return self.accept(here, &leaf, content);
        }
        if line.sequence == expected {
            self.find(FindingReason::Altered);
        } else if line.sequence > expected {
            let found = line.sequence;
            self.find(FindingReason::Missing { found });
            self.report.unproven += 1;
        } else {
            let found = line.sequence;
            self.find(FindingReason::Repeated { found });
        }
        self.bases.after_bad(here, expected);
    }

    /// Takes a record that follows correctly: compares it with what is expected and counts it. It becomes the only one
    /// that the next record may follow.
    fn accept(&mut self, here: Anchor, leaf: &TreeHash, content: &RecordMembers<'_>) {
        self.bases.only(here);
        self.last = Some(here);
        self.position.good += 1;
        self.grow(here.sequence(), leaf, content);
        match self.expected.compare(self.trail.as_deref(), here) {
            Comparison::Mismatch(mismatch) => self.mismatch(mismatch, here.sequence()),
            Comparison::SameRecord { root } => self.compare_root(&root, here.sequence()),
            Comparison::NotRequired => {}
        }
        self.count(here, content);
    }
}
