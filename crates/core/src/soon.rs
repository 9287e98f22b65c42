//! An answer that is here at once in the common case, or later when a network must be asked.

use std::{fmt, future::Future, pin::Pin};

/// A boxed future that owns everything it needs.
pub type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send + 'static>>;

/// What a store answers: a value now, without an allocation, or a future of it.
#[allow(clippy::exhaustive_enums)] // There is no third moment.
pub enum Soon<T> {
    /// The value.
    Now(T),
    /// Its future. It may be dropped at any await and brings its own deadline.
    Later(BoxFuture<T>),
}

impl<T: Send + 'static> Soon<T> {
    /// Boxes a future.
    pub fn later(future: impl Future<Output = T> + Send + 'static) -> Self {
        Self::Later(Box::pin(future))
    }

    /// Changes the value when it is there.
    #[must_use]
    pub fn map<U: Send + 'static>(self, change: impl FnOnce(T) -> U + Send + 'static) -> Soon<U> {
        match self {
            Self::Now(value) => Soon::Now(change(value)),
            Self::Later(future) => Soon::later(async move { change(future.await) }),
        }
    }

    /// Waits for the value.
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
