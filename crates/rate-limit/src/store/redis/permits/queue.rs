//! The claims of this node: those to renew, and those to delete from the server.

use std::{
    hash::RandomState,
    mem,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use hashbrown::HashMap;
use tokio::{
    sync::Notify,
    time::{Instant, timeout_at},
};

use crate::store::permits::PermitClaim;

/// How many ended claims wait for the server at most. Further ones are left there until they expire.
const MOST_ENDED: usize = 65_536;

/// The claims of requests in progress, and of requests that ended and are still known to the server.
pub(in crate::store::redis) struct PermitQueue {
    /// Those to renew and those to delete.
    claims: Mutex<Claims>,
    /// Wakes the background task.
    changed: Notify,
    /// The number of the next claim.
    numbers: AtomicU64,
    /// In milliseconds. All claims are renewed at a third of it.
    shortest_expiry: AtomicU64,
}

#[derive(Default)]
struct Claims {
    /// Those of requests in progress, by number.
    held: HashMap<u64, Arc<PermitClaim>, RandomState>,
    /// Those of requests that ended, which the server may still know. Bounded.
    ended: Vec<EndedClaim>,
    /// Whether the store was dropped.
    closed: bool,
}

/// A claim whose request ended.
pub(super) struct EndedClaim {
    /// What is to be deleted.
    pub(super) claim: Arc<PermitClaim>,
    /// When the request ended. After its expiry the server has forgotten the claim.
    at: Instant,
}

impl Default for PermitQueue {
    fn default() -> Self {
        Self {
            claims: Mutex::default(),
            changed: Notify::new(),
            numbers: AtomicU64::new(0),
            // No claim lasts longer.
            shortest_expiry: AtomicU64::new(600_000),
        }
    }
}

impl PermitQueue {
    /// Returns a number that no other claim of this node has.
    pub(super) fn number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    /// Renews all claims at a third of this expiry from now on, unless another one is shorter.
    pub(super) fn register_expiry(&self, expiry: Duration) {
        let millis = u64::try_from(expiry.as_millis()).unwrap_or(u64::MAX);
        self.shortest_expiry.fetch_min(millis, Ordering::Relaxed);
        self.changed.notify_one();
    }

    /// Renews a claim until it ends.
    pub(super) fn hold(&self, claim: &Arc<PermitClaim>) {
        self.lock().held.insert(claim.id, Arc::clone(claim));
    }

    /// Ends a claim. It is deleted from the server, if the server can know it.
    pub(super) fn end(&self, claim: &Arc<PermitClaim>) {
        let mut claims = self.lock();
        claims.held.remove(&claim.id);
        // A renewal sets it under this lock, so none is overlooked.
        if claim.is_sent.load(Ordering::Relaxed) && claims.ended.len() < MOST_ENDED {
            claims.ended.push(EndedClaim {
                claim: Arc::clone(claim),
                at: Instant::now(),
            });
            drop(claims);
            self.changed.notify_one();
        }
    }

    /// Returns the claims to renew. The server may know them from now on.
    pub(super) fn held(&self) -> Vec<Arc<PermitClaim>> {
        let claims = self.lock();
        let sent = |claim: &Arc<PermitClaim>| {
            claim.is_sent.store(true, Ordering::Relaxed);
            Arc::clone(claim)
        };
        claims.held.values().map(sent).collect()
    }

    /// Takes the claims to delete.
    pub(super) fn take_ended(&self) -> Vec<EndedClaim> {
        mem::take(&mut self.lock().ended)
    }

    /// Keeps claims that could not be deleted, but for those that have expired meanwhile.
    pub(super) fn keep_ended(&self, again: Vec<EndedClaim>) {
        let expired = |ended: &EndedClaim| ended.at.elapsed() >= ended.claim.expiry;
        let mut claims = self.lock();
        let space = MOST_ENDED.saturating_sub(claims.ended.len());
        let again = again.into_iter().filter(|ended| !expired(ended));
        claims.ended.extend(again.take(space));
    }

    /// Tells whether the claims that were renewed then must be renewed again.
    pub(in crate::store::redis) fn is_due(&self, renewed: Instant) -> bool {
        self.due(renewed) <= Instant::now()
    }

    /// Waits until there is something to send: an ended claim, or the time of the next renewal. `false`: the queue is
    /// closed.
    pub(in crate::store::redis) async fn wait(&self, renewed: Instant) -> bool {
        loop {
            let changed = self.changed.notified();
            {
                let claims = self.lock();
                if claims.closed {
                    return false;
                }
                if !claims.ended.is_empty() || self.is_due(renewed) {
                    return true;
                }
            }
            let _ = timeout_at(self.due(renewed), changed).await;
        }
    }

    /// Closes the queue, which ends its background task.
    pub(in crate::store::redis) fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_one();
    }

    fn due(&self, renewed: Instant) -> Instant {
        renewed + Duration::from_millis(self.shortest_expiry.load(Ordering::Relaxed) / 3)
    }

    fn lock(&self) -> MutexGuard<'_, Claims> {
        self.claims.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use super::*;

    fn claim(queue: &PermitQueue, is_sent: bool) -> Arc<PermitClaim> {
        Arc::new(PermitClaim {
            id: queue.number(),
            name: "voices".into(),
            subjects: [].into_iter().collect(),
            expiry: Duration::from_secs(30),
            is_sent: AtomicBool::new(is_sent),
        })
    }

    #[tokio::test]
    async fn only_claims_that_the_server_may_know_are_deleted_there() {
        let queue = PermitQueue::default();
        let (sent, unknown, renewed) = (
            claim(&queue, true),
            claim(&queue, false),
            claim(&queue, false),
        );
        queue.hold(&renewed);
        assert_eq!(queue.held().len(), 1);
        for claim in [&sent, &unknown, &renewed] {
            queue.end(claim);
        }
        let ended: Vec<u64> = queue.take_ended().iter().map(|it| it.claim.id).collect();
        assert_eq!(ended, [sent.id, renewed.id]);
        assert!(queue.held().is_empty() && queue.take_ended().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn claims_are_renewed_at_a_third_of_the_shortest_expiry() {
        let queue = PermitQueue::default();
        let began = Instant::now();
        for seconds in [30, 60] {
            queue.register_expiry(Duration::from_secs(seconds));
        }
        assert!(queue.wait(began).await);
        assert_eq!(began.elapsed().as_secs(), 10);
        queue.close();
        assert!(!queue.wait(Instant::now()).await);
    }

    #[tokio::test(start_paused = true)]
    async fn what_cannot_be_deleted_waits_until_it_has_expired() {
        let queue = PermitQueue::default();
        queue.end(&claim(&queue, true));
        queue.keep_ended(queue.take_ended());
        tokio::time::advance(Duration::from_secs(29)).await;
        let ended = queue.take_ended();
        assert_eq!(ended.len(), 1);
        tokio::time::advance(Duration::from_secs(1)).await;
        queue.keep_ended(ended);
        assert!(queue.take_ended().is_empty());
    }
}
