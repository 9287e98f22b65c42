//! Checks the first record of a file, and finds where a trail begins.
//!
//! The opening record states trail, algorithm, key and the hash of the record before. A trail
//! that does not begin at record 1 needs a reason: retention deleted the records, or they are
//! stored elsewhere.
//!
//! An attacker who removes the first files leaves a trail that begins later. Only a record `retired` of the writer,
//! under the chain, explains that. Everything else is an incident: an operator must know where the files are.

use super::{FindingReason, Gap, Scan, record_members::RecordMembers};
use crate::{
    chain::{Anchor, Line, Seal},
    record::is_known_version,
};

impl Scan {
    /// Returns why a file cannot be verified or belongs to another trail. `None` if it can be read.
    pub(super) fn check_header(&mut self, content: &RecordMembers<'_>) -> Option<FindingReason> {
        if !is_known_version(content.v) {
            return Some(FindingReason::UnknownVersion);
        }
        if let Err(reason) = self.demand_same_seal(content) {
            return Some(reason);
        }
        let Some(found) = content.trail.as_deref() else {
            return Some(FindingReason::Malformed);
        };
        let known = self.trail.get_or_insert_with(|| found.into());
        (**known != *found).then_some(FindingReason::OtherTrail)
    }

    /// Compares algorithm and key of the file with those that the caller gave.
    ///
    /// The file's own statement never decides what is computed: an attacker could state the weaker one.
    ///
    /// # Errors
    ///
    /// The reason why the file cannot be verified.
    fn demand_same_seal(&mut self, content: &RecordMembers<'_>) -> Result<(), FindingReason> {
        if Self::is_evolving(content) {
            return self.take_epoch(content);
        }
        if self.segment.is_some() || matches!(self.seal, Seal::Evolving(..) | Seal::Unknown(_)) {
            // A trail whose key evolves does not end to do so.
            return Err(FindingReason::OtherKey);
        }
        let algorithm = content.algorithm.as_deref();
        if algorithm == Some(self.seal.algorithm()) {
            let same = content.key.as_deref() == self.seal.key_id().as_deref();
            return same.then_some(()).ok_or(FindingReason::OtherKey);
        }
        Err(match self.seal {
            Seal::Evolving(..) | Seal::Keyed(_) | Seal::Unknown(_) => FindingReason::NotKeyed,
            Seal::Plain if content.key.is_some() => FindingReason::NeedsKey,
            Seal::Plain => FindingReason::UnknownVersion,
        })
    }

    /// Finds where the trail begins: at record 1, or after records in a file that is missing.
    ///
    /// A first file that does not begin at record 1 is a gap. It is reported only if no later record `retired`
    /// explains it.
    pub(super) fn start(&mut self, line: &Line<'_>, content: &RecordMembers<'_>) {
        self.report.first = line.sequence;
        let Some(before) = stated_base(line, content) else {
            // What is at the beginning is no record of a writer.
            if content.kind == "opened" {
                self.find(FindingReason::Malformed);
            }
            return self.bases.only_number(line.sequence.saturating_sub(1));
        };
        self.bases.only(before);
        self.start_base = Some(before);
        if before.sequence() == 0 {
            return;
        }
        let missing = self.expected.needs_record_before(line.sequence);
        if missing {
            let found = line.sequence;
            self.find_at(FindingReason::Missing { found }, 1);
        }
        if self.expected.compare_anchor(before) {
            self.find_at(FindingReason::Rewritten, before.sequence());
        }
        self.gap = Some(Gap {
            from: 1,
            to: before.sequence(),
            position: self.position.clone(),
            starts: true,
        });
    }

    /// Reports a gap as missing records, as no record explained it.
    pub(super) fn flush_gap(&mut self) {
        // The beginning is decided at the end: a later record may say that it was retired.
        let Some(gap) = self.gap.take_if(|gap| !gap.starts) else {
            return;
        };
        let here = std::mem::replace(&mut self.position, gap.position);
        let found = gap.to.saturating_add(1);
        self.find_at(FindingReason::Missing { found }, gap.from);
        self.position = here;
    }

    /// Reports missing records at the beginning, except those that retention deleted.
    pub(super) fn explain_start(&mut self) {
        let Some(gap) = self.gap.take() else { return };
        // The record that was deleted last must be the one that the first file follows.
        let contradicts = |retired: &Anchor| {
            let base = self
                .start_base
                .filter(|base| base.sequence() == retired.sequence());
            base.is_some_and(|base| base != *retired)
        };
        let retired = self.retired.filter(|retired| !contradicts(retired));
        if retired.is_some_and(|retired| retired.sequence() >= gap.to) {
            return;
        }
        let from = retired.map_or(1, |retired| retired.sequence() + 1);
        let here = std::mem::replace(&mut self.position, gap.position);
        self.find_at(FindingReason::StartMissing { from, to: gap.to }, from);
        self.position = here;
    }
}

/// Returns the record that a line states it follows, if it is the opening record of a file. It is not checked.
pub(crate) fn record_before(line: &[u8]) -> Option<Anchor> {
    stated_base(&Line::parse(line)?, &RecordMembers::borrowed(line)?)
}

/// Returns the record that the opening record of a file says it follows. `None` if that is not
/// valid.
pub(super) fn stated_base(line: &Line<'_>, content: &RecordMembers<'_>) -> Option<Anchor> {
    if content.kind != "opened" {
        return None;
    }
    match &content.follows {
        None => Some(Anchor::GENESIS),
        Some(hash) => format!("{}:{hash}", line.sequence.checked_sub(1)?)
            .parse()
            .ok(),
    }
}
