//! The file and the records that were read from it last.

use std::{
    fs::{self, File, OpenOptions},
    io,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwap;

use super::{KeyFileError, KeyFileReport, document, private, stamp::Stamp, watch::Watch};
use crate::KeyTable;

const LARGEST: u64 = 64 * 1024 * 1024;

pub(super) struct State {
    path: PathBuf,
    table: ArcSwap<KeyTable>,
    broken: AtomicBool,
    /// Held by whoever reads or writes the file, never by a request.
    seen: Mutex<Seen>,
    report: Box<dyn Fn(KeyFileReport<'_>) + Send + Sync>,
    watch: OnceLock<Watch>,
}

#[derive(Default)]
struct Seen {
    stamp: Option<Stamp>,
    /// A second look after each change: the first may have met a writer between two writes of one tick.
    settled: bool,
}

impl Seen {
    /// Tells whether a file with this stamp holds nothing that was not read.
    fn covers(&self, stamp: Stamp) -> bool {
        self.settled && self.stamp == Some(stamp)
    }
}

impl State {
    pub(super) fn open(
        path: PathBuf,
        report: impl Fn(KeyFileReport<'_>) + Send + Sync + 'static,
    ) -> Result<Self, KeyFileError> {
        let this = Self {
            path,
            table: ArcSwap::default(),
            broken: AtomicBool::new(false),
            seen: Mutex::default(),
            report: Box::new(report),
            watch: OnceLock::new(),
        };
        let (table, stamp) = this.load()?;
        this.put(table, &mut this.seen(), Some(stamp));
        Ok(this)
    }

    pub(super) fn watch(self: &Arc<Self>, interval: Duration) -> Result<(), KeyFileError> {
        let watch = Watch::start(Arc::downgrade(self), interval);
        let _ = self
            .watch
            .set(watch.map_err(|problem| self.failed("watch", problem))?);
        Ok(())
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) const fn table(&self) -> &ArcSwap<KeyTable> {
        &self.table
    }

    pub(super) fn is_broken(&self) -> bool {
        self.broken.load(Ordering::Relaxed)
    }

    /// Looks at the file, and tells what happened to it. What stays broken is said once, not at every look.
    pub(super) fn refresh(&self) -> Result<bool, KeyFileError> {
        let outcome = self.look(&mut self.seen());
        match &outcome {
            Ok(true) => (self.report)(KeyFileReport::Loaded(self.table.load().len())),
            Err(problem) if !self.broken.swap(true, Ordering::Relaxed) => {
                (self.report)(KeyFileReport::Kept(problem));
            }
            _ => {}
        }
        outcome
    }

    fn look(&self, seen: &mut Seen) -> Result<bool, KeyFileError> {
        let metadata = fs::metadata(&self.path).map_err(|problem| self.failed("read", problem))?;
        let now = Stamp::of(&metadata);
        let (same, broken) = (seen.stamp == Some(now), self.is_broken());
        if seen.covers(now) && !broken {
            return Ok(false);
        }
        let (table, stamp) = self.load()?;
        self.put(table, seen, Some(stamp));
        seen.settled = same;
        Ok(!same || broken)
    }

    /// Changes the file under a lock that all processes share.
    pub(super) fn update<T, E: From<KeyFileError>>(
        &self,
        change: impl FnOnce(&mut KeyTable) -> Result<T, E>,
    ) -> Result<T, E> {
        let failed = |problem| self.failed("write", problem);
        // A link is followed, so that the file behind it is replaced and not the link.
        let path = self.path.canonicalize().map_err(failed)?;
        let mut seen = self.seen();
        let _until_dropped = lock(&path).map_err(failed)?;
        let (mut table, _) = self.load()?;
        let outcome = change(&mut table)?;
        private::replace(&path, &document::write(&path, &table)?).map_err(failed)?;
        let stamp = fs::metadata(&path).ok().as_ref().map(Stamp::of);
        self.put(table, &mut seen, stamp);
        Ok(outcome)
    }

    /// Puts records in force.
    fn put(&self, mut table: KeyTable, seen: &mut Seen, stamp: Option<Stamp>) {
        table.inherit(&self.table.load());
        *seen = Seen {
            stamp,
            settled: false,
        };
        self.table.store(Arc::new(table));
        self.broken.store(false, Ordering::Relaxed);
    }

    fn load(&self) -> Result<(KeyTable, Stamp), KeyFileError> {
        let failed = |problem| self.failed("read", problem);
        let file = File::open(&self.path).map_err(failed)?;
        if private::others_may(&file, 0o022).map_err(failed)? {
            let problem =
                "others may write this file, and so let themselves in; set its mode to 0600";
            return Err(KeyFileError::invalid(&self.path, None, problem));
        }
        // The stamp is taken first: what changes while we read is noticed at the next look.
        let stamp = Stamp::of(&file.metadata().map_err(failed)?);
        let text = private::read(&file, LARGEST).map_err(failed)?;
        Ok((document::read(&self.path, &text)?, stamp))
    }

    fn failed(&self, attempt: &'static str, problem: io::Error) -> KeyFileError {
        KeyFileError::io(&self.path, attempt, problem)
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Waits until no other process changes the file. A file of its own, since the other one is replaced.
fn lock(path: &Path) -> io::Result<File> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".lock");
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = options.open(path.with_file_name(name))?;
    file.lock()?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_read_once_more_after_each_change() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("keys.toml");
        let text = |note| format!("version = 1 # {note}\n");
        private::write_new(&path, &text("one")).unwrap();
        let state = State::open(path.clone(), |_| {}).unwrap();
        let covered = || {
            state
                .seen()
                .covers(Stamp::of(&fs::metadata(&path).unwrap()))
        };
        assert!(!covered(), "a writer may have been at it in the same tick");
        assert!(!state.refresh().unwrap());
        assert!(covered());
        private::replace(&path, &text("two")).unwrap();
        assert!(!covered());
        assert!(state.refresh().unwrap());
        assert!(!covered());
    }
}
