//! The settings of a file sink, with their defaults.

use std::{io, path::PathBuf, time::Duration};

use palisade_core::{SharedClock, SystemClock};

use super::{
    checkpoint_writer,
    low_space::LowSpaceAction,
    queue::{RepeatSettings, Settings},
    retention::Retention,
};
use crate::{chain::CheckpointKey, key::AuditKey};

/// Bytes in a mebibyte.
const MIB: u64 = 1024 * 1024;

/// Settings of a [`FileSink`](crate::FileSink), from [`FileSink::builder`](crate::FileSink::builder).
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
    pub(super) path: PathBuf,
    /// The key of the chain.
    pub(super) key: Option<AuditKey>,
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

    /// Holds every response back until its record is on the disk. Default: off.
    ///
    /// While no record can be kept, requests are refused with 503 Service Unavailable. Responses that wait at the
    /// same time share one sync of the disk, so throughput falls less than the time of a sync suggests. A request
    /// then has two records: `head` before its response, and `end` when it is over.
    ///
    /// Choose it where an act without a record is worse than an act that does not happen.
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
    pub fn fail_closed(mut self) -> Self {
        self.settings.fail_closed = true;
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

    /// Sets how long a response waits for its record in fail-closed mode. Default: 2 seconds.
    ///
    /// After that the request is refused with 503, and so are further ones until a write succeeds.
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

    /// Sets the length in bytes at which a file becomes an older part. Default: 64 MiB; at least
    /// 4096.
    ///
    /// Older parts are kept, unless [`keep_for`](Self::keep_for) or
    /// [`keep_at_most`](Self::keep_at_most) says otherwise. A start reads the current file whole,
    /// so this also bounds how long a start takes.
    ///
    /// The older parts are named after the file and a number; [`read_trail`](crate::read_trail) and
    /// [`verify_file`](crate::verify_file) find them by themselves.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_audit::FileSink;
    ///
    /// # let folder = tempfile::tempdir()?;
    /// // A small device: parts of 1 MiB, at most 20 of them.
    /// let sink = FileSink::builder(folder.path().join("audit.jsonl"))
    ///     .rotate_at(1024 * 1024)
    ///     .keep_at_most(20 * 1024 * 1024)
    ///     .open()?;
    /// # let _ = sink;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn rotate_at(mut self, bytes: u64) -> Self {
        self.rotate_at = bytes;
        self
    }

    /// Sets the time in which repeated refusals of one address, guard and code (and connection events of one
    /// address and identifier) are one record and one count. Default: 60 seconds; not zero.
    ///
    /// The first one is a record at once. The others are counted, and the count is a record `folded` at the end of
    /// the window. A process that is killed loses the counts of at most this time; the refusals themselves were
    /// answered, and their first one is recorded. A shorter window loses less and writes more.
    ///
    /// ```
    /// use std::time::Duration;
    /// use palisade_audit::FileSink;
    ///
    /// let folder = tempfile::tempdir()?;
    /// let sink = FileSink::builder(folder.path().join("audit.jsonl"))
    ///     .fold_window(Duration::from_secs(10))
    ///     .refusal_budget(64 * 1024)
    ///     .open()?;
    /// # let _ = sink; Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn fold_window(mut self, window: Duration) -> Self {
        self.settings.fold.window = Some(window);
        self
    }

    /// Writes every refusal as a separate record, without limit. Default: repetitions are counted.
    ///
    /// One client that is refused a thousand times a second then writes 140 GB a day, and a full disk stops the
    /// service in fail-closed mode.
    pub fn dangerously_record_every_refusal(mut self) -> Self {
        self.settings.fold.window = None;
        self
    }

    /// Sets how many bytes a second records of refusals may take, with 16 seconds' worth at once. Default: 32 KiB,
    /// which is 2.8 GB a day under attack.
    ///
    /// Beyond it, even first refusals are only counted. So many addresses together cannot fill the disk either.
    pub fn refusal_budget(mut self, bytes_per_second: u32) -> Self {
        self.settings.fold.budget = bytes_per_second;
        self
    }

    /// Deletes older parts whose last record is older than this. Default: they are kept.
    ///
    /// Before a deletion, a record `retired` names what is deleted, so that verification accepts it. The age is
    /// checked at each rotation and once an hour. A part is deleted as a whole, so records are kept a little longer
    /// than this: choose [`rotate_at`](Self::rotate_at) so that a part covers days and not months.
    ///
    /// ```no_run
    /// use std::time::Duration;
    /// use palisade_audit::FileSink;
    ///
    /// // Six months, in parts of 16 MiB.
    /// let sink = FileSink::builder("audit.jsonl")
    ///     .keep_for(Duration::from_secs(183 * 86_400))
    ///     .rotate_at(16 * 1024 * 1024)
    ///     .open()?;
    /// # let _ = sink; Ok::<(), palisade_audit::AuditBuildError>(())
    /// ```
    pub fn keep_for(mut self, age: Duration) -> Self {
        self.retention.age = Some(age);
        self
    }

    /// Deletes the oldest parts while all files together are larger than this number of bytes. Default: they are
    /// kept.
    ///
    /// As with [`keep_for`](Self::keep_for), a record `retired` comes first. The file that is written is never
    /// deleted, so the trail can be larger by one [`rotate_at`](Self::rotate_at).
    pub fn keep_at_most(mut self, bytes: u64) -> Self {
        self.retention.bytes = Some(bytes);
        self
    }

    /// Sets what is done when less than so many bytes are free on the disk. Default:
    /// [`Warn`](LowSpaceAction::Warn) below 512 MiB, [`CountRefusals`](LowSpaceAction::CountRefusals) below 128
    /// MiB. Zero switches an action off.
    ///
    /// Several actions can be set, each with its own threshold. The free space is checked once a second at most,
    /// while records are written.
    ///
    /// ```
    /// use palisade_audit::{FileSink, LowSpaceAction};
    ///
    /// let folder = tempfile::tempdir()?;
    /// let sink = FileSink::builder(folder.path().join("audit.jsonl"))
    ///     .low_space(LowSpaceAction::Warn, 10_000_000_000)
    ///     .low_space(LowSpaceAction::RetireOldest, 1_000_000_000)
    ///     .open()?;
    /// # let _ = sink; Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
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
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use palisade_audit::FileSink;
    ///
    /// // A folder of another machine, to which this account can append and which it cannot rewrite.
    /// let sink = FileSink::builder("audit.jsonl").checkpoints_at("/mnt/witness/audit.checkpoints").open()?;
    /// # let _ = sink;
    /// # Ok::<(), palisade_audit::AuditBuildError>(())
    /// ```
    pub fn checkpoints_at(mut self, file: impl Into<PathBuf>) -> Self {
        self.checkpoints.file = Some(file.into());
        self
    }

    /// Writes no checkpoint file. Default: it is written beside the trail.
    ///
    /// [`checkpoint_to`](Self::checkpoint_to) still counts. Without both, a trail that was cut or rolled back while
    /// no process ran looks intact.
    pub fn without_checkpoint_file(mut self) -> Self {
        self.checkpoints.beside = false;
        self.checkpoints.file = None;
        self
    }

    /// Gives every checkpoint also to this function: one line, without a line feed. Default: none.
    ///
    /// For standard output, a log collector or another machine. The function runs on a separate thread and may
    /// block. If it fails, that is logged once, and recorded as `audit.checkpoints_failing`. It may be called
    /// several times, for several places.
    ///
    /// ```
    /// use palisade_audit::FileSink;
    ///
    /// let folder = tempfile::tempdir()?;
    /// let sink = FileSink::builder(folder.path().join("audit.jsonl"))
    ///     .checkpoint_to(|line| {
    ///         use std::io::Write;
    ///         writeln!(std::io::stdout(), "{line}")
    ///     })
    ///     .open()?;
    /// # let _ = sink; Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn checkpoint_to(
        mut self,
        keep: impl FnMut(&str) -> io::Result<()> + Send + 'static,
    ) -> Self {
        self.checkpoints.others.push(Box::new(keep));
        self
    }

    /// Signs checkpoints with Ed25519 (RFC 8032). Default: HMAC-SHA-256 with the key of the trail.
    ///
    /// A key pair lets others verify checkpoints without a secret: give them the
    /// [public key](CheckpointKey::public_key). Without any key, checkpoints have a checksum, which shows accidents
    /// and no attacks. `palisade audit key` makes a pair.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_audit::{CheckpointKey, FileSink};
    ///
    /// # let folder = tempfile::tempdir()?;
    /// let key = CheckpointKey::generate()?;
    /// println!("{}", key.public_key().to_text()); // for those who verify
    /// let sink = FileSink::builder(folder.path().join("audit.jsonl")).checkpoint_key(key).open()?;
    /// # let _ = sink;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn checkpoint_key(mut self, key: CheckpointKey) -> Self {
        self.checkpoints.key = Some(key);
        self
    }

    /// Sets how often a checkpoint is written, while there are new records: after so many records, and after so
    /// long. Default: 10,000 records, 60 seconds.
    ///
    /// There is also one at each start, at each rotation and at the close. What came after the last checkpoint can
    /// be cut off without a trace, so the interval is the time that an attacker may hide.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use palisade_audit::FileSink;
    ///
    /// # let folder = tempfile::tempdir()?;
    /// // At most ten seconds can be cut off without a trace.
    /// let sink = FileSink::builder(folder.path().join("audit.jsonl"))
    ///     .checkpoint_every(1_000, Duration::from_secs(10))
    ///     .open()?;
    /// # let _ = sink;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn checkpoint_every(mut self, records: u64, pause: Duration) -> Self {
        self.checkpoints.every_records = records;
        self.checkpoints.every = pause;
        self
    }

    /// Takes the time from this clock. Default: the system clock. Tests use a
    /// [`ManualClock`](palisade_core::ManualClock).
    pub fn clock(mut self, clock: SharedClock) -> Self {
        self.clock = clock;
        self
    }
}
