//! Reads a trail from its first record to its last and collects what is wrong with it.
//!
//! A bad record does not end the scan: the records after it are held against the hashes that are
//! stated before them, so that one change is one finding, and a second change is found as well.

mod record_members;
mod file_start;
mod position;

use std::{
    collections::HashSet,
    io::{self, BufRead, Read},
    path::Path,
    thread,
    time::Duration,
};

pub(crate) use self::position::ScanPosition;
use self::{
    position::{Gap, Predecessors},
    record_members::RecordMembers,
};
use super::{
    Finding, FindingReason, VerifyError, VerifyReport,
    expected_records::{ExpectedRecords, Mismatch},
};
use crate::{
    chain::{Anchor, Line, Seal},
    key::AuditKey,
};

/// No record is longer; what is, was not written by us. Records are capped well below this.
const MAX_LINE: u64 = 64 * 1024;
/// Findings that are kept. More are counted.
const MAX_FINDINGS: usize = 1000;
/// How often and how long the end of a file that grows is read again, until its last line is whole.
const REREADS: u32 = 20;
const REREAD_PAUSE: Duration = Duration::from_millis(10);

#[derive(Debug)]
pub(crate) struct Scan {
    seal: Seal,
    expected: ExpectedRecords,
    bases: Predecessors,
    last: Option<Anchor>,
    trail: Option<Box<str>>,
    heads: HashSet<Box<str>>,
    report: VerifyReport,
    place: ScanPosition,
    /// A gap at the beginning of a file, which the records after it may explain.
    gap: Option<Gap>,
    /// Numbers of records that the writer itself reported as gone.
    reported_gone: Vec<(u64, u64)>,
    retired: Option<Anchor>,
    latest: Option<Duration>,
    max_gap: Duration,
    stop_at_first: bool,
}

/// What is expected of the end of a file.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum FileEnd {
    /// It is the last one: its last line may be torn.
    Last,
    /// As [`Last`](Self::Last), and a writer may be at it: a line that is not whole is read again.
    Live,
    /// It was finished: its last line must be whole.
    Part,
}

/// Whether the rest of a file is worth reading.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Next {
    Line,
    SkipFile,
}

impl Scan {
    pub(crate) fn new(key: Option<AuditKey>, expected: ExpectedRecords, max_gap: Duration) -> Self {
        Self {
            seal: Seal::new(key),
            expected,
            bases: Predecessors::default(),
            last: None,
            trail: None,
            heads: HashSet::new(),
            report: VerifyReport::default(),
            place: ScanPosition::default(),
            gap: None,
            reported_gone: Vec::new(),
            retired: None,
            latest: None,
            max_gap,
            stop_at_first: false,
        }
    }

    /// Scans for a writer that wants to go on: up to the first bad record, and without a word about
    /// incidents that are recorded already.
    pub(crate) fn for_writer(key: Option<AuditKey>) -> Self {
        Self {
            stop_at_first: true,
            ..Self::new(key, ExpectedRecords::default(), Duration::MAX)
        }
    }

    pub(crate) fn place(&self) -> &ScanPosition {
        &self.place
    }

    pub(crate) fn last(&self) -> Option<Anchor> {
        self.last
    }

    pub(crate) fn trail(&self) -> Option<&str> {
        self.trail.as_deref()
    }

    /// Returns when the latest record so far was written.
    pub(crate) fn latest(&self) -> Option<Duration> {
        self.latest
    }

    /// Returns how many requests of this file have a head and no end so far.
    pub(crate) fn unfinished(&self) -> u64 {
        u64::try_from(self.heads.len()).unwrap_or(u64::MAX)
    }

    /// Returns what is wrong, as far as it was read.
    pub(crate) fn first_finding(&self) -> Option<&Finding> {
        self.report.findings.first()
    }

    /// Reads one file of the trail.
    pub(crate) fn file(
        &mut self,
        reader: &mut impl BufRead,
        name: Option<&Path>,
        tail: FileEnd,
    ) -> Result<(), VerifyError> {
        self.place = ScanPosition::new(name);
        self.report.files += 1;
        let mut line = Vec::new();
        loop {
            line.clear();
            let length = read_line(reader, &mut line, tail)?;
            if length == 0 {
                return Ok(());
            }
            self.place.line += 1;
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
            self.place.bytes += u64::try_from(length).unwrap_or(u64::MAX);
        }
    }

    /// Ends the scan.
    pub(crate) fn finish(mut self) -> VerifyReport {
        self.flush_gap();
        self.explain_start();
        let Some(last) = self.last else {
            if self.report.findings_total == 0 {
                self.place.line += 1;
                self.find(FindingReason::NotOpened);
            }
            return self.report;
        };
        self.place.line += 1;
        let trail = self.trail.take().unwrap_or_default();
        let gone = std::mem::take(&mut self.reported_gone);
        for (reason, sequence) in self.expected.unmet(&trail, last, &gone) {
            self.find_at(reason, sequence);
        }
        self.report.unfinished = self.unfinished();
        self.report.last = last;
        self.report.key = self.seal.key_id();
        self.report.trail = Some(trail.into());
        self.report.closed = self.place.closed;
        self.report.retired = self.retired.map_or(0, |retired| retired.sequence());
        self.report
    }

    fn line(&mut self, bytes: &[u8]) -> Result<Next, VerifyError> {
        let (Some(line), Some(content)) = (Line::parse(bytes), RecordMembers::parse(bytes)) else {
            self.find(FindingReason::Malformed);
            self.bases.unknown();
            return Ok(Next::Line);
        };
        let opens = content.kind == "opened";
        if self.place.line == 1 && opens {
            if let Some(reason) = self.check_header(&content) {
                return self.unusable(reason);
            }
            self.place.first = line.sequence;
        } else if opens || self.place.line == 1 {
            self.find(FindingReason::NotOpened);
            if opens {
                return Ok(Next::Line);
            }
        }
        if self.bases.is_empty() {
            self.start(&line, &content);
        }
        if content.v != 1 {
            self.find(FindingReason::UnknownVersion);
        }
        self.check_place(&line, &content);
        Ok(Next::Line)
    }

    /// Holds a record against those before it.
    fn check_place(&mut self, line: &Line<'_>, content: &RecordMembers<'_>) {
        let here = Anchor::new(line.sequence, line.hash);
        if let Some(proven) = self.bases.find(&self.seal, line) {
            self.report.unproven += u64::from(!proven);
            return self.accept(here, content);
        }
        let expected = self.bases.expected();
        let follows_itself = self.place.line == 1
            && file_start::stated_base(line, content)
                .is_some_and(|base| self.seal.hash(base, line.sealed) == line.hash);
        if line.sequence > expected && follows_itself {
            // The record is genuine; what came before it is not here.
            self.flush_gap();
            self.gap = Some(Gap {
                from: expected,
                to: line.sequence - 1,
                place: self.place.clone(),
                starts: false,
            });
            return self.accept(here, content);
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

    fn accept(&mut self, here: Anchor, content: &RecordMembers<'_>) {
        self.bases.only(here);
        self.last = Some(here);
        self.place.good += 1;
        if let Some(mismatch) = self.expected.compare(self.trail.as_deref(), here) {
            self.mismatch(mismatch, here.sequence());
        }
        self.count(here, content);
    }

    fn mismatch(&mut self, mismatch: Mismatch, sequence: u64) {
        match mismatch {
            Mismatch::Anchor => self.find_at(FindingReason::Rewritten, sequence),
            // Decided at the end: a later record may say that these records were lost.
            Mismatch::Checkpoint => self.expected.contradicted(sequence),
        }
    }

    /// A file that cannot be verified with what was given. If it is the first one, it is unknown
    /// whether the trail is intact; later it is a file that does not belong there.
    fn unusable(&mut self, reason: FindingReason) -> Result<Next, VerifyError> {
        let finding = self.finding(reason, self.next_sequence());
        let wrong_key = matches!(
            reason,
            FindingReason::NeedsKey | FindingReason::OtherKey | FindingReason::UnknownVersion
        );
        if wrong_key && self.last.is_none() {
            return Err(VerifyError::Unverifiable(finding));
        }
        self.push(finding);
        Ok(Next::SkipFile)
    }

    fn next_sequence(&self) -> u64 {
        self.bases.expected()
    }

    fn find(&mut self, reason: FindingReason) {
        self.find_at(reason, self.next_sequence());
    }

    fn find_at(&mut self, reason: FindingReason, sequence: u64) {
        let finding = self.finding(reason, sequence);
        self.push(finding);
    }

    fn finding(&self, reason: FindingReason, sequence: u64) -> Finding {
        Finding {
            file: self.place.file.clone(),
            line: self.place.line,
            sequence,
            reason,
            acknowledged_by: None,
        }
    }

    fn push(&mut self, finding: Finding) {
        self.report.findings_total += 1;
        if self.report.findings.len() < MAX_FINDINGS {
            self.report.findings.push(finding);
        }
    }
}

fn read_line(reader: &mut impl BufRead, line: &mut Vec<u8>, tail: FileEnd) -> io::Result<usize> {
    let mut rereads = 0;
    loop {
        let space = MAX_LINE.saturating_sub(u64::try_from(line.len()).unwrap_or(u64::MAX));
        reader.by_ref().take(space).read_until(b'\n', line)?;
        let whole = line.is_empty() || line.ends_with(b"\n") || space == 0;
        if whole || tail != FileEnd::Live || rereads == REREADS {
            return Ok(line.len());
        }
        // A writer is at it: the rest of the line comes with its next write.
        rereads += 1;
        thread::sleep(REREAD_PAUSE);
    }
}

/// Tells a last line without end from one that is longer than any record.
fn torn_or_endless(
    reader: &mut impl BufRead,
    length: usize,
    tail: FileEnd,
) -> io::Result<FindingReason> {
    let mut bytes = u64::try_from(length).unwrap_or(u64::MAX);
    loop {
        let more = reader.fill_buf()?;
        if more.is_empty() {
            return Ok(match tail {
                FileEnd::Part => FindingReason::TornPart { bytes },
                FileEnd::Last | FileEnd::Live => FindingReason::Torn { bytes },
            });
        }
        if let Some(end) = more.iter().position(|byte| *byte == b'\n') {
            reader.consume(end + 1);
            return Ok(FindingReason::Malformed);
        }
        let length = more.len();
        bytes = bytes.saturating_add(u64::try_from(length).unwrap_or(u64::MAX));
        reader.consume(length);
    }
}
