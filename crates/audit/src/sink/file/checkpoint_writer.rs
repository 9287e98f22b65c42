//! Writes checkpoints to a second place, on a separate thread: a place that hangs must not hold
//! the trail up.

use std::{
    fmt, fs,
    io::{self, Write},
    mem,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    thread,
    time::Duration,
};

use palisade_internal::private_file;

use crate::{
    chain::{Anchor, Checkpoint, CheckpointKey, CheckpointLine, Signer},
    key::AuditKey,
    record::timestamp::rfc3339,
    trail_files,
    verify::read_checkpoints,
};

/// Lines that wait for their place. They are rare: more means that the place hangs.
const QUEUE: usize = 16;
/// How long a close waits for the last checkpoint.
const LAST_WAIT: Duration = Duration::from_secs(2);

type Place = Box<dyn FnMut(&str) -> io::Result<()> + Send>;

/// Where checkpoints go, how often, and who signs them.
pub(super) struct Settings {
    pub(super) file: Option<PathBuf>,
    pub(super) beside: bool,
    pub(super) others: Vec<Place>,
    pub(super) key: Option<CheckpointKey>,
    pub(super) every_records: u64,
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
    /// Returns the checkpoint file of a trail, if there shall be one.
    pub(super) fn file_of(&self, trail: &Path) -> Option<PathBuf> {
        let beside = || self.beside.then(|| trail_files::checkpoints(trail));
        self.file.clone().or_else(beside)
    }

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

/// Returns the latest checkpoint of a file. A file that cannot be read is logged, and stops nothing.
pub(super) fn latest(file: &Path, signer: &Signer) -> Option<Checkpoint> {
    let mut latest = None;
    let read = read_checkpoints(file, &signer.verifier(), |line| match line {
        CheckpointLine::Good(checkpoint) => latest = Some(checkpoint),
        CheckpointLine::Forged | CheckpointLine::Unknown => {}
    });
    if let Err(error) = read {
        tracing::error!(target: "palisade::audit", %error, file = %file.display(), "cannot read the checkpoints of the audit trail");
    }
    latest
}

/// Decides when a checkpoint is due, and hands it to the thread that writes.
#[derive(Debug)]
pub(super) struct CheckpointWriter {
    lines: Option<SyncSender<Vec<u8>>>,
    done: Receiver<()>,
    signer: Signer,
    every_records: u64,
    every: Duration,
    last: Anchor,
    last_at: Duration,
    failing: Arc<AtomicBool>,
    told_failing: bool,
}

impl CheckpointWriter {
    /// Starts the thread. `None` without a place to write to.
    pub(super) fn start(
        settings: Settings,
        trail: &Path,
        key: Option<&AuditKey>,
    ) -> io::Result<Option<Self>> {
        let signer = settings.signer(key);
        let mut places = Vec::new();
        if let Some(file) = settings.file_of(trail) {
            places.push(Box::new(move |line: &str| append(&file, line)) as Place);
        }
        places.extend(settings.others);
        if places.is_empty() {
            return Ok(None);
        }
        let (lines, waiting) = sync_channel::<Vec<u8>>(QUEUE);
        let (finished, done) = sync_channel(1);
        let failing = Arc::new(AtomicBool::new(false));
        let state = Arc::clone(&failing);
        thread::Builder::new()
            .name("palisade-audit-checkpoints".into())
            .spawn(move || {
                for line in waiting {
                    let line = String::from_utf8_lossy(&line);
                    let line = line.trim_end();
                    // Every place gets it, whatever happens to the others.
                    let failures = places.iter_mut().filter_map(|place| place(line).err());
                    let failures: Vec<_> = failures.collect();
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
            failing,
            told_failing: false,
        }))
    }

    /// Writes a checkpoint about the last safe record, if one is due or must be now.
    pub(super) fn keep(
        &mut self,
        trail: &str,
        safe: Anchor,
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
        let checkpoint = Checkpoint {
            trail: trail.to_owned(),
            anchor: safe,
        };
        let line = checkpoint.to_line(&rfc3339(unix_time), &self.signer);
        let taken = self
            .lines
            .as_ref()
            .is_some_and(|it| it.try_send(line).is_ok());
        if !taken {
            self.failing.store(true, Ordering::Relaxed);
        }
    }

    /// Returns whether the places began to fail (`true`) or work again (`false`) since the last time.
    pub(super) fn take_change(&mut self) -> Option<bool> {
        let failing = self.failing.load(Ordering::Relaxed);
        let changed = mem::replace(&mut self.told_failing, failing) != failing;
        changed.then_some(failing)
    }

    /// Returns when the last checkpoint was made, on the monotonic clock.
    pub(super) fn last_at(&self) -> Duration {
        self.last_at
    }

    /// Waits until what was handed over is written, but not for ever.
    pub(super) fn finish(mut self) {
        drop(self.lines.take());
        if self.done.recv_timeout(LAST_WAIT).is_err() {
            tracing::error!(target: "palisade::audit", "the last checkpoint of the audit trail is not written yet");
        }
    }
}

/// Logs that the places began to fail, or that they work again; nothing in between.
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
