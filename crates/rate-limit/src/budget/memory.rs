//! Counters of budgets in this process, and in a file that outlives it.
//!
//! With a file, a reserve is written before it is granted. A process that is killed leaves its reserves
//! behind, and the next one counts them as used.

use std::{
    collections::HashMap,
    fmt,
    path::Path,
    sync::{Mutex, MutexGuard, PoisonError},
};

use palisade_core::{Clock as _, MaybeReady, SystemClock};
use palisade_internal::log_limit::LogLimit;

use super::{
    BudgetCharge, BudgetDecision, BudgetKey, BudgetProblem, BudgetState, BudgetStore, Reservation,
    journal::{BudgetFileError, Journal},
};

/// The most counters. Subjects are principals, owners and models of the configuration; each counter
/// takes about 200 bytes.
const CAPACITY: usize = 65_536;

/// Keeps counters of budgets in memory, and with [`open`](Self::open) in a file too.
///
/// At most 65,536 counters. When that many are in use, counters of past windows are forgotten; if there
/// are none, a new subject is refused.
///
/// # The file
///
/// One line for each change, with mode 0600: the budget, whom it counts, the window, and the units. It
/// is written again when it has grown by a mebibyte. The lines are given to the operating system before
/// a reserve is granted, so a killed process loses none. A machine that loses power may lose the last
/// seconds. One process at a time can use a file.
///
/// # Examples
///
/// ```
/// use palisade_rate_limit::{BudgetStore, MemoryBudgets};
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("budgets.log");
/// let store = MemoryBudgets::open(&path)?;
/// assert!(store.explain().starts_with("memory, and the file "));
/// // Another process cannot use it meanwhile.
/// assert!(MemoryBudgets::open(&path).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct MemoryBudgets {
    /// All counters under one lock: a reserve of several budgets is decided as a whole.
    counters: Mutex<Counters>,
    /// The most counters. A new one beyond it is refused rather than counted nowhere.
    capacity: usize,
    /// The path of the journal, for `explain`. `None`: the counters are lost when the process ends.
    file: Option<Box<Path>>,
}

/// The counters of a store and the file behind them.
#[derive(Default)]
struct Counters {
    /// What is charged and what is reserved of each budget, subject and window.
    states: HashMap<BudgetKey, BudgetState>,
    /// The open file. `None`: memory alone.
    journal: Option<Journal>,
    /// Numbers of reserves.
    reserves: u64,
}

impl Default for MemoryBudgets {
    fn default() -> Self {
        Self::new()
    }
}

impl MemoryBudgets {
    /// Keeps counters in memory alone: a restart begins again.
    ///
    /// ```
    /// use palisade_rate_limit::{BudgetStore, MemoryBudgets};
    ///
    /// // For tests: a restart forgets what was used.
    /// assert_eq!(MemoryBudgets::new().explain(), "memory, until the process ends");
    /// ```
    #[must_use]
    pub fn new() -> Self {
        Self::with_capacity(CAPACITY)
    }

    /// Does the same with another number of counters.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self {
            counters: Mutex::default(),
            capacity,
            file: None,
        }
    }

    /// Keeps counters in a file too, which is made if there is none.
    ///
    /// Reserves that an earlier process left are counted as used.
    ///
    /// # Errors
    ///
    /// The file cannot be used, another process uses it, or a line in it means nothing.
    pub fn open(path: &Path) -> Result<Self, BudgetFileError> {
        let (journal, states) = Journal::open(path)?;
        let counters = Counters {
            states,
            journal: Some(journal),
            reserves: 0,
        };
        Ok(Self {
            counters: Mutex::new(counters),
            capacity: CAPACITY,
            file: Some(path.into()),
        })
    }

    /// Reads a file that another process may be using: each counter with its units, sorted by name.
    ///
    /// What is reserved counts as used.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or a line in it means nothing.
    pub fn read_file(path: &Path) -> Result<Vec<(BudgetKey, BudgetState)>, BudgetFileError> {
        let mut counters: Vec<_> = Journal::read(path)?.into_iter().collect();
        counters.sort_by(|(a, _), (b, _)| a.sort_key().cmp(&b.sort_key()));
        Ok(counters)
    }

    /// Locks the counters. A thread that panicked while it held the lock does not stop all
    /// requests.
    fn lock(&self) -> MutexGuard<'_, Counters> {
        self.counters.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reserves all charges, or none.
    ///
    /// # Errors
    ///
    /// The file cannot be written, or there is no space for another counter.
    fn decide(&self, charges: Vec<BudgetCharge>) -> Result<BudgetDecision, BudgetProblem> {
        let mut counters = self.lock();
        let states = counters.read(charges.iter().map(BudgetCharge::key));
        if !charges
            .iter()
            .zip(&states)
            .all(|(charge, state)| state.fits(charge))
        {
            return Ok(BudgetDecision::refused(states));
        }
        counters.make_space(&charges, self.capacity)?;
        let reserve = |charge: &'_ BudgetCharge| signed(charge.units);
        counters.write(charges.iter().map(|charge| (charge.key(), reserve(charge))))?;
        for charge in &charges {
            let state = counters.state(charge.key());
            state.reserved = state.reserved.saturating_add(charge.units);
        }
        counters.shorten();
        counters.reserves += 1;
        let id = counters.reserves.to_string();
        let states = counters.read(charges.iter().map(BudgetCharge::key));
        Ok(BudgetDecision::granted(
            states,
            Reservation::new(id, charges),
        ))
    }
}

impl BudgetKey {
    /// Sorts by budget, subject and time.
    fn sort_key(&self) -> (&str, &str, &str, u64) {
        (&self.budget, &self.kind, &self.id, self.span.start())
    }
}

impl Counters {
    /// Returns the counters of these keys in their order. A counter that is not there has zero
    /// units.
    fn read<'a>(&self, keys: impl Iterator<Item = &'a BudgetKey>) -> Vec<BudgetState> {
        keys.map(|key| self.states.get(key).copied().unwrap_or_default())
            .collect()
    }

    /// Returns the counter of a key, and makes one with zero units if there is none.
    fn state(&mut self, key: &BudgetKey) -> &mut BudgetState {
        self.states.entry(key.clone()).or_default()
    }

    /// Forgets counters of past windows if there would be too many.
    ///
    /// # Errors
    ///
    /// All counters are of windows that are not over.
    fn make_space(
        &mut self,
        charges: &[BudgetCharge],
        capacity: usize,
    ) -> Result<(), BudgetProblem> {
        let is_new = |charge: &&BudgetCharge| !self.states.contains_key(charge.key());
        let new = charges.iter().filter(is_new).count();
        if new == 0 || self.states.len() + new <= capacity {
            return Ok(());
        }
        let starts = charges.iter().map(|charge| charge.key().span.start());
        let now = starts.max().unwrap_or_default();
        self.states.retain(|key, _| !key.span.is_over_at(now));
        match self.states.len() + new <= capacity {
            true => Ok(()),
            false => Err(BudgetProblem::Full),
        }
    }

    /// Writes changes to the file, if there is one.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    fn write<'a>(
        &mut self,
        changes: impl Iterator<Item = (&'a BudgetKey, i64)>,
    ) -> Result<(), BudgetProblem> {
        let Some(journal) = &mut self.journal else {
            return Ok(());
        };
        journal.append(changes).map_err(|problem| {
            log_unwritten(&problem);
            BudgetProblem::NotWritten
        })
    }

    /// Writes the file again if it has grown. Every change in it must be in the counters by now.
    fn shorten(&mut self) {
        let Some(journal) = &mut self.journal else {
            return;
        };
        if let Err(problem) = journal.shorten(&self.states) {
            log_not_shortened(&problem);
        }
    }
}

/// Logs, at most once a minute, why changes cannot be written: every request with a budget can cause it.
///
/// The minute is that of the system clock, one for all stores of the process. No decision depends on it.
fn log_unwritten(problem: &dyn fmt::Display) {
    /// One for the process: many stores that fail together still write one line a minute.
    static LIMIT: LogLimit = LogLimit::per_minute();
    if let Some(held_back) = LIMIT.admit(SystemClock::default().monotonic()) {
        tracing::error!(target: "palisade", %problem, held_back, "the file of the budgets cannot be written: requests are refused");
    }
}

/// Logs, at most once a minute, why the file stays long: it is tried again at the next request.
fn log_not_shortened(problem: &dyn fmt::Display) {
    /// Apart from the other limit, so that neither message hides the other.
    static LIMIT: LogLimit = LogLimit::per_minute();
    if let Some(held_back) = LIMIT.admit(SystemClock::default().monotonic()) {
        tracing::warn!(target: "palisade", %problem, held_back, "the file of the budgets could not be shortened");
    }
}

/// Units are at most 2^50.
fn signed(units: u64) -> i64 {
    i64::try_from(units).unwrap_or(i64::MAX)
}

impl BudgetStore for MemoryBudgets {
    fn reserve(
        &self,
        charges: Vec<BudgetCharge>,
    ) -> MaybeReady<Result<BudgetDecision, BudgetProblem>> {
        MaybeReady::Ready(self.decide(charges))
    }

    fn settle(&self, reservation: Reservation, units: &[u64]) {
        let mut counters = self.lock();
        let settled: Vec<u64> = reservation.settled(units).collect();
        let charges = || reservation.charges().iter().zip(&settled);
        for (charge, used) in charges() {
            let state = counters.state(charge.key());
            state.reserved = state.reserved.saturating_sub(charge.units);
            state.used = state.used.saturating_add(*used);
        }
        // If this fails, the file has the reserve: more than was used, unless the estimate was too low.
        let change = |charge: &BudgetCharge, used| signed(used) - signed(charge.units);
        let _ =
            counters.write(charges().map(|(charge, used)| (charge.key(), change(charge, *used))));
        counters.shorten();
    }

    fn read(&self, keys: Vec<BudgetKey>) -> MaybeReady<Result<Vec<BudgetState>, BudgetProblem>> {
        MaybeReady::Ready(Ok(self.lock().read(keys.iter())))
    }

    fn explain(&self) -> String {
        match &self.file {
            Some(file) => format!("memory, and the file {}", file.display()),
            None => "memory, until the process ends".to_owned(),
        }
    }
}

impl fmt::Debug for MemoryBudgets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryBudgets")
            .field("capacity", &self.capacity)
            .field("file", &self.file)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use palisade_internal::log_lines;

    use super::*;

    #[test]
    fn a_file_that_cannot_be_written_or_shortened_writes_one_line_each() {
        let lines = log_lines::count(|| {
            for _ in 0..100 {
                log_unwritten(&"no space left");
                log_not_shortened(&"no space left");
            }
        });
        assert!(lines <= 2, "{lines}");
    }
}
