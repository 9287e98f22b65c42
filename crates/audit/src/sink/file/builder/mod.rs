//! The settings of a file sink, with their defaults.

mod checkpoints;
mod disk_space;

use std::{path::PathBuf, time::Duration};

use palisade_core::{SharedClock, SystemClock};

use super::{
    checkpoint_writer,
    low_space::LowSpaceAction,
    queue::{RepeatSettings, Settings},
    retention::Retention,
};
use crate::{evolving_key::EvolvingKeyFile, key::AuditKey, sink::LossPolicy};

/// Bytes in a mebibyte.
const MIB: u64 = 1024 * 1024;

/// Settings of a [`FileSink`](crate::FileSink), from [`FileSink::builder`](crate::FileSink::builder).
///
/// | setting | default |
/// |---|---|
/// | [`key`](Self::key), [`evolving_key`](Self::evolving_key) | none: the chain is SHA-256 without a key |
/// | [`policy`](Self::policy), [`fail_closed`](Self::fail_closed) | drop and count |
/// | [`capacity`](Self::capacity) | 8192 records in memory |
/// | [`commit_deadline`](Self::commit_deadline) | 2 seconds |
/// | [`sync_every`](Self::sync_every) | 1 second |
/// | [`rotate_at`](Self::rotate_at) | 64 MiB |
/// | [`keep_for`](Self::keep_for), [`keep_at_most`](Self::keep_at_most) | older parts are kept |
/// | `compress_parts` (feature `zstd`) | off |
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
    pub(super) path: PathBuf,
    /// The key of the chain.
    pub(super) key: Option<AuditKey>,
    /// The key of the chain that evolves.
    pub(super) evolving: Option<EvolvingKeyFile>,
    /// The clock of all times and deadlines.
    pub(super) clock: SharedClock,
    /// The length at which a file becomes an older part, in bytes.
    pub(super) rotate_at: u64,
    /// The longest time between two syncs while no response waits.
    pub(super) sync_every: Duration,
    /// The limits of the queue.
    pub(super) settings: Settings,
    /// Where and how often checkpoints are written.
    pub(super) checkpoints: checkpoint_writer::Settings,
    /// Whether older parts are compressed.
    #[cfg(feature = "zstd")]
    pub(super) compress_parts: bool,
    /// The lock of the files, once they are open.
    #[cfg(feature = "zstd")]
    pub(super) parts_lock: Option<super::file_locks::PartsLock>,
    /// When older parts are deleted.
    pub(super) retention: Retention,
    /// Actions with their thresholds in free bytes.
    pub(super) low_space: Vec<(LowSpaceAction, u64)>,
}

impl FileSinkBuilder {
    pub(super) fn new(path: PathBuf) -> Self {
        Self {
            path,
            key: None,
            evolving: None,
            clock: SystemClock::shared(),
            rotate_at: 64 * 1024 * 1024,
            sync_every: Duration::from_secs(1),
            settings: Settings {
                capacity: 8192,
                deadline: Duration::from_secs(2),
                policy: LossPolicy::DropAndCount,
                fold: RepeatSettings {
                    window: Some(Duration::from_secs(60)),
                    budget: Some(32 * 1024),
                },
            },
            #[cfg(feature = "zstd")]
            compress_parts: false,
            #[cfg(feature = "zstd")]
            parts_lock: None,
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
    /// Without a key, an attacker who can write the file can compute new hashes for all of it. With one,
    /// verification finds every change by anyone who does not have the key. Keep the key where the account of the
    /// service can read it and backups of the trail do not hold it.
    ///
    /// A trail keeps the key that it began with. To use another one, begin a new file.
    ///
    /// ```no_run
    /// use palisade_audit::{AuditKey, FileSink};
    ///
    /// let sink = FileSink::builder("audit.jsonl").key(AuditKey::from_file("audit.key")?).open()?;
    /// # let _ = sink; Ok::<(), palisade_audit::AuditBuildError>(())
    /// ```
    pub fn key(mut self, key: AuditKey) -> Self {
        self.key = Some(key);
        self
    }

    /// Sets a key of the chain that is replaced at each rotation, and of which only the current one is kept. Default: none;
    /// not with [`key`](Self::key).
    ///
    /// Who steals the current key can forge no record before the last rotation: see
    /// [`EvolvingKeyFile`](crate::EvolvingKeyFile). The trail is verified with the first key. Checkpoints need a
    /// [key of their own](Self::checkpoint_key). Choose a small [`rotate_at`](Self::rotate_at) for a short time in which a
    /// stolen key can do harm.
    pub fn evolving_key(mut self, file: EvolvingKeyFile) -> Self {
        self.evolving = Some(file);
        self
    }

    /// Holds every response back until its record is on the disk. Default: off.
    ///
    /// While no record can be kept, requests are refused with 503 Service Unavailable. Responses that wait at the
    /// same time share one sync of the disk, so throughput falls less than the time of a sync suggests. A request
    /// then has two records: `head` before its response, and `end` when it is over.
    ///
    /// Choose it where an act without a record is worse than an act that does not happen. Short for
    /// [`policy`](Self::policy) with [`LossPolicy::FailClosed`].
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use palisade_audit::{AuditLayer, FileSink};
    ///
    /// # let folder = tempfile::tempdir()?;
    /// # let path = folder.path().join("audit.jsonl");
    /// let sink = FileSink::builder(&path)
    ///     .fail_closed()
    ///     .commit_deadline(Duration::from_millis(800))
    ///     .capacity(20_000)
    ///     .open()?;
    /// assert!(AuditLayer::builder().sink(sink).build()?.is_fail_closed());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn fail_closed(self) -> Self {
        self.policy(LossPolicy::FailClosed)
    }

    /// Sets what happens to a request that cannot be recorded. Default: [`LossPolicy::DropAndCount`].
    pub fn policy(mut self, policy: LossPolicy) -> Self {
        self.settings.policy = policy;
        self
    }

    /// Sets how many records may wait in memory. Default: 8192; at least 2.
    ///
    /// In fail-closed mode every open request holds two of these places until its response starts, and one until
    /// it is over. If none is left, the next request is refused. Many long streams need more. A record takes about
    /// one kilobyte.
    pub fn capacity(mut self, records: usize) -> Self {
        self.settings.capacity = records;
        self
    }

    /// Sets how long a response waits for its record. Default: 2 seconds. Without effect in drop-and-count mode.
    ///
    /// After that the request is refused with 503 in fail-closed mode, and so are further ones until a write
    /// succeeds. With [`LossPolicy::Block`] it goes on, and further ones do not wait until a write succeeds.
    pub fn commit_deadline(mut self, deadline: Duration) -> Self {
        self.settings.deadline = deadline;
        self
    }

    /// Sets how long records may stay in the cache of the operating system. Default: 1 second; not zero.
    ///
    /// This holds while no response waits for them. A record in that cache survives the end of the process, and
    /// not a power failure.
    pub fn sync_every(mut self, pause: Duration) -> Self {
        self.sync_every = pause;
        self
    }

    /// Takes the time from this clock. Default: the system clock. Tests use a
    /// [`ManualClock`](palisade_core::ManualClock).
    pub fn clock(mut self, clock: SharedClock) -> Self {
        self.clock = clock;
        self
    }
}
