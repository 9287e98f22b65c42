//! The end of a server: the texts that wait, the limits, and the audit trail, in this order.

use std::time::Duration;

use palisade::{audit::AuditHandle, rate_limit::LimitStore};

use crate::{error::StartError, synthesis::Workers};

/// How long settlements and leases of limits may take to reach their store.
const STORE_PATIENCE: Duration = Duration::from_secs(2);

/// Finishes the texts that wait, gives back what this process took ahead of limits, and closes the trail.
///
/// # Errors
///
/// The audit trail fails.
pub(crate) async fn finish(
    workers: Workers,
    store: Option<&dyn LimitStore>,
    audit: &AuditHandle,
) -> Result<(), StartError> {
    // The threads may still be speaking for clients that left in the time of grace.
    let _ = tokio::task::spawn_blocking(|| workers.finish()).await;
    if let Some(store) = store {
        finish_limits(store).await;
    }
    audit
        .close()
        .await
        .map_err(|why| StartError::new(format!("the audit trail could not be closed: {why}")))
}

/// Returns leases, and waits until settlements have arrived.
async fn finish_limits(store: &dyn LimitStore) {
    let finished = tokio::time::timeout(STORE_PATIENCE, store.finish().get()).await;
    if finished.is_err() {
        tracing::warn!(
            "settlements of limits did not reach their store before the end; check the store"
        );
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use palisade::{
        AuditLayer,
        audit::MemorySink,
        core::SystemClock,
        rate_limit::{BucketKey, Charge, ChargeOutcome, LeasedStore, MemoryStore, Policy},
    };

    use super::*;
    use crate::synthesis::{Bounds, Queue};

    #[tokio::test]
    async fn a_server_that_stops_returns_its_leases() {
        let clock = SystemClock::shared();
        let shared = Arc::new(MemoryStore::default());
        let leases = LeasedStore::builder(Arc::clone(&shared)).life(Duration::from_secs(60));
        let leases = leases.build().unwrap();
        let policy = Policy::named("a").rate("40/day").unwrap().lease(10);
        let limit = Arc::new(policy.limits().unwrap().remove(0));
        let (now, bucket) = (clock.monotonic(), BucketKey::new(1, 1));
        for _ in 0..2 {
            let charge = Charge::new(&limit, bucket, 1);
            leases.charge(now, &[charge]).get().await;
        }
        let bounds = Bounds {
            threads: 1,
            waiting: 1,
            listeners: 1,
        };
        let workers = Workers::start(Queue::new(bounds, clock.clone()), &clock, 1).unwrap();
        let audit = AuditLayer::builder().sink(MemorySink::new()).build();
        let audit = audit.unwrap().handle();
        finish(workers, Some(&leases), &audit).await.unwrap();
        let rest = shared
            .charge(now, &[Charge::new(&limit, bucket, 38)])
            .get()
            .await;
        assert_eq!(rest.outcome(), ChargeOutcome::Admitted);
    }
}
