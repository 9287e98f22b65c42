//! Why an override was not set.

use std::fmt;

use super::StoreProblem;
use crate::error::RateLimitBuildError;

/// The most overrides of a store. They are for single customers and single offenders; a group has a tier.
pub(crate) const MAX_OVERRIDES: usize = 1_024;

/// Why an override was not set.
///
/// ```
/// use palisade_rate_limit::OverrideError;
///
/// let error = OverrideError::UnknownLimit { limit: "ttts".into() };
/// assert_eq!(error.to_string(), "there is no limit \"ttts\" for this subject; see `explain` for their names");
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum OverrideError {
    /// The end is not in the future.
    Ended,
    /// The limit cannot have this amount: see the reason.
    InvalidAmount {
        /// Why not.
        reason: RateLimitBuildError,
    },
    /// It applies, but the file of a [`SnapshotStore`](crate::SnapshotStore) could not be written: after a restart it is
    /// as before, unless the file is written until then.
    NotSaved {
        /// Why not.
        kind: std::io::ErrorKind,
    },
    /// The shared store did not confirm it. Whether it is set is unknown.
    Store(StoreProblem),
    /// The store has 1,024 overrides already.
    TooMany,
    /// The layer has no limit of this name that counts such a subject.
    UnknownLimit {
        /// The name.
        limit: Box<str>,
    },
    /// The store keeps no overrides.
    Unsupported,
}

impl fmt::Display for OverrideError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ended => f.write_str("the override would have ended already; use a later end"),
            Self::InvalidAmount { reason } => {
                write!(f, "the limit cannot have this amount: {reason}")
            }
            Self::NotSaved { kind } => write!(
                f,
                "the override applies now, but the snapshot cannot be written: {kind}; a restart may undo it: check the space and the permissions of its folder, and set it again"
            ),
            Self::Store(problem) => write!(f, "the store did not confirm the override: {problem}"),
            Self::TooMany => write!(
                f,
                "there are {MAX_OVERRIDES} overrides already; remove some, or give the principals a tier"
            ),
            Self::UnknownLimit { limit } => write!(
                f,
                "there is no limit \"{limit}\" for this subject; see `explain` for their names"
            ),
            Self::Unsupported => f.write_str("this store keeps no overrides"),
        }
    }
}

impl std::error::Error for OverrideError {}

impl From<StoreProblem> for OverrideError {
    fn from(problem: StoreProblem) -> Self {
        Self::Store(problem)
    }
}
