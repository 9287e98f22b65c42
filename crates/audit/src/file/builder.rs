//! The settings of a file sink.

use std::{io, path::PathBuf, sync::Arc, thread, time::Duration};

use palisade_core::{SharedClock, SystemClock};
use palisade_internal::log_limit::LogLimit;

use super::{
    FileSink,
    checkpoints::{self, Checkpoints},
    health::Health,
    journal::Journal,
    notes,
    queue::{FoldSettings, Queue, Settings},
    recover::{Start, recover},
    retention::{Retention, Retirement},
    space::{LowSpaceAction, Space},
    store::{self, Disk, Store},
    watch::watch,
    worker::Worker,
};
use crate::{AuditBuildError, AuditKey, CheckpointKey, SinkUnavailable, chain::Seal, names};

const MIB: u64 = 1024 * 1024;
/// Below this, every few records would begin a file.
const MIN_ROTATE_AT: u64 = 4096;
/// In fail-closed mode a request holds two places.
const MIN_CAPACITY: usize = 2;
const NOT_ZERO: &str = "use more than zero";

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
    checkpoints: checkpoints::Settings,
    retention: Retention,
    low_space: Vec<(LowSpaceAction, u64)>,
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
                fold: FoldSettings {
                    window: Some(Duration::from_secs(60)),
                    budget: 32 * 1024,
                },
            },
            retention: Retention::default(),
            low_space: vec![
                (LowSpaceAction::Warn, 512 * MIB),
                (LowSpaceAction::CountRefusals, 128 * MIB),
            ],
            checkpoints: checkpoints::Settings::default(),
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

    /// Sets the length at which a file becomes an older part; 64 MiB by default. Older parts are kept,
    /// unless [`keep_for`](Self::keep_for) or [`keep_at_most`](Self::keep_at_most) says otherwise. A
    /// start reads the file that is written whole, so this also bounds how long that takes.
    pub fn rotate_at(mut self, bytes: u64) -> Self {
        self.rotate_at = bytes;
        self
    }

    /// Sets the time in which repeated refusals of one address, guard and code (and connection events
    /// of one address and identifier) are one record and one count. Default: 60 seconds. A process
    /// that is killed loses the counts of at most this time.
    pub fn fold_window(mut self, window: Duration) -> Self {
        self.settings.fold.window = Some(window);
        self
    }

    /// Writes every refusal as a record of its own, without limit: one client can then fill the disk.
    pub fn dangerously_record_every_refusal(mut self) -> Self {
        self.settings.fold.window = None;
        self
    }

    /// Sets how many bytes a second records of refusals may take, with 16 seconds' worth at once;
    /// beyond it they are counted only. Default: 32 KiB, which is 2.8 GB a day under attack.
    pub fn refusal_budget(mut self, bytes_per_second: u32) -> Self {
        self.settings.fold.budget = bytes_per_second;
        self
    }

    /// Deletes older parts when their last record is older than this. Default: they are kept. A
    /// deletion is a record of its own, `retired`, which verification knows.
    pub fn keep_for(mut self, age: Duration) -> Self {
        self.retention.age = Some(age);
        self
    }

    /// Deletes the oldest parts when all files together are larger than this. Default: they are kept.
    pub fn keep_at_most(mut self, bytes: u64) -> Self {
        self.retention.bytes = Some(bytes);
        self
    }

    /// Sets what is done when less than so many bytes are free on the disk. Default:
    /// [`Warn`](LowSpaceAction::Warn) below 512 MiB, [`CountRefusals`](LowSpaceAction::CountRefusals) below 128 MiB.
    /// Zero switches an action off.
    pub fn low_space(mut self, action: LowSpaceAction, free_bytes: u64) -> Self {
        self.low_space.retain(|(known, _)| *known != action);
        self.low_space.push((action, free_bytes));
        self
    }

    /// Writes checkpoints to this file: signed lines that say how far the trail has come. A trail that
    /// is cut, rolled back or deleted while no process runs is found by them, at the next start and
    /// by verification. Default: the file of the trail with `.checkpoints` behind its name. Choose a
    /// place that whoever can write the trail cannot write: another disk, another machine.
    pub fn checkpoints_at(mut self, file: impl Into<PathBuf>) -> Self {
        self.checkpoints.file = Some(file.into());
        self
    }

    /// Writes no checkpoint file. [`checkpoint_to`](Self::checkpoint_to) still counts.
    pub fn without_checkpoint_file(mut self) -> Self {
        self.checkpoints.beside = false;
        self.checkpoints.file = None;
        self
    }

    /// Gives every checkpoint also to this function: one line without a line end, for standard
    /// output, a log collector, another machine. It runs on a thread of its own and may block.
    pub fn checkpoint_to(
        mut self,
        keep: impl FnMut(&str) -> io::Result<()> + Send + 'static,
    ) -> Self {
        self.checkpoints.others.push(Box::new(keep));
        self
    }

    /// Signs checkpoints with Ed25519. Default: with the key of the trail; without one they are
    /// checksums, which show accidents and no attacks.
    pub fn checkpoint_key(mut self, key: CheckpointKey) -> Self {
        self.checkpoints.key = Some(key);
        self
    }

    /// Sets how often a checkpoint is written, while there are new records: after so many records,
    /// and after so long. Default: 10,000 records, 60 seconds. There is also one at each start, at each
    /// rotation and at the close.
    pub fn checkpoint_every(mut self, records: u64, pause: Duration) -> Self {
        self.checkpoints.every_records = records;
        self.checkpoints.every = pause;
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
    /// [`AuditBuildError::Locked`] if somebody else writes to it, [`AuditBuildError::OtherKey`] if it was written
    /// with another key, [`AuditBuildError::InvalidSetting`] for settings that cannot work, and
    /// [`AuditBuildError::Storage`] where the file cannot be used.
    pub fn open(self) -> Result<FileSink, AuditBuildError> {
        self.check()?;
        let path = self.path.clone();
        let storage = |error| AuditBuildError::Storage {
            path: path.clone(),
            error,
        };
        let locked = || AuditBuildError::Locked { path: path.clone() };
        // Parts and lock are beside the file itself, whatever link led to it.
        let path = names::resolved(&path).map_err(storage)?;
        let storage = |error| AuditBuildError::Storage {
            path: path.clone(),
            error,
        };
        let lock = store::lock(&path).map_err(storage)?;
        let lock = lock.ok_or_else(locked)?;
        let data = store::lock_data(&path).map_err(storage)?;
        let data = data.map_err(|()| locked())?;
        let signer = self.checkpoints.signer(self.key.as_ref());
        let file = self.checkpoints.file_of(&path);
        let checkpoint = file.and_then(|file| checkpoints::latest(&file, &signer));
        let start = recover(&path, self.key.as_ref(), checkpoint.as_ref())?;
        drop(data);
        let disk = Disk::open(path.clone(), lock).map_err(storage)?;
        let disk = disk.ok_or_else(locked)?;
        Self {
            path: path.clone(),
            ..self
        }
        .start(disk, &start)
        .map_err(storage)
    }

    /// Starts the threads over a store.
    pub(super) fn start(self, store: impl Store, start: &Start) -> io::Result<FileSink> {
        let checkpoints = Checkpoints::start(self.checkpoints, &self.path, self.key.as_ref())?;
        let seal = Seal::new(self.key);
        let clock = Arc::clone(&self.clock);
        let mark = start.mark;
        let trail = start.trail.clone();
        let mut journal = Journal::new(store, seal, trail, mark, self.rotate_at, clock);
        let now = self.clock.unix_time();
        begin(&mut journal, start, now, self.settings.fail_closed);
        let queue = Arc::new(Queue::new(self.settings, Arc::clone(&self.clock)));
        let begun = journal.write().and_then(|()| journal.sync());
        let answer = begun.map_err(|_| SinkUnavailable::Failing);
        queue.answer(0, answer, journal.safe());
        let worker = Worker {
            queue: Arc::clone(&queue),
            journal,
            synced_at: self.clock.monotonic(),
            clocks: (now, self.clock.monotonic()),
            clock: self.clock,
            sync_every: self.sync_every,
            checkpoints,
            health: Health::default(),
            space: Space::new(self.low_space),
            retirement: Retirement::new(self.retention),
            trouble: LogLimit::per_minute(),
        };
        // From here on, whatever goes wrong closes the queue.
        let sink = FileSink::new(Arc::clone(&queue), self.path);
        spawn("palisade-audit", move || worker.run())?;
        spawn("palisade-audit-watch", move || watch(&queue))?;
        Ok(sink)
    }

    /// Finds settings that cannot work, before a file is touched.
    fn check(&self) -> Result<(), AuditBuildError> {
        let folds_for = self.settings.fold.window.unwrap_or(Duration::MAX);
        let checks = [
            (
                self.rotate_at < MIN_ROTATE_AT,
                "rotate_at",
                "use 4096 bytes or more",
            ),
            (
                self.settings.capacity < MIN_CAPACITY,
                "capacity",
                "use 2 records or more",
            ),
            (folds_for.is_zero(), "fold_window", NOT_ZERO),
            (self.sync_every.is_zero(), "sync_every", NOT_ZERO),
            (
                self.settings.deadline.is_zero(),
                "commit_deadline",
                NOT_ZERO,
            ),
        ];
        match checks.into_iter().find(|(wrong, ..)| *wrong) {
            Some((_, setting, problem)) => {
                Err(AuditBuildError::InvalidSetting { setting, problem })
            }
            None => Ok(()),
        }
    }
}

/// Notes down how the trail goes on.
fn begin(journal: &mut Journal<impl Store>, start: &Start, now: Duration, fail_closed: bool) {
    for what in &start.recovered {
        journal.push(|out| out.extend(notes::recovered(now, what)));
    }
    if let Some(resumed) = start.resumed {
        journal.push(|out| out.extend(notes::resumed(now, resumed, fail_closed)));
    }
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let thread = thread::Builder::new().name(name.into());
    thread.spawn(run).map(drop)
}
