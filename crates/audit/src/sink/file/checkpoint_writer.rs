//! Writes checkpoints to other places, on a separate thread for each.
//!
//! A checkpoint is a signed line with the number and hash of the last safe record. The writer
//! thread decides when one is due ([`CheckpointWriter::keep`]) and puts it into a short queue for
//! each place. A place that hangs therefore delays neither the trail nor the other places. A place that fails is logged
//! once, and the trail records `audit.checkpoints_failing`.
//!
//! | Place | Set by | If it fails |
//! |---|---|---|
//! | a file beside the trail | the default | logged once; the trail goes on |
//! | a file that the operator named | `checkpoints_at` | the same |
//! | a function: a log, another machine | `checkpoint_to` | the same |
//!
//! Each line proves that the trail begins with that of the line before it at the same place. So a witness that has all
//! lines of a place can demand a proof since the latest one.

use std::{
    collections::VecDeque,
    fmt, io, mem,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use super::checkpoint_places::{CheckpointOutput, CheckpointPlaces, PlacedLine, append};
use crate::{
    chain::{Anchor, Checkpoint, CheckpointKey, CheckpointLine, Signer, merkle::Tree},
    key::AuditKey,
    record::timestamp::rfc3339,
    trail_files,
    verify::read_checkpoints,
};

/// How many of the last stored lines the other places get again at a start.
const MAX_AGAIN: usize = 16;

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
    /// How long the other places wait for the file. Default: 1 second.
    pub(super) file_patience: Duration,
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
            file_patience: Duration::from_secs(1),
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

/// What a checkpoint file has.
#[derive(Debug, Default)]
pub(super) struct StoredCheckpoints {
    /// The latest valid one.
    pub(super) latest: Option<Checkpoint>,
    /// The last valid lines, at most 16.
    pub(super) lines: VecDeque<PlacedLine>,
}

/// Returns the latest valid checkpoints of a file. Forged and unknown lines are skipped.
///
/// A file that cannot be read is logged, and the start continues without it: verification will report what is
/// missing, and a service that does not start because of a second disk helps only an attacker.
pub(super) fn stored(file: &Path, signer: &Signer) -> StoredCheckpoints {
    let mut stored = StoredCheckpoints::default();
    let read = read_checkpoints(file, &signer.verifier(), |bytes, line| match line {
        CheckpointLine::Good(checkpoint) => {
            let text = String::from_utf8_lossy(bytes).into();
            let record = checkpoint.anchor.sequence();
            stored.lines.push_back(PlacedLine { record, text });
            stored
                .lines
                .drain(..stored.lines.len().saturating_sub(MAX_AGAIN));
            stored.latest = Some(checkpoint);
        }
        CheckpointLine::Forged | CheckpointLine::Unknown => {}
    });
    if let Err(error) = read {
        tracing::error!(target: "palisade::audit", %error, file = %file.display(), "cannot read the checkpoints of the audit trail");
    }
    stored
}

/// Decides when a checkpoint is due and sends it to the threads that write.
#[derive(Debug)]
pub(super) struct CheckpointWriter {
    /// Where the lines go.
    places: CheckpointPlaces,
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
    /// Whether a place failed, as the trail has recorded it.
    told_failing: bool,
}

impl CheckpointWriter {
    /// Starts the thread. Returns `None` if there is no place to write to.
    ///
    /// `tree` is the one that the trail continues with. If it is marked at the latest stored checkpoint, the first
    /// line proves growth since that. `stored` are the last lines of the file. The other places get them again: after
    /// a crash, the file may have lines that they have not.
    ///
    /// # Errors
    ///
    /// The system cannot start a thread.
    pub(super) fn start(
        settings: Settings,
        (trail, key): (&Path, Option<&AuditKey>),
        (tree, stored): (&Tree, &VecDeque<PlacedLine>),
    ) -> io::Result<Option<Self>> {
        let signer = settings.signer(key);
        let mut outputs = Vec::new();
        if let Some(file) = settings.file_of(trail) {
            // First, so that after a crash it has every line that another place has.
            let output = Box::new(move |line: &str| append(&file, line)) as CheckpointOutput;
            outputs.push((output, VecDeque::new()));
        }
        let others = settings.others.into_iter();
        outputs.extend(others.map(|output| (output, stored.clone())));
        if outputs.is_empty() {
            return Ok(None);
        }
        Ok(Some(Self {
            places: CheckpointPlaces::start(outputs, tree.marked(), settings.file_patience)?,
            signer,
            every_records: settings.every_records,
            every: settings.every,
            last: Anchor::GENESIS,
            last_at: Duration::ZERO,
            told_failing: false,
        }))
    }

    /// Sends a checkpoint of the last safe record, if one is due or `must` is true.
    ///
    /// `tree` is the one over all safe records. It is marked, so that the next checkpoint can prove that it begins
    /// with this one. `now` is the wall-clock time and the monotonic time. Nothing is sent if there is no new record:
    /// the last one has its checkpoint already. A place with a full queue gets no line; its next one covers the same
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
        let (time, signer) = (rfc3339(unix_time), &self.signer);
        let mut made = None;
        self.places.send(safe.sequence(), |since| match &made {
            Some((known, line)) if *known == since => Arc::clone(line),
            _ => {
                let checkpoint = Checkpoint {
                    trail: trail.to_owned(),
                    anchor: safe,
                    root: tree.root(),
                    growth: since.and_then(|since| tree.growth(since)),
                };
                let line = checkpoint.to_line(&time, signer);
                let line: Arc<str> = String::from_utf8_lossy(&line).trim_end().into();
                made = Some((since, Arc::clone(&line)));
                line
            }
        });
        tree.mark(|size| self.places.continue_from(size));
    }

    /// Returns `true` if places began to fail since the last call, and `false` if they work again.
    ///
    /// `None` if nothing changed.
    pub(super) fn take_change(&mut self) -> Option<bool> {
        let failing = self.places.are_failing();
        let changed = mem::replace(&mut self.told_failing, failing) != failing;
        changed.then_some(failing)
    }

    /// Returns when the last checkpoint was made, on the monotonic clock.
    pub(super) fn last_at(&self) -> Duration {
        self.last_at
    }

    /// Waits until the thread has written everything, at most 2 seconds, and logs an error after
    /// that.
    pub(super) fn finish(self) {
        self.places.finish();
    }
}
