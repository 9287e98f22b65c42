//! A file whose content is kept in memory, read again when it changes, and changed atomically.
//!
//! No request waits for a disk: a thread checks the file, and requests read the content in memory.
//! While a new state of the file cannot be read, the previous state stays in force, up to
//! [`Options::max_stale_age`]. After that the content is [`Freshness::Expired`], and the caller
//! must refuse.
//!
//! The key file of `palisade-api-key` and the JWKS file of `palisade-jwt` are kept this way: keys
//! that are revoked in the file stop working within one [`Options::interval`].

use std::{
    fmt, fs,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use arc_swap::ArcSwap;

pub use self::{
    format::{FileFormat, Report},
    options::Options,
};
use self::{read::load, stamp::Stamp, watch::Watch};
use crate::private_file;

mod format;
mod lock;
mod options;
mod read;
mod stamp;
mod watch;

/// The most different problems of one broken file that are reported; a file that changes all the time
/// does not fill the log.
const MOST_REPORTED: usize = 8;

/// A thread that has not finished a check for this time is stuck, for example on a disk that hangs.
const STUCK_AFTER: Duration = Duration::from_secs(60);

/// Whether the content may be relied on.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[allow(clippy::exhaustive_enums)] // Within Palisade: who decides must know every case.
pub enum Freshness {
    /// The file could not be read for too long: refuse.
    Expired,
    /// The content is that of the file.
    Fresh,
    /// The file cannot be read now; an older state is in force.
    Stale,
}

/// A file and the content that was last read from it.
///
/// [`open`](Self::open) reads it, [`watch`](Self::watch) keeps it up to date,
/// [`value`](Self::value) returns the content, [`update`](Self::update) changes the file.
///
/// A change is noticed by length, times, device and inode of the file. After a change the file is
/// read a second time at the next check: a writer may have been between two writes.
///
/// # Examples
///
/// A file of one number, read and then changed:
///
/// ```
/// use std::{fs, io, path::Path, time::Duration};
///
/// use palisade_internal::watched_file::{FileFormat, Freshness, Options, Report, WatchedFile};
///
/// struct Number;
///
/// impl FileFormat for Number {
///     type Value = u32;
///     type Error = String;
///
///     fn read(&self, _: &Path, text: &str) -> Result<u32, String> {
///         text.trim().parse().map_err(|_| format!("not a number: {text}"))
///     }
///     fn io_error(&self, _: &Path, attempt: &'static str, problem: io::Error) -> String {
///         format!("cannot {attempt}: {problem}")
///     }
///     fn report(&self, _: &Path, _: Report<'_, u32, String>) {}
/// }
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("number");
/// fs::write(&path, "1")?;
/// let options = Options::new(64, || Duration::from_secs(100));
/// let file = WatchedFile::open(Number, path, options)?;
/// assert_eq!(**file.value().load(), 1);
///
/// file.update(|number| Ok::<_, String>((number + 1, (number + 1).to_string(), ())))?;
/// assert_eq!(**file.value().load(), 2);
///
/// fs::write(file.path(), "two")?;
/// assert!(file.refresh().is_err());
/// assert_eq!(**file.value().load(), 2, "the previous state stays in force");
/// assert_eq!(file.freshness(), Freshness::Stale);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct WatchedFile<F: FileFormat> {
    /// Parses the content and reports changes.
    format: F,
    /// The path as it was given; links are not resolved.
    path: PathBuf,
    /// How often to check, and the bounds.
    options: Options,
    /// The content in force.
    value: ArcSwap<F::Value>,
    /// When the file and the value were last known to agree, in nanoseconds of the monotonic clock.
    confirmed: AtomicU64,
    /// The last check failed.
    broken: AtomicBool,
    /// Held by the thread that reads or writes the file, never by a request.
    last_check: Mutex<LastCheck>,
    watch: OnceLock<Watch>,
}

/// What the last check found.
#[derive(Default)]
struct LastCheck {
    stamp: Option<Stamp>,
    /// A second check found the same stamp. The first may have met a writer between two writes of
    /// one clock tick.
    settled: bool,
    /// The problems of this outage that were reported.
    reported: Vec<String>,
    reported_expired: bool,
}

impl LastCheck {
    /// Returns whether a file with this stamp holds nothing that was not read.
    fn covers(&self, stamp: Stamp) -> bool {
        self.settled && self.stamp == Some(stamp)
    }
}

impl<F: FileFormat> WatchedFile<F> {
    /// Reads the file. It is not watched yet.
    ///
    /// # Errors
    ///
    /// When it cannot be read, is broken, is not a regular file, or others may write it.
    pub fn open(format: F, path: PathBuf, options: Options) -> Result<Self, F::Error> {
        let now = options.now();
        let (value, stamp) = load(&format, &path, &options)?;
        let last_check = LastCheck {
            stamp: Some(stamp),
            ..LastCheck::default()
        };
        Ok(Self {
            format,
            path,
            options,
            value: ArcSwap::from_pointee(value),
            confirmed: AtomicU64::new(nanoseconds(now)),
            broken: AtomicBool::new(false),
            last_check: Mutex::new(last_check),
            watch: OnceLock::new(),
        })
    }

    /// Starts the thread that checks the file, once an [`Options::interval`]. It ends when the last
    /// user of the file is dropped.
    ///
    /// # Errors
    ///
    /// When no thread can be started.
    pub fn watch(self: &Arc<Self>, thread: &str) -> Result<(), F::Error> {
        let weak = Arc::downgrade(self);
        let check = move || weak.upgrade().map(|file| drop(file.refresh()));
        let watch = Watch::start(thread, self.options.interval, check);
        let watch = watch.map_err(|problem| self.format.io_error(&self.path, "watch", problem))?;
        let _ = self.watch.set(watch);
        Ok(())
    }

    /// Returns the path as it was given, with links unresolved.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the content that is in force. Check [`freshness`](Self::freshness) before relying on
    /// it.
    pub const fn value(&self) -> &ArcSwap<F::Value> {
        &self.value
    }

    /// Returns whether the content may be relied on. Reads a clock and two numbers.
    pub fn freshness(&self) -> Freshness {
        let broken = self.broken.load(Ordering::Relaxed);
        if !broken && self.watch.get().is_none() {
            return Freshness::Fresh;
        }
        let age = self.age();
        if age >= self.options.max_stale() {
            Freshness::Expired
        } else if broken || age >= STUCK_AFTER.max(self.options.interval * 3) {
            Freshness::Stale
        } else {
            Freshness::Fresh
        }
    }

    /// Returns how long ago the file and the value were known to agree.
    fn age(&self) -> Duration {
        let confirmed = Duration::from_nanos(self.confirmed.load(Ordering::Relaxed));
        self.options.now().saturating_sub(confirmed)
    }

    /// Checks the file now and reports what happened to it. Returns whether another state came into
    /// force.
    ///
    /// # Errors
    ///
    /// When a new state cannot be read; the previous one stays in force.
    pub fn refresh(&self) -> Result<bool, F::Error> {
        let now = self.options.now();
        let mut last_check = self.last_check();
        let outcome = self.read_if_changed(&mut last_check, now);
        let (kept, expired) = match &outcome {
            Ok(_) => (false, false),
            Err(problem) => self.failed(&mut last_check, problem, now),
        };
        drop(last_check); // A report may ask the file for something.
        match &outcome {
            Ok(true) => self
                .format
                .report(&self.path, Report::Loaded(&self.value.load())),
            Err(problem) if kept => self.format.report(&self.path, Report::Kept(problem)),
            _ => {}
        }
        if let (Err(problem), true) = (&outcome, expired) {
            self.format.report(&self.path, Report::Expired(problem));
        }
        outcome
    }

    /// Compares the stamp and reads the file if it changed.
    fn read_if_changed(&self, last_check: &mut LastCheck, now: Duration) -> Result<bool, F::Error> {
        let broken = self.broken.load(Ordering::Relaxed);
        let metadata = fs::metadata(&self.path)
            .map_err(|problem| self.format.io_error(&self.path, "read", problem))?;
        let stamp = Stamp::of(&metadata);
        if last_check.covers(stamp) && !broken {
            self.confirmed.store(nanoseconds(now), Ordering::Relaxed);
            return Ok(false);
        }
        let (value, stamp) = load(&self.format, &self.path, &self.options)?;
        // By the stamp of what was read: the file may have changed since the one above.
        let same = last_check.stamp == Some(stamp);
        self.publish(value, last_check, Some(stamp), now);
        last_check.settled = same;
        Ok(!same || broken)
    }

    /// Counts a failed check. Returns whether to report the problem, and whether to report that the
    /// old state expired.
    fn failed(
        &self,
        last_check: &mut LastCheck,
        problem: &F::Error,
        now: Duration,
    ) -> (bool, bool) {
        let first = !self.broken.swap(true, Ordering::Relaxed);
        if first && self.watch.get().is_none() {
            // The file was not checked for a while, which says nothing about it: the outage begins now.
            self.confirmed.store(nanoseconds(now), Ordering::Relaxed);
        }
        let text = problem.to_string();
        let kept =
            last_check.reported.len() < MOST_REPORTED && !last_check.reported.contains(&text);
        if kept {
            last_check.reported.push(text);
        }
        let expired = !last_check.reported_expired && self.age() >= self.options.max_stale();
        last_check.reported_expired |= expired;
        (kept, expired)
    }

    /// Changes the file under a lock that all processes share. Reads it again, makes the new value
    /// and its text, and replaces the file atomically.
    ///
    /// Owner, group and mode stay. Blocks until the lock is free: do not call it from an async
    /// task.
    ///
    /// # Errors
    ///
    /// That of the change, or when the file cannot be read or written; nothing is changed then.
    pub fn update<T, E: From<F::Error>>(
        &self,
        change: impl FnOnce(F::Value) -> Result<(F::Value, String, T), E>,
    ) -> Result<T, E> {
        let failed = |problem| self.format.io_error(&self.path, "write", problem);
        // A link is followed, so that the file behind it is replaced and not the link.
        // One that another user made is refused: it could lead to any file.
        let path = private_file::follow_links(&self.path).map_err(failed)?;
        // Before the checks of this process wait: another process may hold it for long.
        let _until_dropped = lock::acquire(&path).map_err(failed)?;
        let mut last_check = self.last_check();
        let (value, _) = load(&self.format, &path, &self.options)?;
        let (value, text, outcome) = change(value)?;
        private_file::replace_unlinked(&path, text.as_bytes()).map_err(failed)?;
        let stamp = fs::metadata(&path).ok().as_ref().map(Stamp::of);
        self.publish(value, &mut last_check, stamp, self.options.now());
        Ok(outcome)
    }

    /// Puts a value in force.
    fn publish(
        &self,
        value: F::Value,
        last_check: &mut LastCheck,
        stamp: Option<Stamp>,
        now: Duration,
    ) {
        let value = self.format.carry_over(value, &self.value.load());
        *last_check = LastCheck {
            stamp,
            ..LastCheck::default()
        };
        self.value.store(Arc::new(value));
        self.confirmed.store(nanoseconds(now), Ordering::Relaxed);
        self.broken.store(false, Ordering::Relaxed);
    }

    fn last_check(&self) -> MutexGuard<'_, LastCheck> {
        self.last_check
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl<F: FileFormat> fmt::Debug for WatchedFile<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WatchedFile")
            .field("path", &self.path)
            .field("freshness", &self.freshness())
            .finish_non_exhaustive()
    }
}

/// Converts to nanoseconds; what does not fit becomes the largest number.
fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
