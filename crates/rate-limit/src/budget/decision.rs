//! What a store of budgets decided: what it reserved, and why it could not decide.

use std::fmt;

use super::{BudgetCharge, BudgetState, MOST_UNITS};

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
///
/// A custom store that grants, with the counters as they are after the reserve:
///
/// ```
/// use palisade_rate_limit::{BudgetDecision, BudgetState, Reservation};
///
/// let reservation = Reservation::new("node-a:17", Vec::new());
/// let decision = BudgetDecision::granted(vec![BudgetState::new(300, 700)], reservation);
/// assert_eq!(decision.states()[0].charged(), 1_000);
/// assert_eq!(decision.into_reservation().expect("it was granted").id(), "node-a:17");
/// ```
#[derive(Debug)]
pub struct BudgetDecision {
    /// The counters, one for each charge and in the same order.
    states: Vec<BudgetState>,
    /// What is reserved until it is settled. `None`: the store refused, and nothing was changed.
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
///
/// A request that used nothing gives everything back. One that is settled without numbers keeps its reserve, since no one
/// knows what it used:
///
/// ```
/// use std::time::Duration;
/// use palisade_core::MaybeReady;
/// use palisade_rate_limit::{BudgetCharge, BudgetKey, BudgetStore as _, CalendarWindow, MemoryBudgets};
///
/// let day = CalendarWindow::day("UTC")?.around(Duration::from_secs(1_800_000_000));
/// let key = BudgetKey::new("tokens", "api_key", "anna", day);
/// let store = MemoryBudgets::new();
/// for (settled, left_over) in [(&[0][..], 0), (&[], 700)] {
///     let charge = BudgetCharge::new(key.clone(), 1_000, 700);
///     let MaybeReady::Ready(decision) = store.reserve(vec![charge]) else { unreachable!() };
///     store.settle(decision?.into_reservation().expect("it fits"), settled);
///     let MaybeReady::Ready(states) = store.read(vec![key.clone()]) else { unreachable!() };
///     assert_eq!(states?[0].charged(), left_over);
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[must_use = "what is not settled stays charged"]
pub struct Reservation {
    /// The name of the reserve in its store. A settlement finds the reserve by it.
    id: Box<str>,
    /// What is reserved, each with its counter. A settlement gives its numbers in this order.
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
///
/// | problem | what an operator does |
/// |---|---|
/// | [`Away`](Self::Away) | looks up the code in [`StoreProblem`](crate::StoreProblem), which has a remedy for each |
/// | [`Full`](Self::Full) | gives the memory more counters, or finds the client that makes so many subjects |
/// | [`NotWritten`](Self::NotWritten) | frees the disk, or corrects the rights of the folder |
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
