//! What happens while a shared store cannot be asked.

use std::num::NonZeroU32;

/// What one policy does while the shared store is unreachable, too slow, or gives malformed replies.
///
/// Default: [`FailureMode::local`]. A decision under any of these is *degraded*: it is recorded for the
/// audit trail, and clients are told no numbers. Without effect for the store in memory.
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
