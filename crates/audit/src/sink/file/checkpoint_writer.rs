//! Writes checkpoints to other places, on a separate thread.
//!
//! A checkpoint is a signed line with the number and hash of the last safe record. The writer
//! thread decides when one is due ([`CheckpointWriter::keep`]) and puts it into a short queue. A
//! place that hangs therefore does not delay the trail. A place that fails is logged once, and
//! the trail records `audit.checkpoints_failing`.
//!
//! | Place | Set by | If it fails |
//! |---|---|---|
//! | a file beside the trail | the default | logged once; the trail goes on |
//! | a file that the operator named | `checkpoints_at` | the same |
//! | a function: a log, another machine | `checkpoint_to` | the same |
//!
//! All places get every line. A line that one of them missed is not repeated: the next one covers the same records.

use std::{
    fmt, fs,
    io::{self, Write},
    mem,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
    time::Duration,
};

use palisade_internal::private_file;

use crate::{
    chain::{Anchor, Checkpoint, CheckpointKey, CheckpointLine, Signer, merkle::Tree},
    key::AuditKey,
    record::timestamp::rfc3339,
    trail_files,
    verify::read_checkpoints,
};

/// The most checkpoints that wait to be written. If there are more, the place does not respond.
const QUEUE: usize = 16;
/// How long a close waits for the last checkpoint.
const LAST_WAIT: Duration = Duration::from_secs(2);

/// Writes one checkpoint line, without its line end, to one place.
type CheckpointOutput = Box<dyn FnMut(&str) -> io::Result<()> + Send>;

/// Where checkpoints are written, how often, and with which key.
pub(super) struct Settings {
    /// A checkpoint file that the operator named.
    pub(super) file: Option<PathBuf>,
    /// Whether to write the default file beside the trail if no file is named. Default: true.
    pub(super) beside: bool,
    /// Further places, such as a log on another machine. Default: none.
    pub(super) others: Vec<CheckpointOutput>,
    /// The Ed25519 key that signs. Default: the key of the trail.
    pub(super) key: Option<CheckpointKey>,
    /// A checkpoint is due after so many records. Default: 10,000.
    pub(super) every_records: u64,
    /// A checkpoint is due after this time, if there are new records. Default: 60 seconds.
    pub(super) every: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            file: None,
            beside: true,
            others: Vec::new(),
            key: None,
            every_records: 10_000,
            every: Duration::from_secs(60),
        }
    }
}

impl Settings {
    /// Returns the checkpoint file of a trail: the named one or the default. `None` if there is
    /// none.
    pub(super) fn file_of(&self, trail: &Path) -> Option<PathBuf> {
        let beside = || self.beside.then(|| trail_files::checkpoints(trail));
        self.file.clone().or_else(beside)
    }

    /// Returns what signs: the checkpoint key, the key of the trail, or a plain checksum.
    pub(super) fn signer(&self, key: Option<&AuditKey>) -> Signer {
        match &self.key {
            Some(key) => key.signer(),
            None => Signer::of(key),
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Checkpoints")
            .field("file", &self.file)
            .field("beside", &self.beside)
            .field("others", &self.others.len())
            .finish_non_exhaustive()
    }
}

/// Returns the latest valid checkpoint of a file. Forged and unknown lines are skipped.
///
/// A file that cannot be read is logged, and the start continues without it: verification will report what is
/// missing, and a service that does not start because of a second disk helps only an attacker.
pub(super) fn latest(file: &Path, signer: &Signer) -> Option<Checkpoint> {
    let mut latest = None;
    let read = read_checkpoints(file, &signer.verifier(), |_, line| match line {
        CheckpointLine::Good(checkpoint) => latest = Some(checkpoint),
        CheckpointLine::Forged | CheckpointLine::Unknown => {}
    });
    if let Err(error) = read {
        tracing::error!(target: "palisade::audit", %error, file = %file.display(), "cannot read the checkpoints of the audit trail");
    }
    latest
}

/// Decides when a checkpoint is due and sends it to the thread that writes.
#[derive(Debug)]
pub(super) struct CheckpointWriter {
    /// The queue to the thread: records and their lines. `None` once the writer finishes.
    lines: Option<SyncSender<(u64, Vec<u8>)>>,
    /// Receives a message when the thread has written everything.
    done: Receiver<()>,
    /// Signs the lines.
    signer: Signer,
    /// A checkpoint is due after so many records.
    every_records: u64,
    /// A checkpoint is due after this time.
    every: Duration,
    /// The record of the latest checkpoint.
    last: Anchor,
    /// When the latest checkpoint was made, on the monotonic clock.
    last_at: Duration,
    /// The record of the latest checkpoint that all places have.
    delivered: Arc<AtomicU64>,
    /// Whether a place failed at the last line, or the queue was full.
    failing: Arc<AtomicBool>,
    /// The value of `failing` that the trail has recorded.
    told_failing: bool,
}

impl CheckpointWriter {
    /// Starts the thread. Returns `None` if there is no place to write to.
    ///
    /// # Errors
    ///
    /// The system cannot start a thread.
    pub(super) fn start(
        settings: Settings,
        trail: &Path,
        key: Option<&AuditKey>,
    ) -> io::Result<Option<Self>> {
        let signer = settings.signer(key);
        let mut outputs = Vec::new();
        if let Some(file) = settings.file_of(trail) {
            outputs.push(Box::new(move |line: &str| append(&file, line)) as CheckpointOutput);
        }
        outputs.extend(settings.others);
        if outputs.is_empty() {
            return Ok(None);
        }
        let (lines, waiting) = sync_channel::<(u64, Vec<u8>)>(QUEUE);
        let (finished, done) = sync_channel(1);
        let failing = Arc::new(AtomicBool::new(false));
        let state = Arc::clone(&failing);
        let delivered = Arc::new(AtomicU64::new(0));
        let all_have = Arc::clone(&delivered);
        thread::Builder::new()
            .name("palisade-audit-checkpoints".into())
            .spawn(move || {
                for (record, line) in waiting {
                    let line = String::from_utf8_lossy(&line);
                    let line = line.trim_end();
                    // Every place gets it, whatever happens to the others.
                    let failures = outputs.iter_mut().filter_map(|output| output(line).err());
                    let failures: Vec<_> = failures.collect();
                    if failures.is_empty() {
                        all_have.store(record, Ordering::Release);
                    }
                    tell(&state, failures.first());
                }
                let _ = finished.send(());
            })?;
        Ok(Some(Self {
            lines: Some(lines),
            done,
            signer,
            every_records: settings.every_records,
            every: settings.every,
            last: Anchor::GENESIS,
            last_at: Duration::ZERO,
            delivered,
            failing,
            told_failing: false,
        }))
    }

    /// Sends a checkpoint of the last safe record, if one is due or `must` is true.
    ///
    /// `tree` is the one over all safe records. It is marked, so that a later checkpoint can prove that it begins
    /// with this one, once all places have it. `now` is the wall-clock time and the monotonic time. Nothing is sent if there is no new record: the last one
    /// has its checkpoint already. A full queue drops the checkpoint and sets `failing`; the next one covers the same
    /// records.
    pub(super) fn keep(
        &mut self,
        (trail, safe, tree): (&str, Anchor, &mut Tree),
        now: (Duration, Duration),
        must: bool,
    ) {
        let (unix_time, monotonic) = now;
        let records = safe.sequence().saturating_sub(self.last.sequence());
        let waited = monotonic.saturating_sub(self.last_at) >= self.every;
        if safe == self.last || !(must || waited || records >= self.every_records) {
            return;
        }
        self.last = safe;
        self.last_at = monotonic;
        let delivered = self.delivered.load(Ordering::Acquire);
        let checkpoint = Checkpoint {
            trail: trail.to_owned(),
            anchor: safe,
            root: tree.root(),
            growth: tree
                .growth(delivered)
                .filter(|(since, _)| *since < tree.size()),
        };
        tree.mark(delivered);
        let line = checkpoint.to_line(&rfc3339(unix_time), &self.signer);
        let taken = self
            .lines
            .as_ref()
            .is_some_and(|it| it.try_send((safe.sequence(), line)).is_ok());
        if !taken {
            self.failing.store(true, Ordering::Relaxed);
        }
    }

    /// Returns `true` if places began to fail since the last call, and `false` if they work again.
    ///
    /// `None` if nothing changed.
    pub(super) fn take_change(&mut self) -> Option<bool> {
        let failing = self.failing.load(Ordering::Relaxed);
        let changed = mem::replace(&mut self.told_failing, failing) != failing;
        changed.then_some(failing)
    }

    /// Returns when the last checkpoint was made, on the monotonic clock.
    pub(super) fn last_at(&self) -> Duration {
        self.last_at
    }

    /// Waits until the thread has written everything, at most 2 seconds, and logs an error after
    /// that.
    pub(super) fn finish(mut self) {
        drop(self.lines.take());
        if self.done.recv_timeout(LAST_WAIT).is_err() {
            tracing::error!(target: "palisade::audit", "the last checkpoint of the audit trail is not written yet");
        }
    }
}

/// Logs that places began to fail, or that they work again. Nothing is logged in between.
fn tell(state: &AtomicBool, failure: Option<&io::Error>) {
    let failed = state.swap(failure.is_some(), Ordering::Relaxed);
    match (failed, failure) {
        (false, Some(error)) => {
            let errno = error.raw_os_error();
            tracing::error!(target: "palisade::audit", %error, errno, "cannot write the checkpoints of the audit trail");
        }
        (true, None) => {
            tracing::info!(target: "palisade::audit", "writes the checkpoints of the audit trail again");
        }
        _ => {}
    }
}

/// Appends a line to a checkpoint file and syncs it. A new file has mode 0600.
///
/// If the file does not end with a line feed (a write that was cut), one is added first, so that the new line is
/// whole.
fn append(file: &Path, line: &str) -> io::Result<()> {
    if fs::metadata(file).is_ok_and(|metadata| !metadata.is_file()) {
        return Err(io::Error::other("the checkpoint file is no regular file"));
    }
    let new = !file.exists();
    let mut options = private_file::options();
    let mut file_open = options.read(true).append(true).create(true).open(file)?;
    let mut bytes = Vec::with_capacity(line.len() + 2);
    if !new && !ends_a_line(&mut file_open)? {
        // A power cut may have torn the last line: the next one must not be torn with it.
        bytes.push(b'\n');
    }
    bytes.extend_from_slice(line.as_bytes());
    bytes.push(b'\n');
    file_open.write_all(&bytes)?;
    file_open.sync_data()?;
    if new {
        private_file::sync_folder(file)?;
    }
    Ok(())
}

/// Returns whether a file is empty or ends with a line feed.
fn ends_a_line(file: &mut fs::File) -> io::Result<bool> {
    use std::io::{Read as _, Seek as _};
    if file.metadata()?.len() == 0 {
        return Ok(true);
    }
    let mut last = [0];
    file.seek(io::SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok(last == *b"\n")
}
