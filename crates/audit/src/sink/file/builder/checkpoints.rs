//! Where checkpoints go, how often, and with which key they are signed.

use std::{io, path::PathBuf, time::Duration};

use super::FileSinkBuilder;
use crate::chain::CheckpointKey;

impl FileSinkBuilder {
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
    /// no process ran looks intact. The first checkpoint after a start then has no proof that it continues the ones
    /// before: a [witness](crate::Witness) refuses it.
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
    /// Lines come in order. One that the function refuses is given to it again with the next checkpoint, before that;
    /// at most 32 wait. At each start the function gets the last 16 lines of the checkpoint file again: the process
    /// before may have been killed before it had them.
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
}
