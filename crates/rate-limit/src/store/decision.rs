//! What a store answers: whether a request is admitted, and what is left of each limit.

use std::time::Duration;

use super::{MAX_CHARGES, PerCharge, nanoseconds};

/// The state of one limit after a decision: how far its bucket is from full, and how long a refused request
/// has to wait. Both have a precision of nanoseconds.
///
/// ```
/// use std::time::Duration;
/// use palisade_rate_limit::LimitState;
///
/// let state = LimitState::new(Duration::from_secs(60), Duration::from_secs(6));
/// assert!(state.is_refused());
/// assert_eq!(state.retry_after(), Duration::from_secs(6));
/// ```
///
/// The default is a full bucket: what a store returns for a subject that it has not seen.
///
/// ```
/// use std::time::Duration;
/// use palisade_rate_limit::LimitState;
///
/// let unused = LimitState::default();
/// assert_eq!(unused.time_until_full(), Duration::ZERO);
/// assert!(!unused.is_refused());
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub struct LimitState {
    /// The nanoseconds until the bucket is full again. 0: it is unused.
    pub(crate) backlog: u64,
    /// The nanoseconds until the refused charge could be granted. 0: this limit did not refuse.
    pub(crate) wait: u64,
}

impl LimitState {
    /// Describes a limit: how long until its bucket is full, and how long until the refused charge could be
    /// granted (zero if this limit did not refuse). Longer than 584 years counts as 584 years.
    #[must_use]
    pub fn new(backlog: Duration, wait: Duration) -> Self {
        Self {
            backlog: nanoseconds(backlog),
            wait: nanoseconds(wait),
        }
    }

    /// Returns how long until the bucket is full. Zero: the client has its whole burst.
    #[must_use]
    pub const fn time_until_full(&self) -> Duration {
        Duration::from_nanos(self.backlog)
    }

    /// Returns how long until the refused charge could be granted; zero if this limit did not refuse.
    #[must_use]
    pub const fn retry_after(&self) -> Duration {
        Duration::from_nanos(self.wait)
    }

    /// Tells whether this limit refused.
    #[must_use]
    pub const fn is_refused(&self) -> bool {
        self.wait > 0
    }
}

/// The outcome of charging one request to all its limits.
///
/// | outcome | status | code |
/// |---|---|---|
/// | `Admitted` | of the handler | |
/// | `Refused` | 429, or 413 for what costs more than a full bucket | `quota_exceeded` |
/// | `Unavailable` | 503 | `unavailable` |
///
/// ```
/// use palisade_rate_limit::{ChargeOutcome, StoreDecision};
///
/// /// What a custom store counts for its dashboard.
/// fn label(decision: &StoreDecision) -> &'static str {
///     match decision.outcome() {
///         ChargeOutcome::Admitted => "admitted",
///         ChargeOutcome::Refused => "refused",
///         _ => "unavailable",
///     }
/// }
/// assert_eq!(label(&StoreDecision::new(ChargeOutcome::Refused, [])), "refused");
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ChargeOutcome {
    /// Every charge was taken.
    Admitted,
    /// At least one limit refused; nothing was taken. [`LimitState::is_refused`] says which.
    Refused,
    /// The store cannot be reached, and a policy [fails closed](crate::FailureMode::FailClosed). The request gets 503.
    Unavailable,
}

/// The decision of a store: its [`ChargeOutcome`], and the [`LimitState`] of each charge in their order.
///
/// At most sixteen states are kept, as many as one call has charges.
///
/// ```
/// use std::time::Duration;
/// use palisade_rate_limit::{LimitState, ChargeOutcome, StoreDecision};
///
/// let full = LimitState::default();
/// let empty = LimitState::new(Duration::from_secs(60), Duration::from_secs(6));
/// let decision = StoreDecision::new(ChargeOutcome::Refused, [full, empty]);
/// assert_eq!(decision.retry_after(), Duration::from_secs(6));
/// ```
#[derive(Clone, Debug)]
pub struct StoreDecision {
    /// Whether all limits granted the request.
    pub(crate) outcome: ChargeOutcome,
    /// One state for each charge, in the order of the charges.
    pub(crate) limit_states: PerCharge<LimitState>,
    /// The shared store did not decide; the failure mode did.
    pub(crate) degraded: bool,
    /// A degraded decision after a call that the store may have applied.
    pub(crate) may_be_charged: bool,
}

impl StoreDecision {
    /// Composes a decision. States beyond the sixteenth are dropped.
    #[must_use]
    pub fn new(outcome: ChargeOutcome, limit_states: impl IntoIterator<Item = LimitState>) -> Self {
        let limit_states = limit_states.into_iter().take(MAX_CHARGES).collect();
        Self {
            outcome,
            limit_states,
            degraded: false,
            may_be_charged: false,
        }
    }

    /// Marks the decision as made without the store's knowledge. Responses then have no numbers, and the audit
    /// trail records it.
    ///
    /// ```
    /// use palisade_rate_limit::{ChargeOutcome, LimitState, StoreDecision};
    ///
    /// // A custom store that decides alone while its server cannot be reached.
    /// let decision = StoreDecision::new(ChargeOutcome::Admitted, [LimitState::default()]).degraded();
    /// assert_eq!(decision.outcome(), ChargeOutcome::Admitted);
    /// ```
    #[must_use]
    pub fn degraded(mut self) -> Self {
        self.degraded = true;
        self
    }

    /// Returns the outcome.
    #[must_use]
    pub const fn outcome(&self) -> ChargeOutcome {
        self.outcome
    }

    /// Returns the states, in the order of the charges.
    #[must_use]
    pub fn limit_states(&self) -> &[LimitState] {
        &self.limit_states
    }

    /// Returns the longest wait of the limits that refused. A request that waits that long is admitted, unless
    /// others used up what came back.
    #[must_use]
    pub fn retry_after(&self) -> Duration {
        Duration::from_nanos(self.limit_states.iter().map(|s| s.wait).max().unwrap_or(0))
    }
}
