//! Budgets: what may be spent in a calendar day or month, with a reserve before and a settlement after.
//!
//! # Design
//!
//! GCRA has no windows that begin and end, which is right for rates and wrong for what is billed: a month
//! of an invoice begins at midnight of a time zone. So a budget is a plain counter beside the buckets: one
//! for each budget, subject and window, of 64 bits (tokens of a month, and money in millionths).
//!
//! A counter is two numbers: `used`, which is settled, and `reserved`, which requests in progress may still
//! use. Four rules keep the sum within the budget:
//!
//! 1. [`BudgetStore::reserve`] takes an upper estimate from all budgets of a request at once, or from
//!    none. It fits if `used + reserved + units <= amount`.
//! 2. [`BudgetStore::settle`] replaces the reserve by what was used, in the window in which it was
//!    reserved, and at most once.
//! 3. What is never settled stays charged: a process that was killed, a reply that was lost.
//! 4. A store that cannot be asked grants nothing.
//!
//! Counters of past windows are kept for one more window, so that a request over midnight is settled
//! where it began.

mod memory;
mod journal;
mod calendar;

use std::{fmt, sync::Arc};

use palisade_core::MaybeReady;

pub use self::{
    calendar::{CalendarPeriod, CalendarWindow, UnknownTimeZone, WindowSpan},
    journal::BudgetFileError,
    memory::MemoryBudgets,
};

/// The most units of one number: exact in the doubles of a Lua script, and a sum of many fits too.
const MOST_UNITS: u64 = 1 << 50;

/// Keeps the counters of budgets and decides over reserves.
///
/// [`MemoryBudgets`] and `RedisStore` implement it.
///
/// # Examples
///
/// A thousand tokens a day; a request that may use 700 of them uses 120:
///
/// ```
/// use std::time::Duration;
/// use palisade_core::MaybeReady;
/// use palisade_rate_limit::{BudgetCharge, BudgetKey, BudgetStore, CalendarWindow, MemoryBudgets};
///
/// let day = CalendarWindow::day("Europe/Berlin")?;
/// let key = BudgetKey::new("tokens", "api_key", "anna", day.around(Duration::from_secs(1_800_000_000)));
/// let charge = BudgetCharge::new(key, 1_000, 700);
/// let store = MemoryBudgets::new();
/// let MaybeReady::Ready(first) = store.reserve(vec![charge.clone()]) else { unreachable!() };
/// let reserved = first?.into_reservation().expect("it fits");
///
/// // A second one does not fit while the first is in progress.
/// let MaybeReady::Ready(second) = store.reserve(vec![charge.clone()]) else { unreachable!() };
/// assert!(!second?.is_granted());
///
/// store.settle(reserved, &[120]);
/// let MaybeReady::Ready(third) = store.reserve(vec![charge]) else { unreachable!() };
/// assert!(third?.is_granted());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub trait BudgetStore: fmt::Debug + Send + Sync + 'static {
    /// Reserves the units of all charges, or of none.
    ///
    /// The future may be dropped when a client leaves; what it reserved is then given back.
    fn reserve(
        &self,
        charges: Vec<BudgetCharge>,
    ) -> MaybeReady<Result<BudgetDecision, BudgetProblem>>;

    /// Replaces a reserve by what was used, in the order of its charges. It must not block: it is called
    /// while a request ends.
    ///
    /// A charge without a number keeps its reserve.
    fn settle(&self, reservation: Reservation, units: &[u64]);

    /// Reads counters without changing them, in their order.
    fn read(&self, keys: Vec<BudgetKey>) -> MaybeReady<Result<Vec<BudgetState>, BudgetProblem>>;

    /// Describes in one line where the counters are. It must hold no password.
    fn explain(&self) -> String;
}

/// The name of a counter: a budget, whom it counts, and a window.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct BudgetKey {
    budget: Arc<str>,
    kind: Arc<str>,
    id: Box<str>,
    span: WindowSpan,
}

impl BudgetKey {
    /// Names the counter of a budget for one subject, such as `api_key` and `anna`.
    ///
    /// One budget name has one unit: a budget that counts something else needs another name.
    pub fn new(
        budget: impl Into<Arc<str>>,
        kind: impl Into<Arc<str>>,
        id: impl Into<Box<str>>,
        span: WindowSpan,
    ) -> Self {
        Self {
            budget: budget.into(),
            kind: kind.into(),
            id: id.into(),
            span,
        }
    }

    /// Returns the name of the budget.
    #[must_use]
    pub fn budget(&self) -> &str {
        &self.budget
    }

    /// Returns what sort of subject it is: `api_key`, `owner`, `model`.
    #[must_use]
    pub fn kind(&self) -> &str {
        &self.kind
    }

    /// Returns the name of the subject.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns the window.
    #[must_use]
    pub const fn span(&self) -> WindowSpan {
        self.span
    }
}

/// Units to reserve from one counter.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BudgetCharge {
    key: BudgetKey,
    amount: u64,
    units: u64,
}

impl BudgetCharge {
    /// Reserves `units` of a budget of `amount` units. Both end at 2^50.
    #[must_use]
    pub fn new(key: BudgetKey, amount: u64, units: u64) -> Self {
        Self {
            key,
            amount: amount.min(MOST_UNITS),
            units: units.min(MOST_UNITS),
        }
    }

    /// Returns the counter.
    #[must_use]
    pub const fn key(&self) -> &BudgetKey {
        &self.key
    }

    /// Returns the units of the whole budget.
    #[must_use]
    pub const fn amount(&self) -> u64 {
        self.amount
    }

    /// Returns the units to reserve.
    #[must_use]
    pub const fn units(&self) -> u64 {
        self.units
    }
}

/// The two numbers of a counter.
///
/// ```
/// use palisade_rate_limit::BudgetState;
///
/// // 300 units are used, and 120 more are reserved by requests in progress.
/// let state = BudgetState::new(300, 120);
/// assert_eq!(state.charged(), 420);
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct BudgetState {
    /// Units that are settled.
    pub used: u64,
    /// Units that requests in progress may still use, or that were never settled.
    pub reserved: u64,
}

impl BudgetState {
    /// Makes a state of settled and reserved units.
    #[must_use]
    pub const fn new(used: u64, reserved: u64) -> Self {
        Self { used, reserved }
    }

    /// Returns the units that are not available any more.
    #[must_use]
    pub const fn charged(&self) -> u64 {
        self.used.saturating_add(self.reserved)
    }

    /// Returns whether more units fit into a budget.
    const fn fits(&self, charge: &BudgetCharge) -> bool {
        self.charged().saturating_add(charge.units) <= charge.amount
    }
}

/// What a store decided over a reserve.
///
/// A custom store that refuses:
///
/// ```
/// use palisade_rate_limit::{BudgetDecision, BudgetState};
///
/// let decision = BudgetDecision::refused(vec![BudgetState::new(980, 0)]);
/// assert!(!decision.is_granted());
/// assert!(decision.into_reservation().is_none());
/// ```
#[derive(Debug)]
pub struct BudgetDecision {
    states: Vec<BudgetState>,
    reservation: Option<Reservation>,
}

impl BudgetDecision {
    /// Grants a reserve. `states` are the counters with it.
    #[must_use]
    pub const fn granted(states: Vec<BudgetState>, reservation: Reservation) -> Self {
        Self {
            states,
            reservation: Some(reservation),
        }
    }

    /// Refuses a reserve. `states` are the counters as they stay.
    #[must_use]
    pub const fn refused(states: Vec<BudgetState>) -> Self {
        Self {
            states,
            reservation: None,
        }
    }

    /// Returns whether everything was reserved.
    #[must_use]
    pub const fn is_granted(&self) -> bool {
        self.reservation.is_some()
    }

    /// Returns the counters, in the order of the charges.
    #[must_use]
    pub fn states(&self) -> &[BudgetState] {
        &self.states
    }

    /// Returns what must be settled. `None`: it was refused, and nothing is reserved.
    #[must_use]
    pub fn into_reservation(self) -> Option<Reservation> {
        self.reservation
    }
}

/// Units that are reserved. Settle it; what is not settled stays charged until its window ends.
#[derive(Debug)]
#[must_use = "what is not settled stays charged"]
pub struct Reservation {
    id: Box<str>,
    charges: Vec<BudgetCharge>,
}

impl Reservation {
    /// Names a reserve of these charges. No two reserves of a store may have one name.
    pub fn new(id: impl Into<Box<str>>, charges: Vec<BudgetCharge>) -> Self {
        Self {
            id: id.into(),
            charges,
        }
    }

    /// Returns its name in the store.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// Returns what is reserved.
    #[must_use]
    pub fn charges(&self) -> &[BudgetCharge] {
        &self.charges
    }

    /// Returns what was used of each charge: the number that was given, or the reserve. At most 2^50.
    pub(crate) fn settled<'a>(&'a self, units: &'a [u64]) -> impl Iterator<Item = u64> + 'a {
        let given = units.iter().map(Some).chain(std::iter::repeat(None));
        let charges = self.charges.iter().zip(given);
        charges.map(|(charge, units)| units.map_or(charge.units, |units| (*units).min(MOST_UNITS)))
    }
}

/// Why a store could not decide. Nothing is granted then.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum BudgetProblem {
    /// The shared store did not answer, with the code of [`StoreProblem`](crate::StoreProblem).
    Away {
        /// The code, for logs.
        code: &'static str,
    },
    /// The memory holds as many counters as it may.
    Full,
    /// The file of the counters cannot be written.
    NotWritten,
}

impl fmt::Display for BudgetProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Away { code } => write!(f, "the store of the budgets cannot be reached ({code})"),
            Self::Full => f.write_str("there is no space for another counter of a budget"),
            Self::NotWritten => f.write_str("the file of the budgets cannot be written"),
        }
    }
}

impl std::error::Error for BudgetProblem {}
