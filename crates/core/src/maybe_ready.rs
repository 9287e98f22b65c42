//! A value that is ready now, or a future of it.
//!
//! The store traits of the other crates return [`MaybeReady`], so that a store in memory costs no
//! allocation.

use std::{fmt, future::Future, pin::Pin};

/// A boxed future that owns everything it needs.
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send + 'static>>;

/// A value that is ready now, or a future of it.
///
/// Store traits return it: a store in memory responds without an allocation, and one on a network
/// can be awaited. [`Verdict`](crate::Verdict) is the same idea for the decision of a guard.
///
/// # Cancellation
///
/// The future may be dropped at any `await`: a client that disconnects drops it. An implementation
/// must not lose or duplicate a charge when that happens. What must be undone, a value with a
/// `Drop` implementation inside the future undoes.
///
/// # Deadlines
///
/// The caller sets none. An implementation that waits for a network brings its own.
///
/// # Examples
///
/// A store in memory:
///
/// ```
/// use palisade_core::MaybeReady;
///
/// fn used_today() -> MaybeReady<u32> {
///     MaybeReady::Ready(7)
/// }
/// ```
///
/// A store on a network:
///
/// ```
/// use palisade_core::MaybeReady;
///
/// # async fn ask_server() -> u32 { 7 }
/// fn used_today() -> MaybeReady<u32> {
///     MaybeReady::pending(async { ask_server().await })
/// }
/// ```
///
/// A caller that is not asynchronous itself, such as [`Guard::admit`](crate::Guard::admit), matches
/// and waits only where it must:
///
/// ```
/// use palisade_core::{MaybeReady, Rejection, Verdict};
///
/// fn verdict(used: MaybeReady<u32>) -> Verdict<()> {
///     fn check(used: u32) -> Result<(), Box<Rejection>> {
///         if used < 100 { Ok(()) } else { Err(Box::new(Rejection::not_found())) }
///     }
///     match used {
///         MaybeReady::Ready(used) => check(used).into(),
///         MaybeReady::Pending(used) => Verdict::later(async move { check(used.await) }),
///     }
/// }
/// # assert!(matches!(verdict(MaybeReady::Ready(7)), Verdict::Admit(())));
/// ```
#[allow(clippy::exhaustive_enums)] // A value is there or it is not.
pub enum MaybeReady<T> {
    /// The value. Costs no allocation.
    Ready(T),
    /// A future of the value. [`pending`](Self::pending) makes one.
    Pending(BoxFuture<T>),
}

impl<T: Send + 'static> MaybeReady<T> {
    /// Boxes a future. Costs one allocation.
    pub fn pending(future: impl Future<Output = T> + Send + 'static) -> Self {
        Self::Pending(Box::pin(future))
    }

    /// Converts the value, now or when the future is ready.
    ///
    /// ```
    /// use palisade_core::MaybeReady;
    ///
    /// let doubled = MaybeReady::Ready(21).map(|number| number * 2);
    /// assert_eq!(format!("{doubled:?}"), "Ready(42)");
    /// ```
    #[must_use]
    pub fn map<U: Send + 'static>(
        self,
        change: impl FnOnce(T) -> U + Send + 'static,
    ) -> MaybeReady<U> {
        match self {
            Self::Ready(value) => MaybeReady::Ready(change(value)),
            Self::Pending(future) => MaybeReady::pending(async move { change(future.await) }),
        }
    }

    /// Waits for the value. Returns at once if it is [`Ready`](Self::Ready).
    pub async fn get(self) -> T {
        match self {
            Self::Ready(value) => value,
            Self::Pending(future) => future.await,
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for MaybeReady<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ready(value) => f.debug_tuple("Ready").field(value).finish(),
            Self::Pending(_) => f.write_str("Pending(..)"),
        }
    }
}
