//! How much disk a trail takes: the length of parts, refusals, older parts, little free space.

use std::time::Duration;

use super::FileSinkBuilder;
use crate::sink::file::low_space::LowSpaceAction;

impl FileSinkBuilder {
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

    /// Compresses older parts with zstd (RFC 8878), on a separate thread. Default: off.
    ///
    /// A trail becomes about a fifth as long. A part is compressed after it was finished, and its plain form is removed
    /// only when the compressed one was read back and compared. Meanwhile the writer goes on; only to list or delete parts
    /// it waits for the last step, a rename and two syncs of the folder. Verification, queries and proofs read both
    /// forms. [`keep_at_most`](Self::keep_at_most) counts the compressed length.
    ///
    /// A part stays plain while less than its length and the highest threshold of [`low_space`](Self::low_space) is
    /// free. If both forms are there, can be read and differ, none is removed, and one log line names them.
    ///
    /// ```
    /// use palisade_audit::FileSink;
    ///
    /// # let folder = tempfile::tempdir()?;
    /// let sink = FileSink::builder(folder.path().join("audit.jsonl")).compress_parts().open()?;
    /// # let _ = sink; Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg(feature = "zstd")]
    #[cfg_attr(docsrs, doc(cfg(feature = "zstd")))]
    pub fn compress_parts(mut self) -> Self {
        self.compress_parts = true;
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
        self.settings.fold.budget = Some(bytes_per_second);
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
}
