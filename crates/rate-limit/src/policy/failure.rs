//! What happens while a shared store cannot be asked.

use std::num::NonZeroU32;

/// The answer of one policy while its store is away, slow or talks nonsense.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum FailureMode {
    /// Refuses with 503 and `Retry-After`. For quotas that must never be exceeded.
    FailClosed,
    /// Admits without counting. For limits that are a courtesy.
    FailOpen,
    /// Counts in this node's memory, with one `share`-th of the limit, rounded up.
    LocalFallback {
        /// How many nodes share the limit. 1 gives every node the whole limit.
        share: NonZeroU32,
    },
}

impl FailureMode {
    /// Counts locally, with the whole limit on every node.
    #[must_use]
    pub const fn local() -> Self {
        Self::LocalFallback {
            share: NonZeroU32::MIN,
        }
    }
}

impl Default for FailureMode {
    /// Neither locked out nor wide open: each node goes on counting by itself.
    fn default() -> Self {
        Self::local()
    }
}
