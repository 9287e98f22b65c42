//! Penalties: policies that charge what went wrong, and refuse a client that did it too often.

use super::Policy;

impl Policy {
    /// Charges only requests whose credential failed, and refuses every request of a client that has used that
    /// up. Default: off.
    ///
    /// Belongs into a layer outside authentication; elsewhere it is a build error. Requests that succeed are
    /// only checked against it. A credential that is genuine but has expired is free: a client with an old
    /// token must not lock out others behind its address. The refusal is 429 `too_many_failures`.
    ///
    /// A penalty also applies on routes that are [unlimited](palisade_core::Rule::unlimited), since credentials
    /// could be guessed there too.
    ///
    /// ```
    /// use palisade_rate_limit::{Policy, RateLimitLayer};
    ///
    /// let layer = RateLimitLayer::by_client()
    ///     .policy(Policy::named("login").rate("5/minute;20/hour")?.penalty())
    ///     .build()?;
    /// # let _ = layer;
    /// # Ok::<(), palisade_rate_limit::RateLimitBuildError>(())
    /// ```
    pub fn penalty(mut self) -> Self {
        self.penalty = true;
        self.counts_refusals = false;
        self
    }

    /// Charges only requests that another limit of the layer refused, and refuses every request of a client that has
    /// used that up. Default: off.
    ///
    /// For clients that go on after a 429. The burst says how many refusals are free, and the window of a rate with the
    /// amount 1 for how long the client is blocked then: with `1 per 10 minutes` and a burst of 20, a client that was
    /// refused twenty times is refused everything for ten minutes. Refusals by this policy are not charged, so a block
    /// ends. It is 429 `too_many_refusals`. Not together with [`penalty`](Self::penalty); the last one called counts.
    ///
    /// ```
    /// use palisade_rate_limit::{Policy, RateLimitLayer};
    ///
    /// let layer = RateLimitLayer::by_client()
    ///     .policy(Policy::named("all").rate("60/minute")?)
    ///     .policy(Policy::named("block").rate("1 per 10 minutes")?.burst(20).penalty_for_refusals())
    ///     .build()?;
    /// # let _ = layer;
    /// # Ok::<(), palisade_rate_limit::RateLimitBuildError>(())
    /// ```
    pub fn penalty_for_refusals(mut self) -> Self {
        self.penalty = true;
        self.counts_refusals = true;
        self
    }
}
