//! What goes on beside the requests: settling, connecting anew, counting the nodes.

use std::{
    hash::{BuildHasher, RandomState},
    sync::{Arc, Weak},
    time::Duration,
};

use tokio::{sync::watch, time::sleep};

use super::{StoreState, connection::Connection, settlements::SettlementQueue};

/// After a batch that the server did not take. Its breaker opens if that goes on.
const AFTER_FAILURE: Duration = Duration::from_millis(250);

/// Nodes register so often, give or take a second.
const HEARTBEAT: Duration = Duration::from_secs(10);

type Connected = watch::Receiver<Option<Connection>>;

/// Starts all of them. They end with the store.
pub(super) fn start(shared: &Arc<StoreState>) {
    for queue in [&shared.penalties, &shared.settlements] {
        let connected = shared.connections.subscribe();
        let delivering = deliver(Arc::clone(queue), Arc::downgrade(shared), connected);
        tokio::spawn(delivering);
    }
    let connected = shared.connections.subscribe();
    tokio::spawn(keep_connected(Arc::downgrade(shared), connected));
    let connected = shared.connections.subscribe();
    tokio::spawn(count_nodes(Arc::downgrade(shared), connected));
}

/// Sends what waits in a lane. While one batch is under way, the next one is merged.
async fn deliver(queue: Arc<SettlementQueue>, store: Weak<StoreState>, mut connected: Connected) {
    while queue.wait().await {
        if connected.wait_for(Option::is_some).await.is_err() {
            return;
        }
        let Some(shared) = store.upgrade() else {
            return;
        };
        let Some(connection) = shared.connections.connection() else {
            continue;
        };
        let delivered = shared.deliver(&queue, connection).await;
        drop(shared);
        if !delivered {
            sleep(AFTER_FAILURE).await;
        }
    }
}

async fn keep_connected(store: Weak<StoreState>, mut connected: Connected) {
    let random = RandomState::new();
    let mut tries = 0_u64;
    while connected.wait_for(Option::is_none).await.is_ok() {
        let Some(shared) = store.upgrade() else {
            return;
        };
        tries = tries.wrapping_add(1);
        let pause = shared.connections.pause(random.hash_one(tries));
        drop(shared);
        sleep(pause).await;
        let Some(shared) = store.upgrade() else {
            return;
        };
        // It says itself what went wrong.
        let _ = shared.connections.connect(&shared.prefix).await;
    }
}

async fn count_nodes(store: Weak<StoreState>, mut connected: Connected) {
    let random = RandomState::new();
    let mut beats = 0_u64;
    while connected.wait_for(Option::is_some).await.is_ok() {
        let Some(shared) = store.upgrade() else {
            return;
        };
        shared.count_nodes().await;
        drop(shared);
        beats = beats.wrapping_add(1);
        let jitter = Duration::from_millis(random.hash_one(beats) % 2_000);
        sleep(HEARTBEAT + jitter - Duration::from_secs(1)).await;
    }
}

impl Drop for StoreState {
    fn drop(&mut self) {
        self.penalties.close();
        self.settlements.close();
    }
}
