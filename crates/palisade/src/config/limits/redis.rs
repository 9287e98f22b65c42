//! The store of the limits: that of `[redis]`, which several nodes share, or that of `[limit_store]`.

use std::sync::Arc;
#[cfg(feature = "redis")]
use std::{num::NonZeroU32, path::PathBuf, time::Duration};

use palisade_rate_limit::LimitStore;
#[cfg(feature = "redis")]
use {
    palisade_core::Secret,
    palisade_rate_limit::{
        LeasedStore, RedisStore, RedisStoreBuildError, RedisStoreBuilder, StoreProblem,
    },
    toml::Spanned,
};

use crate::config::document::Redis;
use crate::config::{Config, ConfigFileError};

/// The fewest bytes of `hash_key`.
#[cfg(feature = "redis")]
const SHORTEST_HASH_KEY: usize = 16;

impl Config {
    /// Connects to the store of `[redis]`, or opens that of `[limit_store]`. Returns `None` if the file has
    /// neither.
    ///
    /// Pass the result to [`assemble_with`](Self::assemble_with). Keys in the store hold no address
    /// and no user in plain text: they are hashed with the key in `hash_key`.
    ///
    /// A server that cannot be reached is no error. The store tries again in the background;
    /// meanwhile `when_store_fails` decides.
    ///
    /// # Errors
    ///
    /// The address is malformed, the file of the key cannot be read, an option is out of its range, the server refuses
    /// the commands of the limits or of `[[concurrency]]` to its user, or the snapshot of `[limit_store]` may not be used.
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
        if let Some(memory) = self.memory_store()? {
            return Ok(Some(memory));
        }
        let Some((store, redis)) = self.redis_store().await?.zip(self.document.redis.as_ref())
        else {
            return Ok(None);
        };
        self.check_permissions(redis, &store).await?;
        self.leases(redis, store).map(Some)
    }

    /// Checks that the user of the server may run what this file needs, if the server replies.
    ///
    /// # Errors
    ///
    /// It may not: waiting would not help.
    #[cfg(feature = "redis")]
    pub(in crate::config) async fn check_permissions(
        &self,
        redis: &Redis,
        store: &RedisStore,
    ) -> Result<(), ConfigFileError> {
        if !self.document.concurrency.is_empty() {
            // A limit of concurrent requests asks for it too, and the probe covers it.
            let _ = store.permits();
        }
        let remedy =
            "allow the user what \"Set up the server\" of the guide about several nodes lists";
        match store.check().await {
            Err(problem @ (StoreProblem::NoPerm | StoreProblem::UnknownCommand)) => {
                Err(self.source.at(&redis.url, problem, remedy))
            }
            _ => Ok(()),
        }
    }

    /// Returns a store in memory that can keep the limits of this file, for a check or a description: with
    /// leases if the file has `[redis]`. No server is asked.
    ///
    /// # Errors
    ///
    /// `lease_millis` is out of range, or this build cannot use `[redis]`.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade::config::Config;
    ///
    /// let text = "[server]\nhosts = ['a.example']\n[[limits]]\nname = 'all'\nrate = '9/minute'";
    /// let config = Config::parse(text)?;
    /// let parts = config.assemble_with(Some(config.store_of_check()?))?;
    /// assert!(parts.limits.clients.is_some());
    /// # Ok::<(), palisade::config::ConfigFileError>(())
    /// ```
    pub fn store_of_check(&self) -> Result<Arc<dyn LimitStore>, ConfigFileError> {
        let memory = self.memory_of_check()?;
        match &self.document.redis {
            None => Ok(Arc::new(memory)),
            #[cfg(feature = "redis")]
            Some(redis) => self.leases(redis, memory),
            #[cfg(not(feature = "redis"))]
            Some(redis) => Err(self.no_redis(redis)),
        }
    }

    /// Puts leases around a store. Policies without `lease` are passed through.
    ///
    /// # Errors
    ///
    /// `lease_millis` is out of range.
    #[cfg(feature = "redis")]
    fn leases(
        &self,
        redis: &Redis,
        store: impl LimitStore,
    ) -> Result<Arc<dyn LimitStore>, ConfigFileError> {
        let leases = LeasedStore::builder(store);
        let leases = match self.number::<u16>(&redis.lease_millis, 10, 60_000)? {
            Some(millis) => leases.life(Duration::from_millis(millis.into())),
            None => leases,
        };
        let leases = leases.build().map_err(|problem| {
            self.source
                .at(&redis.url, problem, "correct `lease_millis`")
        })?;
        Ok(Arc::new(leases))
    }

    /// Connects to the store of `[redis]`, and returns it with its own type.
    ///
    /// # Errors
    ///
    /// A key cannot be used. A server that cannot be reached is no error.
    #[cfg(feature = "redis")]
    pub(in crate::config) async fn redis_store(
        &self,
    ) -> Result<Option<RedisStore>, ConfigFileError> {
        let Some(redis) = &self.document.redis else {
            return Ok(None);
        };
        let key = self.secret_file(&redis.hash_key, SHORTEST_HASH_KEY)?;
        let store = RedisStore::builder(redis.url.get_ref(), key);
        let store = self.store_options(redis, store)?;
        let store = self.store_passwords(redis, store)?;
        let store = self.store_certificates(redis, store)?;
        let store = store.connect().await.map_err(|problem| {
            let remedy = match problem {
                RedisStoreBuildError::UnusedCertificates => {
                    "or remove `root_certificate`, `client_certificate` and `client_key`"
                }
                _ => "write for example \"redis://127.0.0.1:6379/0\"",
            };
            self.source.at(&redis.url, problem, remedy)
        })?;
        Ok(Some(store))
    }

    /// Applies prefix, deadline, share and failure mode of `[redis]`.
    ///
    /// # Errors
    ///
    /// The prefix, the deadline or the share cannot be used.
    #[cfg(feature = "redis")]
    fn store_options(
        &self,
        redis: &Redis,
        mut store: RedisStoreBuilder,
    ) -> Result<RedisStoreBuilder, ConfigFileError> {
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
            store = store.deadline(Duration::from_millis(millis));
        }
        if let Some(nodes) = self.number::<u8>(&redis.share, 1, 255)? {
            store = store.share(NonZeroU32::new(nodes.into()).unwrap_or(NonZeroU32::MIN));
        }
        Ok(match redis.when_store_fails {
            None => store,
            Some(mode) => store.failure_mode(mode.into()),
        })
    }

    /// Applies the passwords of `[redis]`, each without the line end of its file.
    ///
    /// # Errors
    ///
    /// A file cannot be read.
    #[cfg(feature = "redis")]
    fn store_passwords(
        &self,
        redis: &Redis,
        mut store: RedisStoreBuilder,
    ) -> Result<RedisStoreBuilder, ConfigFileError> {
        let remedy = "name a file that holds the password alone";
        if let Some(file) = &redis.password_file {
            store = store.password(self.password(file, remedy)?);
        }
        if let Some(file) = &redis.sentinel_password_file {
            store = store.sentinel_password(self.password(file, remedy)?);
        }
        if let Some(user) = &redis.sentinel_user {
            store = store.sentinel_user(user.get_ref().as_str());
        }
        Ok(store)
    }

    /// Reads a password, without the line end of its file. Others must not write the file, as that of every secret.
    ///
    /// # Errors
    ///
    /// The file cannot be read, others may write it, or it is empty.
    #[cfg(feature = "redis")]
    pub(in crate::config) fn password(
        &self,
        file: &Spanned<PathBuf>,
        remedy: &str,
    ) -> Result<Secret, ConfigFileError> {
        let content = self.secret_content(file, remedy)?;
        match content.trim_ascii_end() {
            [] => Err(self.source.at(file, "the file is empty", remedy)),
            password => Ok(Secret::new(password)),
        }
    }

    /// Applies the certificates of `[redis]`.
    ///
    /// # Errors
    ///
    /// A file cannot be read.
    #[cfg(feature = "redis-tls")]
    fn store_certificates(
        &self,
        redis: &Redis,
        mut store: RedisStoreBuilder,
    ) -> Result<RedisStoreBuilder, ConfigFileError> {
        let remedy = "name a PEM file";
        if let Some(file) = &redis.root_certificate {
            store = store.root_certificate(self.content(file, remedy)?);
        }
        let (certificate, key) = match (&redis.client_certificate, &redis.client_key) {
            (None, None) => return Ok(store),
            (Some(certificate), Some(key)) => (certificate, key),
            (Some(one), None) | (None, Some(one)) => {
                let problem = "certificate and key belong together, and one is missing";
                let remedy = "write both `client_certificate` and `client_key`";
                return Err(self.source.at(one, problem, remedy));
            }
        };
        let key = Secret::new(self.secret_content(key, remedy)?);
        Ok(store.client_certificate(self.content(certificate, remedy)?, key))
    }

    /// Refuses certificates, since this build has no TLS to the store.
    ///
    /// # Errors
    ///
    /// There is such a key.
    #[cfg(all(feature = "redis", not(feature = "redis-tls")))]
    fn store_certificates(
        &self,
        redis: &Redis,
        store: RedisStoreBuilder,
    ) -> Result<RedisStoreBuilder, ConfigFileError> {
        let files = [
            &redis.root_certificate,
            &redis.client_certificate,
            &redis.client_key,
        ];
        match files.into_iter().flatten().next() {
            None => Ok(store),
            Some(file) => {
                let remedy = "build with the feature `redis-tls`, or remove the key";
                Err(self
                    .source
                    .at(file, "this build has no TLS to the store", remedy))
            }
        }
    }

    /// Reads a file of the section that is no secret.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    #[cfg(feature = "redis-tls")]
    fn content(&self, file: &Spanned<PathBuf>, remedy: &str) -> Result<Vec<u8>, ConfigFileError> {
        std::fs::read(self.path(file.get_ref()))
            .map_err(|problem| self.source.at(file, problem, remedy))
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
            None => self.memory_store(),
            Some(redis) => Err(self.no_redis(redis)),
        }
    }

    /// The error of `[redis]` in this build.
    #[cfg(not(feature = "redis"))]
    fn no_redis(&self, redis: &Redis) -> ConfigFileError {
        let remedy = "build with the feature `redis`, or remove the section";
        self.source
            .at(&redis.url, "this build cannot use a store", remedy)
    }
}
