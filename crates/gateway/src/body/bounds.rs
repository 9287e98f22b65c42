//! How long a body may take, and why it is cut.

use std::{error::Error, fmt, time::Duration};

use http_body::SizeHint;
use tokio::time::Instant;

/// How long a body may be silent, and when it has to be over.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// The longest silence of the upstream between two parts.
    pub(crate) idle: Duration,
    /// The time at which the body is cut, even if bytes arrive. `None`: no bound.
    pub(crate) end: Option<Instant>,
}

/// Why a body was cut.
///
/// The client sees a body that breaks off, the audit record says `body_failed`.
#[derive(Debug)]
pub(super) enum TooLong {
    /// Nothing came for this long, while the client was ready to read.
    Idle(Duration),
    /// A list of tools is longer than what is read, so none could be hidden.
    List,
    /// The exchange is older than `total_timeout_seconds`.
    Total,
}

impl fmt::Display for TooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Idle(time) => write!(f, "the upstream was silent for {time:?}"),
            Self::List => f.write_str("the list of tools is too long to be read"),
            Self::Total => f.write_str("the response took longer than total_timeout_seconds"),
        }
    }
}

impl Error for TooLong {}

/// Adds bytes that are held back, fewer than a secret has. Exact hints stay exact.
pub(super) fn add_held_bytes(hint: SizeHint, held: u64) -> SizeHint {
    let mut sum = SizeHint::new();
    sum.set_lower(hint.lower() + held);
    if let Some(upper) = hint.upper() {
        sum.set_upper(upper + held);
    }
    sum
}
