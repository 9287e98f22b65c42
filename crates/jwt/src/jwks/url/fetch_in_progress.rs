//! One fetch at a time, shared by all requests that wait for it.
//!
//! It runs in a task of its own, so a client that disconnects does not end it.

use std::{sync::Arc, time::Duration};

use tokio::{runtime, sync::watch, time};

use super::refresh::Shared;
use crate::jwks::source::FetchEnd;

/// A fetch in progress. It is over when the sender is dropped; nothing is ever sent.
pub(super) struct FetchInProgress(watch::Receiver<()>);

impl FetchInProgress {
    /// Spawns a fetch. `None` outside a tokio runtime.
    pub(super) fn start(shared: &Arc<Shared>) -> Option<Self> {
        let runtime = runtime::Handle::try_current().ok()?;
        let (ended, waiting) = watch::channel(());
        let shared = Arc::clone(shared);
        runtime.spawn(async move {
            shared.refresh().await;
            drop(ended);
        });
        Some(Self(waiting))
    }

    /// Returns whether the fetch is over, also when its task panicked.
    pub(super) fn is_over(&self) -> bool {
        self.0.has_changed().is_err()
    }

    /// A future that ends with the fetch. The fetch has a deadline, so this future needs none.
    pub(super) fn fetch_end(&self) -> FetchEnd {
        let mut waiting = self.0.clone();
        Box::pin(async move {
            let _ = waiting.changed().await; // An error: the sender is gone, which is what is waited for.
        })
    }
}

/// Spawns a task that fetches whenever keys are due. It holds the source only while it fetches.
pub(super) fn keep_fresh(shared: &Arc<Shared>) {
    let Ok(runtime) = runtime::Handle::try_current() else {
        return;
    };
    let weak = Arc::downgrade(shared);
    runtime.spawn(async move {
        loop {
            let Some(shared) = weak.upgrade() else {
                return;
            };
            let pause = shared.state.load().next_look(shared.clock.monotonic());
            if pause.is_zero() {
                let fetch_end = shared.join_or_start(&shared.state.load());
                drop(shared);
                if let Some(fetch_end) = fetch_end {
                    fetch_end.await;
                }
            } else {
                drop(shared);
            }
            // At least a second, so that a clock that stands still does not spin; at most a minute,
            // so that the end of the source is noticed.
            time::sleep(pause.clamp(Duration::from_secs(1), Duration::from_secs(60))).await;
        }
    });
}
