//! Deletes old parts of the trail when they are too old or too many.
//!
//! The deletion is recorded first (`retired`, with the last record that is deleted). Only when
//! that record is safe are the files deleted. Verification reads it: a trail that begins after a
//! retired record is complete. If a deletion fails, the parts stay and the next check tries
//! again.
//!
//! All records of a part are checked before its deletion is recorded, and the opening record of the file after it. A part
//! with a line that the writer did not write stays, and so do all after it: verification names the line. It is reported
//! once, until the part is another one. A check reads at most 256 MiB, or one part; the rest follows after the next write.
//!
//! A compressed part that is damaged has no last record that can be read. The file after it states that record; if that
//! one is damaged too, both are deleted together.
//!
//! A part is chosen by its last write for the age, and by its length for the size. The file that is written counts
//! for the size and is never chosen. Parts go from the oldest to the youngest, so what remains has no gap.

use std::{io, time::Duration};

use super::{
    checked_part::Checked,
    journal::Journal,
    storage::{Part, Store},
    writer_records::{self, Retired},
};
use crate::{
    chain::{Anchor, Seal},
    trail_files,
};

/// The time between two checks; there is also one after every rotation.
const PAUSE: Duration = Duration::from_secs(60 * 60);
/// The time until the oldest part is tried again, after it could not be deleted.
const RETRY_PAUSE: Duration = Duration::from_secs(60);
/// The most bytes of parts that one check reads, beyond the first part: the writer waits for it.
const MOST_READ: u64 = 256 * 1024 * 1024;
/// How many bytes of records a byte of a compressed part has, about.
const USUAL_GROWTH: u64 = 8;

/// When older parts are deleted: by the age of their last record, and by the size of all files together.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Retention {
    /// Parts that were last written longer ago than this are deleted.
    pub(super) age: Option<Duration>,
    /// The oldest parts are deleted until all files together have at most this many bytes.
    pub(super) bytes: Option<u64>,
}

/// Decides when retention runs, and runs it.
#[derive(Debug)]
pub(super) struct RetentionCheck {
    /// The limits.
    retention: Retention,
    /// When the parts were last checked, on the monotonic clock.
    looked_at: Option<Duration>,
    /// When the oldest part could not be deleted, on the monotonic clock.
    failed_at: Option<Duration>,
    /// The oldest part, if it has a line that the writer did not write. It is reported once.
    refused: Option<Part>,
}

/// What became of the parts that were to be deleted.
#[derive(Debug)]
pub(super) enum RetentionOutcome {
    /// They were deleted, or there were none.
    Done,
    /// The oldest part has a line that the writer did not write. It stays, and so do all after it.
    Refused(Part),
}

/// The oldest parts whose deletion can be recorded.
struct Proven {
    /// How many parts.
    count: usize,
    /// Their last record.
    last: Anchor,
    /// Whether more are to be deleted, which were not read yet.
    is_partial: bool,
}

impl RetentionCheck {
    /// Returns a check that is due at once, if there is a limit.
    pub(super) fn new(retention: Retention) -> Self {
        Self {
            retention,
            looked_at: None,
            failed_at: None,
            refused: None,
        }
    }

    /// Returns whether to check now: after an hour, or if a part was finished (`rotated`).
    pub(super) fn is_due(&mut self, now: Duration, rotated: bool) -> bool {
        if self.retention.age.is_none() && self.retention.bytes.is_none() {
            return false;
        }
        let waited = self
            .looked_at
            .is_none_or(|then| now.saturating_sub(then) >= PAUSE);
        if waited || rotated {
            self.looked_at = Some(now);
        }
        waited || rotated
    }

    /// Deletes the parts beyond the limits. `now` is the time since the Unix epoch.
    ///
    /// # Errors
    ///
    /// The parts cannot be listed, the record cannot be written, or a file cannot be deleted. What was not deleted is
    /// tried again at the next check.
    pub(super) fn run(
        &mut self,
        journal: &mut Journal<impl Store>,
        now: Duration,
    ) -> io::Result<RetentionOutcome> {
        let parts = journal.store().parts()?;
        let live = journal.store().length();
        let (count, why) = chosen(&parts, live, self.retention, now);
        self.retire(journal, &parts, count, why, now)
    }

    /// Deletes the oldest part to free space. `now` is the time since the Unix epoch, and on the monotonic clock.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run). After one, calls in the next minute do nothing: an attempt may read a whole part.
    pub(super) fn run_oldest(
        &mut self,
        journal: &mut Journal<impl Store>,
        (now, monotonic): (Duration, Duration),
    ) -> io::Result<RetentionOutcome> {
        let waits = |then: Duration| monotonic.saturating_sub(then) < RETRY_PAUSE;
        if self.failed_at.is_some_and(waits) {
            return Ok(RetentionOutcome::Done);
        }
        let parts = journal.store().parts();
        let retired = parts.and_then(|parts| self.retire(journal, &parts, 1, "low_space", now));
        self.failed_at = retired.is_err().then_some(monotonic);
        retired
    }

    /// Records the deletion of the oldest parts, waits until the record is safe, then deletes them, oldest first.
    fn retire(
        &mut self,
        journal: &mut Journal<impl Store>,
        parts: &[Part],
        count: usize,
        why: &'static str,
        now: Duration,
    ) -> io::Result<RetentionOutcome> {
        let Some(first) = parts.first().filter(|_| count > 0) else {
            return Ok(RetentionOutcome::Done);
        };
        if self.refused.as_ref() == Some(first) {
            return Ok(RetentionOutcome::Done);
        }
        let Some(proven) = proven_end(journal, parts, count)? else {
            self.refused = Some(first.clone());
            return Ok(RetentionOutcome::Refused(first.clone()));
        };
        if proven.is_partial {
            self.looked_at = None;
        }
        let parts = parts.get(..proven.count).unwrap_or_default();
        delete(journal, parts, (first.first, proven.last), why, now)?;
        Ok(RetentionOutcome::Done)
    }
}

/// Returns how many of the oldest parts exceed a limit, and which limit: `age` or `size`.
///
/// `live` is the length of the file that is written. It counts, and is never deleted. Parts go strictly in their
/// order: a younger part is never deleted before an older one, so that the rest has no gap.
fn chosen(parts: &[Part], live: u64, keep: Retention, now: Duration) -> (usize, &'static str) {
    let too_old = |part: &Part| {
        keep.age
            .is_some_and(|age| now.saturating_sub(part.modified) > age)
    };
    let old = parts.iter().take_while(|part| too_old(part)).count();
    let mut total = parts
        .iter()
        .map(|part| part.bytes)
        .fold(live, u64::saturating_add);
    let mut large = 0;
    for part in parts {
        if keep.bytes.is_none_or(|bytes| total <= bytes) {
            break;
        }
        total -= part.bytes;
        large += 1;
    }
    match old >= large {
        true => (old, "age"),
        false => (large, "size"),
    }
}

/// Returns the oldest parts whose records are those of the writer, `count` of them if all are.
///
/// It is more than `count` only if the last of these is damaged, and what comes after it too. `None` if the oldest part
/// has a line that the writer did not write.
///
/// # Errors
///
/// A file cannot be read, or no part that is damaged has an end that is known.
fn proven_end(
    journal: &mut Journal<impl Store>,
    parts: &[Part],
    count: usize,
) -> io::Result<Option<Proven>> {
    let seal = journal.seal().clone();
    let (mut proven, mut read) = (None, 0_u64);
    for (index, part) in parts.iter().enumerate() {
        let known = proven.map_or(0, |(end, _)| end);
        read = read.saturating_add(plain_bytes(part));
        if known >= count || known > 0 && read > MOST_READ {
            break;
        }
        match end_of_part(journal, &seal, part, parts.get(index + 1))? {
            Checked::Record(last) => proven = Some((index + 1, last)),
            Checked::Damaged | Checked::Nothing => {}
            Checked::Forged if known == 0 => return Ok(None),
            Checked::Forged => break,
        }
    }
    let Some((end, last)) = proven else {
        return Err(io::Error::other(
            "an older part ends with no record; it is kept",
        ));
    };
    Ok(Some(Proven {
        count: end,
        last,
        is_partial: end < count,
    }))
}

/// Returns about how many bytes of records a part has.
fn plain_bytes(part: &Part) -> u64 {
    match trail_files::is_compressed(&part.path) {
        true => part.bytes.saturating_mul(USUAL_GROWTH),
        false => part.bytes,
    }
}

/// Checks a part and the opening record of the file after it, and returns the last record of the part.
///
/// Of a damaged part that is the record that the next file follows. A gap between them is no reason to keep the part:
/// verification reports it.
fn end_of_part(
    journal: &mut Journal<impl Store>,
    seal: &Seal,
    part: &Part,
    next: Option<&Part>,
) -> io::Result<Checked> {
    let safe = journal.safe();
    let end = journal.store().check_end(part, seal)?;
    let base = match (journal.store().check_start(next, seal)?, next) {
        // The next record opens the file that is written.
        (Checked::Nothing, None) => Checked::Record(safe),
        (base, _) => base,
    };
    let fits = |last: Anchor, base: Anchor| last == base || last.sequence() < base.sequence();
    Ok(match (end, base) {
        (Checked::Record(last), Checked::Record(base)) if fits(last, base) => end,
        (Checked::Record(_), Checked::Damaged) => end,
        (Checked::Damaged, base @ (Checked::Damaged | Checked::Record(_))) => base,
        _ => Checked::Forged,
    })
}

/// Records the deletion of parts, waits until the record is safe, then deletes them, oldest first.
fn delete(
    journal: &mut Journal<impl Store>,
    parts: &[Part],
    (from, last): (u64, Anchor),
    why: &'static str,
    now: Duration,
) -> io::Result<()> {
    let retired = Retired {
        from,
        last,
        files: u64::try_from(parts.len()).unwrap_or(u64::MAX),
        bytes: parts
            .iter()
            .map(|part| part.bytes)
            .fold(0, u64::saturating_add),
        why,
    };
    journal.push(|out| out.extend(writer_records::retired(now, retired)));
    journal.write()?;
    journal.sync()?;
    // Oldest first: whatever happens in between, what is left has no gap.
    for part in parts {
        journal.store().delete(part)?;
    }
    tracing::info!(target: "palisade::audit", files = retired.files, bytes = retired.bytes, why, "deleted older parts of the audit trail");
    Ok(())
}
