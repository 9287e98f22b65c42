//! The calls of the script that decide one request: one for all its subjects, or one for each.
//!
//! One server decides all charges of a request in one call, all or nothing. In a cluster the
//! subjects of a request (a client and its network, a principal and its owner) may be on different
//! nodes, and a script sees one node only. There each subject has a call of its own. They are sent
//! at the same time, and what was granted is released if another one refused or failed.
//!
//! What that guarantees:
//!
//! * A request is admitted only if every subject was charged. No limit admits more than it grants.
//! * A request that is refused holds units of its other subjects until the release arrives, which
//!   is a round trip later. A request in between may be refused although it would fit.
//! * A release that is lost leaves the units charged. They return with time.

use arrayvec::ArrayVec;
use futures_util::future::join_all;

use super::{StoreState, connection::Connection, script::ScriptCall};
use crate::store::{
    Charge, ChargeOutcome, LimitState, MAX_CHARGES, OwnedCharge, StoreDecision, StoreProblem,
};

/// One call of the script, and which charges of the request it decides.
pub(super) struct SubjectCall {
    /// The call itself.
    call: ScriptCall,
    /// The positions of its charges among those of the request, to put the replies in order.
    charges: ArrayVec<usize, MAX_CHARGES>,
}

/// The reply to one call.
type Reply = Result<StoreDecision, StoreProblem>;

impl SubjectCall {
    /// Makes one call for all charges, or one for each subject.
    pub(super) fn all(prefix: &str, charges: &[Charge<'_>], for_each_subject: bool) -> Vec<Self> {
        let make = |own: &[&Charge<'_>]| ScriptCall::take(prefix, own);
        Self::each(make, charges, for_each_subject)
    }

    /// Makes calls as [`all`](Self::all) does, which write nothing.
    pub(super) fn looks(prefix: &str, charges: &[Charge<'_>], for_each_subject: bool) -> Vec<Self> {
        let make = |own: &[&Charge<'_>]| ScriptCall::look(prefix, own);
        Self::each(make, charges, for_each_subject)
    }

    /// Makes the calls, each with the charges of one subject or with all of them.
    fn each(
        make: impl Fn(&[&Charge<'_>]) -> ScriptCall,
        charges: &[Charge<'_>],
        for_each_subject: bool,
    ) -> Vec<Self> {
        let mut subjects: Vec<(u128, ArrayVec<usize, MAX_CHARGES>)> = Vec::with_capacity(1);
        for (index, charge) in charges.iter().enumerate().take(MAX_CHARGES) {
            let bucket = charge.bucket.own;
            let same = |(other, _): &&mut (u128, _)| *other == bucket || !for_each_subject;
            match subjects.iter_mut().find(same) {
                Some((_, indexes)) => indexes.push(index),
                None => subjects.push((bucket, ArrayVec::from_iter([index]))),
            }
        }
        let call = |(_, indexes): (u128, ArrayVec<usize, MAX_CHARGES>)| {
            let own: ArrayVec<&Charge<'_>, MAX_CHARGES> = indexes
                .iter()
                .filter_map(|index| charges.get(*index))
                .collect();
            Self {
                call: make(&own),
                charges: indexes,
            }
        };
        subjects.into_iter().map(call).collect()
    }
}

impl StoreState {
    /// Decides a request by these calls.
    ///
    /// # Errors
    ///
    /// The problem of the first call that failed. What other calls granted is released.
    pub(super) async fn run_calls(
        &self,
        now: std::time::Duration,
        connection: Connection,
        calls: &[SubjectCall],
        charges: &[OwnedCharge],
    ) -> Reply {
        if let [only] = calls {
            return self.connections.run_script(connection, &only.call).await;
        }
        let running = calls
            .iter()
            .map(|call| self.connections.run_script(connection.clone(), &call.call));
        let mut replies = join_all(running).await;
        let admitted = |reply: &Reply| matches!(reply, Ok(granted) if granted.outcome == ChargeOutcome::Admitted);
        let outcome = match replies.iter().all(admitted) {
            true => ChargeOutcome::Admitted,
            false => ChargeOutcome::Refused,
        };
        if outcome == ChargeOutcome::Refused {
            let granted = calls
                .iter()
                .zip(&mut replies)
                .filter(|(_, reply)| admitted(reply));
            for (call, reply) in granted {
                self.release(now, call, reply, charges);
            }
        }
        merge(outcome, calls, replies, charges.len())
    }

    /// Gives back what a call was granted, and corrects the states that are reported.
    fn release(
        &self,
        now: std::time::Duration,
        call: &SubjectCall,
        reply: &mut Reply,
        charges: &[OwnedCharge],
    ) {
        let Ok(granted) = reply else { return };
        for (index, state) in call.charges.iter().zip(&mut granted.limit_states) {
            let Some(charge) = charges.get(*index).filter(|charge| charge.consumed > 0) else {
                continue;
            };
            let units = -i64::from(charge.consumed);
            if !self.settlements.push(&charge.limit, charge.bucket, units) {
                self.record_loss(now, &charge.limit, charge.bucket, units);
            }
            state.backlog = charge.limit.gcra.adjust(state.backlog, units);
        }
    }
}

/// Puts the states of all calls into the order of the charges.
fn merge(
    outcome: ChargeOutcome,
    calls: &[SubjectCall],
    replies: Vec<Reply>,
    charges: usize,
) -> Reply {
    let mut states: ArrayVec<LimitState, MAX_CHARGES> =
        std::iter::repeat_n(LimitState::default(), charges.min(MAX_CHARGES)).collect();
    for (call, reply) in calls.iter().zip(replies) {
        for (index, state) in call.charges.iter().zip(reply?.limit_states) {
            if let Some(place) = states.get_mut(*index) {
                *place = state;
            }
        }
    }
    Ok(StoreDecision::new(outcome, states))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::{policy::Policy, store::BucketKey};

    fn indexes(buckets: &[u128], for_each_subject: bool) -> Vec<Vec<usize>> {
        let policy = Policy::named("a").rate("9/day").unwrap();
        let limit = Arc::new(policy.limits().unwrap().remove(0));
        let charge = |bucket: &u128| Charge::new(&limit, BucketKey::new(*bucket, 0), 1);
        let charges: Vec<_> = buckets.iter().map(charge).collect();
        let calls = SubjectCall::all("p", &charges, for_each_subject);
        calls
            .into_iter()
            .map(|call| call.charges.to_vec())
            .collect()
    }

    #[test]
    fn one_server_gets_one_call_and_a_cluster_one_for_each_subject() {
        assert_eq!(indexes(&[7, 8, 7], false), [[0, 1, 2]]);
        assert_eq!(indexes(&[7, 8, 7], true), [vec![0, 2], vec![1]]);
        assert_eq!(indexes(&[7, 7], true), [[0, 1]]);
    }

    #[test]
    fn the_states_of_all_calls_stand_in_the_order_of_the_charges() {
        let limit_state = |backlog| LimitState { backlog, wait: 0 };
        let call = |charges: &[usize]| SubjectCall {
            call: ScriptCall::take("p", &[]),
            charges: charges.iter().copied().collect(),
        };
        let reply = |backlogs: &[u64]| {
            let states = backlogs.iter().map(|backlog| limit_state(*backlog));
            Ok(StoreDecision::new(ChargeOutcome::Admitted, states))
        };
        let calls = [call(&[0, 2]), call(&[1])];
        let merged = merge(
            ChargeOutcome::Admitted,
            &calls,
            vec![reply(&[1, 3]), reply(&[2])],
            3,
        );
        let expected: Vec<LimitState> = (1..=3).map(limit_state).collect();
        assert_eq!(merged.unwrap().limit_states(), expected);
        let failed = vec![reply(&[1, 3]), Err(StoreProblem::Timeout)];
        assert!(merge(ChargeOutcome::Refused, &calls, failed, 3).is_err());
    }
}
