//! The settings of a file sink.

use std::{io, path::PathBuf, sync::Arc, thread, time::Duration};

use palisade_core::{SharedClock, SystemClock};

use super::{
    FileSink,
    journal::Journal,
    notes,
    queue::{Queue, Settings},
    recover::{Start, recover},
    store::{self, Disk, Store},
    worker::{Worker, watch},
};
use crate::{AuditError, AuditKey, Unavailable, chain::Seal};

/// Describes a [`FileSink`].
#[derive(Debug)]
#[must_use]
pub struct FileSinkBuilder {
    path: PathBuf,
    key: Option<AuditKey>,
    clock: SharedClock,
    rotate_at: u64,
    sync_every: Duration,
    settings: Settings,
}

impl FileSinkBuilder {
    pub(super) fn new(path: PathBuf) -> Self {
        Self {
            path,
            key: None,
            clock: SystemClock::shared(),
            rotate_at: 64 * 1024 * 1024,
            sync_every: Duration::from_secs(1),
            settings: Settings {
                capacity: 8192,
                deadline: Duration::from_secs(2),
                fail_closed: false,
            },
        }
    }

    /// Seals records with a key: without it nobody can rewrite the trail so that it verifies.
    pub fn key(mut self, key: AuditKey) -> Self {
        self.key = Some(key);
        self
    }

    /// Holds every answer back until its record is safe, and refuses requests with 503 while none can be kept.
    pub fn fail_closed(mut self) -> Self {
        self.settings.fail_closed = true;
        self
    }

    /// Sets how many records may wait in memory; 8192 by default. In fail-closed mode every request
    /// under way holds two of these places until its answer starts and one until it is over; where
    /// none are left the next one is refused. Many long streams need more.
    pub fn capacity(mut self, records: usize) -> Self {
        self.settings.capacity = records;
        self
    }

    /// Sets how long an answer is held back in fail-closed mode before it is refused; 2 seconds by default.
    pub fn commit_deadline(mut self, deadline: Duration) -> Self {
        self.settings.deadline = deadline;
        self
    }

    /// Sets how long records may lie in the system's cache while nobody waits for them; 1 second by
    /// default. They survive the process at once, and a power cut after that.
    pub fn sync_every(mut self, pause: Duration) -> Self {
        self.sync_every = pause;
        self
    }

    /// Sets the length at which a file becomes an older part; 64 MiB by default. Older parts are
    /// never deleted here: how long to keep them is for law and operator to say. A start reads the
    /// file that is written whole, so this also bounds how long that takes.
    pub fn rotate_at(mut self, bytes: u64) -> Self {
        self.rotate_at = bytes;
        self
    }

    /// Takes the time from this clock.
    pub fn clock(mut self, clock: SharedClock) -> Self {
        self.clock = clock;
        self
    }

    /// Opens the file, or makes it, sets aside what an earlier process left unfinished, and starts
    /// the thread that writes. A disk that is full does not stop this: see [`FileSink`].
    ///
    /// # Errors
    ///
    /// [`AuditError::Locked`] if somebody else writes to it, [`AuditError::OtherKey`] if it was written
    /// with another key, [`AuditError::Setting`] for settings that cannot work, and
    /// [`AuditError::Storage`] where the file cannot be used.
    pub fn open(self) -> Result<FileSink, AuditError> {
        self.check()?;
        let path = self.path.clone();
        let storage = |error| AuditError::Storage {
            path: path.clone(),
            error,
        };
        let lock = store::lock(&path).map_err(storage)?;
        let lock = lock.ok_or_else(|| AuditError::Locked { path: path.clone() })?;
        let start = recover(&path, self.key.as_ref())?;
        let disk = Disk::open(path.clone(), lock).map_err(storage)?;
        self.start(disk, &start).map_err(storage)
    }

    /// Starts the threads over a store.
    pub(super) fn start(self, store: impl Store, start: &Start) -> io::Result<FileSink> {
        let seal = Seal::new(self.key);
        let clock = Arc::clone(&self.clock);
        let mark = start.mark;
        let trail = start.trail.clone();
        let mut journal = Journal::new(store, seal, trail, mark, self.rotate_at, clock);
        begin(&mut journal, start, self.clock.unix_time());
        let queue = Arc::new(Queue::new(self.settings, Arc::clone(&self.clock)));
        let begun = journal.write().and_then(|()| journal.sync());
        let answer = begun.map_err(|_| Unavailable::Failing);
        queue.answer(0, answer, journal.safe());
        let worker = Worker {
            queue: Arc::clone(&queue),
            journal,
            synced_at: self.clock.monotonic(),
            clock: self.clock,
            sync_every: self.sync_every,
        };
        // From here on, whatever goes wrong closes the queue.
        let sink = FileSink::new(Arc::clone(&queue), self.path);
        spawn("palisade-audit", move || worker.run())?;
        if self.settings.fail_closed {
            spawn("palisade-audit-watch", move || watch(&queue))?;
        }
        Ok(sink)
    }

    fn check(&self) -> Result<(), AuditError> {
        match self {
            Self {
                rotate_at: 0..4096, ..
            } => Err(AuditError::Setting(
                "a part of an audit trail needs 4096 bytes or more",
            )),
            it if it.settings.capacity < 2 => Err(AuditError::Setting(
                "an audit queue needs room for 2 records or more",
            )),
            it if it.sync_every.is_zero() || it.settings.deadline.is_zero() => Err(
                AuditError::Setting("audit pauses and deadlines must not be zero"),
            ),
            _ => Ok(()),
        }
    }
}

/// Notes down how the trail goes on.
fn begin(journal: &mut Journal<impl Store>, start: &Start, now: Duration) {
    for what in &start.recovered {
        journal.push(|out| out.extend(notes::recovered(now, what)));
    }
    if let Some(after_close) = start.resumed {
        journal.push(|out| out.extend(notes::resumed(now, after_close)));
    }
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let thread = thread::Builder::new().name(name.into());
    thread.spawn(run).map(drop)
}
