//! Goes on after a compressed part that is damaged.
//!
//! The records behind the damage cannot be read. The next file states which record it follows: if it is genuine, the
//! records up to that one are what is missing, and they are one finding. An operator can acknowledge it, for these
//! numbers only.

use std::{io::BufRead, path::Path};

use super::{
    Comparison, FileEnd, FindingReason, Gap, Scan, ScanPosition, file_start::stated_base,
    record_members::RecordMembers,
};
use crate::{
    chain::{Anchor, Line},
    part_reader::is_damaged,
    trail_files,
    verify::VerifyError,
};

/// A place from which a compressed part cannot be read.
#[derive(Debug)]
pub(super) struct Damage {
    /// The first record that cannot be read.
    from: u64,
    /// The line after the last one that was read.
    position: ScanPosition,
}

impl Scan {
    /// Reads one file of the trail. Files must be given in their order.
    ///
    /// # Errors
    ///
    /// The reader fails, or the first file needs another key or version. A compressed part that is damaged is a finding.
    pub(crate) fn file(
        &mut self,
        reader: &mut impl BufRead,
        name: Option<&Path>,
        tail: FileEnd,
    ) -> Result<(), VerifyError> {
        match self.lines(reader, name, tail) {
            Err(VerifyError::Io(error)) if is_damaged(&error) => self.damaged(),
            read => return read,
        }
        Ok(())
    }

    /// Notes that the file cannot be decompressed any further.
    ///
    /// A writer gets the finding at once: it ends at the first one.
    fn damaged(&mut self) {
        self.flush_gap();
        self.position.line += 1;
        let named = self.position.file.as_deref();
        let named = named.and_then(trail_files::first_of);
        let from = match &self.damage {
            // Nothing of this file was read either. Its name says where the damage of the file before it ends.
            Some(before) => named.unwrap_or(0).max(before.from.saturating_add(1)),
            None if self.bases.is_empty() => named.unwrap_or(1),
            None => self.first_lost(named),
        };
        self.demand_anchor(from);
        self.report_damage(Some(from.saturating_sub(1)));
        self.damage = Some(Damage {
            from,
            position: self.position.clone(),
        });
        if self.stop_at_first {
            self.report_damage(None);
        }
    }

    /// Returns the first record that cannot be read, in a file whose name states its first record.
    ///
    /// If nothing of the file was read, records between the file before it and this name are missing.
    fn first_lost(&mut self, named: Option<u64>) -> u64 {
        let next = self.next_sequence();
        let unread = self.position.line == 1;
        let Some(found) = named.filter(|first| unread && *first > next) else {
            return next;
        };
        self.find_at(FindingReason::Missing { found }, next);
        found
    }

    /// Ends the damage before the opening record of the next file, if that is genuine.
    pub(super) fn close_damage(&mut self, line: &Line<'_>, content: &RecordMembers<'_>) {
        let Some(from) = self.damage.as_ref().map(|damage| damage.from) else {
            return;
        };
        let genuine = |base: &Anchor| {
            let after = base.sequence().saturating_add(1) >= from;
            after && self.seal.hash(*base, &line.leaf()) == line.hash
        };
        let base = stated_base(line, content).filter(genuine);
        self.demand_anchor(base.map_or(0, |base| base.sequence()));
        self.report_damage(base.map(|base| base.sequence()));
        if let Some(base) = base.filter(|base| base.sequence() >= from) {
            self.skip_to(base);
        }
    }

    /// Reports the damage, if there is one. `to` is the last record that cannot be read.
    pub(super) fn report_damage(&mut self, to: Option<u64>) {
        let Some(damage) = self.damage.take() else {
            return;
        };
        let from = damage.from;
        let here = std::mem::replace(&mut self.position, damage.position);
        self.find_at(FindingReason::DamagedPart { from, to }, from);
        if self.report.first == 0 && to.is_some_and(|to| to >= from) {
            self.begin_at(from);
        }
        self.position = here;
    }

    /// Continues behind the records that cannot be read, and compares the last of them with what is required.
    fn skip_to(&mut self, base: Anchor) {
        self.tree = None;
        self.bases.only(base);
        if let Comparison::Mismatch(mismatch) = self.expected.compare(self.trail.as_deref(), base) {
            self.mismatch(mismatch, base.sequence());
        }
    }

    /// Reports that the record of the anchor is among those that cannot be read, if it is below this number.
    fn demand_anchor(&mut self, below: u64) {
        let from = self.damage.as_ref().map_or(below, |damage| damage.from);
        if self.expected.needs_record_in(from, below) {
            self.find_at(FindingReason::Missing { found: below }, from);
        }
    }

    /// Notes that the trail begins with a part that cannot be read. Retention may explain what is missing before it.
    fn begin_at(&mut self, first: u64) {
        self.report.first = first;
        let before = first.saturating_sub(1);
        if before == 0 {
            return;
        }
        if self.expected.needs_record_before(first) {
            self.find_at(FindingReason::Missing { found: first }, 1);
        }
        self.gap = Some(Gap {
            from: 1,
            to: before,
            position: self.position.clone(),
            starts: true,
        });
    }
}
