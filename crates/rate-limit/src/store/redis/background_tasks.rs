//! The background tasks of the store: deliver settlements, reconnect, count the nodes.
//!
//! `RedisStoreBuilder::connect` starts them, and they end with the store. A task that fails to
//! reach the server waits and tries again; requests are not affected.

use std::{
    hash::{BuildHasher, RandomState},
    sync::{Arc, Weak},
    time::Duration,
};

use tokio::{
    sync::watch,
    time::{Instant, sleep, timeout},
};

use super::{
    RedisStore, StoreState, connection::Connection, permits::PermitQueue,
    settlements::SettlementQueue, store_metrics,
};

/// The pause after a batch that the server did not accept. If that continues, the circuit breaker
/// opens.
const AFTER_FAILURE: Duration = Duration::from_millis(250);

/// The interval of registrations of this node, with a second of jitter.
const HEARTBEAT: Duration = Duration::from_secs(10);

/// The connection, and its changes.
type Connected = watch::Receiver<Option<Connection>>;

/// Starts all tasks. They end with the store.
pub(super) fn start(shared: &Arc<StoreState>) {
    let queues = [&shared.penalties, &shared.settlements, &shared.outage_usage];
    for queue in queues {
        let connected = shared.connections.subscribe();
        let delivering = deliver(Arc::clone(queue), Arc::downgrade(shared), connected);
        tokio::spawn(delivering);
    }
    let connected = shared.connections.subscribe();
    tokio::spawn(keep_connected(Arc::downgrade(shared), connected));
    let connected = shared.connections.subscribe();
    tokio::spawn(count_nodes(Arc::downgrade(shared), connected));
    tokio::spawn(report_unsettled(Arc::downgrade(shared)));
    let connected = shared.connections.subscribe();
    let permits = Arc::clone(&shared.permits);
    tokio::spawn(keep_permits(permits, Arc::downgrade(shared), connected));
}

/// Sends the settlements of one queue in batches. While one is sent, the next is merged.
///
/// Ends when the queue is closed or the store is dropped.
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

/// Deletes the permits of requests that ended, and renews those of running ones at a third of the shortest expiry.
///
/// Both are done here, one after the other, so that no renewal overtakes the end of a request. Ends when the queue is
/// closed or the store is dropped.
async fn keep_permits(queue: Arc<PermitQueue>, store: Weak<StoreState>, mut connected: Connected) {
    let mut renewed = Instant::now();
    while queue.wait(renewed).await {
        if connected.wait_for(Option::is_some).await.is_err() {
            return;
        }
        let Some(shared) = store.upgrade() else {
            return;
        };
        let Some(connection) = shared.connections.connection() else {
            continue;
        };
        let mut kept = shared.delete_permits(&connection).await;
        if queue.is_due(renewed) {
            kept &= shared.renew_permits(&connection).await;
            renewed = Instant::now();
        }
        drop(shared);
        if !kept {
            sleep(AFTER_FAILURE).await;
        }
    }
}

/// Reconnects after each loss of the connection, with a pause between tries.
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
        // `connect` records the reason of a failure itself.
        let _ = shared.connections.connect(&shared.prefix).await;
    }
}

/// Reports at each heartbeat what waits for the server, also while it cannot be reached.
async fn report_unsettled(store: Weak<StoreState>) {
    while let Some(shared) = store.upgrade() {
        store_metrics::unsettled(RedisStore(shared).unsettled());
        sleep(HEARTBEAT).await;
    }
}

/// Registers this node at each heartbeat and over each new connection, reads the number of nodes and the overrides, and
/// probes the parts that are used.
async fn count_nodes(store: Weak<StoreState>, mut connected: Connected) {
    let random = RandomState::new();
    let mut beats = 0_u64;
    while connected.wait_for(Option::is_some).await.is_ok() {
        let Some(shared) = store.upgrade() else {
            return;
        };
        shared.count_nodes().await;
        shared.refresh_overrides().await;
        // What is refused is logged there.
        let _ = shared.check_parts().await;
        drop(shared);
        beats = beats.wrapping_add(1);
        let jitter = Duration::from_millis(random.hash_one(beats) % 2_000);
        next_beat(HEARTBEAT + jitter - Duration::from_secs(1), &mut connected).await;
    }
}

/// Waits for the next heartbeat: after a pause, or as soon as the connection changes. A new one may lead to another
/// server, or to one that has other overrides.
async fn next_beat<T>(pause: Duration, connected: &mut watch::Receiver<T>) {
    let _ = timeout(pause, connected.changed()).await;
}

impl Drop for StoreState {
    fn drop(&mut self) {
        self.penalties.close();
        self.settlements.close();
        self.outage_usage.close();
        self.permits.close();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_new_connection_ends_the_pause_between_heartbeats() {
        let (changes, mut connected) = watch::channel(0);
        let began = Instant::now();
        next_beat(HEARTBEAT, &mut connected).await;
        assert_eq!(began.elapsed().as_secs(), HEARTBEAT.as_secs());
        let began = Instant::now();
        tokio::spawn(async move {
            sleep(Duration::from_secs(1)).await;
            changes.send(1)
        });
        next_beat(HEARTBEAT, &mut connected).await;
        assert_eq!(began.elapsed().as_secs(), 1);
    }
}
