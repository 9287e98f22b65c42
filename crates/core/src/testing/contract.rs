//! Checks that a layer keeps the contract of `poll_ready`.

use std::{
    convert::Infallible,
    fmt,
    future::{Future as _, Ready, ready},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll, Waker},
};

use http::{Request, Response};
use tower_layer::Layer;
use tower_service::Service;

use super::TestBody;

/// A service that panics when it is called before it reports that it is ready.
///
/// It becomes ready at the third poll. A clone starts again at the first.
///
/// [`poll_ready_contract`] uses it. Use it directly to test a whole stack of layers of other crates.
///
/// ```
/// use std::sync::{Arc, atomic::{AtomicUsize, Ordering}};
///
/// use palisade_core::testing::{self, ReadinessChecker};
/// use tower::ServiceExt;
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let calls = Arc::new(AtomicUsize::new(0));
/// let service = ReadinessChecker::new(calls.clone()); // around it, the layers to test
/// let request = testing::request("https://api.example/").body(testing::empty_body())?;
/// service.oneshot(request).await?;
/// assert_eq!(calls.load(Ordering::Relaxed), 1);
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
pub struct ReadinessChecker {
    polls: usize,
    ready: bool,
    calls: Arc<AtomicUsize>,
}

impl ReadinessChecker {
    /// Makes one. `calls` counts how often the service was called, clones included.
    #[must_use]
    pub fn new(calls: Arc<AtomicUsize>) -> Self {
        Self {
            polls: 0,
            ready: false,
            calls,
        }
    }
}

impl fmt::Debug for ReadinessChecker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReadinessChecker")
    }
}

impl Clone for ReadinessChecker {
    fn clone(&self) -> Self {
        Self::new(Arc::clone(&self.calls))
    }
}

impl<B> Service<Request<B>> for ReadinessChecker {
    type Response = Response<TestBody>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, task: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.polls += 1;
        self.ready = self.polls >= 3;
        if self.ready {
            return Poll::Ready(Ok(()));
        }
        task.waker().wake_by_ref();
        Poll::Pending
    }

    fn call(&mut self, _: Request<B>) -> Self::Future {
        assert!(self.ready, "the service was called before it was ready");
        self.ready = false;
        self.polls = 0;
        self.calls.fetch_add(1, Ordering::SeqCst);
        ready(Ok(Response::new(TestBody::default())))
    }
}

/// Checks that a layer keeps tower's contract: it is ready at once, calls only a service that reported
/// its readiness, and calls it once for each admitted request.
///
/// `request` makes a request that the layer admits. Runs without a runtime, so the layer's guards
/// must decide without I/O.
///
/// # Panics
///
/// When the layer breaks the contract.
///
/// # Examples
///
/// ```
/// use palisade_core::{RequestIdLayer, testing::{empty_body, poll_ready_contract, request}};
///
/// poll_ready_contract(RequestIdLayer::new(), || {
///     request("https://api.example/").body(empty_body()).unwrap()
/// });
/// ```
pub fn poll_ready_contract<L, S, B>(layer: L, request: impl Fn() -> Request<TestBody>)
where
    L: Layer<ReadinessChecker, Service = S>,
    S: Service<Request<TestBody>, Response = Response<B>, Error = Infallible> + Clone,
{
    let calls = Arc::new(AtomicUsize::new(0));
    let mut service = layer.layer(ReadinessChecker::new(Arc::clone(&calls)));
    let mut task = Context::from_waker(Waker::noop());
    for calls_so_far in 1..=4 {
        for _ in 0..calls_so_far {
            let ready = service.poll_ready(&mut task);
            assert!(
                ready.is_ready(),
                "a layer is ready at once: refusals need no capacity"
            );
        }
        let mut response = Box::pin(service.call(request()));
        let responded = (0..8).any(|_| response.as_mut().poll(&mut task).is_ready());
        assert!(responded, "the layer waits for something that never comes");
        assert_eq!(
            calls.load(Ordering::SeqCst),
            calls_so_far,
            "one call a request"
        );
        service = service.clone();
    }
}
