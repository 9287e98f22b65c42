//! A service that can be replaced while it serves.
//!
//! Requests hold the lock only to clone the current service, so a replacement waits for no request.

use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
    task::{Context, Poll},
};

use tower::util::Oneshot;
use tower_service::Service;

/// A service that can be replaced while it serves, for a new configuration without a restart.
///
/// The service that is current when a request arrives handles the whole request. A replaced service
/// is dropped after its last request. Clones are replaced together.
///
/// For a new shield with the trail and the limits of the old one, see `config::Running` (feature
/// `config`).
///
/// ```
/// use palisade::server::Reloadable;
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
///
/// A request that was there before keeps its service:
///
/// ```
/// use palisade::server::Reloadable;
///
/// let service = Reloadable::new("the old one");
/// let of_a_request_in_progress = service.current();
/// service.replace("the new one");
/// assert_eq!((of_a_request_in_progress, service.current()), ("the old one", "the new one"));
/// ```
pub struct Reloadable<S> {
    /// The current service, shared by all clones.
    current: Arc<RwLock<S>>,
}

impl<S: Clone> Reloadable<S> {
    /// Returns a value that serves with `service` until the first [`replace`](Self::replace).
    #[must_use]
    pub fn new(service: S) -> Self {
        Self {
            current: Arc::new(RwLock::new(service)),
        }
    }

    /// Handles requests that arrive from now on with another service.
    ///
    /// Requests that are being served keep the old one. Returns at once; it never waits for a
    /// request.
    pub fn replace(&self, service: S) {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::replace(&mut *current, service);
        drop(current);
        // After the lock: dropping the last clone of a stack may close files, which takes time.
        drop(before);
    }

    /// Returns a clone of the current service.
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
        // `Oneshot` polls the service that handles the request until it is ready.
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
