//! A service that can be replaced while it serves.

use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
    task::{Context, Poll},
};

use tower::util::Oneshot;
use tower_service::Service;

/// A service that can be replaced while it serves: for a new configuration without a restart.
///
/// Each request is answered whole by the service that was current when it came. Clones are replaced
/// together.
///
/// ```
/// use palisade::Reloadable;
/// use tower::{ServiceExt as _, service_fn};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let number = |number: u32| service_fn(move |()| async move { Ok::<_, std::convert::Infallible>(number) });
/// let service = Reloadable::new(number(1));
/// service.replace(number(2));
/// assert_eq!(service.clone().oneshot(()).await, Ok(2));
/// # }
/// ```
pub struct Reloadable<S> {
    current: Arc<RwLock<S>>,
}

impl<S: Clone> Reloadable<S> {
    /// Starts with a service.
    #[must_use]
    pub fn new(service: S) -> Self {
        Self {
            current: Arc::new(RwLock::new(service)),
        }
    }

    /// Serves requests that come from now on by another service.
    pub fn replace(&self, service: S) {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::replace(&mut *current, service);
        drop(current);
        // Not under the lock: the last clone of a stack closes what it holds.
        drop(before);
    }

    /// Returns the service that is current.
    #[must_use]
    pub fn current(&self) -> S {
        self.current
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

impl<S> Clone for Reloadable<S> {
    fn clone(&self) -> Self {
        Self {
            current: Arc::clone(&self.current),
        }
    }
}

impl<S, R> Service<R> for Reloadable<S>
where
    S: Service<R> + Clone,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Oneshot<S, R>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        // Each request waits for the service that takes it.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: R) -> Self::Future {
        Oneshot::new(self.current(), request)
    }
}

impl<S> fmt::Debug for Reloadable<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reloadable").finish_non_exhaustive()
    }
}
