//! What happens to the certificate of an authority, for the audit trail and metrics.
//!
//! Each event is logged as well: an issued certificate at `info`, a failed attempt at `warn`, a cache
//! that cannot be used at `error`.

use std::time::Duration;

/// What happened to a certificate. See [`Acme::on_event`](super::Acme::on_event).
///
/// At most one event for each attempt. Attempts are limited in number: see
/// [`Acme`](super::Acme).
///
/// # Examples
///
/// Wake someone while there is still time to repair it by hand:
///
/// ```
/// use std::time::Duration;
///
/// use palisade_transport::server::AcmeEvent;
///
/// fn is_urgent(event: &AcmeEvent, expires: Duration, now: Duration) -> bool {
///     let a_week = Duration::from_secs(7 * 24 * 3600);
///     !matches!(event, AcmeEvent::Issued { .. }) && expires.saturating_sub(now) < a_week
/// }
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum AcmeEvent {
    /// An attempt failed. The old certificate stays in use.
    Failed {
        /// What failed, as [`AcmeError::kind`](super::AcmeError::kind) names it.
        kind: &'static str,
        /// The error, in one line.
        problem: Box<str>,
        /// When the next attempt is made, since the Unix epoch.
        next_attempt: Duration,
    },
    /// A new certificate was stored. New connections get it within 30 seconds.
    Issued {
        /// The hosts that it names.
        names: Vec<String>,
        /// When it expires, since the Unix epoch.
        expires: Duration,
    },
    /// The cache cannot be used, so no order is made. Reported once, until the problem changes.
    Unable {
        /// The error, in one line.
        problem: Box<str>,
    },
}

impl AcmeEvent {
    /// Returns the name for records and metric labels: `failed`, `issued` or `unable`.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Failed { .. } => "failed",
            Self::Issued { .. } => "issued",
            Self::Unable { .. } => "unable",
        }
    }

    /// Writes the event to the log.
    pub(super) fn log(&self) {
        match self {
            Self::Failed {
                problem,
                next_attempt,
                ..
            } => {
                let next_attempt = next_attempt.as_secs();
                tracing::warn!(%problem, next_attempt, "no certificate was issued; the old one stays");
            }
            Self::Issued { names, expires } => {
                let expires = expires.as_secs();
                tracing::info!(?names, expires, "a certificate was issued");
            }
            Self::Unable { problem } => {
                tracing::error!(%problem, "certificates cannot be renewed");
            }
        }
    }
}
