//! The function of the application that is called for each refusal.

use std::{fmt, time::Duration};

use palisade_core::SecurityContext;

use super::{LayerState, charge::LimitCharges};
use crate::store::StoreDecision;

/// What a limit refused. The argument of
/// [`RateLimitLayerBuilder::on_refusal`](crate::RateLimitLayerBuilder::on_refusal).
///
/// ```
/// use palisade_rate_limit::LimitRefusal;
///
/// fn describe(refusal: &LimitRefusal<'_>) -> String {
///     let limits: Vec<&str> = refusal.limits().collect();
///     format!("{} for {} s", limits.join(", "), refusal.retry_after().as_secs())
/// }
/// ```
#[derive(Clone, Copy)]
pub struct LimitRefusal<'a> {
    /// Has the names of the limits.
    layer: &'a LayerState,
    /// What the request was charged, in the order of the states of the decision.
    charges: &'a LimitCharges,
    /// Which limits refused, and for how long.
    decision: &'a StoreDecision,
}

impl<'a> LimitRefusal<'a> {
    /// Joins what the methods need. Nothing is copied: most applications set no hook.
    pub(super) const fn new(
        layer: &'a LayerState,
        charges: &'a LimitCharges,
        decision: &'a StoreDecision,
    ) -> Self {
        Self {
            layer,
            charges,
            decision,
        }
    }

    /// Returns the names of the limits that refused.
    pub fn limits(&self) -> impl Iterator<Item = &'a str> {
        let layer = self.layer;
        let states = self.charges.list.iter().zip(self.decision.limit_states());
        let refused = states.filter(|(_, state)| state.is_refused());
        refused.filter_map(move |(charge, _)| {
            let configured = layer.limits.get(usize::from(charge.id.index))?;
            Some(configured.limit.name())
        })
    }

    /// Returns after which time the request would be admitted, exactly.
    #[must_use]
    pub fn retry_after(&self) -> Duration {
        self.decision.retry_after()
    }
}

impl fmt::Debug for LimitRefusal<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LimitRefusal")
            .field("limits", &self.limits().collect::<Vec<_>>())
            .field("retry_after", &self.retry_after())
            .finish()
    }
}

/// The function as it is kept. It runs in the path of a refusal, so it should return at once.
type Hook = dyn Fn(&SecurityContext, &LimitRefusal<'_>) + Send + Sync;

/// The function, if there is one.
#[derive(Default)]
pub(super) struct RefusalHook(Option<Box<Hook>>);

impl RefusalHook {
    /// Keeps the function of the application.
    pub(super) fn new(
        hook: impl Fn(&SecurityContext, &LimitRefusal<'_>) + Send + Sync + 'static,
    ) -> Self {
        Self(Some(Box::new(hook)))
    }

    /// Calls the function, if there is one.
    pub(super) fn call(&self, cx: &SecurityContext, refusal: &LimitRefusal<'_>) {
        if let Some(hook) = &self.0 {
            hook(cx, refusal);
        }
    }
}

impl fmt::Debug for RefusalHook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Some(_) => "a function",
            None => "none",
        })
    }
}
