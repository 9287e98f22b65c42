//! `[[limits]]` and `[redis]`.

use std::sync::Arc;

use palisade_rate_limit::{FailureMode, Key, LimitStore, Policy, RateLimitBuilder, RateLimitLayer};

use super::{
    Config, ConfigFileError,
    document::{By, Limit, On, StoreFails},
};
use crate::ShieldBuilder;

impl Config {
    pub(super) fn limits(
        &self,
        shield: ShieldBuilder,
        store: Option<Arc<dyn LimitStore>>,
    ) -> Result<ShieldBuilder, ConfigFileError> {
        let by_client = |limit: &&Limit| limit.by == By::Client;
        let (clients, principals): (Vec<_>, Vec<_>) =
            self.document.limits.iter().partition(by_client);
        let clients = self.limiter(RateLimitLayer::by_client(), &clients, store.clone())?;
        let principals = self.limiter(RateLimitLayer::by_principal(), &principals, store)?;
        let shield = match clients {
            Some(layer) => shield.limit_clients(layer),
            None => shield,
        };
        Ok(match principals {
            Some(layer) => shield.limit_principals(layer),
            None => shield,
        })
    }

    fn limiter(
        &self,
        mut builder: RateLimitBuilder,
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
        let layer = builder.build();
        let layer = layer.map_err(|problem| {
            self.source
                .at(&first.name, problem, "correct the sections `limits`")
        })?;
        Ok(Some(layer))
    }

    fn policy(&self, limit: &Limit) -> Result<Policy, ConfigFileError> {
        let policy = Policy::named(limit.name.get_ref().as_str()).rate(limit.rate.get_ref());
        let mut policy = policy.map_err(|problem| {
            let remedy = "write for example \"10/minute\" or \"200/day;50/hour\"";
            self.source.at(&limit.rate, problem, remedy)
        })?;
        policy = match limit.by {
            By::Client => policy.key(Key::client()),
            By::Owner => policy.key(Key::owner()),
            By::Principal => policy.key(Key::principal()),
        };
        if let Some(units) = limit.burst {
            policy = policy.burst(units);
        }
        if let On::Named = limit.routes {
            policy = policy.on_named_routes();
        }
        if limit.penalty {
            policy = policy.penalty();
        }
        Ok(policy.when_store_fails(match limit.when_store_fails {
            StoreFails::FailClosed => FailureMode::FailClosed,
            StoreFails::FailOpen => FailureMode::FailOpen,
            StoreFails::Local => FailureMode::local(),
        }))
    }

    /// Connects to the store that a fleet shares, where the file names one. Its keys hold no
    /// address and no user in clear: they are hashed with the key in `hash_key`.
    ///
    /// # Errors
    /// The address is malformed, or the key cannot be read. A server that is away is no error.
    #[cfg(feature = "redis")]
    pub async fn connect_store(&self) -> Result<Option<Arc<dyn LimitStore>>, ConfigFileError> {
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
        let store = store.connect().await.map_err(|problem| {
            let remedy = "write for example \"redis://127.0.0.1:6379/0\"";
            self.source.at(&redis.url, problem, remedy)
        })?;
        Ok(Some(Arc::new(store)))
    }

    /// Complains where the file names a store and this build cannot use one.
    ///
    /// # Errors
    /// It does.
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
