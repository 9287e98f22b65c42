//! A value that is available at once in the common case, or later if it needs I/O.
//!
//! Stores return [`Soon`], so that a store in memory costs no allocation.

use std::{fmt, future::Future, pin::Pin};

/// A boxed future that owns everything it needs.
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send + 'static>>;

/// The result of a store: a value now, without an allocation, or a future of it.
///
/// ```
/// use palisade_core::Soon;
///
/// let doubled = Soon::Now(21).map(|number: i32| number * 2);
/// assert_eq!(format!("{doubled:?}"), "Now(42)");
/// ```
#[allow(clippy::exhaustive_enums)] // There is no third moment.
pub enum Soon<T> {
    /// The value, available at once.
    Now(T),
    /// A future of the value. It may be dropped at any await and brings its own timeout.
    Later(BoxFuture<T>),
}

impl<T: Send + 'static> Soon<T> {
    /// Boxes a future. Costs one allocation.
    pub fn later(future: impl Future<Output = T> + Send + 'static) -> Self {
        Self::Later(Box::pin(future))
    }

    /// Converts the value, now or when the future is ready.
    #[must_use]
    pub fn map<U: Send + 'static>(self, change: impl FnOnce(T) -> U + Send + 'static) -> Soon<U> {
        match self {
            Self::Now(value) => Soon::Now(change(value)),
            Self::Later(future) => Soon::later(async move { change(future.await) }),
        }
    }

    /// Waits for the value. Returns at once for [`Soon::Now`].
    pub async fn get(self) -> T {
        match self {
            Self::Now(value) => value,
            Self::Later(future) => future.await,
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for Soon<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Now(value) => f.debug_tuple("Now").field(value).finish(),
            Self::Later(_) => f.write_str("Later(..)"),
        }
    }
}
