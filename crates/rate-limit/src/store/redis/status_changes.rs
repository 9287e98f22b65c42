//! Tells those who wait for another state of the store that it may have changed.
//!
//! The connection and the queues of settlements announce changes. Nothing on the way of a request
//! waits for them.

use tokio::sync::watch;

/// Announces changes of the connection, and queues that became empty. Clones share the channel.
#[derive(Clone, Debug, Default)]
pub(super) struct StatusChanges(watch::Sender<()>);

impl StatusChanges {
    /// Wakes all who wait.
    pub(super) fn announce(&self) {
        self.0.send_replace(());
    }

    /// Returns a receiver. It gets every change from now on.
    pub(super) fn subscribe(&self) -> watch::Receiver<()> {
        self.0.subscribe()
    }
}
