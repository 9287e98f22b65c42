//! The state of the model: the store, the nodes, the messages between them, and the window.

use super::{FleetModel, NODES, STEP, node::Node};
use crate::{
    gcra::Gcra,
    store::{leases::lease::LeaseStep, redis::settlements::PendingUnits},
};

/// The store, the nodes, and what is under way.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(crate) struct Fleet {
    /// Steps of the clocks of the nodes.
    pub(crate) now: u8,
    /// Steps of the clock of the store.
    pub(crate) store_now: u8,
    /// When the bucket in the store is full again, in nanoseconds of the store's clock.
    pub(crate) full_at: u64,
    pub(crate) nodes: [Node; NODES],
    /// In order, so that two states with the same messages are equal.
    pub(crate) messages: Vec<Message>,
    pub(crate) window: Option<Window>,
    pub(crate) left: Left,
}

/// What may still happen.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(crate) struct Left {
    pub(crate) requests: u8,
    pub(crate) losses: u8,
    pub(crate) outages: u8,
    pub(crate) clock_steps: u8,
}

/// A message between a node and the store.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub(crate) enum Message {
    /// A node asks for units.
    Take { node: usize, call: u8, units: u32 },
    /// The store decided. `wait`: it refused, and the units come back in so many nanoseconds.
    Taken {
        node: usize,
        call: u8,
        units: u32,
        wait: u64,
    },
    /// A node charges and refunds.
    Settle {
        node: usize,
        batch: u8,
        charge: u64,
        refund: u64,
    },
    /// The store did so.
    Settled { node: usize, batch: u8 },
}

/// A span of time in which requests are counted.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub(crate) struct Window {
    /// The units of requests that were admitted, without what they did not use.
    pub(crate) used: u32,
    /// Units that the store had charged for requests that were not admitted yet, or that did not use all.
    pub(crate) outstanding: u32,
    /// How often the clock of the store went forward by the time of one unit.
    pub(crate) refilled: u32,
    pub(crate) began: u8,
    /// The nodes that counted alone.
    pub(crate) alone: [bool; NODES],
}

impl Fleet {
    pub(crate) fn new(model: &FleetModel) -> Self {
        let scope = &model.scope;
        Self {
            now: 0,
            // The clock can be set back.
            store_now: 8,
            full_at: 0,
            nodes: [Node::default(), Node::default()],
            messages: Vec::new(),
            window: None,
            left: Left {
                requests: scope.requests,
                losses: scope.losses,
                outages: scope.outages,
                clock_steps: scope.clock_steps,
            },
        }
    }

    pub(crate) fn node_time(&self) -> u64 {
        u64::from(self.now) * STEP
    }

    pub(crate) fn store_time(&self) -> u64 {
        u64::from(self.store_now) * STEP
    }

    pub(crate) fn send(&mut self, message: Message) {
        self.messages.push(message);
        self.messages.sort_unstable();
    }

    /// The store decides about units: what `decide.lua` does, with the arithmetic of memory.
    pub(crate) fn take(&mut self, gcra: &Gcra, node: usize, call: u8, units: u32) {
        let stored = self.full_at.saturating_sub(self.store_time());
        let wait = match gcra.decide(stored, units, units) {
            Ok(backlog) => {
                self.full_at = self.store_time() + backlog;
                0
            }
            Err(wait) => {
                if stored > gcra.ceiling() {
                    self.full_at = self.store_time() + gcra.ceiling();
                }
                wait
            }
        };
        self.send(Message::Taken {
            node,
            call,
            units,
            wait,
        });
    }

    /// The store refunds and charges, in this order.
    pub(crate) fn settle(&mut self, gcra: &Gcra, charge: u64, refund: u64) {
        let units = |units: u64| i64::try_from(units).unwrap_or(i64::MAX);
        let stored = self.full_at.saturating_sub(self.store_time());
        let refunded = gcra.adjust(stored, -units(refund));
        self.full_at = self.store_time() + gcra.adjust(refunded, units(charge));
    }

    /// Counts the units of a request that is admitted now.
    pub(crate) fn admit(&mut self, units: u32) {
        if let Some(window) = &mut self.window {
            window.used += units;
        }
    }

    /// Begins to count.
    pub(crate) fn begin_window(&mut self, model: &FleetModel) {
        let outstanding = self.outstanding(model);
        for node in &mut self.nodes {
            node.open_before = std::mem::take(&mut node.open);
        }
        self.window = Some(Window {
            used: 0,
            outstanding,
            refilled: 0,
            began: self.now,
            alone: [false; NODES],
        });
    }

    /// Returns the units that the store charged, and that may still be used or refunded.
    fn outstanding(&self, model: &FleetModel) -> u32 {
        let unused = model.scope.cost - model.scope.used.unwrap_or(model.scope.cost);
        let open: u32 = self.nodes.iter().map(|node| u32::from(node.open)).sum();
        let exact = (0..NODES).map(|node| self.granted(node, |step| step == LeaseStep::Exact));
        let held: u32 = (0..NODES).map(|node| self.held(node)).sum();
        held + exact.sum::<u32>() + open * unused
    }

    /// Returns the units of a node that the store charged and no request was admitted for: in its lease,
    /// on their way to it, and on their way back.
    pub(crate) fn held(&self, index: usize) -> u32 {
        let refunds = self.messages.iter().map(|message| match *message {
            Message::Settle { node, refund, .. } if node == index => refund,
            _ => 0,
        });
        let node = &self.nodes[index];
        let returning = refunds.sum::<u64>() + node.queue.refund;
        let asked = self.granted(index, |step| step != LeaseStep::Exact);
        node.lease.held() + asked + u32::try_from(returning).unwrap_or(u32::MAX)
    }

    /// Returns the units that the store granted to a node, and whose reply it waits for.
    fn granted(&self, index: usize, counts: impl Fn(LeaseStep) -> bool) -> u32 {
        let node = &self.nodes[index];
        let is_awaited = |number| {
            let waiting = node.waiting.filter(|waiting| waiting.call == number);
            waiting.is_some_and(|waiting| counts(waiting.step))
        };
        let granted = self.messages.iter().map(|message| match *message {
            Message::Taken {
                node,
                call,
                units,
                wait: 0,
            } if node == index && is_awaited(call) => units,
            _ => 0,
        });
        granted.sum()
    }
}

impl FleetModel {
    /// Returns the most units that the nodes may admit in a window.
    pub(crate) fn bound(&self, fleet: &Fleet, window: &Window) -> u32 {
        let passed = u64::from(fleet.now - window.began) * STEP;
        let share = Node::share(&self.limit, true);
        let alone = window.alone.iter().filter(|alone| **alone).count() as u64;
        let of_one = u64::from(share.burst()) * share.emission() + passed;
        // A request that costs more than the share takes all of it.
        let units = self.scope.cost.min(share.burst());
        let requests = of_one / (share.emission() * u64::from(units));
        let alone = u32::try_from(alone * requests).unwrap_or(u32::MAX) * self.scope.cost;
        self.scope.burst + window.refilled + window.outstanding + alone
    }
}

/// Settlements of one batch, as they are sent.
pub(crate) fn settle_message(node: usize, batch: u8, amount: PendingUnits) -> Message {
    Message::Settle {
        node,
        batch,
        charge: amount.charge,
        refund: amount.refund,
    }
}
