//! Charges a request: selects its limits, charges them in the store, and turns the decision into a
//! verdict.
//!
//! [`RateLimitLayer`](super::RateLimitLayer) calls three steps in this order:
//!
//! * `add_charges` selects the limits that count the request and finds their buckets.
//! * `charge_store` sends all charges in one call.
//! * `verdict` turns the decision into admission or refusal.
//!
//! If a required layer is missing (client address or authenticator), the first step ends with 500
//! `misconfigured`, and nothing has been charged.

use std::{hash::BuildHasher, sync::Arc};

use http::request;
use palisade_core::{Fact, MaybeReady, Principal, Rejection, RouteMatch, Rule, SecurityContext};

use super::{
    ConfiguredLimit, LayerState, LimitId, LimitVariant, overrides::RequestOverrides,
    prepared_limits::PreparedLimits, refusal_hook::LimitRefusal, settle::ChargedRequest,
};
use crate::{
    fields::FieldItem,
    policy::{Key, Limit, with_request_subject},
    store::{BucketKey, Charge, ChargeOutcome, PerCharge, StoreDecision},
};

/// The charges of one request.
#[derive(Debug, Default)]
pub(super) struct LimitCharges {
    /// In the order of the configured limits.
    pub(super) list: PerCharge<LimitCharge>,
    /// The limits that replace configured ones for this request alone.
    pub(super) overrides: RequestOverrides,
}

/// The charge of one limit for one request: which limit, whose bucket, how many units.
#[derive(Clone, Copy, Debug)]
pub(super) struct LimitCharge {
    /// Which limit, and which variant of it.
    pub(super) id: LimitId,
    /// Whose bucket.
    pub(super) bucket: BucketKey,
    /// The units that the request takes.
    pub(super) cost: u32,
}

impl LayerState {
    /// Adds the limits that count a request to `charges`, with their buckets and costs. The list is filled in
    /// place: moving it would cost more than a charge.
    ///
    /// # Errors
    ///
    /// 500 `misconfigured` if a required layer is missing, and 400 or 413 if the cost is higher than the
    /// burst. Nothing has been charged then.
    pub(super) fn add_charges(
        &self,
        cx: &SecurityContext,
        head: &request::Parts,
        charges: &mut LimitCharges,
    ) -> Result<(), Box<Rejection>> {
        let overrides = self.overrides_in_use();
        let own = cx.principal().map(Principal::own_limits);
        let own = own.filter(|own| !own.is_empty());
        for (index, configured) in self.limits.iter().enumerate() {
            if !configured.limit.counts(cx) {
                continue;
            }
            let Some(mut id) = configured.id(index, cx) else {
                continue;
            };
            let bucket = match self.known_bucket(configured, &charges.list) {
                Some(bucket) => bucket,
                None => match self.bucket_of(configured, cx, head)? {
                    Some(bucket) => bucket,
                    None => continue,
                },
            };
            if let Some(overrides) = overrides {
                id = self.apply_override(overrides, id, bucket, &mut charges.overrides);
            }
            if let Some(own) = own {
                id = self.apply_own_limit(own, id, &mut charges.overrides);
            }
            let limit = self.limit(id, &charges.overrides);
            let cost = self.cost(index, limit.unwrap_or(&configured.limit), head)?;
            charges.list.push(LimitCharge { id, bucket, cost });
        }
        Ok(())
    }

    /// Returns the bucket of an earlier charge with the same key, so that a subject is hashed once.
    fn known_bucket(
        &self,
        configured: &ConfiguredLimit,
        charges: &PerCharge<LimitCharge>,
    ) -> Option<BucketKey> {
        let same = |charge: &&LimitCharge| {
            let earlier = self.limits.get(usize::from(charge.id.index));
            earlier.is_some_and(|earlier| earlier.bucket_of == configured.bucket_of)
        };
        charges.iter().find(same).map(|charge| charge.bucket)
    }

    /// Returns the cost of a request in units.
    ///
    /// # Errors
    ///
    /// 400 or 413: no bucket of this limit could ever pay it.
    fn cost(
        &self,
        index: usize,
        limit: &Limit,
        head: &request::Parts,
    ) -> Result<u32, Box<Rejection>> {
        let cost = u32::try_from(limit.cost.of(head)).ok();
        let payable = cost.filter(|cost| *cost <= limit.burst());
        payable.ok_or_else(|| self.refusal_templates.cost_exceeds_quota(index, limit))
    }

    /// Finds the bucket of a limit. `None` if the limit counts IPv6 networks and the request has none.
    ///
    /// # Errors
    ///
    /// 500 `misconfigured`: the layer that finds the client or the principal is missing.
    fn bucket_of(
        &self,
        configured: &ConfiguredLimit,
        cx: &SecurityContext,
        head: &request::Parts,
    ) -> Result<Option<BucketKey>, Box<Rejection>> {
        if configured.limit.is_network {
            let network = configured.key.network_of(cx);
            return Ok(network.map(|subject| self.store.bucket_key(&subject)));
        }
        with_request_subject(&configured.key, cx, head, |subject| {
            self.store.bucket_key(subject)
        })
        .map(Some)
    }

    /// Charges all limits in one call of the store: all are charged, or none is.
    pub(super) fn charge_store(
        &self,
        cx: &SecurityContext,
        charges: &LimitCharges,
    ) -> MaybeReady<StoreDecision> {
        let store_charge = |charge: &LimitCharge| {
            let limit = self.limit(charge.id, &charges.overrides)?;
            Some(match limit.penalty {
                true => Charge::check_only(limit, charge.bucket),
                false => Charge::new(limit, charge.bucket, charge.cost),
            })
        };
        let mut asked = PerCharge::<Charge<'_>>::new();
        asked.extend(charges.list.iter().filter_map(store_charge));
        self.store.charge(cx.monotonic_time(&*self.clock), &asked)
    }

    /// Turns the decision of the store into a verdict. Records a degraded decision for the audit trail.
    ///
    /// # Errors
    ///
    /// 429 if a limit refused, 503 if the store cannot be reached and a policy fails closed.
    pub(super) fn verdict(
        &self,
        cx: &SecurityContext,
        charges: &LimitCharges,
        decision: &StoreDecision,
    ) -> Result<ChargedRequest, Box<Rejection>> {
        if decision.degraded {
            cx.record(Fact::Degraded {
                guard: self.name,
                what: "the store of the limits cannot be reached",
            });
        }
        match decision.outcome {
            ChargeOutcome::Admitted => Ok(ChargedRequest::new(self, cx, charges, decision)),
            ChargeOutcome::Refused => {
                self.count_refusals(cx, charges, decision);
                self.charge_refusal(charges, decision);
                self.refusal_hook
                    .call(cx, &LimitRefusal::new(self, charges, decision));
                Err(self.too_many_requests(charges, decision))
            }
            ChargeOutcome::Unavailable => Err(self.refusal_templates.unavailable()),
        }
    }

    /// Makes the 429 for the limits that refused, with `Retry-After` for the longest wait.
    fn too_many_requests(
        &self,
        charges: &LimitCharges,
        decision: &StoreDecision,
    ) -> Box<Rejection> {
        let refused = charges
            .list
            .iter()
            .zip(decision.limit_states())
            .filter(|(_, limit_state)| limit_state.is_refused());
        let ids = refused.clone().map(|(charge, _)| charge.id);
        let set = ids.clone().fold(0, |set, id| set | 1 << id.index);
        let items = refused.filter_map(|(charge, limit_state)| {
            let limit = self.limit(charge.id, &charges.overrides)?;
            Some(FieldItem {
                limit,
                limit_state: *limit_state,
                partition: self.partition_key(limit, charge.bucket),
            })
        });
        // Rounded up, for a client that comes exactly then must be let in.
        let wait = decision.retry_after();
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        let ready = self.refusal_templates.too_many_requests(set, &self.limits);
        let ready = self
            .fields
            .with_retry_after(ready, self.with_jitter(seconds.max(1), charges));
        if decision.degraded {
            return Box::new(ready);
        }
        let now = || self.clock.unix_time().as_secs();
        Box::new(
            self.fields
                .add_to_refusal(ready, LimitId::set(ids), &items, now),
        )
    }
}

impl LayerState {
    /// Adds a random part to a number of seconds, if the operator wants it. Never shortens it.
    fn with_jitter(&self, seconds: u64, charges: &LimitCharges) -> u64 {
        if self.retry_after_jitter == 0 {
            return seconds;
        }
        let most = seconds
            .saturating_mul(self.retry_after_jitter.into())
            .div_ceil(100);
        let bucket = charges.list.first().map(|charge| charge.bucket.own);
        let random = self.random.hash_one((bucket, self.clock.monotonic()));
        seconds.saturating_add(random % most.saturating_add(1))
    }
}

impl Limit {
    /// Tells whether the limit counts requests of this route.
    fn counts(&self, cx: &SecurityContext) -> bool {
        // Penalties hold everywhere: otherwise credentials could be guessed there for free.
        if !self.penalty && cx.rule().is_some_and(Rule::is_unlimited) {
            return false;
        }
        if !self.named_routes_only {
            return true;
        }
        match cx.route() {
            Some(RouteMatch::Found(rule)) => {
                rule.limits().iter().any(|name| **name == *self.policy)
            }
            // Nothing is behind an unknown path, and a preflight costs nothing.
            Some(_) => false,
            // Without a route table every request counts: a limit that applies by mistake does less
            // harm than one that does not.
            None => true,
        }
    }
}

impl ConfiguredLimit {
    /// Selects the limit of the principal's tier, or the default. `None`: it does not count this principal.
    fn id(&self, index: usize, cx: &SecurityContext) -> Option<LimitId> {
        #[allow(clippy::cast_possible_truncation)] // There are at most sixteen limits.
        let index = index as u8;
        let variant = match self.limit.tiers.is_empty() {
            true => LimitVariant::Base,
            false => self.tier_variant(cx)?,
        };
        Some(LimitId { index, variant })
    }

    /// Selects the tier of the principal. `None`: neither it nor the policy has a rate here.
    fn tier_variant(&self, cx: &SecurityContext) -> Option<LimitVariant> {
        let tiers = &self.limit.tiers;
        let tier = cx.principal().and_then(|who| who.tier());
        let place = tier.and_then(|tier| tiers.iter().position(|(known, _)| **known == *tier));
        match place {
            None => (!self.limit.for_tiers_only).then_some(LimitVariant::Base),
            Some(place) => {
                tiers.get(place)?.1.as_ref()?;
                // At build, more tiers than there are numbers are refused.
                u16::try_from(place).ok().map(LimitVariant::Tier)
            }
        }
    }

    /// Pairs each limit with its key. Limits with equal keys share one lookup of the subject.
    pub(super) fn all(limits: Vec<Limit>, default: &Key) -> Box<[Self]> {
        let key = |limit: &Limit| limit.key.clone().unwrap_or_else(|| default.clone());
        let keys: Vec<(Key, bool)> = limits
            .iter()
            .map(|limit| (key(limit), limit.is_network))
            .collect();
        let configured = |(index, limit): (usize, Limit)| {
            let key = key(&limit);
            let same = |(other, is_network): &(Key, bool)| {
                *is_network == limit.is_network && other.same_as(&key)
            };
            let bucket_of = keys.iter().position(same).unwrap_or(index);
            Self {
                #[cfg(feature = "metrics")]
                refusals: super::refusal_metric::RefusalMetric::of(limit.name()),
                limit: Arc::new(limit),
                key,
                bucket_of,
                prepared: PreparedLimits::default(),
                #[cfg(feature = "delay")]
                waiting: Arc::default(),
            }
        };
        limits.into_iter().enumerate().map(configured).collect()
    }
}
