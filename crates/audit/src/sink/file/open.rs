//! How a file sink starts: the settings are checked, the file is locked and recovered, and the
//! threads begin.
//!
//! Everything that can fail for an operator fails here, before the first request. Afterwards the
//! sink reports failures of the disk by its mode: it refuses requests or counts lost records.
//!
//! The order matters: settings first, so that a mistake touches no file; then both locks, so that no other process
//! writes; then the repair of what an earlier process left; then the threads. The lock on the data file is released
//! before the file is opened for writing and taken again with it, under the protection of the lock file.

use std::{collections::VecDeque, fs, io, path::Path, sync::Arc, thread, time::Duration};

use palisade_internal::log_limit::LogLimit;

use super::{
    FileSink, FileSinkBuilder,
    checkpoint_places::PlacedLine,
    checkpoint_writer::{self, CheckpointWriter},
    file_locks,
    journal::Journal,
    low_space::SpaceMonitor,
    queue::Queue,
    recovery::{Start, recover},
    retention::RetentionCheck,
    storage::{Disk, Store},
    watchdog::watch,
    write_health::WriteHealth,
    writer_records,
    writer_thread::WriterThread,
};
#[cfg(feature = "zstd")]
use super::{compression::Compressor, file_locks::PartsLock};
use crate::{
    chain::Seal,
    error::{AuditBuildError, SinkUnavailable},
    sink::LossPolicy,
    trail_files,
};

/// Below this, every few records would begin a file.
const MIN_ROTATE_AT: u64 = 4096;
/// The smallest capacity: in fail-closed mode a request reserves space for two records.
const MIN_CAPACITY: usize = 2;
/// The remedy for a setting of zero.
const NOT_ZERO: &str = "use more than zero";

impl FileSinkBuilder {
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
        demand_plain_name(&self.path)?;
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
        demand_plain_name(&path)?;
        let lock = file_locks::lock(&path).map_err(storage)?;
        let lock = lock.ok_or_else(locked)?;
        let data = file_locks::lock_data(&path).map_err(storage)?;
        let data = data.map_err(|()| locked())?;
        let signer = self.checkpoints.signer(self.key.as_ref());
        let file = self.checkpoints.file_of(&path);
        let stored = file.map(|file| checkpoint_writer::stored(&file, &signer));
        let stored = stored.unwrap_or_default();
        let start = recover(&path, &self.seal(), stored.latest.as_ref())?;
        drop(data);
        let disk = Disk::open(path.clone(), lock).map_err(storage)?;
        let disk = disk.ok_or_else(locked)?;
        remove_unfinished(&path).map_err(storage)?;
        let builder = Self {
            path: path.clone(),
            ..self
        };
        #[cfg(feature = "zstd")]
        let builder = builder.with_parts_lock(disk.parts_lock());
        let started = builder.start(disk, &start, &stored.lines);
        started.map_err(storage)
    }

    /// Returns the seal for the key that was set.
    pub(super) fn seal(&self) -> Seal {
        match &self.evolving {
            Some(file) => Seal::evolving(file.key().clone()),
            None => Seal::new(self.key.clone()),
        }
    }

    /// Keeps the lock for the thread that compresses older parts.
    #[cfg(feature = "zstd")]
    fn with_parts_lock(mut self, lock: PartsLock) -> Self {
        self.parts_lock = Some(lock);
        self
    }

    /// Starts the threads over a store, and writes how the trail goes on.
    ///
    /// `stored` are the last lines of the checkpoint file.
    ///
    /// A store that cannot be written is no error here: the sink then reports it as it does later, by its mode.
    ///
    /// # Errors
    ///
    /// The operating system cannot start a thread, or the checkpoint file cannot be opened.
    pub(super) fn start(
        self,
        store: impl Store,
        start: &Start,
        stored: &VecDeque<PlacedLine>,
    ) -> io::Result<FileSink> {
        let trail = (&*self.path, self.key.as_ref());
        let known = (&start.tree, stored);
        let checkpoints = CheckpointWriter::start(self.checkpoints, trail, known)?;
        let seal = (start.seal.clone(), self.evolving);
        let clock = Arc::clone(&self.clock);
        let mark = start.mark;
        let (trail, tree) = (start.trail.clone(), start.tree.clone());
        let mut journal = Journal::new(store, seal, trail, mark, tree, self.rotate_at, clock);
        let now = self.clock.unix_time();
        record_start(&mut journal, start, now, self.settings.policy);
        let queue = Arc::new(Queue::new(self.settings, Arc::clone(&self.clock)));
        let begun = journal.write().and_then(|()| journal.sync());
        let response = begun.map_err(|_| SinkUnavailable::Failing);
        queue.complete(0, response, journal.safe());
        #[cfg(feature = "zstd")]
        let compressor = match self.parts_lock.filter(|_| self.compress_parts) {
            Some(lock) => {
                let reserve = self.low_space.iter().map(|(_, bytes)| *bytes).max();
                let path = self.path.clone();
                Some(Compressor::start(path, lock, reserve.unwrap_or(0))?)
            }
            None => None,
        };
        let worker = WriterThread {
            queue: Arc::clone(&queue),
            #[cfg(feature = "zstd")]
            compressor,
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
    ///
    /// # Errors
    ///
    /// [`AuditBuildError::InvalidSetting`] for the first one that is found.
    fn check(&self) -> Result<(), AuditBuildError> {
        let folds_for = self.settings.fold.window.unwrap_or(Duration::MAX);
        let has_checkpoints = self.checkpoints.beside
            || self.checkpoints.file.is_some()
            || !self.checkpoints.others.is_empty();
        let checks = [
            (
                self.evolving.is_some() && self.key.is_some(),
                "evolving_key",
                "set one of key and evolving_key",
            ),
            (
                self.evolving.is_some() && has_checkpoints && self.checkpoints.key.is_none(),
                "evolving_key",
                "checkpoints need a key of their own: set checkpoint_key",
            ),
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

/// Refuses the name of a compressed part for the file that is written: readers would decompress it.
///
/// # Errors
///
/// [`AuditBuildError::InvalidSetting`] for a name that ends with `.zst`.
fn demand_plain_name(path: &Path) -> Result<(), AuditBuildError> {
    match trail_files::is_compressed(path) {
        true => Err(AuditBuildError::InvalidSetting {
            setting: "path",
            problem: "a name that ends with .zst is that of a compressed part: use another",
        }),
        false => Ok(()),
    }
}

/// Removes compressed parts that an earlier process did not finish. Their plain parts are there.
///
/// # Errors
///
/// The folder cannot be listed. A file that cannot be removed is only logged.
fn remove_unfinished(path: &Path) -> io::Result<()> {
    for file in trail_files::unfinished(path)? {
        if let Err(error) = fs::remove_file(&file) {
            let file = file.display();
            tracing::warn!(target: "palisade::audit", %file, %error, "cannot remove a compressed part that is not finished");
        }
    }
    Ok(())
}

/// Records how the trail goes on: what was set aside or is missing, and how the earlier process ended.
fn record_start(
    journal: &mut Journal<impl Store>,
    start: &Start,
    now: Duration,
    policy: LossPolicy,
) {
    for what in &start.recovered {
        journal.push(|out| out.extend(writer_records::recovered(now, what)));
    }
    if let Some(resumed) = start.resumed {
        journal.push(|out| out.extend(writer_records::resumed(now, resumed, policy)));
    }
}

/// Starts a thread with a name that process listings show.
///
/// # Errors
///
/// The system cannot start a thread.
fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let thread = thread::Builder::new().name(name.into());
    thread.spawn(run).map(drop)
}
