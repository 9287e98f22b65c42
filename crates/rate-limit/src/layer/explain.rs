//! Describes a layer for operators.

use palisade_core::Mode;

use super::{ConfiguredLimit, RateLimitLayer};
use crate::policy::{ChargeWhen, Limit};

impl RateLimitLayer {
    /// Describes the limits and the memory of the store for operators, one line each.
    ///
    /// ```
    /// use palisade_rate_limit::{Policy, RateLimitLayer};
    ///
    /// let layer = RateLimitLayer::by_principal().policy(Policy::named("tts").rate("10/minute")?).build()?;
    /// let text = layer.explain();
    /// assert!(text.starts_with("tts: 10/minute, at once 10, by principal\nstore: memory: "));
    /// # Ok::<(), palisade_rate_limit::RateLimitBuildError>(())
    /// ```
    #[must_use]
    pub fn explain(&self) -> String {
        let limits = self
            .limits_with_shadow()
            .filter(|configured| !configured.limit.is_network);
        let mut lines: Vec<String> = limits.map(ConfiguredLimit::explain).collect();
        lines.push(format!("store: {}", self.0.store.explain()));
        let overrides = self.0.overrides_in_use();
        if let Some(overrides) = overrides.map(|overrides| overrides.len()) {
            lines.push(format!("overrides of single subjects: {overrides}"));
        }
        if self.0.exempt.is_any() {
            lines.push("exempt: what a custom function says".to_owned());
        }
        if self.0.mode == Mode::Shadow {
            lines.push("shadow: nothing is refused".to_owned());
        }
        lines.join("\n")
    }
}

impl ConfiguredLimit {
    fn explain(&self) -> String {
        let Limit { name, rate, .. } = &*self.limit;
        let burst = self.limit.burst();
        let mut line = format!("{name}: {rate}, at once {burst}, by {}", self.key);
        if self.limit.penalty {
            line += match self.limit.counts_refusals {
                true => ", charged by refusals of other limits only",
                false => ", charged by failed credentials only",
            };
        }
        if self.limit.for_tiers_only {
            line += ", of its tiers only";
        }
        for (tier, limit) in &self.limit.tiers {
            line += &match limit {
                Some(limit) => format!(", tier {tier} {}", limit.rate),
                None => format!(", tier {tier} not counted"),
            };
        }
        if let Some(units) = self.limit.own_amounts {
            line += &format!(", own amounts up to {units}");
        }
        if let Some(delay) = &self.limit.delay {
            let (requests, seconds) = (delay.requests, delay.longest.as_secs_f64());
            line += &format!(", at most {requests} wait for {seconds} s");
        }
        if let Some(unit) = &self.limit.settled_by {
            line += &format!(", settled by {unit}");
        }
        if let ChargeWhen::Handled { otherwise } = self.limit.charge_when {
            line += &format!(", {otherwise} if refused before the handler");
        }
        if self.limit.response_cost.is_some() {
            line += ", in the end by the response";
        }
        if self.limit.only_shadow {
            line += ", in shadow: it refuses nothing";
        }
        if self.limit.named_routes_only {
            line += ", on routes that name it";
        }
        line
    }
}
