//! What goes on beside the requests: settling what ended, and mending the connection.

use std::{
    hash::{BuildHasher, RandomState},
    sync::{Arc, Weak, atomic::Ordering},
    time::Duration,
};

use tokio::sync::mpsc;

use super::{Shared, script::Call};
use crate::{Bucket, Limit};

/// Tries to mend the connection follow each other after 250 to 500 ms, so that the server is used
/// again well within a second, and many nodes do not try at the same moment.
const PAUSE: u64 = 250;

/// A charge without a question, or something given back.
pub(super) struct Settlement {
    pub(super) limit: Arc<Limit>,
    pub(super) bucket: Bucket,
    pub(super) units: i64,
}

/// Starts both. They end with the store.
pub(super) fn start(shared: &Arc<Shared>, queue: mpsc::Receiver<Settlement>) {
    tokio::spawn(settle(Arc::downgrade(shared), queue));
    tokio::spawn(mend(Arc::downgrade(shared)));
}

async fn settle(store: Weak<Shared>, mut queue: mpsc::Receiver<Settlement>) {
    while let Some(Settlement {
        limit,
        bucket,
        units,
    }) = queue.recv().await
    {
        let Some(shared) = store.upgrade() else {
            return;
        };
        if let Some(line) = shared.link.line() {
            let call = Call::add(&shared.prefix, &limit, bucket, units);
            // One that fails is lost, as the request's own charge would be; the breaker hears of it.
            let _ = shared.link.ask(line, &call).await;
        }
        shared.unsettled.fetch_sub(1, Ordering::AcqRel);
    }
}

async fn mend(store: Weak<Shared>) {
    let jitter = RandomState::new();
    let mut tries = 0_u64;
    while let Some(shared) = store.upgrade() {
        if shared.link.line().is_none() {
            if !shared.link.mend(&shared.prefix).await {
                tries = tries.wrapping_add(1);
                drop(shared);
                let pause = PAUSE + jitter.hash_one(tries) % PAUSE;
                tokio::time::sleep(Duration::from_millis(pause)).await;
            }
            continue;
        }
        let link = Arc::clone(&shared.link);
        drop(shared);
        link.broken().await;
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // Whoever waits for the breaker wakes up and finds the store gone.
        self.link.wake();
    }
}
