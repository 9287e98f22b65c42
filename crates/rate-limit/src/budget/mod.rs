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
mod decision;
mod calendar;

use std::{fmt, sync::Arc};

use palisade_core::MaybeReady;

pub use self::{
    calendar::{CalendarPeriod, CalendarWindow, UnknownTimeZone, WindowSpan},
    decision::{BudgetDecision, BudgetProblem, Reservation},
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
///
/// ```
/// use std::time::Duration;
/// use palisade_rate_limit::{BudgetKey, CalendarWindow};
///
/// // 15 January 2027: one counter for the money of a tenant in this month, and one for the tokens of a key today.
/// let now = Duration::from_secs(1_800_000_000);
/// let money = BudgetKey::new("micro_usd", "owner", "acme", CalendarWindow::month("UTC")?.around(now));
/// let tokens = BudgetKey::new("tokens", "api_key", "anna", CalendarWindow::day("UTC")?.around(now));
/// assert_eq!(money.span().seconds(), 31 * 86_400);
/// assert_ne!(money, tokens);
/// # Ok::<(), palisade_rate_limit::UnknownTimeZone>(())
/// ```
///
/// An hour later it is another counter, so nothing has to be reset:
///
/// ```
/// use std::time::Duration;
/// use palisade_rate_limit::{BudgetKey, CalendarPeriod, CalendarWindow};
///
/// let hour = CalendarWindow::in_zone(CalendarPeriod::Hour, "UTC")?;
/// let at = |seconds| BudgetKey::new("tokens", "api_key", "anna", hour.around(Duration::from_secs(seconds)));
/// assert_eq!(at(1_800_000_000), at(1_800_000_010));
/// assert_ne!(at(1_800_000_000), at(1_800_003_600));
/// # Ok::<(), palisade_rate_limit::UnknownTimeZone>(())
/// ```
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct BudgetKey {
    /// The name of the budget. Shared, since one name stands in the keys of all its subjects.
    budget: Arc<str>,
    /// What the subject is: `owner`, `api_key`, or another kind of principal.
    kind: Arc<str>,
    /// The identifier of the subject among those of its kind.
    id: Box<str>,
    /// The window in which is counted. The next window is another counter, so nothing has to be
    /// reset.
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
///
/// The units are an upper estimate: what the request can use at most. [`BudgetStore::settle`] replaces it by what it used.
///
/// ```
/// use std::time::Duration;
/// use palisade_rate_limit::{BudgetCharge, BudgetKey, CalendarWindow};
///
/// let day = CalendarWindow::day("UTC")?.around(Duration::from_secs(1_800_000_000));
/// let key = BudgetKey::new("tokens", "api_key", "anna", day);
/// let charge = BudgetCharge::new(key.clone(), 100_000, 4_096);
/// assert_eq!((charge.amount(), charge.units()), (100_000, 4_096));
///
/// // Numbers end at 2^50, which a Lua script adds exactly.
/// assert_eq!(BudgetCharge::new(key, u64::MAX, 1).amount(), 1 << 50);
/// # Ok::<(), palisade_rate_limit::UnknownTimeZone>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BudgetCharge {
    /// The counter that is charged.
    key: BudgetKey,
    /// The most units of the window. At most 2^50.
    amount: u64,
    /// The units to reserve. At most 2^50.
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
///
/// What is left of a budget, for a page or a header field:
///
/// ```
/// use palisade_rate_limit::BudgetState;
///
/// let left = |amount: u64, state: BudgetState| amount.saturating_sub(state.charged());
/// assert_eq!(left(1_000, BudgetState::new(300, 120)), 580);
/// // A smaller budget after a reload can be used up by more than its amount.
/// assert_eq!(left(400, BudgetState::new(300, 120)), 0);
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
