//! Assembling a layer: what is wrong with it is said here, not at the first request.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use http::request;
use palisade_core::{Mode, SecurityContext, SharedClock, SystemClock};

use super::{
    Inner, RateLimitLayer, Slot, exempt::Exemption, refusals::Refusals, settle::MOST_OPEN,
};
use crate::{
    ChargeWhen, HeaderStyle, Key, Limit, LimitStore, MemoryStore, Policy, PolicyError,
    fields::Fields, policy::Cost, rate::MOST_RATES, store::Owner,
};

/// Collects what a [`RateLimitLayer`] is made of.
#[derive(Debug)]
#[must_use]
pub struct RateLimitBuilder {
    name: &'static str,
    key: Key,
    policies: Vec<Policy>,
    store: Option<Arc<dyn LimitStore>>,
    clock: SharedClock,
    styles: Vec<HeaderStyle>,
    exempt: Exemption,
    mode: Mode,
}

impl RateLimitBuilder {
    pub(super) fn new(name: &'static str, key: Key) -> Self {
        Self {
            name,
            key,
            policies: Vec::new(),
            store: None,
            clock: SystemClock::shared(),
            styles: vec![HeaderStyle::Draft10],
            exempt: Exemption::default(),
            mode: Mode::Enforce,
        }
    }

    /// Adds a policy.
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policies.push(policy);
        self
    }

    /// Adds several policies.
    pub fn policies(mut self, policies: impl IntoIterator<Item = Policy>) -> Self {
        self.policies.extend(policies);
        self
    }

    /// Keeps the buckets in a store that others may share, or that outlives this layer: built again
    /// with other rates over the same store, a layer finds the state that its predecessor left.
    /// All layers over one store must have different names of limits, but for such a successor.
    pub fn store(mut self, store: Arc<dyn LimitStore>) -> Self {
        self.store = Some(store);
        self
    }

    /// Takes the time from this clock.
    pub fn clock(mut self, clock: SharedClock) -> Self {
        self.clock = clock;
        self
    }

    /// Says in which forms clients are told how the limits stand, in place of `RateLimit` alone. None is fine.
    pub fn headers(mut self, styles: impl IntoIterator<Item = HeaderStyle>) -> Self {
        self.styles = styles.into_iter().collect();
        self
    }

    /// Does not count requests for which this holds: a probe of health by the load balancer, say. What is
    /// exempt has no limit at all, and whatever the function looks at is what an attacker will imitate:
    /// judge by the client's address or the principal, not by a header.
    pub fn dangerously_exempt(
        mut self,
        judge: impl Fn(&SecurityContext, &request::Parts) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.exempt = Exemption::new(judge);
        self
    }

    /// Counts, and records what would be refused, but refuses nothing. For the days of a roll-out only.
    pub fn dangerously_only_shadow(mut self) -> Self {
        self.mode = Mode::Shadow;
        self
    }

    /// Finishes the layer.
    ///
    /// # Errors
    ///
    /// If there is no policy, or more than eight limits; if two policies or two limits have one
    /// name, also those of another layer over the same store (`api` with "100/day;10/hour" has a
    /// limit `api-day`); if a fixed cost is 0 or more than the burst; if a policy needs to know who
    /// asks where nobody does yet; or if the store cannot keep a limit.
    pub fn build(self) -> Result<RateLimitLayer, PolicyError> {
        self.check_policies()?;
        let limits = self.limits()?;
        check_names(&limits)?;
        let store = self
            .store
            .clone()
            .unwrap_or_else(|| Arc::new(MemoryStore::default()));
        for limit in &limits {
            for limit in std::iter::once(limit).chain(limit.tiers.iter().map(|(_, limit)| &**limit))
            {
                self.check(limit)?;
                store.accepts(limit)?;
            }
        }
        let owner = Owner::new(self.name);
        if let Some(names) = store.names() {
            names.register(&owner, limits.iter())?;
        }
        Ok(RateLimitLayer(Arc::new(Inner {
            name: self.name,
            mode: self.mode,
            exempt: self.exempt,
            fields: Fields::new(&self.styles, limits.len()),
            refusals: Refusals::new(limits.len()),
            limits: Slot::all(limits, &self.key),
            store,
            clock: self.clock,
            _owner: owner,
        })))
    }

    /// Returns the limits of all policies, and after them those of the networks of IPv6.
    fn limits(&self) -> Result<Vec<Limit>, PolicyError> {
        let mut limits = Vec::new();
        for policy in &self.policies {
            limits.extend(policy.limits()?);
        }
        if limits.len() > MOST_RATES {
            return Err(PolicyError::too_many(limits.len()));
        }
        let open = limits.iter().filter(|limit| limit.stays_open()).count();
        if open > MOST_OPEN {
            return Err(PolicyError::new(format!(
                "{open} limits are penalties, settled or refunded; one layer has room for {MOST_OPEN}"
            )));
        }
        let network = |limit: &Limit| {
            let network = limit.key.as_ref().unwrap_or(&self.key).network()?;
            Some(limit.of_network(network))
        };
        let networks = limits.iter().filter_map(network);
        let networks: Vec<Limit> = networks.collect::<Result<_, _>>()?;
        limits.extend(networks);
        Ok(limits)
    }

    fn check_policies(&self) -> Result<(), PolicyError> {
        if self.policies.is_empty() {
            return Err(PolicyError::new(
                "a rate limit without a policy limits nothing; add one with `.policy(..)`",
            ));
        }
        let mut names = HashSet::new();
        match self
            .policies
            .iter()
            .find(|policy| !names.insert(policy.name()))
        {
            Some(twice) => Err(PolicyError::policy(
                twice.name(),
                "the name is used twice; buckets are kept by name",
            )),
            None => Ok(()),
        }
    }

    fn check(&self, limit: &Limit) -> Result<(), PolicyError> {
        let wrong = |why: &str| Err(PolicyError::policy(&limit.policy, why));
        let before_authentication = !self.key.needs_identity();
        if before_authentication && limit.key.as_ref().is_some_and(Key::needs_identity) {
            return wrong(
                "counts principals, but stands before authentication; put it into `by_principal()`",
            );
        }
        if !before_authentication && limit.penalty {
            return wrong(
                "failed credentials are not seen inside authentication; put it into `by_client()`",
            );
        }
        if limit.charge_when != ChargeWhen::Admitted && (before_authentication || limit.penalty) {
            return wrong(
                "gives back what refused requests paid, which would make guesses at credentials free; put it into `by_principal()`",
            );
        }
        if limit.penalty && limit.settled_by.is_some() {
            return wrong("a penalty is charged by failed credentials, not settled by a handler");
        }
        match limit.cost {
            Cost::Fixed(0) if limit.settled_by.is_none() => wrong("a cost of 0 would never count"),
            Cost::Fixed(cost) if cost > limit.burst() => {
                wrong("one request costs more than may be spent at once; raise the burst")
            }
            _ => Ok(()),
        }
    }
}

/// Buckets are kept by the name of the limit.
fn check_names(limits: &[Limit]) -> Result<(), PolicyError> {
    let mut names = HashMap::new();
    for limit in limits {
        if let Some(other) = names.insert(&limit.name, &limit.policy) {
            let why = format!(
                "its limit `{}` has the name of a limit of policy `{other}`; rename one of the policies",
                limit.name
            );
            return Err(PolicyError::policy(&limit.policy, why));
        }
    }
    Ok(())
}
