//! What the layers ask of the store: decisions, corrections and overrides.

use std::{sync::Arc, time::Duration};

use arrayvec::ArrayVec;
use hmac::Mac as _;
use palisade_core::MaybeReady;

use super::{
    RedisStore, StoreStatus, fallback::LocalDecision, permissions::StorePart, script,
    subject_calls::SubjectCall,
};
use crate::{
    error::RateLimitBuildError,
    policy::{Limit, Subject},
    store::{
        BucketKey, Charge, ChargeOutcome, LimitNames, LimitOverride, LimitOverrides, LimitStore,
        MAX_CHARGES, OverrideError, OwnedCharge, Permits, StoreDecision, StoreProblem,
        overrides::OverrideName,
    },
};

impl LimitStore for RedisStore {
    fn bucket_key(&self, subject: &Subject<'_>) -> BucketKey {
        let mut mac = self.0.hash_key.clone();
        subject.write(&mut |part| mac.update(part));
        let digest: [u8; 32] = mac.finalize().into_bytes().into();
        let half = digest.first_chunk().copied().unwrap_or_default();
        self.0.local.bucket_of(u128::from_be_bytes(half), subject)
    }

    fn charge(&self, now: Duration, charges: &[Charge<'_>]) -> MaybeReady<StoreDecision> {
        if charges.len() > MAX_CHARGES {
            return MaybeReady::Ready(StoreDecision::new(ChargeOutcome::Unavailable, []));
        }
        let doubted = match self.0.decide_locally(now, charges) {
            LocalDecision::Refused(decision) => return MaybeReady::Ready(decision),
            LocalDecision::Doubtful => true,
            LocalDecision::Nothing => false,
        };
        let Some(connection) = self.0.connections.connection() else {
            return MaybeReady::Ready(self.0.fall_back(now, charges, None));
        };
        let for_each_subject = self.0.connections.is_cluster();
        let calls = SubjectCall::all(&self.0.prefix, charges, for_each_subject);
        let charges: ArrayVec<OwnedCharge, MAX_CHARGES> =
            charges.iter().map(OwnedCharge::from).collect();
        let shared = Arc::clone(&self.0);
        MaybeReady::pending(async move {
            let reply = shared.run_calls(now, connection, &calls, &charges).await;
            shared.decide_from_reply(now, &charges, reply, doubted)
        })
    }

    fn adjust(&self, now: Duration, limit: &Arc<Limit>, bucket: BucketKey, units: i64) {
        // What is remembered of this bucket was true before.
        self.0.denials.forget(limit, bucket);
        if limit.penalty {
            self.0.adjust_this_node(now, limit, bucket, units);
            self.0.adjust_fallback(now, limit, bucket, units);
        } else if units > 0 && !self.is_up() {
            // The fallback did not see what was reserved: it may count more, but not give back.
            self.0.adjust_fallback(now, limit, bucket, units);
        }
        if !self.0.queue_for(limit).push(limit, bucket, units) {
            self.0.record_loss(now, limit, bucket, units);
        }
    }

    fn try_refund(&self, _: Duration, limit: &Arc<Limit>, bucket: BucketKey, units: u32) -> bool {
        self.0.denials.forget(limit, bucket);
        self.0
            .queue_for(limit)
            .push(limit, bucket, -i64::from(units))
    }

    fn is_adjusting(&self, limit: &Arc<Limit>, bucket: BucketKey) -> bool {
        self.0.queue_for(limit).is_pending(limit, bucket)
    }

    fn finish(&self) -> MaybeReady<()> {
        let store = self.clone();
        MaybeReady::pending(async move { store.settled().await })
    }

    fn adjust_degraded(&self, now: Duration, limit: &Arc<Limit>, bucket: BucketKey, units: i64) {
        self.0.adjust_outage_usage(now, limit, bucket, units);
    }

    fn adjust_uncertain(&self, now: Duration, limit: &Arc<Limit>, bucket: BucketKey, units: i64) {
        self.0.adjust_uncertain_usage(now, limit, bucket, units);
    }

    fn reset(
        &self,
        now: Duration,
        limit: &Arc<Limit>,
        bucket: BucketKey,
    ) -> MaybeReady<Result<(), StoreProblem>> {
        self.0.forget(now, limit, bucket);
        let Some(connection) = self.0.connections.connection() else {
            let problem = self.0.connections.problem();
            return MaybeReady::Ready(Err(problem.unwrap_or(StoreProblem::ConnectionLost)));
        };
        let key = script::key(&self.0.prefix, limit, bucket.own);
        let connections = Arc::clone(&self.0.connections);
        MaybeReady::pending(async move { connections.delete(connection, &key).await })
    }

    fn limit_names(&self) -> Option<&LimitNames> {
        self.0.local.limit_names()
    }

    fn check_limit(&self, limit: &Limit) -> Result<(), RateLimitBuildError> {
        script::accepts(limit)
    }

    fn overrides(&self) -> Option<&LimitOverrides> {
        Some(&self.0.overrides)
    }

    fn look(&self, now: Duration, charges: &[Charge<'_>]) -> MaybeReady<StoreDecision> {
        self.look_at(now, charges)
    }

    fn rescale(
        &self,
        _: Duration,
        before: &Arc<Limit>,
        after: &Arc<Limit>,
        bucket: BucketKey,
    ) -> Option<MaybeReady<Result<(), StoreProblem>>> {
        Some(self.rescale_bucket(before, after, bucket))
    }

    fn change_override(
        &self,
        limit: &Limit,
        bucket: BucketKey,
        value: Option<LimitOverride>,
        _: Duration,
    ) -> MaybeReady<Result<(), OverrideError>> {
        let (store, name) = (Arc::clone(&self.0), OverrideName::of(limit, bucket));
        MaybeReady::pending(async move { store.write_override(name, value).await })
    }

    #[cfg(feature = "budgets")]
    fn budgets(&self) -> Option<Arc<dyn crate::budget::BudgetStore>> {
        self.use_part(StorePart::Budgets);
        Some(Arc::new(self.clone()))
    }

    fn permits(&self) -> Option<Permits> {
        self.use_part(StorePart::Permits);
        let counters = self.0.local.permits()?;
        Some(counters.shared_by(Arc::new(self.clone())))
    }

    fn explain(&self) -> String {
        let StoreStatus {
            up, problem, nodes, ..
        } = self.status();
        let state = match problem {
            _ if up => "up".to_owned(),
            Some(problem) => format!("away, {}", problem.code()),
            None => "away".to_owned(),
        };
        let deadline = self.0.connections.deadline().as_millis();
        let share = match self.0.share {
            Some(share) => format!("a share of 1/{share}"),
            None => format!("a share of 1/{nodes}, by the nodes seen"),
        };
        format!(
            "redis ({state}), deadline {deadline} ms; while it cannot be reached: {share}, {}",
            self.0.local.explain()
        )
    }
}
