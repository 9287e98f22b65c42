//! What happens while a shared store cannot be asked.

use std::num::NonZeroU32;

/// What one policy does while the shared store is unreachable, too slow, or gives malformed replies.
///
/// Default: [`FailureMode::local`]. A decision under any of these is *degraded*: it is recorded for the
/// audit trail, and responses have no numbers, since none would be true. Without effect for
/// [`MemoryStore`](crate::MemoryStore), which is never away.
///
/// | Mode | A request | Use it for |
/// |---|---|---|
/// | [`LocalFallback`](Self::LocalFallback) | is counted on this node, with a part of the limit | most limits |
/// | [`FailClosed`](Self::FailClosed) | is refused with 503 | quotas that cost money |
/// | [`FailOpen`](Self::FailOpen) | is admitted | limits that are not needed for safety |
///
/// One policy that fails closed refuses the request, whatever the others of the layer say.
///
/// ```
/// use std::num::NonZeroU32;
/// use palisade_rate_limit::{FailureMode, Policy};
///
/// // Three nodes: each grants a third while the store cannot be reached.
/// let mode = FailureMode::LocalFallback { share: NonZeroU32::new(3) };
/// let login = Policy::named("login").rate("5/minute")?.penalty().when_store_fails(mode);
/// let paid = Policy::named("paid").rate("1000/day")?.when_store_fails(FailureMode::FailClosed);
/// # let _ = (login, paid);
/// # Ok::<(), palisade_rate_limit::RateLimitBuildError>(())
/// ```
///
/// Without a choice each node counts by itself, with its part of the limit:
///
/// ```
/// use palisade_rate_limit::FailureMode;
///
/// assert_eq!(FailureMode::default(), FailureMode::local());
/// assert_eq!(FailureMode::local(), FailureMode::LocalFallback { share: None });
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum FailureMode {
    /// Refuses with 503 and `Retry-After`. For quotas that must never be exceeded.
    FailClosed,
    /// Admits without counting. For limits that are not needed for safety.
    FailOpen,
    /// Counts in this node's memory, with one `share`-th of the limit, rounded up.
    LocalFallback {
        /// How many nodes share the limit; 1 gives every node the whole limit. `None`: as many as
        /// the store counted, see
        /// `RedisStoreBuilder::share`.
        share: Option<NonZeroU32>,
    },
}

impl FailureMode {
    /// Counts locally, with the part of the limit that the number of nodes leaves to each.
    #[must_use]
    pub const fn local() -> Self {
        Self::LocalFallback { share: None }
    }
}

impl Default for FailureMode {
    /// [`local`](Self::local): clients are neither locked out nor admitted without a limit.
    fn default() -> Self {
        Self::local()
    }
}
