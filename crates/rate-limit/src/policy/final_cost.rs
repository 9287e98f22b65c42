//! What a request costs in the end: by its handler, by a refusal before it, or by its response.

use std::sync::Arc;

use super::{ChargeWhen, Policy, ResponseCost};

impl Policy {
    /// Replaces the cost by what the handler reports for this unit, when the response is complete. Default:
    /// nothing changes the cost afterwards.
    ///
    /// The handler reports with [`SecurityContext::settle`](palisade_core::SecurityContext::settle). No report
    /// leaves what was reserved charged: so does a client that disconnects, or a refusal further in. More than
    /// was reserved is owed (see [`Policy::debt`]), and the next requests wait until that is paid.
    ///
    /// Choose a [`cost`](Self::cost) near the usual one. What runs at the same time is limited by what is
    /// reserved, not by what is settled later.
    ///
    /// ```
    /// use palisade_rate_limit::{Policy, CostUnit};
    ///
    /// let characters = Policy::named("characters")
    ///     .rate("200000/day")?
    ///     .unit(CostUnit::Custom)
    ///     .cost(500)
    ///     .settled_by("characters");
    /// # let _ = characters;
    /// # Ok::<(), palisade_rate_limit::RateLimitBuildError>(())
    /// ```
    pub fn settled_by(mut self, unit: impl Into<Box<str>>) -> Self {
        self.settled_by = Some(Arc::from(unit.into()));
        self
    }

    /// Says which requests pay the whole cost. Default: every request that was admitted.
    ///
    /// With [`ChargeWhen::Handled`] a request that a layer further in refused before the handler
    /// gets back what is above `otherwise`. A client that leaves gets nothing back, nor does a
    /// request that ended in a panic, or that the handler itself refused. What is given back makes
    /// such requests free of this policy: keep another one, by client, that counts them.
    ///
    /// ```
    /// use palisade_rate_limit::{ChargeWhen, Policy, RateLimitLayer};
    ///
    /// let texts = Policy::named("texts").rate("100/day")?;
    /// let layer = RateLimitLayer::by_principal()
    ///     .policy(texts.charge_when(ChargeWhen::Handled { otherwise: 0 }))
    ///     .build()?;
    /// # let _ = layer;
    /// # Ok::<(), palisade_rate_limit::RateLimitBuildError>(())
    /// ```
    pub fn charge_when(mut self, when: ChargeWhen) -> Self {
        self.charge_when = when;
        self
    }

    /// Replaces the cost by what a function of the response's head returns, when the handler has responded. `None`
    /// leaves it. Default: nothing changes the cost afterwards.
    ///
    /// For responses that cost less, such as 304, or more, such as one with many items. It is not called for responses
    /// of layers further in that refuse before the handler ([`charge_when`](Self::charge_when) decides about those),
    /// nor for a client that left before. More than was reserved is owed (see [`debt`](Self::debt)). What the function
    /// makes free, a client can repeat without a limit: keep another policy that counts it. Not for a
    /// [penalty](Self::penalty) or together with [`settled_by`](Self::settled_by), which is a build error.
    ///
    /// ```
    /// use http::StatusCode;
    /// use palisade_rate_limit::Policy;
    ///
    /// // A response from the cache of the client costs one unit in place of ten.
    /// let policy = Policy::named("export")
    ///     .rate("1000/day")?
    ///     .cost(10)
    ///     .cost_by_response(|head| (head.status == StatusCode::NOT_MODIFIED).then_some(1));
    /// # let _ = policy;
    /// # Ok::<(), palisade_rate_limit::RateLimitBuildError>(())
    /// ```
    pub fn cost_by_response(
        mut self,
        cost: impl Fn(&http::response::Parts) -> Option<u32> + Send + Sync + 'static,
    ) -> Self {
        self.response_cost = Some(ResponseCost::new(cost));
        self
    }
}
