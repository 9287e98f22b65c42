//! `[[limits]]` and `[redis]`: the rate limits, and the store that several nodes share.
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
    fn limiter(
        &self,
        mut builder: RateLimitLayerBuilder,
        limits: &[&Limit],
        store: Option<Arc<dyn LimitStore>>,
    ) -> Result<Option<RateLimitLayer>, ConfigFileError> {
        let Some(first) = limits.first() else {
            return Ok(None);
        };
        for limit in limits {
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

    /// Makes the policy of one limit. Fails if the rate cannot be parsed.
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
        Ok(match limit.when_store_fails {
            None => policy,
            Some(mode) => policy.when_store_fails(mode.into()),
        })
    }

    /// Returns what is counted together, and how many bits of an address identify one client.
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

    /// Connects to the store of `[redis]`. Returns `None` if the file has no such section.
    ///
    /// Pass the result to [`assemble_with`](Self::assemble_with). Keys in the store hold no address
    /// and no user in plain text: they are hashed with the key in `hash_key`.
    ///
    /// A server that cannot be reached is no error. The store tries again in the background;
    /// meanwhile `when_store_fails` decides.
    ///
    /// # Errors
    ///
    /// The address is malformed, the file of the key cannot be read, or an option is out of its
    /// range.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn start() -> Result<(), Box<dyn std::error::Error>> {
    /// use palisade::config::Config;
    ///
    /// let config = Config::read("palisade.toml")?;
    /// let store = config.connect_store().await?;
    /// let parts = config.assemble_with(store)?;
    /// # drop(parts); Ok(()) }
    /// ```
    #[cfg(feature = "redis")]
    pub async fn connect_store(&self) -> Result<Option<Arc<dyn LimitStore>>, ConfigFileError> {
        let store = self.redis_store().await?;
        Ok(store.map(|store| Arc::new(store) as Arc<dyn LimitStore>))
    }

    /// Connects to the store of `[redis]`, and returns it with its own type.
    #[cfg(feature = "redis")]
    pub(super) async fn redis_store(
        &self,
    ) -> Result<Option<palisade_rate_limit::RedisStore>, ConfigFileError> {
        let Some(redis) = &self.document.redis else {
            return Ok(None);
        };
        let key = std::fs::read(self.path(redis.hash_key.get_ref())).map_err(|problem| {
            let remedy = "name a file with at least 16 random bytes, the same on every node";
            self.source.at(&redis.hash_key, problem, remedy)
        })?;
        let store = palisade_rate_limit::RedisStore::builder(
            redis.url.get_ref(),
            palisade_core::Secret::new(key),
        );
        let store = self.store_options(redis, store)?;
        let store = store.connect().await.map_err(|problem| {
            let remedy = "write for example \"redis://127.0.0.1:6379/0\"";
            self.source.at(&redis.url, problem, remedy)
        })?;
        Ok(Some(store))
    }

    /// Applies prefix, deadline, share and failure mode of `[redis]`.
    #[cfg(feature = "redis")]
    fn store_options(
        &self,
        redis: &super::document::Redis,
        mut store: palisade_rate_limit::RedisStoreBuilder,
    ) -> Result<palisade_rate_limit::RedisStoreBuilder, ConfigFileError> {
        if let Some(prefix) = &redis.prefix {
            let wrong = |letter: char| "{}:".contains(letter) || letter.is_whitespace();
            if prefix.get_ref().is_empty() || prefix.get_ref().contains(wrong) {
                let problem = "the prefix is empty, or has a space or one of `{}:`";
                return Err(self
                    .source
                    .at(prefix, problem, "write a word such as \"palisade\""));
            }
            store = store.prefix(prefix.get_ref().as_str());
        }
        if let Some(written) = &redis.deadline_millis {
            let millis = *written.get_ref();
            if !(1..=10_000).contains(&millis) {
                let problem = format!("{millis} is out of range");
                let remedy = "write milliseconds from 1 to 10000";
                return Err(self.source.at(written, problem, remedy));
            }
            store = store.deadline(std::time::Duration::from_millis(millis));
        }
        if let Some(nodes) = self.number::<u8>(&redis.share, 1, 255)? {
            store = store.share(NonZeroU32::new(nodes.into()).unwrap_or(NonZeroU32::MIN));
        }
        Ok(match redis.when_store_fails {
            None => store,
            Some(mode) => store.failure_mode(mode.into()),
        })
    }

    /// Refuses `[redis]`, since this build has no such store. Returns `None` without the section.
    ///
    /// # Errors
    ///
    /// The file has a section `redis`.
    #[cfg(not(feature = "redis"))]
    #[expect(
        clippy::unused_async,
        reason = "the same signature with and without the feature"
    )]
    pub async fn connect_store(&self) -> Result<Option<Arc<dyn LimitStore>>, ConfigFileError> {
        match &self.document.redis {
            None => Ok(None),
            Some(redis) => {
                let remedy = "build with the feature `redis`, or remove the section";
                Err(self
                    .source
                    .at(&redis.url, "this build cannot use a store", remedy))
            }
        }
    }
}
