//! The store of the limits at the end of the process.

use std::time::Duration;

use palisade::config::Running;

/// How long settlements and leases may take to reach their store. What does not is lost for the limits, and
/// no request waits for it.
const PATIENCE: Duration = Duration::from_secs(2);

/// Gives back what this process took ahead of limits, and waits until its settlements have arrived.
pub(crate) async fn finish(running: &Running) {
    let Some(store) = &running.store else {
        return;
    };
    let finished = tokio::time::timeout(PATIENCE, store.finish().get()).await;
    if finished.is_err() {
        tracing::warn!(
            "settlements of limits did not reach their store before the end; check the store"
        );
    }
}
