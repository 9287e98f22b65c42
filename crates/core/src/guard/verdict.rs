//! The decision of a guard.

use std::{fmt, future::Future};

use crate::{maybe_ready::BoxFuture, rejection::Rejection};

/// The decision of a guard: at once in the common case, later if it needs I/O.
///
/// A [`Rejection`], boxed or not, and a `Result` convert into it with `.into()`.
///
/// # Examples
///
/// A decision that is known at once:
///
/// ```
/// use palisade_core::{Rejection, Verdict};
///
/// fn verdict(allowed: bool) -> Verdict<()> {
///     if allowed {
///         return Verdict::Admit(());
///     }
///     Rejection::not_found().into()
/// }
/// assert!(matches!(verdict(false), Verdict::Refuse(_)));
/// ```
///
/// A decision that needs a network, with its timeout. A store that does not reply refuses the request:
///
/// ```
/// use std::time::Duration;
/// use palisade_core::{Rejection, Verdict};
/// use tokio::time::timeout;
///
/// # async fn is_blocked(client: String) -> bool { client.is_empty() }
/// fn verdict(client: String) -> Verdict<()> {
///     Verdict::later(async move {
///         match timeout(Duration::from_millis(200), is_blocked(client)).await {
///             Ok(false) => Ok(()),
///             Ok(true) => Err(Box::new(Rejection::not_found())),
///             Err(_) => Err(Box::new(Rejection::unavailable(Duration::from_secs(1)))),
///         }
///     })
/// }
/// assert!(matches!(verdict("203.0.113.7".into()), Verdict::Later(_)));
/// ```
#[allow(clippy::exhaustive_enums)] // The core must handle every verdict.
pub enum Verdict<P> {
    /// Admits the request, with a pass that is held until the response is over.
    Admit(P),
    /// Refuses the request. The core renders the rejection and records it.
    Refuse(Box<Rejection>),
    /// Decides later. The future owns everything it needs and brings its own timeout: the core has
    /// none.
    ///
    /// It may be dropped at any await, when the client leaves. What it has taken by then, it must
    /// give back by a drop guard.
    Later(BoxFuture<Result<P, Box<Rejection>>>),
}

impl<P: Send + 'static> Verdict<P> {
    /// Boxes a decision that needs time.
    ///
    /// Costs one allocation. Use [`Verdict::Admit`] or [`Verdict::Refuse`] if the decision is
    /// known.
    pub fn later(
        decision: impl Future<Output = Result<P, Box<Rejection>>> + Send + 'static,
    ) -> Self {
        Self::Later(Box::pin(decision))
    }

    /// Waits for the decision. Returns at once if it is known.
    ///
    /// # Errors
    ///
    /// The refusal.
    pub async fn get(self) -> Result<P, Box<Rejection>> {
        match self {
            Self::Admit(pass) => Ok(pass),
            Self::Refuse(rejection) => Err(rejection),
            Self::Later(decision) => decision.await,
        }
    }

    /// Continues with another decision once admitted. A refusal is returned unchanged, and `next`
    /// is not called.
    #[must_use]
    pub fn and_then<Q: Send + 'static>(
        self,
        next: impl FnOnce(P) -> Result<Q, Box<Rejection>> + Send + 'static,
    ) -> Verdict<Q> {
        match self {
            Self::Admit(pass) => next(pass).into(),
            Self::Refuse(rejection) => Verdict::Refuse(rejection),
            Self::Later(decision) => Verdict::later(async move { next(decision.await?) }),
        }
    }
}

impl<P> From<Rejection> for Verdict<P> {
    fn from(rejection: Rejection) -> Self {
        Self::Refuse(Box::new(rejection))
    }
}

impl<P> From<Box<Rejection>> for Verdict<P> {
    fn from(rejection: Box<Rejection>) -> Self {
        Self::Refuse(rejection)
    }
}

impl<P> From<Result<P, Box<Rejection>>> for Verdict<P> {
    fn from(result: Result<P, Box<Rejection>>) -> Self {
        match result {
            Ok(pass) => Self::Admit(pass),
            Err(rejection) => Self::Refuse(rejection),
        }
    }
}

impl<P: fmt::Debug> fmt::Debug for Verdict<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Admit(pass) => f.debug_tuple("Admit").field(pass).finish(),
            Self::Refuse(rejection) => f.debug_tuple("Refuse").field(rejection).finish(),
            Self::Later(_) => f.write_str("Later(..)"),
        }
    }
}
