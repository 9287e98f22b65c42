//! The file of the counters: one line for each change, added at the end.
//!
//! ```text
//! team api_key anna month 1767222000 1769900400 2048
//! ```
//!
//! Budget, kind and id of the subject, period, start and end of the window, and the change in units, with
//! tabs between them. Names are percent-encoded. The sum of the changes of a counter is what is charged: a reserve is
//! added when it is granted, and the difference to what was used when it is settled. So the reserves of
//! a killed process stay in the sum.
//!
//! A last line without its end was being written when the process ended. It belongs to a reserve that
//! was not granted yet, or to a settlement, and is left out.

use std::{
    collections::HashMap,
    fmt::{self, Write as _},
    fs::{File, TryLockError},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use palisade_internal::{percent, private_file};

use super::{BudgetKey, BudgetState, CalendarPeriod, WindowSpan};

/// How much a file may grow before it is written again.
const GROWTH: u64 = 1 << 20;
/// A file that is larger is not one of ours: it is written again long before.
const LARGEST: u64 = 256 << 20;

/// The open file. The lock on the file beside it is held as long as this lives.
pub(super) struct Journal {
    /// Where the file is. Messages name it.
    path: PathBuf,
    /// Open for appending alone, so that no line before the end can be overwritten.
    file: File,
    /// Bytes of whole lines.
    length: u64,
    /// The length at which it is written again.
    shorten_at: u64,
    /// A part of a line is at the end, which could not be cut off. Nothing is written before it is.
    is_spoiled: bool,
    /// Only held: another process that opens the journal fails with `InUse` until this is dropped.
    _lock: File,
}

/// The file of the budgets cannot be used. One line, with path and reason.
#[derive(Debug)]
pub struct BudgetFileError {
    /// The file of the error, for the message.
    path: PathBuf,
    /// What is wrong with it.
    problem: Problem,
}

/// What can be wrong with the file of budgets.
#[derive(Debug)]
enum Problem {
    InUse,
    Io(io::Error),
    Line(usize),
}

impl fmt::Display for BudgetFileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match &self.problem {
            Problem::InUse => write!(
                f,
                "{path}: another process uses this file; give each one its own, or share a store in Redis"
            ),
            Problem::Io(error) => write!(f, "{path}: {error}"),
            Problem::Line(line) => write!(
                f,
                "{path}:{line}: this is no line of a budget; restore the file, or remove it to begin again"
            ),
        }
    }
}

impl std::error::Error for BudgetFileError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.problem {
            Problem::Io(error) => Some(error),
            Problem::InUse | Problem::Line(_) => None,
        }
    }
}

/// The counters by name, with what was charged of each.
type States = HashMap<BudgetKey, BudgetState>;

impl Journal {
    /// Opens a file, makes it if there is none, and writes it again with one line for each counter.
    ///
    /// # Errors
    ///
    /// The file cannot be read or written, a line is none, or another process has it open.
    pub(super) fn open(path: &Path) -> Result<(Self, States), BudgetFileError> {
        let fail = |problem| BudgetFileError {
            path: path.to_owned(),
            problem,
        };
        let io = |error| fail(Problem::Io(error));
        let lock = lock(path).map_err(fail)?;
        let states = match path.try_exists().map_err(io)? {
            true => Self::read(path)?,
            false => HashMap::new(),
        };
        let (file, length) = rewrite(path, &states).map_err(io)?;
        let journal = Self {
            path: path.to_owned(),
            file,
            length,
            shorten_at: length + GROWTH,
            is_spoiled: false,
            _lock: lock,
        };
        Ok((journal, states))
    }

    /// Reads a file and adds up its lines.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or a line is none.
    pub(super) fn read(path: &Path) -> Result<States, BudgetFileError> {
        let fail = |problem| BudgetFileError {
            path: path.to_owned(),
            problem,
        };
        let file = File::open(path).map_err(|error| fail(Problem::Io(error)))?;
        let text = private_file::read_to_string(&file, LARGEST);
        let text = text.map_err(|error| fail(Problem::Io(error)))?;
        let mut sums: HashMap<BudgetKey, i64> = HashMap::new();
        let whole = text.rsplit_once('\n');
        let lines = whole.into_iter().flat_map(|(whole, _)| whole.split('\n'));
        for (index, line) in lines.enumerate() {
            let (key, change) = parse(line).ok_or_else(|| fail(Problem::Line(index + 1)))?;
            let sum = sums.entry(key).or_default();
            *sum = sum.saturating_add(change);
        }
        let state = |sum: i64| BudgetState::new(u64::try_from(sum).unwrap_or(0), 0);
        Ok(sums
            .into_iter()
            .map(|(key, sum)| (key, state(sum)))
            .collect())
    }

    /// Adds lines. If that fails, none of them stays.
    ///
    /// # Errors
    ///
    /// The lines cannot be written.
    pub(super) fn append<'a>(
        &mut self,
        changes: impl Iterator<Item = (&'a BudgetKey, i64)>,
    ) -> io::Result<()> {
        let mut lines = String::new();
        changes.for_each(|(key, change)| add_line(&mut lines, key, change));
        if self.is_spoiled {
            self.file.set_len(self.length)?;
            self.is_spoiled = false;
        }
        match self.file.write_all(lines.as_bytes()) {
            Ok(()) => {
                self.length += lines.len() as u64;
                Ok(())
            }
            Err(error) => {
                // An incomplete line would damage the next one.
                self.is_spoiled = self.file.set_len(self.length).is_err();
                Err(error)
            }
        }
    }

    /// Writes the file again if it has grown. If that fails, the old one stays.
    ///
    /// # Errors
    ///
    /// The new file cannot be written. The counters stay right.
    pub(super) fn shorten(&mut self, states: &States) -> io::Result<()> {
        if self.length < self.shorten_at {
            return Ok(());
        }
        self.shorten_at = self.length + GROWTH;
        let (file, length) = rewrite(&self.path, states)?;
        (self.file, self.length) = (file, length);
        self.is_spoiled = false;
        self.shorten_at = length + GROWTH;
        Ok(())
    }
}

/// Locks the file beside the file: the file itself is replaced when it is written again.
///
/// # Errors
///
/// Another process has the lock.
fn lock(path: &Path) -> Result<File, Problem> {
    let mut name = path.as_os_str().to_owned();
    name.push(".lock");
    let mut options = private_file::options();
    let lock = options.create(true).write(true).open(PathBuf::from(name));
    let lock = lock.map_err(Problem::Io)?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(Problem::InUse),
        Err(TryLockError::Error(error)) => Err(Problem::Io(error)),
    }
}

/// Replaces a file by one with a line for each counter, and opens it for more lines.
///
/// # Errors
///
/// The new file cannot be written. The old one stays.
fn rewrite(path: &Path, states: &States) -> io::Result<(File, u64)> {
    let mut lines = String::new();
    for (key, state) in states {
        add_line(
            &mut lines,
            key,
            state.charged().try_into().unwrap_or(i64::MAX),
        );
    }
    private_file::replace(path, lines.as_bytes())?;
    let file = private_file::options().append(true).open(path)?;
    Ok((file, lines.len() as u64))
}

/// Appends one change: the name of the counter, tab-separated and percent-encoded, and the units
/// that were added or given back.
fn add_line(lines: &mut String, key: &BudgetKey, change: i64) {
    let text = percent::encode;
    let (budget, kind, id) = (text(&key.budget), text(&key.kind), text(&key.id));
    let span = key.span;
    let (period, start, end) = (span.period().name(), span.start(), span.end());
    // Writing to a string cannot fail.
    let _ = writeln!(
        lines,
        "{budget}\t{kind}\t{id}\t{period}\t{start}\t{end}\t{change}"
    );
}

/// Reads a line. `None`: it is none.
fn parse(line: &str) -> Option<(BudgetKey, i64)> {
    let mut words = line.split('\t');
    let mut text = || Some(String::from_utf8_lossy(&percent::decode(words.next()?)).into_owned());
    let (budget, kind, id) = (text()?, text()?, text()?);
    let period = CalendarPeriod::named(words.next()?)?;
    let (start, end) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    let change = words.next()?.parse().ok()?;
    let span = WindowSpan::new(period, start, end);
    let is_line = words.next().is_none() && !budget.is_empty();
    is_line.then(|| (BudgetKey::new(budget, kind, id, span), change))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::time::Duration;

    use super::*;
    use crate::budget::CalendarWindow;

    #[test]
    fn after_a_part_of_a_line_nothing_is_written_until_it_is_cut_off() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("budgets.log");
        let (mut journal, _) = Journal::open(&path).unwrap();
        let span = CalendarWindow::month("UTC").unwrap().around(Duration::ZERO);
        let key = BudgetKey::new("a", "api_key", "anna", span);
        journal.append([(&key, 5)].into_iter()).unwrap();
        // A device that takes nothing, and whose length cannot be set.
        let full = || File::options().append(true).open("/dev/full").unwrap();
        let good = std::mem::replace(&mut journal.file, full());
        assert!(journal.append([(&key, 6)].into_iter()).is_err());
        assert!(journal.append([(&key, 6)].into_iter()).is_err());
        // What was written of the line, on a file that works again.
        (&good).write_all(b"a\tapi_k").unwrap();
        journal.file = good;
        journal.append([(&key, 7)].into_iter()).unwrap();
        let states = Journal::read(&path).unwrap();
        assert_eq!(states[&key], BudgetState::new(12, 0));
    }
}
