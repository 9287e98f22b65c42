//! What is limited: a name, its rates, whom they count, and what a request costs.
//!
//! An operator writes a [`Policy`]. The layer turns each of its rates into a [`Limit`], and finds the
//! [`Subject`] of each request by the policy's [`Key`]. Mistakes are found here or when the layer is built,
//! never while requests are served.

mod named;
mod penalty;
mod final_cost;
mod to_limits;
mod tiers;
mod request_subject;
mod limit;
mod key;
mod subject;
mod cost;
mod delay;
mod failure_mode;

use std::sync::Arc;

pub use self::{
    cost::{ChargeWhen, CostUnit},
    failure_mode::FailureMode,
    key::Key,
    limit::Limit,
    named::PolicyWithoutRate,
    subject::Subject,
};
pub(crate) use self::{
    cost::{Cost, ResponseCost},
    delay::Delay,
    key::{Ipv6Network, KeyKind},
    named::check_name,
    request_subject::with_request_subject,
};
use crate::rate::Rate;

/// A named group of limits: one or several rates, a key that says whom they count, and a cost.
///
/// | setting | default |
/// |---|---|
/// | [`burst`](Self::burst) | the amount of each rate |
/// | [`key`](Self::key) | that of the layer: the client, or the principal |
/// | [`for_tier`](Self::for_tier) | all principals have the same rates |
/// | `delay` (feature `delay`) | what does not fit is refused at once |
/// | [`own_amounts_up_to`](Self::own_amounts_up_to) | principals may bring lower amounts only |
/// | [`cost`](Self::cost) | 1 unit a request |
/// | [`unit`](Self::unit) | requests |
/// | [`charge_when`](Self::charge_when) | every admitted request pays |
/// | [`cost_by_response`](Self::cost_by_response) | nothing changes the cost afterwards |
/// | [`dangerously_only_shadow`](Self::dangerously_only_shadow) | it refuses |
/// | [`settled_by`](Self::settled_by) | nothing changes the cost afterwards |
/// | [`debt`](Self::debt) | 0; one burst if settled or by the response, four if a penalty for failed credentials |
/// | [`penalty`](Self::penalty), [`penalty_for_refusals`](Self::penalty_for_refusals) | every request pays |
/// | [`on_named_routes`](Self::on_named_routes) | applies on every route |
/// | [`lease`](Self::lease) | none: every request is decided by the store |
/// | [`when_store_fails`](Self::when_store_fails) | what the store says, by default [`FailureMode::local`] |
///
/// Nothing of it fails at run time: [`RateLimitLayerBuilder::build`](crate::RateLimitLayerBuilder::build)
/// checks the combination and returns a [`RateLimitBuildError`](crate::RateLimitBuildError).
///
/// ```
/// use palisade_rate_limit::{Key, Policy};
///
/// let simple = Policy::named("tts").rate("10/minute")?;
/// let careful = Policy::named("characters")
///     .rate("200000/day;20000/hour")?
///     .key(Key::owner())
///     .cost_by(|head| head.uri.query().map_or(1, |query| query.len() as u64))
///     .settled_by("characters");
/// # let _ = (simple, careful);
/// # Ok::<(), palisade_rate_limit::RateLimitBuildError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Policy {
    /// The name in header fields, refusals and the audit trail.
    pub(crate) name: Box<str>,
    /// The rates in the order in which they were written. Each is one limit.
    pub(crate) rates: Vec<Rate>,
    /// Tiers and their rates as they were written. Checked by [`limits`](Self::limits).
    tiers: Vec<(Box<str>, Box<str>)>,
    /// The units of a full bucket. `None`: the amount of the rate.
    pub(crate) burst: Option<u32>,
    /// Whose bucket. `None`: the key of the layer.
    pub(crate) key: Option<Key>,
    /// How many units a request takes. Default: one.
    pub(crate) cost: Cost,
    /// When it is charged. Default: at the request.
    pub(crate) charge_when: ChargeWhen,
    /// The fact whose number settles the cost. `None`: the cost is final.
    pub(crate) settled_by: Option<Arc<str>>,
    /// What a unit is, for messages. Default: requests.
    pub(crate) unit: CostUnit,
    /// Counts failures in place of requests.
    pub(crate) penalty: bool,
    /// A penalty that refusals are charged to, in place of failed credentials.
    pub(crate) counts_refusals: bool,
    /// Counts only requests whose rule names the policy. Default: all requests.
    pub(crate) named_routes_only: bool,
    /// Units that may be owed. `None`: no debt.
    pub(crate) debt: Option<u32>,
    /// What happens while the shared store cannot be reached. `None`: what the store says.
    pub(crate) failure: Option<FailureMode>,
    /// How many units a node takes ahead. `None`: each request asks the shared store.
    pub(crate) lease: Option<u32>,
    /// Reads the units from the head of the response.
    pub(crate) response_cost: Option<ResponseCost>,
    /// Records what it would refuse, and refuses nothing.
    pub(crate) only_shadow: bool,
    /// Principals may bring amounts of their own up to this.
    pub(crate) own_amounts: Option<u32>,
    /// How long and how many requests wait. `None`: what does not fit is refused at once.
    pub(crate) delay: Option<Delay>,
}

impl Policy {
    /// Starts a policy.
    ///
    /// The name stands in header fields, in refusals, in the rules of routes, and in the keys of a shared
    /// store. A new name starts with full buckets.
    pub fn named(name: impl Into<Box<str>>) -> PolicyWithoutRate {
        PolicyWithoutRate(name.into())
    }

    /// Limits what may be taken at once to fewer (or more) units than the rate's amount.
    ///
    /// Default: the amount of each rate. Of several rates only the one with the shortest window changes. In
    /// any span of time at most `burst` units plus those that came back in the span are granted. So there is
    /// no moment at which a window's quota is granted twice.
    ///
    /// A smaller burst spreads requests out. `60/minute` with a burst of 5 admits five at once, and then one
    /// each second. A burst of 0 is a build error.
    ///
    /// ```
    /// use palisade_rate_limit::Policy;
    ///
    /// let policy = Policy::named("search").rate("60/minute")?.burst(5);
    /// let limit = &policy.limits()?[0];
    /// assert_eq!((limit.burst(), limit.interval().as_secs()), (5, 1));
    /// # Ok::<(), palisade_rate_limit::RateLimitBuildError>(())
    /// ```
    pub fn burst(mut self, units: u32) -> Self {
        self.burst = Some(units);
        self
    }

    /// Gives principals of a tier other rates, with the whole amount of each as burst. Default: all principals have
    /// the rates of the policy.
    ///
    /// The tier is that of the [`Principal`](palisade_core::Principal), which an authenticator sets. A tier
    /// without rates here, and a guest, have the rates of the policy. Buckets are kept, and count in units: with 5 of 5
    /// used, a tier of 500 leaves 495. Back in the lower one, the principal waits until less than 5 are used.
    ///
    /// A rate of the tier counts in the bucket of the rate with the same window. Of the others, the one with the longest
    /// window counts in the remaining bucket with the longest window. A bucket without a rate of the tier does not
    /// count it. Rates that are left have buckets of their own, named by their window, such as `tts-minute`.
    ///
    /// Rates that are malformed, and a tier that is named twice, are errors of
    /// [`RateLimitLayerBuilder::build`](crate::RateLimitLayerBuilder::build) and of [`limits`](Self::limits).
    ///
    /// ```
    /// use palisade_rate_limit::Policy;
    ///
    /// let policy = Policy::named("tts").rate("100/day")?.for_tier("paid", "5000/day");
    /// assert_eq!(policy.limits()?.len(), 1);
    /// // Another window, and one more rate.
    /// let policy = policy.for_tier("team", "90000/hour;600/second");
    /// assert_eq!(policy.limits()?[1].name(), "tts-second");
    /// # Ok::<(), palisade_rate_limit::RateLimitBuildError>(())
    /// ```
    pub fn for_tier(mut self, tier: impl Into<Box<str>>, rates: impl Into<Box<str>>) -> Self {
        self.tiers.push((tier.into(), rates.into()));
        self
    }

    /// Lets principals bring amounts of their own up to this. Default: they may only bring lower ones than those of the
    /// policy or their tier.
    ///
    /// Only an authenticator of the application sets them; those of Palisade bring none. They are [`Principal::own_limits`](palisade_core::Principal::own_limits), by the name of the
    /// limit as [`explain`](crate::RateLimitLayer::explain) prints it. The window stays, and burst and debt change with
    /// the amount. A higher amount counts as this bound. They apply where the policy counts
    /// [principals](Key::principal), not owners or clients, and not to penalties. An operator's
    /// [override](crate::RateLimitLayer::set_override) takes precedence.
    ///
    /// With several issuers of tokens, each can give what this allows.
    ///
    /// ```
    /// use palisade_rate_limit::Policy;
    ///
    /// let policy = Policy::named("tts").rate("100/day")?.own_amounts_up_to(20_000);
    /// # let _ = policy;
    /// # Ok::<(), palisade_rate_limit::RateLimitBuildError>(())
    /// ```
    pub fn own_amounts_up_to(mut self, units: u32) -> Self {
        self.own_amounts = Some(units);
        self
    }

    /// Sets whom the policy counts. Default: the layer's own, which is the client in
    /// [`by_client`](crate::RateLimitLayer::by_client) and the principal in
    /// [`by_principal`](crate::RateLimitLayer::by_principal).
    ///
    /// Policies of one layer may count differently: a principal by the minute, and all principals of its owner
    /// by the day. A key that needs a principal is a build error in a layer before authentication.
    ///
    /// ```
    /// use palisade_rate_limit::{Key, Policy, RateLimitLayer};
    ///
    /// let layer = RateLimitLayer::by_principal()
    ///     .policy(Policy::named("user").rate("30/minute")?)
    ///     .policy(Policy::named("tenant").rate("10000/day")?.key(Key::owner()))
    ///     .build()?;
    /// # let _ = layer;
    /// # Ok::<(), palisade_rate_limit::RateLimitBuildError>(())
    /// ```
    pub fn key(mut self, key: Key) -> Self {
        self.key = Some(key);
        self
    }

    /// Charges every request this many units. Default: 1.
    ///
    /// 0 is a build error unless the policy is [settled](Self::settled_by), and more than the burst always is:
    /// every request would be refused.
    pub fn cost(mut self, units: u32) -> Self {
        self.cost = Cost::Fixed(units);
        self
    }

    /// Charges what a function of the request's head returns, in place of a fixed number.
    ///
    /// It runs once for each request and must not block. 0 is free: the request then needs only that the
    /// bucket owes nothing. A cost that no full bucket could ever pay is refused permanently (400
    /// `cost_exceeds_quota`, or 413 for [`CostUnit::ContentBytes`]), not with 429: waiting would not help.
    ///
    /// ```
    /// use http::header::CONTENT_LENGTH;
    /// use palisade_rate_limit::{Policy, CostUnit};
    ///
    /// let upload = Policy::named("upload")
    ///     .rate("50000000/hour")?
    ///     .unit(CostUnit::ContentBytes)
    ///     .cost_by(|head| {
    ///         let length = head.headers.get(CONTENT_LENGTH);
    ///         length.and_then(|length| length.to_str().ok()?.parse().ok()).unwrap_or(1_000_000)
    ///     });
    /// # let _ = upload;
    /// # Ok::<(), palisade_rate_limit::RateLimitBuildError>(())
    /// ```
    pub fn cost_by(
        mut self,
        cost: impl Fn(&http::request::Parts) -> u64 + Send + Sync + 'static,
    ) -> Self {
        self.cost = Cost::by(cost);
        self
    }

    /// Counts requests, and records what this policy would refuse, but refuses nothing. Default: refuses.
    ///
    /// For the days of a roll-out, beside policies that refuse. Requests that another policy of the layer refuses may
    /// be counted too. Clients are not told of it, and the audit trail and the metrics show whom it would refuse. With
    /// a shared store it costs a call of its own. Remove it afterwards.
    ///
    /// ```
    /// use palisade_rate_limit::{Policy, RateLimitLayer};
    ///
    /// let layer = RateLimitLayer::by_client()
    ///     .policy(Policy::named("all").rate("60/minute")?)
    ///     .policy(Policy::named("day").rate("5000/day")?.dangerously_only_shadow())
    ///     .build()?;
    /// assert!(layer.explain().contains("day: 5000/day, at once 5000, by client"));
    /// # Ok::<(), palisade_rate_limit::RateLimitBuildError>(())
    /// ```
    pub fn dangerously_only_shadow(mut self) -> Self {
        self.only_shadow = true;
        self
    }

    /// Sets what the units are. Default: [`CostUnit::Requests`].
    ///
    /// ```
    /// use palisade_rate_limit::{Policy, CostUnit};
    ///
    /// // `RateLimit-Policy: "upload";q=50000000;qu="content-bytes";w=3600`
    /// let upload = Policy::named("upload").rate("50000000/hour")?.unit(CostUnit::ContentBytes);
    /// # let _ = upload;
    /// # Ok::<(), palisade_rate_limit::RateLimitBuildError>(())
    /// ```
    pub fn unit(mut self, unit: CostUnit) -> Self {
        self.unit = unit;
        self
    }

    /// Applies only on routes whose rule names the policy. Default: applies on every route.
    ///
    /// Without a table of routes the policy applies everywhere: a limit that applies by mistake does less harm
    /// than one that does not. On paths that are not in the table, and end as 404, it does not apply.
    ///
    /// ```
    /// use palisade_core::{RouteTable, Rule};
    /// use palisade_rate_limit::{Policy, RateLimitLayer};
    ///
    /// let routes = RouteTable::builder()
    ///     .any("/speech", Rule::public().limit("speech"))
    ///     .any("/voices", Rule::public())
    ///     .build()?;
    /// let layer = RateLimitLayer::by_client()
    ///     .policy(Policy::named("speech").rate("10/minute")?.on_named_routes())
    ///     .build()?;
    /// assert_eq!(layer.policies_on_named_routes().collect::<Vec<_>>(), ["speech"]);
    /// # let _ = routes;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn on_named_routes(mut self) -> Self {
        self.named_routes_only = true;
        self
    }

    /// Lets this many units be owed beyond an empty bucket, when more is settled than was reserved. Default: 0;
    /// one burst if the policy is [settled](Self::settled_by), four bursts if it is a
    /// [penalty](Self::penalty) for failed credentials.
    ///
    /// Without debt the excess would be forgotten, and a client that reports late would pay too little. The
    /// bound keeps one wrong report from refusing a client for ever.
    ///
    /// ```
    /// use palisade_rate_limit::Policy;
    ///
    /// let policy = Policy::named("characters").rate("1000/day")?.cost(10).settled_by("characters");
    /// assert_eq!(policy.limits()?[0].debt(), 1000);
    /// assert_eq!(policy.debt(50).limits()?[0].debt(), 50);
    /// # Ok::<(), palisade_rate_limit::RateLimitBuildError>(())
    /// ```
    pub fn debt(mut self, units: u32) -> Self {
        self.debt = Some(units);
        self
    }

    /// Sets what happens while a shared store is unavailable. Without effect for the store in memory.
    ///
    /// Default: what the store says, which is [`FailureMode::local`] unless its builder set another one.
    ///
    /// ```
    /// use palisade_rate_limit::{FailureMode, Policy};
    ///
    /// // Better refused than given away.
    /// let paid = Policy::named("paid").rate("1000/day")?.when_store_fails(FailureMode::FailClosed);
    /// assert_eq!(paid.limits()?[0].failure_mode(), Some(FailureMode::FailClosed));
    /// # Ok::<(), palisade_rate_limit::RateLimitBuildError>(())
    /// ```
    pub fn when_store_fails(mut self, mode: FailureMode) -> Self {
        self.failure = Some(mode);
        self
    }

    /// Lets each node take so many units ahead from a shared store. Default: none, and every request is one call
    /// of the store.
    ///
    /// For limits that are busier than the store can bear. It needs a [`LeasedStore`](crate::LeasedStore). All
    /// nodes together then admit at most one lease for each node more than the limit grants in a span of time:
    /// with 10 nodes and a lease of 200, at most 2,000 units.
    ///
    /// A lease is 2 units to a quarter of the burst of each rate. A tier with a smaller burst has no leases, and
    /// is counted exactly. A penalty, and a policy whose cost changes later ([`settled_by`](Self::settled_by),
    /// [`charge_when`](Self::charge_when)), cannot have one: each request would call the store anyway. All of
    /// this is checked at build.
    ///
    /// ```
    /// use palisade_rate_limit::{Policy, RateLimitBuildError};
    ///
    /// let policy = Policy::named("api").rate("60000/minute")?.lease(200);
    /// assert_eq!(policy.limits()?[0].lease(), Some(200));
    ///
    /// let small = Policy::named("login").rate("5/minute")?.lease(200).limits();
    /// assert!(matches!(small, Err(RateLimitBuildError::LeaseOutOfRange { .. })));
    /// # Ok::<(), RateLimitBuildError>(())
    /// ```
    pub fn lease(mut self, units: u32) -> Self {
        self.lease = Some(units);
        self
    }

    /// Returns the name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }
}
