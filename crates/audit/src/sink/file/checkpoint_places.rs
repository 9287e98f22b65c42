//! The places that checkpoints go to, and the lines that each of them does not have yet.
//!
//! A place gets its lines in order, and none is left out: what it does not take is tried again before the next one.
//! At most 32 lines wait for a place. While so many wait, it gets no new ones, and its next line proves growth since
//! the last one that waits.
//!
//! Each place has a thread: one that hangs delays no other. The first place is the file. The others get a line after it was
//! tried there, or after a second: so after a crash the file has every line that another place has, unless it hung.

use std::{
    collections::VecDeque,
    fs,
    io::{self, Write},
    path::Path,
    sync::{
        Arc, Condvar, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
        mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel},
    },
    thread,
    time::Duration,
};

use palisade_internal::private_file;

/// The most checkpoints that wait for a place. If there are more, it does not respond.
const MAX_WAITING: usize = 32;
/// How long a close waits for the last checkpoint.
const LAST_WAIT: Duration = Duration::from_secs(2);

/// Writes one checkpoint line, without its line end, to one place.
pub(super) type CheckpointOutput = Box<dyn FnMut(&str) -> io::Result<()> + Send>;

/// A checkpoint for a place.
#[derive(Clone, Debug)]
pub(super) struct PlacedLine {
    /// The number of its record.
    pub(super) record: u64,
    /// The line, without its line end.
    pub(super) text: Arc<str>,
}

/// What the writer and the thread of a place know of it.
#[derive(Debug, Default)]
struct Place {
    /// Lines that it does not have yet.
    waiting: Mutex<VecDeque<PlacedLine>>,
    /// Whether it failed at the last line, or its queue was full.
    failing: AtomicBool,
}

/// Up to which record the first place was tried. The others wait for it.
#[derive(Debug)]
struct FirstPlace {
    /// The record of the latest line of all places.
    newest: AtomicU64,
    /// The record up to which the first place was tried.
    tried: Mutex<u64>,
    /// Wakes the threads of the other places.
    changed: Condvar,
    /// How long the others wait.
    patience: Duration,
}

/// A place, as the writer sees it.
#[derive(Debug)]
struct PlaceEntry {
    /// What the writer and the thread of the place share.
    place: Arc<Place>,
    /// The record of the last line that waited for it: the next one proves growth since that.
    since: Option<u64>,
    /// Tells its thread that a line waits. `None` once the writer finishes.
    wake: Option<SyncSender<()>>,
}

/// All places, each with a thread that writes to it.
#[derive(Debug)]
pub(super) struct CheckpointPlaces {
    /// The places in the order of the builder.
    places: Vec<PlaceEntry>,
    /// What the other places wait for.
    first: Arc<FirstPlace>,
    /// Is disconnected when all threads have written everything.
    done: Receiver<()>,
}

impl CheckpointPlaces {
    /// Starts the threads. Each place has lines that it gets first. `since` is the record of the last one that all
    /// places then have, and `patience` how long a line waits for the first place.
    ///
    /// # Errors
    ///
    /// The system cannot start a thread.
    pub(super) fn start(
        outputs: Vec<(CheckpointOutput, VecDeque<PlacedLine>)>,
        since: Option<u64>,
        patience: Duration,
    ) -> io::Result<Self> {
        let lines = outputs.iter().filter_map(|(_, lines)| lines.back());
        let newest = lines.map(|line| line.record).max().unwrap_or(0);
        let first = Arc::new(FirstPlace {
            newest: AtomicU64::new(newest),
            tried: Mutex::new(0),
            changed: Condvar::new(),
            patience,
        });
        let (finished, done) = sync_channel(1);
        let mut places = Vec::new();
        for (index, (output, lines)) in outputs.into_iter().enumerate() {
            let place = Arc::new(Place {
                waiting: Mutex::new(lines),
                ..Place::default()
            });
            let (wake, woken) = sync_channel(1);
            let thread = PlaceThread {
                place: Arc::clone(&place),
                first: Arc::clone(&first),
                is_first: index == 0,
                output,
                _finished: SyncSender::clone(&finished),
            };
            thread::Builder::new()
                .name("palisade-audit-checkpoints".into())
                .spawn(move || thread.run(&woken))?;
            let _ = wake.try_send(());
            places.push(PlaceEntry {
                place,
                since,
                wake: Some(wake),
            });
        }
        Ok(Self {
            places,
            first,
            done,
        })
    }

    /// Sends a line to every place that has space for it. `line` makes it, with a proof since a record.
    pub(super) fn send(&mut self, record: u64, mut line: impl FnMut(Option<u64>) -> Arc<str>) {
        for PlaceEntry { place, since, .. } in &mut self.places {
            let mut waiting = place.waiting();
            if waiting.len() >= MAX_WAITING {
                place.failing.store(true, Ordering::Relaxed);
                continue;
            }
            let text = line(*since);
            waiting.push_back(PlacedLine { record, text });
            *since = Some(record);
        }
        // After all of them have it: no thread gives its place a line that the first one does not have yet.
        self.first.newest.store(record, Ordering::Release);
        for entry in &self.places {
            let woken = entry.wake.as_ref().map(|wake| wake.try_send(()));
            if matches!(woken, Some(Err(TrySendError::Disconnected(())))) {
                // A function of the operator panicked.
                entry.place.failing.store(true, Ordering::Relaxed);
            }
        }
    }

    /// Returns whether the next line of a place proves growth since this record.
    pub(super) fn continue_from(&self, record: u64) -> bool {
        self.places.iter().any(|entry| entry.since == Some(record))
    }

    /// Returns whether a place failed at the last line, or has no space for one.
    pub(super) fn are_failing(&self) -> bool {
        let mut places = self.places.iter();
        places.any(|entry| entry.place.failing.load(Ordering::Relaxed))
    }

    /// Waits until the threads have written everything, at most 2 seconds, and logs an error after that.
    pub(super) fn finish(mut self) {
        for entry in &mut self.places {
            drop(entry.wake.take());
        }
        if self.done.recv_timeout(LAST_WAIT) == Err(RecvTimeoutError::Timeout) {
            tracing::error!(target: "palisade::audit", "the last checkpoint of the audit trail is not written yet");
        }
    }
}

/// The thread of one place.
struct PlaceThread {
    /// What waits for this place.
    place: Arc<Place>,
    /// What the other places wait for.
    first: Arc<FirstPlace>,
    /// Whether the others wait for this place.
    is_first: bool,
    /// Where lines are written: a file, a command or another service.
    output: CheckpointOutput,
    /// Disconnects `done` when the thread ends.
    _finished: SyncSender<()>,
}

impl PlaceThread {
    /// Writes whenever the writer tells of a line. The first place never waits.
    fn run(mut self, woken: &Receiver<()>) {
        while woken.recv().is_ok() {
            let newest = self.first.newest.load(Ordering::Acquire);
            match self.is_first {
                true => {
                    self.place.write(newest, &mut self.output);
                    self.first.was_tried(newest);
                }
                false => {
                    self.first.wait_for(newest);
                    self.place.write(newest, &mut self.output);
                }
            }
        }
    }
}

impl Drop for PlaceThread {
    fn drop(&mut self) {
        if self.is_first {
            // However it ended: no other place waits for it any more.
            self.first.was_tried(u64::MAX);
        }
    }
}

impl FirstPlace {
    /// Tells the others that it was tried up to a record.
    fn was_tried(&self, record: u64) {
        *self.tried.lock().unwrap_or_else(PoisonError::into_inner) = record;
        self.changed.notify_all();
    }

    /// Waits until it was tried up to a record, but not longer than its patience: one that hangs delays the others once
    /// for each line, and stops none.
    fn wait_for(&self, record: u64) {
        let tried = self.tried.lock().unwrap_or_else(PoisonError::into_inner);
        let waits = |tried: &mut u64| *tried < record;
        drop(self.changed.wait_timeout_while(tried, self.patience, waits));
    }
}

impl Place {
    /// Locks the lines of the place.
    fn waiting(&self) -> MutexGuard<'_, VecDeque<PlacedLine>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes what waits, up to this record, until a line fails.
    fn write(&self, newest: u64, output: &mut CheckpointOutput) {
        let next = || {
            self.waiting()
                .front()
                .filter(|it| it.record <= newest)
                .cloned()
        };
        let mut failure = None;
        while let Some(line) = next() {
            failure = output(&line.text).err();
            if failure.is_some() {
                break;
            }
            self.waiting().pop_front();
        }
        self.tell(failure.as_ref());
    }

    /// Logs that it began to fail, or that it works again. Nothing is logged in between.
    fn tell(&self, failure: Option<&io::Error>) {
        let failed = self.failing.swap(failure.is_some(), Ordering::Relaxed);
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
}

/// Appends a line to a checkpoint file and syncs it. A new file has mode 0600.
///
/// If the file does not end with a line feed (a write that was cut), one is added first, so that the new line is
/// whole.
///
/// # Errors
///
/// It is no regular file, or cannot be written or synced.
pub(super) fn append(file: &Path, line: &str) -> io::Result<()> {
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
///
/// # Errors
///
/// Its length or its last byte cannot be read.
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
