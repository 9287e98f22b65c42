//! Parts of the store that need more permissions than limits do.
//!
//! Limits are probed with each new connection. Permits and budgets are used by some services only, so they are probed when
//! a service uses them, and at each heartbeat. A user that may not run their commands is told, and is no outage: the limits go on.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use palisade_internal::log_limit::LogLimit;
use tokio::runtime::Handle;

use super::{RedisStore, StoreState};
use crate::store::StoreProblem;

/// A part of the store that some services use.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum StorePart {
    /// Counters of budgets.
    #[cfg(feature = "budgets")]
    Budgets,
    /// Permits of requests in progress.
    Permits,
}

impl StorePart {
    /// All parts of this build.
    const ALL: &[Self] = &[
        #[cfg(feature = "budgets")]
        Self::Budgets,
        Self::Permits,
    ];

    /// Returns what the part is for, and the permissions of its script beside `EVAL` and `EVALSHA`.
    const fn text(self) -> (&'static str, &'static str) {
        match self {
            #[cfg(feature = "budgets")]
            Self::Budgets => ("budgets", "+expire +hdel +hget +hset"),
            Self::Permits => (
                "limits of concurrent requests",
                "+expire +time +zadd +zcard +zrem +zremrangebyscore +zscore",
            ),
        }
    }
}

/// Tells whether the server refuses the call to this user, or does not have its command. That is no failure of the server.
pub(super) const fn is_refused(problem: StoreProblem) -> bool {
    matches!(problem, StoreProblem::NoPerm | StoreProblem::UnknownCommand)
}

/// Which parts are used, and which of them the server refuses.
#[derive(Debug)]
pub(super) struct UsedParts {
    #[cfg(feature = "budgets")]
    budgets: UsedPart,
    permits: UsedPart,
}

/// The state of one part.
#[derive(Debug)]
struct UsedPart {
    /// Whether this service uses it.
    is_used: AtomicBool,
    /// Whether the server refused the last probe.
    is_refused: AtomicBool,
    /// Bounds the log.
    log: LogLimit,
}

impl UsedPart {
    const fn new() -> Self {
        Self {
            is_used: AtomicBool::new(false),
            is_refused: AtomicBool::new(false),
            log: LogLimit::per_minute(),
        }
    }
}

impl UsedParts {
    /// No part is used yet.
    pub(super) const fn new() -> Self {
        Self {
            #[cfg(feature = "budgets")]
            budgets: UsedPart::new(),
            permits: UsedPart::new(),
        }
    }

    const fn of(&self, part: StorePart) -> &UsedPart {
        match part {
            #[cfg(feature = "budgets")]
            StorePart::Budgets => &self.budgets,
            StorePart::Permits => &self.permits,
        }
    }

    /// Whether the part can be used, as far as this is known.
    ///
    /// # Errors
    ///
    /// [`StoreProblem::NoPerm`]: a part of its commands is not allowed. Using the others would take what cannot be given
    /// back.
    pub(super) fn permitted(&self, part: StorePart) -> Result<(), StoreProblem> {
        match self.of(part).is_refused.load(Ordering::Relaxed) {
            true => Err(StoreProblem::NoPerm),
            false => Ok(()),
        }
    }
}

impl RedisStore {
    /// Notes that the service uses a part, and probes it in the background.
    pub(super) fn use_part(&self, part: StorePart) {
        let was_used = self.0.parts.of(part).is_used.swap(true, Ordering::Relaxed);
        // Without a runtime the next heartbeat probes it.
        if !was_used && let Ok(runtime) = Handle::try_current() {
            let shared = Arc::clone(&self.0);
            runtime.spawn(async move { shared.check_part(part).await });
        }
    }
}

impl StoreState {
    /// Probes all parts that are used.
    ///
    /// # Errors
    ///
    /// The problem of the first one that cannot be used.
    pub(super) async fn check_parts(&self) -> Result<(), StoreProblem> {
        let mut first = Ok(());
        for part in StorePart::ALL {
            if self.parts.of(*part).is_used.load(Ordering::Relaxed) {
                first = first.and(self.check_part(*part).await);
            }
        }
        first
    }

    /// Probes a part, and logs once a minute what its user may not run.
    ///
    /// # Errors
    ///
    /// Why it cannot be used.
    pub(super) async fn check_part(&self, part: StorePart) -> Result<(), StoreProblem> {
        let reply = match part {
            #[cfg(feature = "budgets")]
            StorePart::Budgets => self.probe_budgets().await,
            StorePart::Permits => self.probe_permits().await,
        };
        match reply {
            Ok(()) => self.note_refused(part, false),
            Err(problem) if is_refused(problem) => {
                self.note_refused(part, true);
                self.log_refused(part, problem);
            }
            // The server says nothing about permissions now.
            Err(_) => {}
        }
        reply
    }

    fn note_refused(&self, part: StorePart, is_refused: bool) {
        let used = self.parts.of(part);
        used.is_refused.store(is_refused, Ordering::Relaxed);
    }

    fn log_refused(&self, part: StorePart, problem: StoreProblem) {
        let now = self.losses.monotonic();
        if let Some(held_back) = self.parts.of(part).log.admit(now) {
            let (what, permissions) = part.text();
            tracing::error!(
                target: "palisade",
                number = "PAL0019",
                code = problem.code(),
                part = what,
                permissions,
                held_back,
                "the user of the store may not run what a part of the service needs: allow it these permissions"
            );
        }
    }
}
