//! Deletes old parts of the trail when they are too old or too many.
//!
//! The deletion is recorded first (`retired`, with the last record that is deleted). Only when
//! that record is safe are the files deleted. Verification reads it: a trail that begins after a
//! retired record is complete. If a deletion fails, the parts stay and the next check tries
//! again.
//!
//! A compressed part that is damaged has no last record that can be read. The file after it states that record; if that
//! one is damaged too, both are deleted together.
//!
//! A part is chosen by its last write for the age, and by its length for the size. The file that is written counts
//! for the size and is never chosen. Parts go from the oldest to the youngest, so what remains has no gap.

use std::{io, time::Duration};

use super::{
    journal::Journal,
    storage::{Part, Store},
    writer_records::{self, Retired},
};
use crate::{chain::Anchor, part_reader::is_damaged};

/// The time between two checks; there is also one after every rotation.
const PAUSE: Duration = Duration::from_secs(60 * 60);
/// The time until the oldest part is tried again, after it could not be deleted.
const RETRY_PAUSE: Duration = Duration::from_secs(60);

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
}

impl RetentionCheck {
    /// Returns a check that is due at once, if there is a limit.
    pub(super) fn new(retention: Retention) -> Self {
        Self {
            retention,
            looked_at: None,
            failed_at: None,
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
    pub(super) fn run(&self, journal: &mut Journal<impl Store>, now: Duration) -> io::Result<()> {
        let parts = journal.store().parts()?;
        let live = journal.store().length();
        let (count, why) = chosen(&parts, live, self.retention, now);
        retire(journal, &parts, count, why, now)
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
    ) -> io::Result<()> {
        let waits = |then: Duration| monotonic.saturating_sub(then) < RETRY_PAUSE;
        if self.failed_at.is_some_and(waits) {
            return Ok(());
        }
        let parts = journal.store().parts();
        let retired = parts.and_then(|parts| retire(journal, &parts, 1, "low_space", now));
        self.failed_at = retired.is_err().then_some(monotonic);
        retired
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

/// Returns how many parts are deleted if `count` of them are to be, and their last record.
///
/// It is more than `count` only if the last of these is damaged, and what comes after it too.
fn readable_end(
    store: &impl Store,
    parts: &[Part],
    count: usize,
) -> io::Result<Option<(usize, Anchor)>> {
    for end in count..=parts.len() {
        let Some(newest) = end.checked_sub(1).and_then(|index| parts.get(index)) else {
            return Ok(None);
        };
        let last = match store.last_record(newest) {
            Err(error) if is_damaged(&error) => store.record_before(parts.get(end)),
            read => read,
        };
        match last {
            Err(error) if is_damaged(&error) => {}
            last => return last.map(|last| last.map(|last| (end, last))),
        }
    }
    Ok(None)
}

/// Records the deletion of the oldest parts, waits until the record is safe, then deletes them, oldest first.
///
/// # Errors
///
/// The record of the deletion cannot be written. Nothing is deleted then.
fn retire(
    journal: &mut Journal<impl Store>,
    parts: &[Part],
    count: usize,
    why: &'static str,
    now: Duration,
) -> io::Result<()> {
    let Some(first) = parts.first().filter(|_| count > 0) else {
        return Ok(());
    };
    let Some((count, last)) = readable_end(journal.store(), parts, count)? else {
        return Err(io::Error::other(
            "an older part ends with no record; it is kept",
        ));
    };
    let parts = parts.get(..count).unwrap_or_default();
    let retired = Retired {
        from: first.first,
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
