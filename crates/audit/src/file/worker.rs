//! The thread that writes, and the one that watches the clock while it does.

use std::{io, sync::Arc, thread, time::Duration};

use palisade_core::SharedClock;

use super::{
    journal::Journal,
    notes,
    queue::{Item, Losses, Queue, Taken},
    store::Store,
};
use crate::Unavailable;

/// Written records stay in memory until they are safe; at so many of them that is seen to.
const MAX_UNSYNCED: usize = 4096;
const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

#[derive(Debug)]
pub(super) struct Worker<S> {
    pub(super) queue: Arc<Queue>,
    pub(super) journal: Journal<S>,
    pub(super) clock: SharedClock,
    pub(super) sync_every: Duration,
    pub(super) synced_at: Duration,
}

impl<S: Store> Worker<S> {
    /// Works until the queue is closed.
    pub(super) fn run(mut self) {
        // However this thread ends, nobody waits for it in vain.
        let _end = EndAll(Arc::clone(&self.queue));
        let mut items = Vec::new();
        loop {
            let taken = self.queue.take(&mut items, self.due());
            self.draft(&mut items, &taken);
            if taken.closing {
                return self.end(&taken);
            }
            self.keep(&taken);
        }
    }

    /// Tells when there is something to do even if nothing comes.
    fn due(&self) -> Option<Duration> {
        match (self.journal.waiting(), self.journal.unsynced()) {
            (0, 0) => None,
            (0, _) => Some(self.sync_every),
            _ => Some(FIRST_PAUSE),
        }
    }

    fn draft(&mut self, items: &mut Vec<Item>, taken: &Taken) {
        for item in items.drain(..) {
            self.journal.push(|out| match item {
                Item::Event(event) => event.draft(out),
                Item::Request(event, form) => event.draft(form, out),
            });
        }
        let now = self.clock.unix_time();
        if taken.losses != Losses::default() {
            self.journal
                .push(|out| out.extend(notes::lost(now, taken.losses)));
        }
        if taken.closing {
            self.journal.push(|out| out.extend(notes::closed(now)));
        }
    }

    /// Writes until it works, or until the queue is to be closed: then there is one attempt more.
    fn keep(&mut self, taken: &Taken) {
        let mut pause = FIRST_PAUSE;
        loop {
            let kept = self.attempt(taken);
            self.queue.answer(taken.below, kept, self.journal.safe());
            if kept.is_ok() || !self.queue.pause(pause) {
                return;
            }
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    fn end(mut self, taken: &Taken) {
        let kept = self.attempt(taken);
        let (safe, unwritten) = (self.journal.safe(), self.journal.waiting());
        tracing::info!(target: "palisade::audit", anchor = %safe, "closed");
        // Whoever hears that it is closed may open it again: the lock goes first.
        drop(self.journal);
        self.queue.end_all(taken.below, kept, safe, unwritten);
    }

    fn attempt(&mut self, taken: &Taken) -> Result<(), Unavailable> {
        self.try_to_keep(taken).map_err(|error| {
            // The kind, and not the text, which may hold a path.
            let kind = error.kind();
            tracing::error!(target: "palisade::audit", %kind, "cannot write the audit trail");
            Unavailable::Failing
        })
    }

    fn try_to_keep(&mut self, taken: &Taken) -> io::Result<()> {
        self.journal.write()?;
        let now = self.clock.monotonic();
        let due = now.saturating_sub(self.synced_at) >= self.sync_every;
        if taken.asked || taken.closing || due || self.journal.unsynced() > MAX_UNSYNCED {
            self.journal.sync()?;
            self.synced_at = now;
        }
        Ok(())
    }
}

/// Refuses answers that are late, as long as the queue is open.
pub(super) fn watch(queue: &Queue) {
    while queue.expire() {
        thread::park_timeout(queue.deadline() / 4);
    }
}

struct EndAll(Arc<Queue>);

impl Drop for EndAll {
    fn drop(&mut self) {
        // After an orderly end this changes nothing.
        self.0
            .end_all(0, Err(Unavailable::Closed), self.0.safe(), 0);
    }
}
