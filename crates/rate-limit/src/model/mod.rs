//! A model of the limits of two nodes with one store, checked over all orders of events.
//!
//! Messages are delivered in any order or lost, nodes give up, the clock of the store steps, leases end,
//! and nodes count alone while they do not reach the store. The model holds the messages; every decision
//! is that of the crate: [`Gcra`](crate::gcra::Gcra), [`Lease`](crate::store::leases::lease::Lease),
//! [`PendingUnits`](crate::store::redis::settlements::PendingUnits), and the rule for what is written
//! back. The script of the server is compared with the same arithmetic in the tests of the store.
//!
//! A window begins at any moment. In it the nodes together admit at most:
//!
//! * what the limit grants in the time of the store's clock, and
//! * what the store had charged before for requests that were not admitted yet, or that did not use
//!   all: of leases, at most one for each node, and
//! * the share of each node that counted alone.
//!
//! Each rule that this depends on can be left out: [`Rules`]. The tests do so and find the order of
//! events that breaks the bound.

#![allow(clippy::indexing_slicing)] // Nodes are named by their index.

mod actions;
mod fleet;
mod node;
mod tests;

use std::sync::Arc;

use self::fleet::Fleet;
use crate::policy::{Limit, Policy};

/// The number of nodes.
pub(crate) const NODES: usize = 2;

/// Nanoseconds of a step of time: that in which one unit comes back.
pub(crate) const STEP: u64 = 1_000_000_000;

/// What may happen, and how often. The product of these is the number of states.
#[derive(Clone, Debug)]
pub(crate) struct Scope {
    pub(crate) burst: u32,
    /// The units of a request.
    pub(crate) cost: u32,
    /// What a request uses at last, if it is settled.
    pub(crate) used: Option<u32>,
    /// The size of a lease.
    pub(crate) lease: Option<u32>,
    /// The steps of time that a lease lasts.
    pub(crate) life: u64,
    pub(crate) requests: u8,
    pub(crate) time: u8,
    /// How often a node gives up on a reply. The message may still arrive later, or never.
    pub(crate) losses: u8,
    pub(crate) outages: u8,
    pub(crate) clock_steps: u8,
}

/// The rules of the algorithm. All hold; a test leaves one out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    /// A refund that may have been applied is not sent again.
    pub(crate) uncertain_refunds_are_lost: bool,
    /// Units of a lease that has ended are given back, and not spent.
    pub(crate) returned_units_are_not_spent: bool,
    /// No lease is taken while units of the last one are on their way back.
    pub(crate) one_return_at_a_time: bool,
    /// A node that counts alone has its share of the limit, not all of it.
    pub(crate) fallback_is_shared: bool,
}

pub(crate) const ALL_RULES: Rules = Rules {
    uncertain_refunds_are_lost: true,
    returned_units_are_not_spent: true,
    one_return_at_a_time: true,
    fallback_is_shared: true,
};

/// The model: the limit, what may happen, and the rules.
#[derive(Clone, Debug)]
pub(crate) struct FleetModel {
    pub(crate) limit: Arc<Limit>,
    pub(crate) scope: Scope,
    pub(crate) rules: Rules,
}

impl FleetModel {
    pub(crate) fn new(scope: Scope, rules: Rules) -> Self {
        let policy = Policy::named("model").rate("3600/hour");
        let policy = policy.map(|policy| policy.burst(scope.burst));
        let limits = policy.and_then(|policy| policy.limits());
        let limit = limits.ok().and_then(|mut limits| limits.pop());
        let limit = limit.expect("the policy of the model is valid");
        assert_eq!(limit.gcra.emission(), STEP);
        Self {
            limit: Arc::new(limit),
            scope,
            rules,
        }
    }

    /// Tells whether the nodes admitted no more than the stated bound in the window.
    pub(crate) fn is_within_bound(&self, fleet: &Fleet) -> bool {
        fleet
            .window
            .as_ref()
            .is_none_or(|window| window.used <= self.bound(fleet, window))
    }
}
