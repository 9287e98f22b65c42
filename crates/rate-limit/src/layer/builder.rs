//! The builder of the layer. It finds configuration errors at start-up, not at the first request.
//!
//! It turns each policy into limits, one for each rate, and registers their names in the store. Two
//! limits of one name in one store would share buckets, so `build` refuses them.

use std::{hash::RandomState, sync::Arc};

use http::request;
use palisade_core::{Mode, SecurityContext, SharedClock, SystemClock};

use super::{
    ConfiguredLimit, LayerState, RateLimitLayer,
    check::check_limit_names,
    exempt::Exemption,
    refusal::RefusalTemplates,
    refusal_hook::{LimitRefusal, RefusalHook},
    refused::RefusedSubjects,
    settle::MAX_OPEN_LIMITS,
};
use crate::{
    error::RateLimitBuildError,
    fields::{HeaderStyle, LimitFields},
    policy::{Key, Limit, Policy},
    rate::MAX_RATES,
    store::memory::MemoryStore,
    store::{LimitStore, Owner},
};

/// Collects the settings of a [`RateLimitLayer`]. Made by [`RateLimitLayer::by_client`] and
/// [`RateLimitLayer::by_principal`].
///
/// | setting | default |
/// |---|---|
/// | policies | none; `build` demands at least one, and at most eight rates together |
/// | [`store`](Self::store) | a [`MemoryStore`] of the default capacity, for this layer alone |
/// | [`clock`](Self::clock) | the system clock |
/// | [`headers`](Self::headers) | [`HeaderStyle::Draft10`] |
/// | [`dangerously_exempt`](Self::dangerously_exempt) | no request is exempt |
/// | [`on_refusal`](Self::on_refusal) | no function |
/// | [`retry_after_jitter`](Self::retry_after_jitter) | 0 percent: the exact time |
/// | [`partition_keys`](Self::partition_keys) | none are sent |
/// | mode | refuses; [`dangerously_only_shadow`](Self::dangerously_only_shadow) records only |
///
/// # Examples
///
/// ```
/// use palisade_rate_limit::{HeaderStyle, Policy, RateLimitLayer};
///
/// // Two limits of one address; retries are spread over a fifth of the wait.
/// let layer = RateLimitLayer::by_client()
///     .policy(Policy::named("burst").rate("10/second")?)
///     .policy(Policy::named("day").rate("5000/day")?)
///     .headers([HeaderStyle::Draft10])
///     .retry_after_jitter(20)
///     .build()?;
/// # let _ = layer;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[must_use]
pub struct RateLimitLayerBuilder {
    /// The name in the audit trail and in `explain`: one for limits by client, another for those by
    /// principal.
    name: &'static str,
    /// Whose bucket is charged, unless a policy has a key of its own.
    pub(super) key: Key,
    /// The policies in the order in which they were added. At most eight limits come of them.
    pub(super) policies: Vec<Policy>,
    /// Where backlogs are kept. `None`: memory of its own, of the default size.
    store: Option<Arc<dyn LimitStore>>,
    /// The clock of the decisions. Default: the system clock.
    clock: SharedClock,
    /// Which header fields tell clients about their limits.
    pub(super) styles: Vec<HeaderStyle>,
    /// Which requests are not counted.
    exempt: Exemption,
    /// What the application is told about refusals.
    refusal_hook: RefusalHook,
    /// How many percent `Retry-After` may be longer, so that refused clients do not all return in
    /// the same second.
    pub(super) retry_after_jitter: u8,
    /// Whether `RateLimit` names the bucket, by a hash under a random key.
    pub(super) partition_keys: bool,
    /// Whether the layer refuses, or records what it would refuse.
    mode: Mode,
}

impl RateLimitLayerBuilder {
    /// Starts with the defaults. `key` is the default key of policies without one.
    pub(super) fn new(name: &'static str, key: Key) -> Self {
        Self {
            name,
            key,
            policies: Vec::new(),
            store: None,
            clock: SystemClock::shared(),
            styles: vec![HeaderStyle::Draft10],
            exempt: Exemption::default(),
            refusal_hook: RefusalHook::default(),
            retry_after_jitter: 0,
            partition_keys: false,
            mode: Mode::Enforce,
        }
    }

    /// Adds a policy. The layer decides all its policies together. Default: none; at least one is
    /// required.
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policies.push(policy);
        self
    }

    /// Adds several policies, as [`policy`](Self::policy) does for one.
    ///
    /// ```
    /// use palisade_rate_limit::{Policy, RateLimitLayer};
    ///
    /// let names = [("search", "10/minute"), ("export", "2/hour")];
    /// let policies: Vec<Policy> = names
    ///     .into_iter()
    ///     .map(|(name, rate)| Policy::named(name).rate(rate))
    ///     .collect::<Result<_, _>>()?;
    /// let layer = RateLimitLayer::by_client().policies(policies).build()?;
    /// assert_eq!(layer.policies().collect::<Vec<_>>(), ["search", "export"]);
    /// # Ok::<(), palisade_rate_limit::RateLimitBuildError>(())
    /// ```
    pub fn policies(mut self, policies: impl IntoIterator<Item = Policy>) -> Self {
        self.policies.extend(policies);
        self
    }

    /// Keeps the buckets in this store. Default: a [`MemoryStore`] of the default capacity, for this layer
    /// alone.
    ///
    /// Several layers can share a store, if all their limits have different names: pass clones of one
    /// [`Arc`]. A store can also outlive a layer. A new layer with the same names and other rates continues
    /// with the state of the old one.
    ///
    /// ```
    /// use std::sync::Arc;
    /// use palisade_rate_limit::{MemoryStore, Policy, RateLimitLayer};
    ///
    /// let store = Arc::new(MemoryStore::default());
    /// let clients = RateLimitLayer::by_client()
    ///     .policy(Policy::named("address").rate("20/second")?)
    ///     .store(store.clone())
    ///     .build()?;
    /// let principals = RateLimitLayer::by_principal()
    ///     .policy(Policy::named("tts").rate("10/minute")?)
    ///     .store(store)
    ///     .build()?;
    /// # let _ = (clients, principals);
    /// # Ok::<(), palisade_rate_limit::RateLimitBuildError>(())
    /// ```
    pub fn store(mut self, store: impl LimitStore) -> Self {
        self.store = Some(Arc::new(store));
        self
    }

    /// Takes the time from this clock. Default: the system clock.
    ///
    /// Tests use a [`ManualClock`](palisade_core::ManualClock), and need not wait. A shared store decides by
    /// its own clock; there this clock counts only for what the node remembers.
    pub fn clock(mut self, clock: SharedClock) -> Self {
        self.clock = clock;
        self
    }

    /// Does not count requests for which this function returns `true`, such as health checks of a load
    /// balancer. Default: no request is exempt.
    ///
    /// An exempt request has no limit at all, and attackers imitate whatever the function checks. Decide by
    /// the client's address or the principal, not by a header. A route that needs no limit is better marked
    /// with [`Rule::unlimited`](palisade_core::Rule::unlimited): penalties still apply there.
    ///
    /// ```
    /// use std::net::{IpAddr, Ipv4Addr};
    /// use palisade_rate_limit::{Policy, RateLimitLayer};
    ///
    /// const BALANCER: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 2));
    /// let layer = RateLimitLayer::by_client()
    ///     .policy(Policy::named("all").rate("60/minute")?)
    ///     .dangerously_exempt(|cx, _head| cx.client().is_some_and(|client| client.ip() == BALANCER))
    ///     .build()?;
    /// # let _ = layer;
    /// # Ok::<(), palisade_rate_limit::RateLimitBuildError>(())
    /// ```
    pub fn dangerously_exempt(
        mut self,
        predicate: impl Fn(&SecurityContext, &request::Parts) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.exempt = Exemption::new(predicate);
        self
    }

    /// Calls a function for each request that a limit refuses. Default: none.
    ///
    /// For alarms and for lists of an application. It runs before the response is sent, also in
    /// [shadow](Self::dangerously_only_shadow), and must not block: send to a channel. Refusals are in the audit trail
    /// and in the metrics without it.
    ///
    /// ```
    /// use std::sync::atomic::{AtomicU64, Ordering};
    /// use palisade_rate_limit::{Policy, RateLimitLayer};
    ///
    /// static LOGINS_REFUSED: AtomicU64 = AtomicU64::new(0);
    /// let layer = RateLimitLayer::by_client()
    ///     .policy(Policy::named("login").rate("5/minute")?.penalty())
    ///     .on_refusal(|_cx, refusal| {
    ///         if refusal.limits().any(|name| name == "login") {
    ///             LOGINS_REFUSED.fetch_add(1, Ordering::Relaxed);
    ///         }
    ///     })
    ///     .build()?;
    /// # let _ = layer;
    /// # Ok::<(), palisade_rate_limit::RateLimitBuildError>(())
    /// ```
    pub fn on_refusal(
        mut self,
        hook: impl Fn(&SecurityContext, &LimitRefusal<'_>) + Send + Sync + 'static,
    ) -> Self {
        self.refusal_hook = RefusalHook::new(hook);
        self
    }

    /// Counts requests, and records what would be refused, but refuses nothing. Default: refuses.
    ///
    /// For the days of a roll-out: the audit trail and the metrics show whom a new limit would refuse. Remove
    /// it afterwards, since nothing is limited meanwhile.
    ///
    /// ```
    /// use palisade_rate_limit::{Policy, RateLimitLayer};
    ///
    /// let layer = RateLimitLayer::by_client()
    ///     .policy(Policy::named("all").rate("60/minute")?)
    ///     .dangerously_only_shadow()
    ///     .build()?;
    /// assert!(layer.explain().ends_with("shadow: nothing is refused"));
    /// # Ok::<(), palisade_rate_limit::RateLimitBuildError>(())
    /// ```
    pub fn dangerously_only_shadow(mut self) -> Self {
        self.mode = Mode::Shadow;
        self
    }

    /// Checks the settings and returns the layer.
    ///
    /// # Errors
    ///
    /// [`RateLimitBuildError`] in these cases:
    ///
    /// * There is no policy, or there are more than eight limits.
    /// * Two policies or two limits have the same name, also in another layer with the same store.
    ///   The policy `api` with "100/day;10/hour" has a limit `api-day`.
    /// * A fixed cost is 0 or more than the burst.
    /// * A policy needs a principal in a layer before authentication.
    /// * A penalty is in a layer after authentication.
    /// * The store cannot keep a limit, or a policy has a lease and the store has none.
    ///
    /// ```
    /// use palisade_rate_limit::{Key, Policy, RateLimitBuildError, RateLimitLayer};
    ///
    /// let early = Policy::named("user").rate("30/minute")?.key(Key::principal());
    /// let error = RateLimitLayer::by_client().policy(early).build().unwrap_err();
    /// assert!(matches!(error, RateLimitBuildError::PrincipalBeforeAuthentication { .. }));
    /// # Ok::<(), RateLimitBuildError>(())
    /// ```
    pub fn build(self) -> Result<RateLimitLayer, RateLimitBuildError> {
        self.check_policies()?;
        let limits = self.limits()?;
        check_limit_names(&limits)?;
        let store = self
            .store
            .clone()
            .unwrap_or_else(|| Arc::new(MemoryStore::default()));
        for limit in &limits {
            for limit in limit.with_those_of_tiers() {
                self.check(limit)?;
                store.check_limit(limit)?;
                if limit.lease().is_some() && !store.has_leases() {
                    let policy = limit.policy.clone();
                    return Err(RateLimitBuildError::LeaseWithoutStore { policy });
                }
            }
        }
        let owner = Owner::new(self.name);
        if let Some(names) = store.limit_names() {
            names.register(&owner, limits.iter())?;
        }
        Ok(self.with_limits(limits, &store, &owner))
    }

    /// Makes the layer, and one inside it for policies in shadow if others refuse.
    fn with_limits(
        self,
        limits: Vec<Limit>,
        store: &Arc<dyn LimitStore>,
        owner: &Owner,
    ) -> RateLimitLayer {
        let is_shadow = self.mode == Mode::Shadow;
        let (shadow, enforced): (Vec<_>, Vec<_>) = limits
            .into_iter()
            .partition(|limit| limit.only_shadow && !is_shadow);
        let make = |limits: Vec<Limit>, shadow: Option<RateLimitLayer>| LayerState {
            name: self.name,
            mode: self.mode,
            exempt: Exemption::default(),
            refusal_hook: RefusalHook::default(),
            retry_after_jitter: self.retry_after_jitter,
            random: RandomState::new(),
            fields: LimitFields::new(&self.styles, limits.len()),
            partition_keys: self.partition_keys,
            refusal_templates: RefusalTemplates::new(&limits),
            refused: RefusedSubjects::default(),
            limits: ConfiguredLimit::all(limits, &self.key),
            store: Arc::clone(store),
            clock: self.clock.clone(),
            shadow,
            _owner: Arc::clone(owner),
        };
        let shadow = (!shadow.is_empty()).then(|| {
            let mut state = make(shadow, None);
            state.fields = LimitFields::new(&[], 0);
            RateLimitLayer(Arc::new(state))
        });
        RateLimitLayer(Arc::new(LayerState {
            exempt: self.exempt,
            refusal_hook: self.refusal_hook,
            ..make(enforced, shadow)
        }))
    }

    /// Returns the limits of all policies, then those of IPv6 networks.
    ///
    /// # Errors
    ///
    /// A rate cannot be used.
    fn limits(&self) -> Result<Vec<Limit>, RateLimitBuildError> {
        let mut limits = Vec::new();
        for policy in &self.policies {
            limits.extend(policy.limits()?);
        }
        if limits.len() > MAX_RATES {
            return Err(RateLimitBuildError::TooManyLimits {
                found: limits.len(),
                limit: MAX_RATES,
            });
        }
        let open = limits.iter().filter(|limit| limit.is_adjusted_later());
        let found = open.count();
        if found > MAX_OPEN_LIMITS {
            return Err(RateLimitBuildError::TooManyAdjustedLimits {
                found,
                limit: MAX_OPEN_LIMITS,
            });
        }
        let network = |limit: &Limit| {
            let network = limit.key.as_ref().unwrap_or(&self.key).network()?;
            if limit.for_tiers_only {
                return None;
            }
            Some(limit.of_network(network))
        };
        let networks = limits.iter().filter_map(network);
        let networks: Vec<Limit> = networks.collect::<Result<_, _>>()?;
        limits.extend(networks);
        Ok(limits)
    }
}
