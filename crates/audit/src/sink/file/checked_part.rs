//! Checks an older part before its deletion is recorded: its records under the key of the writer, from the first to the
//! last.
//!
//! A record `retired` explains why the trail begins later. Its last number must therefore be proven: one that can write the
//! file, and has no key, could otherwise end a part with a line that states a later number.
//!
//! With an evolving key the writer has no key of an earlier file. Their form and order are checked, and the number and hash
//! that the next file states; their hashes are checked by verification, which has the first key.

use std::{
    io::{self, BufRead},
    path::Path,
};

use crate::{
    chain::{Anchor, Seal},
    part_reader::is_damaged,
    trail_files,
    verify::{FileEnd, FindingReason, Scan, VerifyError, record_before},
};

/// The most bytes of a line. No record is longer.
const MAX_LINE: u64 = 64 * 1024;

/// What a check found.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Checked {
    /// A compressed part cannot be decompressed.
    Damaged,
    /// A line is no record of this writer.
    Forged,
    /// The file is empty.
    Nothing,
    /// The last record of a part, or the record that a file follows.
    Record(Anchor),
}

/// Checks all records of a part, and returns the last one.
///
/// # Errors
///
/// The file cannot be read.
pub(super) fn check_end(seal: &Seal, reader: &mut impl BufRead) -> io::Result<Checked> {
    let (checked, last) = scan(seal, reader)?;
    Ok(match (checked, last) {
        (Checked::Nothing, Some(last)) => Checked::Record(last),
        // A part that is empty is none of the writer's.
        (Checked::Nothing, None) => Checked::Forged,
        (checked, _) => checked,
    })
}

/// Checks the opening record of a file, and returns the record that it follows.
///
/// # Errors
///
/// The file cannot be read.
pub(super) fn check_start(seal: &Seal, reader: &mut impl BufRead) -> io::Result<Checked> {
    let mut line = Vec::new();
    match trail_files::read_line(reader, MAX_LINE, &mut line) {
        Ok(true) => {}
        Ok(false) => return Ok(Checked::Nothing),
        Err(error) if is_damaged(&error) => return Ok(Checked::Damaged),
        Err(error) => return Err(error),
    }
    let (checked, _) = scan(seal, &mut &*line)?;
    let before = line.strip_suffix(b"\n").and_then(record_before);
    Ok(match (checked, before) {
        (Checked::Nothing, Some(before)) => Checked::Record(before),
        _ => Checked::Forged,
    })
}

/// Reads records, and returns what is wrong (`Nothing` if all are good) and the last good one.
fn scan(seal: &Seal, reader: &mut impl BufRead) -> io::Result<(Checked, Option<Anchor>)> {
    let mut scan = Scan::for_writer(seal, None).reading_earlier();
    match scan.file(reader, None::<&Path>, FileEnd::Part) {
        Ok(()) => {}
        Err(VerifyError::Io(error)) => return Err(error),
        Err(VerifyError::Unverifiable(_)) => return Ok((Checked::Forged, None)),
    }
    let checked = match scan.first_finding().map(|finding| finding.reason) {
        None => Checked::Nothing,
        Some(FindingReason::DamagedPart { .. }) => Checked::Damaged,
        Some(_) => Checked::Forged,
    };
    Ok((checked, scan.last()))
}
