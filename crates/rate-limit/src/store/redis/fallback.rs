//! The decisions of this node: before the server is called, with its reply, and without it.
//!
//! * Before: remembered denials, and penalties that this node charged.
//! * With the reply: a refusal is remembered.
//! * Without the server: each policy follows its [`FailureMode`].

use std::{borrow::Borrow, num::NonZeroU32, sync::Arc, sync::atomic::Ordering, time::Duration};

use arrayvec::ArrayVec;

use super::{
    StoreState,
    connection::{Connection, DeliveryOutcome},
    error_codes,
    node_share::NodeShare,
    remembered_denials::DenialLookup,
    script::ScriptCall,
    settlements::{QueuedSettlement, SettlementQueue, Undelivered},
    store_metrics::LostKind,
};
use crate::{
    policy::{FailureMode, Limit},
    store::memory::whole_limit,
    store::{
        BucketKey, Charge, ChargeOutcome, LimitState, MAX_CHARGES, OwnedCharge, StoreDecision,
        StoreProblem,
    },
};

/// The buckets of one batch of settlements. Requests on the same connection wait for the batch.
const BATCH_BUCKETS: usize = 64;

/// What this node knows about a request before the server is called.
#[allow(clippy::large_enum_variant)] // A box would cost an allocation for each refusal.
pub(super) enum LocalDecision {
    Nothing,
    /// It is remembered as refused, but the server must confirm it again.
    Doubtful,
    Refused(StoreDecision),
}

impl StoreState {
    /// Decides a request by what this node knows, before the server is called.
    ///
    /// Denials come first. Then penalties that this node charged, and charges that were lost on the way to the
    /// server.
    pub(super) fn decide_locally(&self, now: Duration, charges: &[Charge<'_>]) -> LocalDecision {
        let can_ask = self.connections.is_up() && !self.losses.in_doubt(now);
        match self.denials.look_up(now, charges, can_ask) {
            DenialLookup::Refused(decision) => return LocalDecision::Refused(decision),
            DenialLookup::Doubtful if !self.has_pending_penalty(charges) => {
                return LocalDecision::Doubtful;
            }
            DenialLookup::Doubtful | DenialLookup::Nothing => {}
        }
        match self.refused_by_this_node(now, charges) {
            Some(decision) => {
                self.denials.remember(now, charges, &decision);
                LocalDecision::Refused(decision)
            }
            None => LocalDecision::Nothing,
        }
    }

    /// Tells whether a penalty of one of these buckets has not reached the server.
    fn has_pending_penalty(&self, charges: &[Charge<'_>]) -> bool {
        let pending = |charge: &Charge<'_>| self.penalties.is_pending(charge.limit, charge.bucket);
        charges
            .iter()
            .any(|charge| charge.limit.penalty && pending(charge))
    }

    /// Checks what this node charged and the server may not know: penalties, and settlements that
    /// were lost.
    fn refused_by_this_node(&self, now: Duration, charges: &[Charge<'_>]) -> Option<StoreDecision> {
        let in_doubt = self.losses.in_doubt(now);
        let counts = |limit: &Limit| limit.penalty || in_doubt && limit.settled_by.is_some();
        let looks: ArrayVec<Charge<'_>, MAX_CHARGES> = charges
            .iter()
            .filter(|charge| counts(charge.limit))
            .map(|charge| Charge {
                consumed: 0,
                ..*charge
            })
            .collect();
        if looks.is_empty() {
            return None;
        }
        let here = self.charged_here.decide_with(now, &looks, whole_limit);
        let refused = here.outcome == ChargeOutcome::Refused;
        refused.then(|| states_of_all(&here, charges, counts))
    }

    /// Turns the reply into a decision. `doubted` tells that this request was remembered as refused.
    ///
    /// A refusal is remembered. An admission removes what was remembered of its buckets. An error leads to the
    /// fallback, unless the request is remembered as refused.
    pub(super) fn decide_from_reply(
        &self,
        now: Duration,
        charges: &[OwnedCharge],
        reply: Result<StoreDecision, StoreProblem>,
        doubted: bool,
    ) -> StoreDecision {
        let charges: ArrayVec<Charge<'_>, MAX_CHARGES> =
            charges.iter().map(OwnedCharge::borrow).collect();
        let decision = match reply {
            Ok(decision) => decision,
            // A refusal that cannot be confirmed now still applies.
            Err(problem) => match self.denials.look_up(now, &charges, false) {
                DenialLookup::Refused(decision) => return decision,
                _ => return self.fall_back(now, &charges, Some(problem)),
            },
        };
        if decision.outcome == ChargeOutcome::Refused {
            self.denials.remember(now, &charges, &decision);
            return decision;
        }
        for charge in &charges {
            // A denial of a more expensive request may be remembered; it now waits longer.
            self.denials.forget(charge.limit, charge.bucket);
            if doubted
                && charge.limit.penalty
                && !self.penalties.is_pending(charge.limit, charge.bucket)
            {
                // The server has all penalties and admits: the bucket was reset.
                self.adjust_this_node(now, charge.limit, charge.bucket, i64::MIN);
            }
        }
        decision
    }

    /// Decides without the server, each policy by its own failure mode.
    ///
    /// What this node then admits is written to the server when it is back, unless the server may
    /// have charged the same request: its reply was lost or too late.
    pub(super) fn fall_back(
        &self,
        now: Duration,
        charges: &[Charge<'_>],
        problem: Option<StoreProblem>,
    ) -> StoreDecision {
        let closed =
            |charge: &Charge<'_>| self.failure_mode_of(charge.limit) == FailureMode::FailClosed;
        if charges.iter().any(closed) {
            return StoreDecision::new(ChargeOutcome::Unavailable, []).degraded();
        }
        let counts = |limit: &Limit| self.is_local(limit);
        let counted: ArrayVec<Charge<'_>, MAX_CHARGES> = charges
            .iter()
            .filter(|charge| counts(charge.limit))
            .copied()
            .collect();
        let local = self
            .local
            .decide_with(now, &counted, |limit| self.node_share(limit));
        if local.outcome == ChargeOutcome::Admitted && is_written_back(problem) {
            for charge in counted.iter().filter(|charge| charge.consumed > 0) {
                self.write_back(charge.limit, charge.bucket, charge.consumed.into());
            }
        }
        StoreDecision {
            may_be_charged: !is_written_back(problem),
            ..states_of_all(&local, charges, counts).degraded()
        }
    }

    /// Queues units that this node admitted on its own, for when the server is back. Negative units
    /// lower what is queued: a request that used less than it reserved.
    fn write_back(&self, limit: &Arc<Limit>, bucket: BucketKey, units: i64) {
        if !self.outage_usage.push_net(limit, bucket, units) {
            self.losses.count(LostKind::Fallback, 1);
        }
    }

    /// Corrects the charge of a request that this node admitted on its own.
    pub(super) fn adjust_outage_usage(
        &self,
        now: Duration,
        limit: &Arc<Limit>,
        bucket: BucketKey,
        units: i64,
    ) {
        self.adjust_fallback(now, limit, bucket, units);
        if self.is_local(limit) {
            self.write_back(limit, bucket, units);
        }
    }

    /// Corrects the charge of a request that this node admitted on its own, and the server may have charged.
    ///
    /// It is not among what is written to the server, so nothing is taken back there.
    pub(super) fn adjust_uncertain_usage(
        &self,
        now: Duration,
        limit: &Arc<Limit>,
        bucket: BucketKey,
        units: i64,
    ) {
        match units > 0 {
            true => self.adjust_outage_usage(now, limit, bucket, units),
            false => self.adjust_fallback(now, limit, bucket, units),
        }
    }

    /// Counts a settlement in the memory of the fallback.
    pub(super) fn adjust_fallback(
        &self,
        now: Duration,
        limit: &Arc<Limit>,
        bucket: BucketKey,
        units: i64,
    ) {
        if self.is_local(limit) {
            let part = self.node_share(limit);
            self.local
                .adjust_with(now, limit, bucket, units, part.borrow());
        }
    }

    /// Counts a charge on this node, regardless of what the server knows.
    pub(super) fn adjust_this_node(
        &self,
        now: Duration,
        limit: &Arc<Limit>,
        bucket: BucketKey,
        units: i64,
    ) {
        self.charged_here
            .adjust_with(now, limit, bucket, units, &limit.gcra);
    }

    /// Removes everything that this node knows about a bucket.
    pub(super) fn forget(&self, now: Duration, limit: &Arc<Limit>, bucket: BucketKey) {
        self.queue_for(limit).forget(limit, bucket);
        self.outage_usage.forget(limit, bucket);
        self.adjust_this_node(now, limit, bucket, i64::MIN);
        self.local
            .adjust_with(now, limit, bucket, i64::MIN, &limit.gcra);
        self.denials.forget(limit, bucket);
    }

    /// Returns the queue of a limit: penalties or settlements.
    pub(super) fn queue_for(&self, limit: &Limit) -> &Arc<SettlementQueue> {
        match limit.penalty {
            true => &self.penalties,
            false => &self.settlements,
        }
    }

    /// Records a settlement for which there was no memory. A refund is not made, and a charge
    /// applies on this node at least.
    pub(super) fn record_loss(
        &self,
        now: Duration,
        limit: &Arc<Limit>,
        bucket: BucketKey,
        units: i64,
    ) {
        if units > 0 {
            if !limit.penalty {
                self.adjust_this_node(now, limit, bucket, units);
            }
            self.losses.doubt_until(now, limit.gcra.ceiling());
        }
        self.losses.count(lost_kind(limit, units > 0), 1);
    }

    /// Sends a batch of settlements. Returns whether all were applied.
    ///
    /// Those that may not have been applied go back into the queue, or count as lost, as
    /// [`SettlementQueue::finish`] decides.
    pub(super) async fn deliver(&self, queue: &SettlementQueue, connection: Connection) -> bool {
        let batch = queue.take(BATCH_BUCKETS);
        let call = |sent: &QueuedSettlement| {
            ScriptCall::settle(&self.prefix, &sent.limit, sent.name.bucket(), sent.amount)
        };
        let calls: Vec<ScriptCall> = batch.iter().map(call).collect();
        let deliveries = self.connections.deliver(connection, &calls).await;
        let mut arrived = true;
        for (sent, delivery) in batch.iter().zip(deliveries) {
            arrived &= delivery == DeliveryOutcome::Done;
            let Undelivered { charges, refunds } = queue.finish(&sent.name, delivery);
            self.losses
                .count(lost_kind(&sent.limit, true), charges.into());
            self.losses.count(LostKind::Refund, refunds.into());
        }
        arrived
    }

    /// Registers this node and reads the number of nodes.
    pub(super) async fn count_nodes(&self) {
        let Some(connection) = self.connections.connection() else {
            return;
        };
        match self
            .connections
            .nodes(connection, &self.prefix, &self.node)
            .await
        {
            Ok(nodes) => self.nodes.store(nodes.max(1), Ordering::Relaxed),
            // An unavailable server is logged elsewhere, and the last count stays valid.
            Err(problem) if error_codes::is_telling(problem) => {
                self.losses.uncounted_nodes(problem)
            }
            Err(_) => {}
        }
    }

    /// Returns what a limit does while the server is unavailable: its own mode, or that of the
    /// store.
    fn failure_mode_of(&self, limit: &Limit) -> FailureMode {
        limit.failure.unwrap_or(self.failure)
    }

    /// Tells whether the limit is counted by this node while the server cannot be reached.
    fn is_local(&self, limit: &Limit) -> bool {
        matches!(
            self.failure_mode_of(limit),
            FailureMode::LocalFallback { .. }
        )
    }

    /// Returns the arithmetic of this node's part of a limit: the whole limit divided by the number of nodes.
    fn node_share<'a>(&self, limit: &'a Limit) -> NodeShare<'a> {
        let share = match self.failure_mode_of(limit) {
            FailureMode::LocalFallback { share } => share.unwrap_or_else(|| self.node_count()),
            _ => NonZeroU32::MIN,
        };
        NodeShare::of(&limit.gcra, share)
    }

    /// Returns among how many nodes a limit is divided: as configured, or as many as were counted.
    pub(super) fn node_count(&self) -> NonZeroU32 {
        let counted = || NonZeroU32::new(self.nodes.load(Ordering::Relaxed));
        self.share.or_else(counted).unwrap_or(NonZeroU32::MIN)
    }
}

/// Tells whether what this node admits on its own is written to the server when it is back.
///
/// Not if the server may have charged the same request, or cannot count its bucket. `None`: it was not
/// asked.
pub(crate) fn is_written_back(problem: Option<StoreProblem>) -> bool {
    problem.is_none_or(|problem| {
        !problem.may_have_been_applied() && problem != StoreProblem::ForeignValue
    })
}

/// Merges the states of counted charges with those that were not counted, which get a full bucket.
fn states_of_all(
    decision: &StoreDecision,
    charges: &[Charge<'_>],
    counted: impl Fn(&Limit) -> bool,
) -> StoreDecision {
    let mut limit_states = decision.limit_states.iter().copied();
    let all = charges.iter().map(|charge| match counted(charge.limit) {
        true => limit_states.next().unwrap_or_default(),
        false => LimitState::default(),
    });
    StoreDecision::new(decision.outcome, all)
}

/// Returns the label of the metric for a lost settlement of this limit.
const fn lost_kind(limit: &Limit, charge: bool) -> LostKind {
    match (charge, limit.penalty) {
        (false, _) => LostKind::Refund,
        (true, true) => LostKind::Penalty,
        (true, false) => LostKind::Charge,
    }
}
