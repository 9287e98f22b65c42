//! Runs HTTP/2 streams, and ends those whose response is read too slowly.

use std::{cell::Cell, future::Future, sync::Arc};

use hyper::rt::Executor;

use crate::server::{
    deadlines::{activity::Activity, transfer::Transfer},
    events::ConnectionEventKind,
    limits::Limits,
};

thread_local! {
    /// The request that was given to the service last and has no task yet.
    static STARTED: Cell<Option<StartedRequest>> = const { Cell::new(None) };
}

/// An HTTP/2 request without a task.
struct StartedRequest {
    transfer: Arc<Transfer>,
    activity: Arc<Activity>,
}

/// Keeps an HTTP/2 request for the task that hyper makes of it next.
pub(crate) fn hand_to_executor(transfer: &Arc<Transfer>, activity: &Arc<Activity>) {
    STARTED.set(Some(StartedRequest {
        transfer: Arc::clone(transfer),
        activity: Arc::clone(activity),
    }));
}

/// Runs each HTTP/2 stream as a task, and ends a stream whose response is read too slowly.
///
/// hyper does not poll a body while the client reads nothing, so a body cannot end itself.
/// Dropping the task of its stream resets the stream; all others continue. hyper calls the
/// service and then the executor on the same thread, so a thread-local variable connects the
/// two.
#[derive(Clone, Debug)]
pub(crate) struct StreamExecutor {
    pub(crate) limits: Arc<Limits>,
}

impl<F> Executor<F> for StreamExecutor
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    fn execute(&self, stream: F) {
        let Some(started) = STARTED.take() else {
            tokio::spawn(stream);
            return;
        };
        let limits = Arc::clone(&self.limits);
        tokio::spawn(async move {
            tokio::select! {
                biased;
                _ = stream => {}
                () = started.transfer.too_slow(&limits) => {
                    started.activity.report(ConnectionEventKind::ResponseTimeout);
                }
            }
        });
    }
}
