//! `[[limits]]`: the rate limits.
//!
//! Limits by client become one layer before authentication; limits by principal or owner become one
//! layer after it. Without a store, each layer counts in memory.

mod redis;
mod memory;
mod in_progress;

use std::{num::NonZeroU32, sync::Arc};

use palisade_rate_limit::{
    FailureMode, Key, LimitStore, Policy, RateLimitLayer, RateLimitLayerBuilder,
};

use crate::config::{
    Config, ConfigFileError,
    document::{By, Limit, On, StoreFails},
};
use crate::shield::ShieldBuilder;

/// The default of `delayed_requests`.
const DELAYED_REQUESTS: u32 = 500;

/// The default of `ipv6_network_multiple`.
const FOUR: NonZeroU32 = NonZeroU32::new(4).expect("four is not zero");

/// The limits of a configuration, to look at them and to reset them while the shield decides by them.
///
/// # Examples
///
/// ```
/// use palisade::config::Config;
///
/// let text = "[server]\nhosts = ['a.example']\n[[limits]]\nname = 'all'\nrate = '9/minute'\nby = 'client'";
/// let parts = Config::parse(text)?.assemble()?;
/// let clients = parts.limits.clients.expect("the file has a limit by client");
/// let states = clients.inspect_client([192, 0, 2, 1].into());
/// # let _ = states; assert!(parts.limits.principals.is_none());
/// # Ok::<(), palisade::config::ConfigFileError>(())
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct LimitLayers {
    /// The limits by client address. `None` if the file has none.
    pub clients: Option<RateLimitLayer>,
    /// The limits by principal and owner. `None` if the file has none.
    pub principals: Option<RateLimitLayer>,
}

impl From<StoreFails> for FailureMode {
    fn from(mode: StoreFails) -> Self {
        match mode {
            StoreFails::FailClosed => Self::FailClosed,
            StoreFails::FailOpen => Self::FailOpen,
            StoreFails::Local => Self::local(),
        }
    }
}

impl Config {
    /// Adds the layers of the limits to the shield. Both use the given store.
    ///
    /// # Errors
    ///
    /// A limit cannot be used, or two limits have one name.
    pub(in crate::config) fn rate_limits(
        &self,
        shield: ShieldBuilder,
        store: Option<Arc<dyn LimitStore>>,
    ) -> Result<(ShieldBuilder, LimitLayers), ConfigFileError> {
        let by_client = |limit: &&Limit| limit.by == By::Client;
        let (clients, principals): (Vec<_>, Vec<_>) =
            self.document.limits.iter().partition(by_client);
        let clients = self.limiter(RateLimitLayer::by_client(), &clients, store.clone())?;
        let principals = self.limiter(RateLimitLayer::by_principal(), &principals, store)?;
        let layers = LimitLayers {
            clients,
            principals,
        };
        let shield = match layers.clients.clone() {
            Some(layer) => shield.limit_clients(layer),
            None => shield,
        };
        let shield = match layers.principals.clone() {
            Some(layer) => shield.limit_principals(layer),
            None => shield,
        };
        Ok((shield, layers))
    }

    /// Builds one layer of several limits. Returns `None` if there is no limit of this kind.
    ///
    /// # Errors
    ///
    /// The limits do not fit together: see `RateLimitBuildError`.
    fn limiter(
        &self,
        mut builder: RateLimitLayerBuilder,
        limits: &[&Limit],
        store: Option<Arc<dyn LimitStore>>,
    ) -> Result<Option<RateLimitLayer>, ConfigFileError> {
        let Some(first) = limits.first() else {
            return Ok(None);
        };
        let has_leases = store.as_ref().is_some_and(|store| store.has_leases());
        for limit in limits {
            if let Some(lease) = limit.lease.as_ref().filter(|_| !has_leases) {
                let problem = "a lease needs a store that several nodes share";
                let remedy = "add the section `[redis]` and restart, or remove `lease`";
                return Err(self.source.at(lease, problem, remedy));
            }
            builder = builder.policy(self.policy(limit)?);
        }
        if let Some(store) = store {
            builder = builder.store(store);
        }
        if self.only_shadow {
            builder = builder.dangerously_only_shadow();
        }
        if self.document.limit_fields.partition_keys {
            builder = builder.partition_keys();
        }
        let layer = builder.build();
        let layer = layer.map_err(|problem| {
            self.source
                .at(&first.name, problem, "correct the sections `limits`")
        })?;
        Ok(Some(layer))
    }

    /// Makes the policy of one limit.
    ///
    /// # Errors
    ///
    /// The rate cannot be parsed, or a number is out of range.
    fn policy(&self, limit: &Limit) -> Result<Policy, ConfigFileError> {
        let policy = Policy::named(limit.name.get_ref().as_str()).rate(limit.rate.get_ref());
        let mut policy = policy.map_err(|problem| {
            let remedy = "write for example \"10/minute\" or \"200/day;50/hour\"";
            self.source.at(&limit.rate, problem, remedy)
        })?;
        policy = policy.key(self.key(limit)?);
        if let Some(units) = limit.burst {
            policy = policy.burst(units);
        }
        policy = self.with_principals(policy, limit)?;
        if let On::Named = limit.routes {
            policy = policy.on_named_routes();
        }
        if limit.penalty {
            policy = policy.penalty();
        }
        if let Some(written) = limit.penalty_for_refusals.as_ref()
            && *written.get_ref()
        {
            if limit.penalty {
                let problem = "failed credentials or refusals are charged, not both";
                let remedy = "write two limits, or remove one of the keys";
                return Err(self.source.at(written, problem, remedy));
            }
            policy = policy.penalty_for_refusals();
        }
        if limit.dangerously_only_shadow {
            policy = policy.dangerously_only_shadow();
        }
        if let Some(units) = self.number::<u32>(&limit.lease, 2, u32::MAX.into())? {
            policy = policy.lease(units);
        }
        if let Some(mode) = limit.when_store_fails {
            policy = policy.when_store_fails(mode.into());
        }
        self.with_delay(policy, limit)
    }

    /// Lets requests wait, if the limit says so.
    ///
    /// # Errors
    ///
    /// A number is out of range, the limit cannot wait, or the feature `server` is missing.
    fn with_delay(&self, policy: Policy, limit: &Limit) -> Result<Policy, ConfigFileError> {
        let requests = self.number::<u32>(&limit.delayed_requests, 1, 100_000)?;
        let Some(written) = &limit.delay_millis else {
            return match &limit.delayed_requests {
                None => Ok(policy),
                Some(requests) => {
                    let problem = "no request waits without `delay_millis`";
                    let remedy = "add `delay_millis`, or remove `delayed_requests`";
                    Err(self.source.at(requests, problem, remedy))
                }
            };
        };
        let millis = self.in_range(written, 1, 60_000)?;
        let policy = delayed(policy, millis, requests.unwrap_or(DELAYED_REQUESTS));
        let checked = policy.and_then(|policy| match policy.limits() {
            Ok(_) => Ok(policy),
            Err(problem) => Err(problem.to_string()),
        });
        checked.map_err(|problem| {
            let remedy = "correct the keys of this limit, or remove `delay_millis`";
            self.source.at(written, problem, remedy)
        })
    }

    /// Adds what differs between principals: tiers, and the most that they may bring.
    ///
    /// # Errors
    ///
    /// A rate cannot be parsed, or the limit counts other subjects.
    fn with_principals(
        &self,
        mut policy: Policy,
        limit: &Limit,
    ) -> Result<Policy, ConfigFileError> {
        for (tier, rates) in &limit.tiers {
            if limit.by == By::Client {
                let problem = "a client has no tier before authentication";
                let remedy = "write `by = \"principal\"` or `by = \"owner\"`, or remove `tiers`";
                return Err(self.source.at(rates, problem, remedy));
            }
            policy = policy.for_tier(tier.as_str(), rates.get_ref().as_str());
            policy.limits().map_err(|problem| {
                let remedy = "write for example `tiers = { paid = \"5000/day\" }`";
                self.source.at(rates, problem, remedy)
            })?;
        }
        let Some(written) = &limit.own_amounts_up_to else {
            return Ok(policy);
        };
        if limit.by != By::Principal {
            let problem = "only principals bring amounts of their own";
            let remedy = "write `by = \"principal\"`, or remove `own_amounts_up_to`";
            return Err(self.source.at(written, problem, remedy));
        }
        let most = self.number::<u32>(&limit.own_amounts_up_to, 1, u32::MAX.into())?;
        Ok(match most {
            None => policy,
            Some(units) => policy.own_amounts_up_to(units),
        })
    }

    /// Returns what is counted together, and how many bits of an address identify one client.
    ///
    /// # Errors
    ///
    /// `by` is unknown, or a prefix of addresses is out of range.
    fn key(&self, limit: &Limit) -> Result<Key, ConfigFileError> {
        let key = match limit.by {
            By::Client => Key::client(),
            By::Owner => Key::owner(),
            By::Principal => Key::principal(),
        };
        let v4 = self.number::<u8>(&limit.ipv4_prefix, 1, 32)?;
        let v6 = self.number::<u8>(&limit.ipv6_prefix, 1, 128)?;
        let key = match (v4, v6) {
            (None, None) => key,
            (v4, v6) => key.prefixes(v4.unwrap_or(32), v6.unwrap_or(64)),
        };
        let multiple = self.number::<u8>(&limit.ipv6_network_multiple, 1, 255)?;
        let multiple = multiple.and_then(|multiple| NonZeroU32::new(multiple.into()));
        Ok(
            match self.number::<u8>(&limit.ipv6_network_prefix, 0, 128)? {
                None if multiple.is_none() => key,
                Some(0) => key.without_ipv6_network(),
                prefix => key.ipv6_network(prefix.unwrap_or(56), multiple.unwrap_or(FOUR)),
            },
        )
    }
}

/// Adds a delay to a policy.
///
/// # Errors
///
/// The feature `server` is missing: there is no timer.
#[cfg(feature = "server")]
#[expect(clippy::unnecessary_wraps, reason = "it fails without the feature")]
fn delayed(policy: Policy, millis: u64, requests: u32) -> Result<Policy, String> {
    Ok(policy.delay(std::time::Duration::from_millis(millis), requests))
}

#[cfg(not(feature = "server"))]
fn delayed(_: Policy, _: u64, _: u32) -> Result<Policy, String> {
    Err("it needs the feature `server` of `palisade`".to_owned())
}
