//! `Retry-After`, obeyed, suffices: whatever happened to the quota, the tier or the clock before.
//!
//! Written once for every store: a [`Subject`](palisade_rate_limit::Subject) is charged by several
//! quotas and tiers of one name while time passes and clocks are set back. Then it asks, waits as
//! long as it is told, and asks the same again: it must be admitted.

use std::{future::Future, sync::Arc, time::Duration};

use palisade_rate_limit::{
    Charge, ChargeOutcome, Limit, LimitStore, MemoryStore, Policy, StoreDecision, Subject,
};
use proptest::prelude::*;

use crate::support::{policy, small_store};

/// A store and its time.
pub(crate) trait Timed {
    fn store(&self) -> &dyn LimitStore;

    /// Returns the time of the node.
    fn now(&self) -> Duration;

    /// Lets time pass, or sets the clock of the buckets back if negative.
    fn pass(&mut self, seconds: i64) -> impl Future<Output = ()>;

    /// Waits until what was charged without a question has arrived.
    fn settled(&self) -> impl Future<Output = ()>;
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    Add { limit: usize, units: i64 },
    Pass { seconds: i64 },
    Take { limit: usize, units: u32 },
}

pub(crate) fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        (0..5_usize, -20..200_i64).prop_map(|(limit, units)| Step::Add { limit, units }),
        (0..100_000_i64).prop_map(|seconds| Step::Pass { seconds }),
        (0..100_000_i64).prop_map(|seconds| Step::Pass { seconds: -seconds }),
        (0..5_usize, 0..9_u32).prop_map(|(limit, units)| Step::Take { limit, units }),
    ];
    prop::collection::vec(step, 1..30)
}

/// Five limits of one name: two quotas, one of them with two tiers, and one of another window.
pub(crate) fn limits() -> Vec<Arc<Limit>> {
    let only = |policy: Policy| Arc::new(policy.limits().unwrap().remove(0));
    let settled = |rate: &str| policy("a", rate).settled_by("x");
    let tiers = settled("10/day").burst(2).debt(3);
    let gold = settled("1000/day").debt(50);
    vec![
        only(settled("6/minute")),
        only(settled("50/hour").burst(5).debt(0)),
        only(settled("3/day")),
        only(tiers.for_tier("gold", "1000/day")),
        only(gold),
    ]
}

pub(crate) async fn obeying_suffices(
    timed: &mut impl Timed,
    limits: &[Arc<Limit>],
    steps: &[Step],
) -> Result<(), TestCaseError> {
    let bucket = timed.store().bucket_key(&Subject::Everyone);
    for step in steps {
        match *step {
            Step::Add { limit, units } => {
                let now = timed.now();
                timed.store().adjust(now, &limits[limit], bucket, units);
                timed.settled().await;
            }
            Step::Pass { seconds } => timed.pass(seconds).await,
            Step::Take { limit, units } => {
                let limit = &limits[limit];
                let charge = Charge::new(limit, bucket, units.min(limit.burst()));
                let first = ask(timed, charge).await;
                if first.outcome() == ChargeOutcome::Admitted {
                    continue;
                }
                let wait = first.retry_after();
                prop_assert!(wait <= longest(limits), "{wait:?}");
                let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
                timed.pass(i64::try_from(seconds).unwrap()).await;
                prop_assert_eq!(ask(timed, charge).await.outcome(), ChargeOutcome::Admitted);
            }
        }
    }
    Ok(())
}

async fn ask(timed: &impl Timed, charge: Charge<'_>) -> StoreDecision {
    timed.store().charge(timed.now(), &[charge]).get().await
}

/// No one waits longer than the largest bucket and its debt last, and two units of another price.
fn longest(limits: &[Arc<Limit>]) -> Duration {
    let whole = |limit: &Arc<Limit>| limit.interval() * (limit.burst() + limit.debt());
    let unit = limits.iter().map(|limit| limit.interval()).max();
    limits.iter().map(whole).max().unwrap() + 2 * unit.unwrap()
}

struct InMemory {
    store: Arc<MemoryStore>,
    now: Duration,
}

impl Timed for InMemory {
    fn store(&self) -> &dyn LimitStore {
        &*self.store
    }

    fn now(&self) -> Duration {
        self.now
    }

    async fn pass(&mut self, seconds: i64) {
        let span = Duration::from_secs(seconds.unsigned_abs());
        self.now = match seconds < 0 {
            true => self.now.saturating_sub(span),
            false => self.now + span,
        };
    }

    async fn settled(&self) {}
}

proptest! {
    #[test]
    fn retry_after_obeyed_suffices_in_memory(steps in steps()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let mut timed = InMemory { store: small_store(100), now: Duration::from_secs(500_000) };
        runtime.block_on(obeying_suffices(&mut timed, &limits(), &steps))?;
    }
}
