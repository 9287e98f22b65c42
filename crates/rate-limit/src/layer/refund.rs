//! What a request gets back that a layer further in refused before it reached the handler.

use http::StatusCode;
use palisade_core::SecurityContext;

use super::{Inner, settle::Pass};
use crate::{ChargeWhen, Limit};

impl Limit {
    /// Whether what a request pays is known only at its end.
    pub(super) fn stays_open(&self) -> bool {
        self.penalty || self.settled_by.is_some() || self.charge_when != ChargeWhen::Admitted
    }

    /// Returns how many units of a cost are given back to a request that did not reach the handler.
    fn refund(&self, cost: u32) -> u32 {
        match self.charge_when {
            ChargeWhen::Admitted => 0,
            ChargeWhen::Handled { otherwise } => cost.saturating_sub(otherwise),
        }
    }
}

impl Inner {
    /// Gives back, once, what the policies say. Runs when the answer is there: a client that left
    /// before has none, and gets nothing back.
    pub(super) fn refund(&self, cx: &SecurityContext, pass: &mut Pass, status: StatusCode) {
        let refused = status.is_client_error() || status.is_server_error();
        if pass.refunded || pass.open.is_empty() || !refused || !cx.turned_away() {
            return;
        }
        pass.refunded = true;
        for ask in &pass.open {
            let Some(limit) = self.limit(ask.choice) else {
                continue;
            };
            let units = -i64::from(limit.refund(ask.cost));
            if units == 0 {
                continue;
            }
            self.correct(pass, limit, ask.bucket, units);
            // What the client is told is what it has now.
            let told = pass.standings.iter_mut();
            for (_, standing) in told.filter(|(choice, _)| *choice == ask.choice) {
                standing.backlog = limit.gcra.add(standing.backlog, units);
            }
        }
    }
}
