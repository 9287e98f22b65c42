//! Walks a trail from its first record to its last, and stops at the first bad one.

mod judge;
mod tally;

use std::{
    collections::HashSet,
    io::{self, BufRead, Read},
    path::Path,
};

use self::judge::{in_order, known_version};
use super::{Finding, Reason, VerifyError, VerifyReport, content::Content};
use crate::{
    Anchor, AuditKey,
    chain::{Line, Seal},
};

/// No record is longer; what is, was not written by us.
const MAX_LINE: u64 = 64 * 1024;

#[derive(Debug)]
pub(crate) struct Walk {
    seal: Seal,
    anchor: Option<Anchor>,
    last: Option<Anchor>,
    trail: Option<Box<str>>,
    heads: HashSet<Box<str>>,
    report: VerifyReport,
    place: Place,
    for_writer: bool,
}

/// Where the walk stands in the file that it reads.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Place {
    /// Good lines so far.
    pub(crate) lines: u64,
    /// Their bytes.
    pub(crate) bytes: u64,
    /// The number of the first of them.
    pub(crate) first: u64,
    /// Whether the last of them says that the writer closed the trail in order.
    pub(crate) closed: bool,
}

impl Walk {
    pub(crate) fn new(key: Option<AuditKey>, anchor: Option<Anchor>) -> Self {
        Self {
            seal: Seal::new(key),
            anchor,
            last: None,
            trail: None,
            heads: HashSet::new(),
            report: VerifyReport::default(),
            place: Place::default(),
            for_writer: false,
        }
    }

    /// Walks for a writer that wants to go on: damage that an earlier one told of is no news.
    pub(crate) fn for_writer(key: Option<AuditKey>) -> Self {
        Self {
            for_writer: true,
            ..Self::new(key, None)
        }
    }

    pub(crate) fn place(&self) -> Place {
        self.place
    }

    pub(crate) fn last(&self) -> Option<Anchor> {
        self.last
    }

    pub(crate) fn trail(&self) -> Option<&str> {
        self.trail.as_deref()
    }

    /// Reads one file of the trail.
    pub(crate) fn file(
        &mut self,
        reader: &mut impl BufRead,
        name: Option<&Path>,
    ) -> Result<(), VerifyError> {
        self.place = Place::default();
        self.report.files += 1;
        let mut line = Vec::new();
        loop {
            line.clear();
            let length = reader
                .by_ref()
                .take(MAX_LINE)
                .read_until(b'\n', &mut line)?;
            if length == 0 {
                return Ok(());
            }
            let judged = match line.strip_suffix(b"\n") {
                Some(whole) => self.line(whole),
                None => Err(torn_or_endless(reader, line.len())?),
            };
            judged.map_err(|reason| self.broken(reason, name))?;
            self.place.bytes += u64::try_from(length).unwrap_or(u64::MAX);
        }
    }

    /// Ends the walk.
    pub(crate) fn finish(mut self, name: Option<&Path>) -> Result<VerifyReport, VerifyError> {
        let Some(last) = self.last else {
            return Err(self.broken(Reason::NotOpened, name));
        };
        if let Some(anchor) = self.anchor.filter(|it| it.sequence() > last.sequence()) {
            let anchored = anchor.sequence();
            return Err(self.broken(Reason::CutShort { anchored }, name));
        }
        self.report.unfinished = u64::try_from(self.heads.len()).unwrap_or(u64::MAX);
        self.report.last = last;
        self.report.key = self.seal.key_id();
        Ok(self.report)
    }

    fn broken(&self, reason: Reason, name: Option<&Path>) -> VerifyError {
        VerifyError::Broken(Finding {
            file: name.map(Into::into),
            line: self.place.lines + 1,
            sequence: self
                .last
                .map_or(0, |last| last.sequence())
                .saturating_add(1),
            reason,
        })
    }

    fn line(&mut self, bytes: &[u8]) -> Result<(), Reason> {
        let line = Line::parse(bytes).ok_or(Reason::Malformed)?;
        let content = Content::parse(bytes).ok_or(Reason::Malformed)?;
        let last = self.before(&line, &content)?;
        in_order(last, &line)?;
        if self.seal.hash(last, line.sealed) != line.hash {
            return Err(Reason::Altered);
        }
        known_version(&content)?;
        let here = Anchor::new(line.sequence, line.hash);
        self.compare_with_anchor(here)?;
        self.count(&content)?;
        self.last = Some(here);
        self.place.lines += 1;
        Ok(())
    }
}

/// Tells a last line without end from one that is longer than any record.
fn torn_or_endless(reader: &mut impl BufRead, length: usize) -> io::Result<Reason> {
    let mut bytes = u64::try_from(length).unwrap_or(u64::MAX);
    loop {
        let more = reader.fill_buf()?;
        if more.is_empty() {
            return Ok(Reason::Torn { bytes });
        }
        if more.contains(&b'\n') {
            return Ok(Reason::Malformed);
        }
        let length = more.len();
        bytes = bytes.saturating_add(u64::try_from(length).unwrap_or(u64::MAX));
        reader.consume(length);
    }
}
