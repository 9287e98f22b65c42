//! Questions for leases that are under way. They end with a reply, also if their client has left.

#[cfg(feature = "redis")]
use std::sync::Arc;

#[cfg(feature = "redis")]
use tokio::{runtime::Handle, sync::RwLock};
#[cfg(feature = "redis")]
use tracing::Instrument as _;

/// Runs questions. Without a tokio runtime, or without feature `redis`, a question ends with its client.
///
/// At most one question for each bucket with a lease is under way, so their number is bounded.
#[derive(Debug, Default)]
pub(super) struct Questions {
    /// Each question reads it, and who waits for all of them writes it.
    #[cfg(feature = "redis")]
    under_way: Arc<RwLock<()>>,
}

#[cfg(feature = "redis")]
impl Questions {
    /// Runs a question to its end, also if this future is dropped. `None`: the runtime stops.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        question: impl Future<Output = T> + Send + 'static,
    ) -> Option<T> {
        let under_way = Arc::clone(&self.under_way).try_read_owned();
        let (Ok(runtime), Ok(under_way)) = (Handle::try_current(), under_way) else {
            return Some(question.await);
        };
        let question = async move {
            let reply = question.await;
            drop(under_way);
            reply
        };
        runtime.spawn(question.in_current_span()).await.ok()
    }

    /// Waits until no question is under way.
    pub(super) async fn wait(&self) {
        drop(self.under_way.write().await);
    }
}

#[cfg(not(feature = "redis"))]
impl Questions {
    pub(super) async fn run<T>(&self, question: impl Future<Output = T>) -> Option<T> {
        Some(question.await)
    }

    #[allow(clippy::unused_async)]
    pub(super) async fn wait(&self) {}
}
