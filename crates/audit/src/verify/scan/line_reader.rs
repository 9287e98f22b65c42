//! Reads the lines of a file: whole ones, incomplete ones at the end, and those that are no record.

use std::{
    io::{self, BufRead, Read},
    thread,
    time::Duration,
};

use crate::verify::FindingReason;

/// The most bytes of a line. A longer one is not a record.
const MAX_LINE: u64 = 64 * 1024;
/// How often the end of a growing file is read again, until its last line is complete.
const REREADS: u32 = 20;
/// The pause before it is read again.
const REREAD_PAUSE: Duration = Duration::from_millis(10);

/// What the end of a file may look like.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum FileEnd {
    /// It is the last file: its last line may be incomplete.
    Last,
    /// As [`Last`](Self::Last), and a writer may be running: an incomplete line is read again.
    Live,
    /// It is an older part: its last line must be complete.
    Part,
}

/// Reads a line with its line feed, at most 64 KiB. Returns its length, or 0 at the end.
///
/// In a live file an incomplete line is read again, up to 20 times: the writer may be in the middle of it.
///
/// # Errors
///
/// The reader fails.
pub(super) fn read_line(
    reader: &mut impl BufRead,
    line: &mut Vec<u8>,
    tail: FileEnd,
) -> io::Result<usize> {
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

/// Distinguishes an incomplete last line from a line that is longer than any record, and skips the rest of the
/// second.
///
/// # Errors
///
/// The reader fails.
pub(super) fn torn_or_endless(
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
