//! A node of the model: its lease, its queue of settlements, and its count while it is alone.

use std::num::NonZeroU32;

use super::{
    FleetModel, NODES, STEP,
    fleet::{Fleet, Message, settle_message},
};
use crate::{
    gcra::Gcra,
    policy::Limit,
    store::{
        StoreProblem,
        leases::lease::{Lease, LeaseStep},
        redis::{
            connection::DeliveryOutcome, fallback::is_written_back, settlements::PendingUnits,
        },
    },
};

/// One node.
#[derive(Clone, Debug, Default, Eq, Hash, PartialEq)]
pub(crate) struct Node {
    pub(crate) lease: Lease,
    /// The call that a request waits for.
    pub(crate) waiting: Option<Waiting>,
    calls: u8,
    /// Units for the store, and those that were sent and have no reply.
    pub(crate) queue: PendingUnits,
    pub(crate) sent: Option<(u8, PendingUnits)>,
    batches: u8,
    /// When the bucket is full again that counts while the store cannot be reached.
    alone_full_at: u64,
    pub(crate) is_away: bool,
    /// Requests that will be settled: those in the window, and those before it.
    pub(crate) open: u8,
    pub(crate) open_before: u8,
}

/// A request that waits for the store.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
pub(crate) struct Waiting {
    pub(crate) call: u8,
    pub(crate) step: LeaseStep,
}

impl Node {
    /// Returns the part of a limit that a node has alone.
    pub(crate) fn share(limit: &Limit, is_shared: bool) -> Gcra {
        let nodes = if is_shared { NODES as u32 } else { 1 };
        let nodes = NonZeroU32::new(nodes).unwrap_or(NonZeroU32::MIN);
        limit
            .gcra
            .shared_among(nodes)
            .expect("a half is large enough")
    }

    /// Queues units for the store.
    fn push(&mut self, units: i64) {
        if units != 0 {
            self.queue.merge(PendingUnits::of(units));
        }
    }

    /// Tells whether anything of the bucket has not been delivered.
    fn is_adjusting(&self) -> bool {
        !self.queue.is_empty() || self.sent.is_some()
    }
}

impl FleetModel {
    /// A request comes to a node.
    pub(crate) fn request(&self, fleet: &mut Fleet, index: usize) {
        let (now, cost) = (fleet.node_time(), self.scope.cost);
        let mut node = &mut fleet.nodes[index];
        let mut step = LeaseStep::Exact;
        if let Some(size) = self.scope.lease {
            self.end_lease(fleet, index);
            node = &mut fleet.nodes[index];
            // Without the rule, a lease is spent after its end.
            let lease_now = if self.rules.returned_units_are_not_spent {
                now
            } else {
                0
            };
            let may_ask = !self.rules.one_return_at_a_time || !node.is_adjusting();
            step = node.lease.charge(lease_now, cost, size, may_ask);
        }
        match step {
            LeaseStep::Spent => {
                node.lease.confirm(cost);
                self.admit(fleet, index);
            }
            LeaseStep::Ask { .. } | LeaseStep::Exact if node.is_away => {
                self.drop_question(fleet, index, step);
                self.count_alone(fleet, index, None);
            }
            LeaseStep::Ask { .. } | LeaseStep::Exact => self.ask(fleet, index, step),
        }
    }

    /// Gives the units of a lease that has ended back.
    pub(crate) fn end_lease(&self, fleet: &mut Fleet, index: usize) {
        let now = fleet.node_time();
        let node = &mut fleet.nodes[index];
        let kept = node.lease;
        let ended = node.lease.take_ended(now);
        node.push(-i64::from(ended));
        if !self.rules.returned_units_are_not_spent {
            node.lease = kept;
        }
    }

    /// Sends a call for a request.
    fn ask(&self, fleet: &mut Fleet, index: usize, step: LeaseStep) {
        let node = &mut fleet.nodes[index];
        node.calls += 1;
        let call = node.calls;
        node.waiting = Some(Waiting { call, step });
        let units = match step {
            LeaseStep::Ask { units, .. } => units,
            LeaseStep::Exact | LeaseStep::Spent => self.scope.cost,
        };
        fleet.send(Message::Take {
            node: index,
            call,
            units,
        });
    }

    /// The reply of the store arrives. That to a request that was given up is dropped.
    pub(crate) fn taken(&self, fleet: &mut Fleet, index: usize, call: u8, wait: u64) {
        let now = fleet.node_time();
        let life = self.scope.life * STEP;
        let Some(waiting) = fleet.nodes[index]
            .waiting
            .take_if(|waiting| waiting.call == call)
        else {
            return;
        };
        let node = &mut fleet.nodes[index];
        match waiting.step {
            LeaseStep::Ask { rest, .. } if wait > 0 => {
                let returned = node.lease.not_granted(now, rest, now + life);
                node.push(-i64::from(returned));
                self.ask(fleet, index, LeaseStep::Exact);
            }
            LeaseStep::Ask { units, rest } => {
                node.lease.granted(units, rest, self.scope.cost, now + life);
                self.admit(fleet, index);
            }
            _ if wait > 0 => {}
            _ => self.admit(fleet, index),
        }
    }

    /// A node gives a call up: the store is too slow, and may have been asked or not.
    pub(crate) fn give_up(&self, fleet: &mut Fleet, index: usize) {
        let Some(waiting) = fleet.nodes[index].waiting.take() else {
            return;
        };
        self.drop_question(fleet, index, waiting.step);
        self.count_alone(fleet, index, Some(StoreProblem::Timeout));
    }

    /// No lease is taken from a decision of the node alone.
    fn drop_question(&self, fleet: &mut Fleet, index: usize, step: LeaseStep) {
        let (now, life) = (fleet.node_time(), self.scope.life * STEP);
        let node = &mut fleet.nodes[index];
        if let LeaseStep::Ask { rest, .. } = step {
            let returned = node.lease.not_granted(now, rest, now + life);
            node.push(-i64::from(returned));
        }
    }

    /// Decides a request with the node's share of the limit.
    fn count_alone(&self, fleet: &mut Fleet, index: usize, problem: Option<StoreProblem>) {
        let now = fleet.node_time();
        let share = Node::share(&self.limit, self.rules.fallback_is_shared);
        if let Some(window) = &mut fleet.window {
            window.alone[index] = true;
        }
        let node = &mut fleet.nodes[index];
        let backlog = node.alone_full_at.saturating_sub(now);
        let units = self.scope.cost.min(share.burst());
        if let Ok(backlog) = share.decide(backlog, units, units) {
            node.alone_full_at = now + backlog;
            if is_written_back(problem) {
                node.push(self.scope.cost.into());
            }
            fleet.admit(self.scope.cost);
        }
    }

    fn admit(&self, fleet: &mut Fleet, index: usize) {
        fleet.admit(self.scope.cost);
        if self.scope.used.is_some() {
            fleet.nodes[index].open += 1;
        }
    }

    /// A request ends and is settled.
    pub(crate) fn finish(&self, fleet: &mut Fleet, index: usize, in_window: bool) {
        let unused = self.scope.cost - self.scope.used.unwrap_or(self.scope.cost);
        let node = &mut fleet.nodes[index];
        match in_window {
            true => node.open -= 1,
            false => node.open_before -= 1,
        }
        node.push(-i64::from(unused));
        if let Some(window) = fleet.window.as_mut().filter(|_| in_window) {
            window.used -= unused;
        }
    }

    /// Sends what waits in the queue.
    pub(crate) fn flush(&self, fleet: &mut Fleet, index: usize) {
        let node = &mut fleet.nodes[index];
        let amount = std::mem::take(&mut node.queue);
        node.batches += 1;
        let batch = node.batches;
        node.sent = Some((batch, amount));
        fleet.send(settle_message(index, batch, amount));
    }

    /// A batch has an outcome. What must be sent again is queued.
    pub(crate) fn delivered(&self, fleet: &mut Fleet, index: usize, batch: Option<u8>) {
        let node = &mut fleet.nodes[index];
        let is_this = |sent: &mut (u8, PendingUnits)| batch.is_none_or(|batch| batch == sent.0);
        let Some((_, amount)) = node.sent.take_if(is_this) else {
            return;
        };
        let outcome = match (batch, self.rules.uncertain_refunds_are_lost) {
            (Some(_), _) => DeliveryOutcome::Done,
            (None, true) => DeliveryOutcome::Unknown,
            (None, false) => DeliveryOutcome::NotApplied,
        };
        node.queue.merge(amount.to_send_again(outcome));
    }
}
