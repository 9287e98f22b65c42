//! Shows an operator what a client or principal has left.

use std::{net::IpAddr, sync::Arc, time::Duration};

use arrayvec::ArrayVec;
use palisade_core::MaybeReady;

use super::{ConfiguredLimit, RateLimitLayer};
use crate::{
    policy::{Limit, Subject},
    rate::Rate,
    store::{BucketKey, Charge, LimitOverride, LimitState, MAX_CHARGES, StoreDecision},
};

/// What is left in one bucket. From [`RateLimitLayer::inspect`] and
/// [`RateLimitLayer::inspect_client`].
///
/// # Examples
///
/// ```
/// use palisade_rate_limit::BucketState;
///
/// /// One line for a support desk.
/// fn describe(state: &BucketState) -> String {
///     match state.remaining {
///         0 => format!("{}: wait for {} s", state.limit, state.next_unit.as_secs()),
///         left => format!("{}: {left} of {}", state.limit, state.rate),
///     }
/// }
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct BucketState {
    /// The name of the limit: the policy's, with the window where it has several rates.
    pub limit: Box<str>,
    /// The rate of the limit, or of the override. Principals of a tier may have another one, over the same bucket.
    pub rate: Rate,
    /// The override that an operator set for this subject.
    pub overridden: Option<LimitOverride>,
    /// How many units can be taken at once, now.
    pub remaining: u32,
    /// How long until one unit can be taken. Zero unless `remaining` is 0.
    pub next_unit: Duration,
    /// How long until the bucket is full.
    pub full: Duration,
}

impl RateLimitLayer {
    /// Returns what a subject has left in each limit of this layer. Nothing is charged.
    ///
    /// `None` if a shared store cannot be reached: what this node alone knows would mislead.
    ///
    /// ```
    /// use palisade_rate_limit::{Policy, RateLimitLayer, Subject};
    ///
    /// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
    /// let layer = RateLimitLayer::by_principal().policy(Policy::named("all").rate("60/minute")?).build()?;
    /// let anna = Subject::Named { kind: "api_key", id: "anna", group: None };
    /// let states = layer.inspect(&anna).get().await.expect("memory is never away");
    /// assert_eq!((&*states[0].limit, states[0].remaining), ("all", 60));
    /// # Ok::<(), palisade_rate_limit::RateLimitBuildError>(()) }).unwrap();
    /// ```
    #[must_use = "it changes nothing"]
    pub fn inspect(&self, subject: &Subject<'_>) -> MaybeReady<Option<Vec<BucketState>>> {
        // The networks around clients are other subjects.
        self.inspect_each(|configured| (!configured.limit.is_network).then_some(*subject))
    }

    /// Returns what a client address has left in each limit that counts clients, and what the
    /// network has that a limit counts the address with.
    ///
    /// `None` if a shared store cannot be reached.
    #[must_use = "it changes nothing"]
    pub fn inspect_client(&self, ip: IpAddr) -> MaybeReady<Option<Vec<BucketState>>> {
        self.inspect_each(|configured| configured.subject_of_client(ip))
    }

    /// Looks at the bucket of a subject for each limit, in one call of the store.
    fn inspect_each<'a>(
        &self,
        subject: impl Fn(&ConfiguredLimit) -> Option<Subject<'a>>,
    ) -> MaybeReady<Option<Vec<BucketState>>> {
        let find = |configured: &ConfiguredLimit| {
            let subject = subject(configured)?;
            let bucket = self.0.store.bucket_key(&subject);
            let overridden = self
                .0
                .overrides_in_use()
                .and_then(|overrides| self.0.overridden(overrides, configured, bucket));
            let (limit, overridden) = match overridden {
                Some((limit, overridden)) => (limit, Some(overridden)),
                None => (Arc::clone(&configured.limit), None),
            };
            Some(InspectedBucket {
                limit,
                bucket,
                overridden,
            })
        };
        let buckets: Vec<InspectedBucket> = self.limits_with_shadow().filter_map(find).collect();
        let checks: ArrayVec<Charge<'_>, MAX_CHARGES> = buckets
            .iter()
            .map(|inspected| Charge::check_only(&inspected.limit, inspected.bucket))
            .collect();
        let decision = self.0.store.look(self.0.clock.monotonic(), &checks);
        drop(checks);
        match decision {
            MaybeReady::Ready(decision) => MaybeReady::Ready(states_of(&buckets, &decision)),
            MaybeReady::Pending(decision) => {
                MaybeReady::pending(async move { states_of(&buckets, &decision.await) })
            }
        }
    }
}

/// A bucket that is looked at, under the limit that counts its subject.
struct InspectedBucket {
    /// The limit that counts the subject: the one of its tier, or that of an override.
    limit: Arc<Limit>,
    /// The bucket that is looked at. Looking charges nothing.
    bucket: BucketKey,
    /// The override that applies, for the operator to see. `None`: the configured amount.
    overridden: Option<LimitOverride>,
}

/// Pairs each bucket with its state. `None` if the store did not decide.
fn states_of(buckets: &[InspectedBucket], decision: &StoreDecision) -> Option<Vec<BucketState>> {
    let states = decision.limit_states();
    if decision.degraded || states.len() != buckets.len() {
        return None;
    }
    let state = |(inspected, state): (&InspectedBucket, &LimitState)| BucketState {
        limit: inspected.limit.name.clone(),
        rate: inspected.limit.rate,
        overridden: inspected.overridden,
        remaining: inspected.limit.gcra.remaining(state.backlog),
        next_unit: state.retry_after(),
        full: state.time_until_full(),
    };
    Some(buckets.iter().zip(states).map(state).collect())
}
