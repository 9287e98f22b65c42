//! `[[limits]]`: the rate limits.
//!
//! Limits by client become one layer before authentication; limits by principal or owner become one
//! layer after it. Without a store, each layer counts in memory.

use std::{num::NonZeroU32, sync::Arc};

use palisade_rate_limit::{
    FailureMode, Key, LimitStore, Policy, RateLimitLayer, RateLimitLayerBuilder,
};

use super::{
    Config, ConfigFileError,
    document::{By, Limit, On, StoreFails},
};
use crate::shield::ShieldBuilder;

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
    pub(super) fn rate_limits(
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
        Ok(match limit.when_store_fails {
            None => policy,
            Some(mode) => policy.when_store_fails(mode.into()),
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
