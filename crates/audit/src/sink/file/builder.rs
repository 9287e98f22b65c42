//! The settings of a file sink, and how it starts: lock, recovery, writer thread.

use std::{io, path::PathBuf, sync::Arc, thread, time::Duration};

use palisade_core::{SharedClock, SystemClock};
use palisade_internal::log_limit::LogLimit;

use super::{
    FileSink,
    checkpoint_writer::{self, CheckpointWriter},
    journal::Journal,
    low_space::{LowSpaceAction, SpaceMonitor},
    queue::{Queue, RepeatSettings, Settings},
    recovery::{Start, recover},
    retention::{Retention, RetentionCheck},
    storage::{self, Disk, Store},
    watchdog::watch,
    write_health::WriteHealth,
    writer_records,
    writer_thread::WriterThread,
};
use crate::{
    chain::{CheckpointKey, Seal},
    error::{AuditBuildError, SinkUnavailable},
    key::AuditKey,
    trail_files,
};

/// Bytes in a mebibyte.
const MIB: u64 = 1024 * 1024;
/// Below this, every few records would begin a file.
const MIN_ROTATE_AT: u64 = 4096;
/// The smallest capacity: in fail-closed mode a request reserves space for two records.
const MIN_CAPACITY: usize = 2;
/// The remedy for a setting of zero.
const NOT_ZERO: &str = "use more than zero";

/// Settings of a [`FileSink`], from [`FileSink::builder`].
///
/// | setting | default |
/// |---|---|
/// | [`key`](Self::key) | none: the chain is SHA-256 without a key |
/// | [`fail_closed`](Self::fail_closed) | off: drop and count |
/// | [`capacity`](Self::capacity) | 8192 records in memory |
/// | [`commit_deadline`](Self::commit_deadline) | 2 seconds |
/// | [`sync_every`](Self::sync_every) | 1 second |
/// | [`rotate_at`](Self::rotate_at) | 64 MiB |
/// | [`keep_for`](Self::keep_for), [`keep_at_most`](Self::keep_at_most) | older parts are kept |
/// | [`fold_window`](Self::fold_window) | 60 seconds |
/// | [`refusal_budget`](Self::refusal_budget) | 32 KiB a second |
/// | [`low_space`](Self::low_space) | warn below 512 MiB, only count refusals below 128 MiB |
/// | [`checkpoints_at`](Self::checkpoints_at) | the file with `.checkpoints` after its name |
/// | [`checkpoint_every`](Self::checkpoint_every) | 10,000 records or 60 seconds |
///
/// # Examples
///
/// ```
/// use palisade_audit::FileSink;
///
/// let folder = tempfile::tempdir()?;
/// let sink = FileSink::builder(folder.path().join("audit.jsonl")).open()?;
/// assert!(sink.path().ends_with("audit.jsonl"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// Six months of records, at most 10 GB, with checkpoints on another disk:
///
/// ```no_run
/// use std::time::Duration;
/// use palisade_audit::{AuditKey, FileSink};
///
/// let sink = FileSink::builder("audit.jsonl")
///     .key(AuditKey::from_file("audit.key")?)
///     .checkpoints_at("/mnt/backup/audit.checkpoints")
///     .keep_for(Duration::from_secs(180 * 86_400))
///     .keep_at_most(10_000_000_000)
///     .open()?;
/// # let _ = sink; Ok::<(), palisade_audit::AuditBuildError>(())
/// ```
#[derive(Debug)]
#[must_use]
pub struct FileSinkBuilder {
    /// The file of the trail.
    path: PathBuf,
    /// The key of the chain.
    key: Option<AuditKey>,
    /// The clock of all times and deadlines.
    clock: SharedClock,
    /// The length at which a file becomes an older part, in bytes.
    rotate_at: u64,
    /// The longest time between two syncs while no response waits.
    sync_every: Duration,
    /// The limits of the queue.
    settings: Settings,
    /// Where and how often checkpoints are written.
    checkpoints: checkpoint_writer::Settings,
    /// When older parts are deleted.
    retention: Retention,
    /// Actions with their thresholds in free bytes.
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
                fold: RepeatSettings {
                    window: Some(Duration::from_secs(60)),
                    budget: 32 * 1024,
                },
            },
            retention: Retention::default(),
            low_space: vec![
                (LowSpaceAction::Warn, 512 * MIB),
                (LowSpaceAction::CountRefusals, 128 * MIB),
            ],
            checkpoints: checkpoint_writer::Settings::default(),
        }
    }

    /// Sets the key of the chain: records are sealed with HMAC-SHA-256 (RFC 2104). Default: none.
    ///
    /// Without a key, an attacker who can write the file can compute new hashes for all of it. With
    /// one, verification finds every change by anyone who does not have the key.
    pub fn key(mut self, key: AuditKey) -> Self {
        self.key = Some(key);
        self
    }

    /// Holds every response back until its record is on the disk. Default: off.
    ///
    /// While no record can be kept, requests are refused with 503 Service Unavailable. Responses
    /// that wait at the same time share one sync of the disk.
    pub fn fail_closed(mut self) -> Self {
        self.settings.fail_closed = true;
        self
    }

    /// Sets how many records may wait in memory. Default: 8192; at least 2.
    ///
    /// In fail-closed mode every open request holds two of these places until its response starts,
    /// and one until it is over. If none is left, the next request is refused. Many long streams
    /// need more.
    pub fn capacity(mut self, records: usize) -> Self {
        self.settings.capacity = records;
        self
    }

    /// Sets how long a response waits for its record in fail-closed mode. Default: 2 seconds.
    ///
    /// After that the request is refused with 503, and so are further ones until a write succeeds.
    pub fn commit_deadline(mut self, deadline: Duration) -> Self {
        self.settings.deadline = deadline;
        self
    }

    /// Sets how long records may stay in the cache of the operating system. Default: 1 second.
    ///
    /// This holds while no response waits for them. A record in that cache survives the end of the
    /// process, and not a power failure.
    pub fn sync_every(mut self, pause: Duration) -> Self {
        self.sync_every = pause;
        self
    }

    /// Sets the length in bytes at which a file becomes an older part. Default: 64 MiB; at least
    /// 4096.
    ///
    /// Older parts are kept, unless [`keep_for`](Self::keep_for) or
    /// [`keep_at_most`](Self::keep_at_most) says otherwise. A start reads the current file whole,
    /// so this also bounds how long a start takes.
    pub fn rotate_at(mut self, bytes: u64) -> Self {
        self.rotate_at = bytes;
        self
    }

    /// Sets the time in which repeated refusals of one address, guard and code (and connection
    /// events of one address and identifier) are one record and one count. Default: 60 seconds. A
    /// process that is killed loses the counts of at most this time.
    pub fn fold_window(mut self, window: Duration) -> Self {
        self.settings.fold.window = Some(window);
        self
    }

    /// Writes every refusal as a separate record, without limit: one client can then fill the disk.
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

    /// Deletes older parts whose last record is older than this. Default: they are kept.
    ///
    /// Before a deletion, a record `retired` names what is deleted, so that verification accepts
    /// it. The age is checked at each rotation and once an hour.
    pub fn keep_for(mut self, age: Duration) -> Self {
        self.retention.age = Some(age);
        self
    }

    /// Deletes the oldest parts while all files together are larger than this number of bytes.
    /// Default: they are kept. As with [`keep_for`](Self::keep_for), a record `retired` comes
    /// first.
    pub fn keep_at_most(mut self, bytes: u64) -> Self {
        self.retention.bytes = Some(bytes);
        self
    }

    /// Sets what is done when less than so many bytes are free on the disk. Default:
    /// [`Warn`](LowSpaceAction::Warn) below 512 MiB,
    /// [`CountRefusals`](LowSpaceAction::CountRefusals) below 128 MiB. Zero switches an action off.
    pub fn low_space(mut self, action: LowSpaceAction, free_bytes: u64) -> Self {
        self.low_space.retain(|(known, _)| *known != action);
        self.low_space.push((action, free_bytes));
        self
    }

    /// Sets the file for checkpoints: signed lines with the number and hash of the last record.
    ///
    /// With them, the next start and verification find a trail that was cut, rolled back or deleted
    /// while no process ran. Default: the file of the trail with `.checkpoints` after its name.
    /// Choose a place that the account of the service cannot overwrite: another disk, or another
    /// machine.
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

    /// Gives every checkpoint also to this function: one line, without a line feed.
    ///
    /// For standard output, a log collector or another machine. The function runs on a separate
    /// thread and may block. If it fails, that is logged once, and recorded as
    /// `audit.checkpoints_failing`.
    pub fn checkpoint_to(
        mut self,
        keep: impl FnMut(&str) -> io::Result<()> + Send + 'static,
    ) -> Self {
        self.checkpoints.others.push(Box::new(keep));
        self
    }

    /// Signs checkpoints with Ed25519 (RFC 8032). Default: HMAC-SHA-256 with the key of the trail.
    ///
    /// Without any key, checkpoints have a checksum, which shows accidents and no attacks.
    pub fn checkpoint_key(mut self, key: CheckpointKey) -> Self {
        self.checkpoints.key = Some(key);
        self
    }

    /// Sets how often a checkpoint is written, while there are new records: after so many records,
    /// and after so long. Default: 10,000 records, 60 seconds. There is also one at each start, at
    /// each rotation and at the close.
    pub fn checkpoint_every(mut self, records: u64, pause: Duration) -> Self {
        self.checkpoints.every_records = records;
        self.checkpoints.every = pause;
        self
    }

    /// Sets the clock. Default: the system clock.
    pub fn clock(mut self, clock: SharedClock) -> Self {
        self.clock = clock;
        self
    }

    /// Opens or creates the file, sets aside what an earlier process left unfinished, and starts
    /// the writer thread. A full disk does not stop this: see [`FileSink`].
    ///
    /// New files have mode 0600. One process writes a file: a lock file beside it and a lock on the
    /// file itself hold as long as the sink lives.
    ///
    /// # Errors
    ///
    /// - [`AuditBuildError::Locked`] if another process, or another sink, writes the file.
    /// - [`AuditBuildError::OtherKey`] if the file was written with another key.
    /// - [`AuditBuildError::InvalidSetting`] for settings that cannot work.
    /// - [`AuditBuildError::Storage`] if the file cannot be used: it is a folder, FIFO or device, or the
    ///   operating system refuses.
    /// - [`AuditBuildError::NoRandomness`] if a new trail cannot be named.
    pub fn open(self) -> Result<FileSink, AuditBuildError> {
        self.check()?;
        let path = self.path.clone();
        let storage = |error| AuditBuildError::Storage {
            path: path.clone(),
            error,
        };
        let locked = || AuditBuildError::Locked { path: path.clone() };
        // Parts and lock are beside the file itself, whatever link led to it.
        let path = trail_files::resolved(&path).map_err(storage)?;
        let storage = |error| AuditBuildError::Storage {
            path: path.clone(),
            error,
        };
        let lock = storage::lock(&path).map_err(storage)?;
        let lock = lock.ok_or_else(locked)?;
        let data = storage::lock_data(&path).map_err(storage)?;
        let data = data.map_err(|()| locked())?;
        let signer = self.checkpoints.signer(self.key.as_ref());
        let file = self.checkpoints.file_of(&path);
        let checkpoint = file.and_then(|file| checkpoint_writer::latest(&file, &signer));
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
        let checkpoints = CheckpointWriter::start(self.checkpoints, &self.path, self.key.as_ref())?;
        let seal = Seal::new(self.key);
        let clock = Arc::clone(&self.clock);
        let mark = start.mark;
        let trail = start.trail.clone();
        let mut journal = Journal::new(store, seal, trail, mark, self.rotate_at, clock);
        let now = self.clock.unix_time();
        record_start(&mut journal, start, now, self.settings.fail_closed);
        let queue = Arc::new(Queue::new(self.settings, Arc::clone(&self.clock)));
        let begun = journal.write().and_then(|()| journal.sync());
        let answer = begun.map_err(|_| SinkUnavailable::Failing);
        queue.answer(0, answer, journal.safe());
        let worker = WriterThread {
            queue: Arc::clone(&queue),
            journal,
            synced_at: self.clock.monotonic(),
            clocks: (now, self.clock.monotonic()),
            clock: self.clock,
            sync_every: self.sync_every,
            checkpoints,
            health: WriteHealth::default(),
            space: SpaceMonitor::new(self.low_space),
            retirement: RetentionCheck::new(self.retention),
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
fn record_start(
    journal: &mut Journal<impl Store>,
    start: &Start,
    now: Duration,
    fail_closed: bool,
) {
    for what in &start.recovered {
        journal.push(|out| out.extend(writer_records::recovered(now, what)));
    }
    if let Some(resumed) = start.resumed {
        journal.push(|out| out.extend(writer_records::resumed(now, resumed, fail_closed)));
    }
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let thread = thread::Builder::new().name(name.into());
    thread.spawn(run).map(drop)
}
