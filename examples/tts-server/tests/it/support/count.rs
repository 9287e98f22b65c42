//! A number that only grows, and that a test can wait for.

use std::sync::Arc;

use tokio::sync::watch;

use super::PATIENCE;

/// How often something happened. Clones share the number.
#[derive(Clone, Debug)]
pub(crate) struct Count(Arc<watch::Sender<usize>>);

impl Default for Count {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(0)))
    }
}

impl Count {
    pub(crate) fn add_one(&self) {
        self.0.send_modify(|count| *count += 1);
    }

    pub(crate) fn get(&self) -> usize {
        *self.0.borrow()
    }

    /// Waits until it happened so often.
    pub(crate) async fn reaches(&self, least: usize) {
        let mut counts = self.0.subscribe();
        let reached = tokio::time::timeout(PATIENCE, counts.wait_for(|count| *count >= least));
        let reached = reached.await.map(|count| count.is_ok());
        assert_eq!(reached, Ok(true), "{} of {least}", self.get());
    }

    /// Waits until nothing was counted for this time, and returns the number.
    pub(crate) async fn stands_still_for(&self, time: std::time::Duration) -> usize {
        let mut counts = self.0.subscribe();
        let mut change = async || counts.changed().await.unwrap();
        tokio::time::timeout(PATIENCE, async {
            while tokio::time::timeout(time, change()).await.is_ok() {}
        })
        .await
        .expect("it stands still in time");
        self.get()
    }
}
