//! The thread that writes: takes records from the queue, writes and syncs them, and releases
//! responses.
//!
//! It also folds counts into records, writes checkpoints, watches the free space and deletes old
//! parts. If it ends for any reason, the queue is closed, so that no response waits for it.
//!
//! One round: wait for records or for what is due, encode them as unsealed records, write, sync if a response waits or the
//! pause is over, report the result, then the rest. After a failure the round is repeated with a growing pause, and
//! records stay in memory.

use std::{io, sync::Arc, time::Duration};

use palisade_core::SharedClock;
use palisade_internal::log_limit::LogLimit;

#[cfg(feature = "zstd")]
use super::compression::Compressor;
use super::{
    checkpoint_writer::CheckpointWriter,
    journal::Journal,
    low_space::{LowSpaceAction, SpaceMonitor},
    queue::{Batch, Losses, Queue, QueuedRecord},
    retention::{RetentionCheck, RetentionOutcome},
    storage::{self, Store},
    write_health::WriteHealth,
    writer_records,
};
use crate::{
    error::SinkUnavailable,
    record::{AuditEvent, RecordType, RequestRecord, event_id},
};

/// Written records stay in memory until they are safe; at so many of them that is seen to.
const MAX_UNSYNCED: usize = 4096;
/// The pause after the first failed attempt. It doubles with each failure.
const FIRST_PAUSE: Duration = Duration::from_millis(50);
/// The longest pause between two attempts.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// A clock that is set by less than this is not worth a record: time services do so all day.
const CLOCK_STEP: Duration = Duration::from_secs(2);

/// The state of the writer thread. Built by the builder of the file sink and consumed by `run`.
#[derive(Debug)]
pub(super) struct WriterThread<S> {
    /// Where records come from, and results go to.
    pub(super) queue: Arc<Queue>,
    /// Compresses old parts. `None`: they stay as they are.
    ///
    /// Before the journal, whose store holds the lock of the trail: also after a panic its thread ends first.
    #[cfg(feature = "zstd")]
    pub(super) compressor: Option<Compressor>,
    /// Seals, writes and syncs the records.
    pub(super) journal: Journal<S>,
    /// The clock of the sink; default: the system clock.
    pub(super) clock: SharedClock,
    /// The longest time between two syncs while records are written and no response waits.
    pub(super) sync_every: Duration,
    /// When everything written was last safe, on the monotonic clock.
    pub(super) synced_at: Duration,
    /// Writes checkpoints. `None` if the operator switched them off.
    pub(super) checkpoints: Option<CheckpointWriter>,
    /// Logs when writing begins to fail and when it works again.
    pub(super) health: WriteHealth,
    /// Compares the free space with the thresholds of the operator.
    pub(super) space: SpaceMonitor,
    /// Decides when old parts are deleted.
    pub(super) retirement: RetentionCheck,
    /// Limits log lines about parts that cannot be deleted.
    pub(super) trouble: LogLimit,
    /// The wall-clock time since the Unix epoch and the monotonic time, when they were last read.
    pub(super) clocks: (Duration, Duration),
}

impl<S: Store> WriterThread<S> {
    /// Works until the queue is closed: takes records, writes them, reports the result, and does what is due in
    /// between.
    ///
    /// Everything else that the sink does happens here too, in this order: counts, free space, retention,
    /// checkpoints. None of it delays a response that waits, but the write before it.
    pub(super) fn run(mut self) {
        // However this thread ends, all waits for it end.
        let _end = CloseOnDrop(Arc::clone(&self.queue));
        let (mut items, mut encoded) = (Vec::new(), Vec::new());
        self.keep_checkpoint(true);
        loop {
            let taken = self.queue.take(&mut items, self.due());
            self.encode_batch(&mut items, &mut encoded, &taken);
            self.queue.give_back(&mut encoded);
            if taken.closing {
                return self.end(&taken);
            }
            self.keep(&taken);
        }
    }

    /// Returns the longest time to sleep if no record comes. `None` if nothing waits for a write or
    /// sync.
    fn due(&self) -> Option<Duration> {
        match (self.journal.waiting(), self.journal.unsynced()) {
            (0, 0) => None,
            (0, _) => Some(self.sync_every),
            _ => Some(FIRST_PAUSE),
        }
    }

    /// Encodes what was taken as unsealed records in memory. Nothing is written yet.
    ///
    /// Records of the requests come first, then counts of repetitions, losses, and `closed` at the
    /// end.
    fn encode_batch(
        &mut self,
        items: &mut Vec<QueuedRecord>,
        encoded: &mut Vec<Arc<RequestRecord>>,
        taken: &Batch,
    ) {
        self.note_clock_step();
        for item in items.drain(..) {
            // The end of a refused request was not foreseen in the budget when its head was.
            let refused = match &item {
                QueuedRecord::Request(event, form) if event.refusal_code().is_some() => {
                    Some(*form != RecordType::End)
                }
                _ => None,
            };
            let bytes = self.journal.push(|out| match item {
                QueuedRecord::Event(event) => event.encode_unsealed(out),
                QueuedRecord::Request(event, form) => {
                    event.encode_unsealed(form, out);
                    encoded.push(event);
                }
            });
            if let Some(estimated) = refused {
                self.queue.refusal_was_written(bytes, estimated);
            }
        }
        let now = self.clock.unix_time();
        for folded in &taken.folded {
            self.journal
                .push(|out| out.extend(writer_records::folded(now, folded)));
        }
        if taken.losses != Losses::default() {
            self.journal
                .push(|out| out.extend(writer_records::lost(now, taken.losses)));
        }
        if taken.closing {
            self.journal.close();
        }
    }

    /// Records that the clock of the machine was set: times after it do not compare to those
    /// before.
    fn note_clock_step(&mut self) {
        let (unix_before, before) = self.clocks;
        let (now, monotonic) = (self.clock.unix_time(), self.clock.monotonic());
        self.clocks = (now, monotonic);
        let expected = unix_before.saturating_add(monotonic.saturating_sub(before));
        if now.abs_diff(expected) >= CLOCK_STEP {
            self.journal
                .push(|out| out.extend(writer_records::clock_step(now, expected)));
        }
    }

    /// Writes until it works, or until the queue is to be closed: then there is one attempt more.
    ///
    /// Between attempts it pauses, longer each time. Responses that wait get the error at once; the records stay in
    /// memory and are written later.
    fn keep(&mut self, taken: &Batch) {
        let mut pause = FIRST_PAUSE;
        loop {
            let kept = self.attempt(taken);
            self.queue.complete(taken.below, kept, self.journal.safe());
            if kept.is_ok() {
                let rotated = self.journal.take_rotated();
                self.look_at_space();
                self.retire(rotated);
                #[cfg(feature = "zstd")]
                if let Some(compressor) = self.compressor.as_ref().filter(|_| rotated) {
                    compressor.wake();
                }
                return self.keep_checkpoint(rotated);
            }
            if !self.queue.pause(pause) {
                return;
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// Compares the free space with the thresholds, and does what the operator chose for a disk with little space.
    ///
    /// Each change of state is one event and one log line.
    fn look_at_space(&mut self) {
        if !self.space.is_due(self.clock.monotonic()) {
            return;
        }
        let Some(free) = self.journal.store().free_bytes() else {
            return;
        };
        let now = self.clock.unix_time();
        for change in self.space.update(free) {
            let action = change.action.name();
            let id = match change.begins {
                true => event_id::LOW_SPACE,
                false => event_id::SPACE_RESTORED,
            };
            tracing::warn!(target: "palisade::audit", number = "PAL0022", event = id, action, free_bytes = free, "free space on the disk of the audit trail");
            let event = AuditEvent::new(id).recorded_at(now);
            let event = event.text("action", action).number("free_bytes", free);
            self.journal.push(|out| event.encode_unsealed(out));
        }
        let active = |action| self.space.is_active(action);
        let (count, refuse) = (
            active(LowSpaceAction::CountRefusals),
            active(LowSpaceAction::RefuseRequests),
        );
        self.queue.set_low_space(count, refuse);
        if active(LowSpaceAction::RetireOldest) {
            let times = (now, self.clock.monotonic());
            let retired = self.retirement.run_oldest(&mut self.journal, times);
            self.report_retention(retired);
        }
    }

    /// Deletes older parts that are not kept any longer.
    fn retire(&mut self, rotated: bool) {
        if self.retirement.is_due(self.clock.monotonic(), rotated) {
            let now = self.clock.unix_time();
            let retired = self.retirement.run(&mut self.journal, now);
            self.report_retention(retired);
        }
    }

    /// Reports that parts could not be deleted: one log line within the limit, and an event. A part that was changed is
    /// reported in any case: it comes once.
    fn report_retention(&mut self, retired: io::Result<RetentionOutcome>) {
        let now = self.clock.unix_time();
        let error = match retired {
            Ok(RetentionOutcome::Done) => return,
            Ok(RetentionOutcome::Refused(part)) => {
                let file = storage::name(&part.path);
                tracing::error!(target: "palisade::audit", file, "an older part of the audit trail has a line that this writer did not write; it and all after it are kept: run verify");
                let event = AuditEvent::new(event_id::RETENTION_FAILED).recorded_at(now);
                let event = event.text("cause", "damaged").text("file", file);
                self.journal.push(|out| event.encode_unsealed(out));
                return;
            }
            Err(error) => error,
        };
        if let Some(held_back) = self.trouble.admit(self.clock.monotonic()) {
            let errno = error.raw_os_error();
            tracing::error!(target: "palisade::audit", %error, errno, held_back, "cannot delete older parts of the audit trail");
            let event = AuditEvent::new(event_id::RETENTION_FAILED);
            let event = event.recorded_at(now);
            self.journal.push(|out| event.encode_unsealed(out));
        }
    }

    /// Writes a checkpoint if one is due, and notes in the trail when its place fails.
    fn keep_checkpoint(&mut self, must: bool) {
        let now = (self.clock.unix_time(), self.clock.monotonic());
        if self.journal.unsynced() == 0 {
            self.synced_at = now.1;
        }
        let Some(checkpoints) = &mut self.checkpoints else {
            return self.queue.note_progress(self.synced_at, None);
        };
        checkpoints.keep(self.journal.checkpoint(), now, must);
        self.queue
            .note_progress(self.synced_at, Some(checkpoints.last_at()));
        let id = match checkpoints.take_change() {
            None => return,
            Some(true) => event_id::CHECKPOINTS_FAILING,
            Some(false) => event_id::CHECKPOINTS_RESTORED,
        };
        let event = AuditEvent::new(id).recorded_at(now.0);
        self.journal.push(|out| event.encode_unsealed(out));
    }

    /// Makes the last attempt and the last checkpoint, releases the file and closes the queue.
    ///
    /// What could not be written is counted as dropped, since no thread writes it any more.
    fn end(mut self, taken: &Batch) {
        let kept = self.attempt(taken);
        let (safe, unwritten) = (self.journal.safe(), self.journal.waiting());
        tracing::info!(target: "palisade::audit", anchor = %safe, "closed");
        self.keep_checkpoint(true);
        if let Some(checkpoints) = self.checkpoints.take() {
            checkpoints.finish();
        }
        // It works on files of the trail: it ends before another process may open them.
        #[cfg(feature = "zstd")]
        drop(self.compressor.take());
        // After the close the file may be opened again: release the lock first.
        drop(self.journal);
        self.queue.end_all(taken.below, kept, safe, unwritten);
    }

    /// Makes one attempt to write, and notes its duration and its result.
    ///
    /// # Errors
    ///
    /// [`SinkUnavailable::Failing`]. The records stay in memory for the next attempt.
    fn attempt(&mut self, taken: &Batch) -> Result<(), SinkUnavailable> {
        self.queue.writing_since(Some(self.clock.monotonic()));
        let outcome = self.try_to_keep(taken);
        self.queue.writing_since(None);
        self.health.note(&outcome, self.clock.monotonic());
        outcome.map_err(|_| SinkUnavailable::Failing)
    }

    /// Writes all unsealed records. Syncs if a response waits, if the sink is closing, or if a sync is due.
    ///
    /// # Errors
    ///
    /// Those of the journal.
    fn try_to_keep(&mut self, taken: &Batch) -> io::Result<()> {
        self.journal.write()?;
        let now = self.clock.monotonic();
        let due = now.saturating_sub(self.synced_at) >= self.sync_every;
        if taken.is_sync_requested || taken.closing || due || self.journal.unsynced() > MAX_UNSYNCED
        {
            self.journal.sync()?;
            self.synced_at = now;
        }
        Ok(())
    }
}

/// Closes the queue when the thread ends, also after a panic, so that no response waits for ever.
struct CloseOnDrop(Arc<Queue>);

impl Drop for CloseOnDrop {
    fn drop(&mut self) {
        // After an orderly end this changes nothing.
        self.0
            .end_all(0, Err(SinkUnavailable::Closed), self.0.safe(), 0);
    }
}
