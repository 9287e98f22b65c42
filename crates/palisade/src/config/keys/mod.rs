//! `[keys]`: opens the file of API keys, or their store in Redis, and adds their authenticator.
//!
//! A missing or unreadable file is an error at start. After that, the last keys read stay valid for
//! `max_stale_minutes`; then requests with a key get status 503.

#[cfg(feature = "redis")]
mod redis;
mod exposed;
mod seen;

use std::path::PathBuf;

#[cfg(feature = "redis")]
use palisade_api_key::RedisKeyStore;
use palisade_api_key::{
    ApiKeyBuildError, ApiKeyLayer, ApiKeyLayerBuilder, Environment, FileKeyStore, KeyFormat,
    KeyRecord, KeyScheme, Pepper,
};

pub(in crate::config) use self::seen::SeenKeys;
use crate::config::{
    Config, ConfigFileError,
    audit::late_audit::LateAudit,
    document::{Keys, KeysRedis, OnExposed},
    keys::exposed::revoker,
    values::numbers::TimeUnit,
};
#[cfg(feature = "session")]
use crate::session::KeyCheck;
use crate::{audit_events, shield::ShieldBuilder};

/// The largest `max_stale_minutes`: a week. While the file cannot be read, a revoked key stays
/// valid for so long.
pub(in crate::config) const LONGEST_STALE_MINUTES: u64 = 7 * 24 * 60;

/// The keys of a configuration, for the application and for sessions.
#[derive(Default)]
pub(in crate::config) struct OpenedKeys {
    /// Those of a file.
    pub(in crate::config) file: Option<(KeyScheme, FileKeyStore)>,
    /// Those of a server.
    #[cfg(feature = "redis")]
    pub(in crate::config) redis: Option<(KeyScheme, RedisKeyStore)>,
    /// Whose keys are accepted.
    #[cfg(feature = "session")]
    environments: Vec<Environment>,
}

impl OpenedKeys {
    /// Returns what ends sessions with their keys. `None`: no key is accepted.
    #[cfg(feature = "session")]
    pub(in crate::config) fn check(&self) -> Option<KeyCheck> {
        let file = self.file.as_ref();
        let check = file.map(|(_, store)| KeyCheck::new(store.clone()));
        #[cfg(feature = "redis")]
        let check = check.or_else(|| {
            let redis = self.redis.as_ref();
            redis.map(|(_, store)| KeyCheck::new(store.clone()))
        });
        check.map(|check| check.environments(self.environments.iter().copied()))
    }
}

impl Config {
    /// Adds the authenticator of API keys. Also returns scheme and store, with which the
    /// application can issue and revoke keys. `trail` gets the changes of keys, `seen` is what stores in Redis have seen.
    ///
    /// # Errors
    ///
    /// The store or the pepper cannot be read, or a key of the file was made with another pepper or prefix.
    pub(in crate::config) fn keys(
        &self,
        shield: ShieldBuilder,
        trail: &LateAudit,
        seen: &SeenKeys,
    ) -> Result<(ShieldBuilder, OpenedKeys), ConfigFileError> {
        let Some(keys) = &self.document.keys else {
            return Ok((shield, OpenedKeys::default()));
        };
        let scheme = self.scheme(keys)?;
        let mut opened = OpenedKeys::default();
        let layer = match (&keys.file, &keys.redis) {
            (Some(file), None) => {
                let store = self.keys_in_file(keys, file, &scheme, trail)?;
                let layer = ApiKeyLayer::builder(scheme.clone(), store.clone());
                opened.file = Some((scheme, store.clone()));
                match keys.on_exposed {
                    OnExposed::Record => layer,
                    OnExposed::Revoke => layer.on_exposed(revoker(store)),
                }
            }
            (None, Some(redis)) => {
                let sources = (trail, seen);
                self.layer_of_redis(keys, redis, scheme, sources, &mut opened)?
            }
            (None, None) => {
                let remedy = "write file = \"keys.toml\", or add [keys.redis]";
                let problem = "the section names no place of the keys";
                return Err(self.source.at(&keys.pepper, problem, remedy));
            }
            (Some(file), Some(_)) => {
                let problem = "the keys are in a file or in Redis, not in both";
                let remedy = "remove it, or remove [keys.redis]";
                return Err(self.source.at(file, problem, remedy));
            }
        };
        let environments = self.environments(keys)?;
        let layer = layer.environments(environments.iter().copied());
        #[cfg(feature = "session")]
        {
            opened.environments = environments;
        }
        let layer = self.key_choices(keys, layer)?;
        Ok((shield.authenticate(layer), opened))
    }

    /// Opens the file of the keys.
    ///
    /// # Errors
    ///
    /// It cannot be read, or a key was made with another pepper or prefix.
    fn keys_in_file(
        &self,
        keys: &Keys,
        file: &toml::Spanned<PathBuf>,
        scheme: &KeyScheme,
        trail: &LateAudit,
    ) -> Result<FileKeyStore, ConfigFileError> {
        let trail = trail.clone();
        let mut store = FileKeyStore::builder(self.path(file.get_ref()))
            .on_change(move |change| trail.record(audit_events::of_key(change)));
        if let Some(age) = self.time(
            &keys.max_stale_minutes,
            TimeUnit::Minutes,
            LONGEST_STALE_MINUTES,
        )? {
            store = store.max_stale_age(age);
        }
        let store = store.open().map_err(|problem| {
            let remedy = "make one with `palisade key new`, or name the existing file";
            self.source.at(file, problem, remedy)
        })?;
        let records = store.table().records();
        match records.iter().find(|record| !scheme.made(record)) {
            // Otherwise every key would be refused, and only the audit trail would say why.
            Some(record) => Err(self.made_otherwise(keys, record)),
            None => Ok(store),
        }
    }

    /// The error of a key that was made with another pepper or prefix.
    pub(in crate::config) fn made_otherwise(
        &self,
        keys: &Keys,
        record: &KeyRecord,
    ) -> ConfigFileError {
        let problem = format!(
            "the key {} was made with another pepper or prefix",
            record.id()
        );
        let remedy = "name the pepper and the prefix with which the keys of this file were made, or add the pepper to other_peppers";
        self.source.at(&keys.pepper, problem, remedy)
    }

    /// Makes the layer of `[keys.redis]`, and notes its store.
    ///
    /// # Errors
    ///
    /// The store cannot be used, or a key of the section is for files alone.
    #[cfg(feature = "redis")]
    fn layer_of_redis(
        &self,
        keys: &Keys,
        redis: &KeysRedis,
        scheme: KeyScheme,
        (trail, seen): (&LateAudit, &SeenKeys),
        opened: &mut OpenedKeys,
    ) -> Result<ApiKeyLayerBuilder, ConfigFileError> {
        if let Some(minutes) = &keys.max_stale_minutes {
            let problem = "it is for keys in a file";
            let remedy =
                "remove it: `lifetime_millis` of [keys.redis] says how long a record is used";
            return Err(self.source.at(minutes, problem, remedy));
        }
        let store = self.keys_in_redis(redis, trail, seen)?;
        let layer = ApiKeyLayer::builder(scheme.clone(), store.clone());
        opened.redis = Some((scheme, store.clone()));
        Ok(match keys.on_exposed {
            OnExposed::Record => layer,
            OnExposed::Revoke => layer.on_exposed(crate::config::keys::redis::revoker(store)),
        })
    }

    /// Refuses `[keys.redis]`: this build has no such store.
    ///
    /// # Errors
    ///
    /// Always.
    #[cfg(not(feature = "redis"))]
    fn layer_of_redis(
        &self,
        _: &Keys,
        redis: &KeysRedis,
        _: KeyScheme,
        _: (&LateAudit, &SeenKeys),
        _: &mut OpenedKeys,
    ) -> Result<ApiKeyLayerBuilder, ConfigFileError> {
        let remedy = "build with the feature `redis`, or remove the table";
        let problem = "this build cannot keep keys in Redis";
        Err(self.source.at(&redis.url, problem, remedy))
    }

    /// Applies what is the same for keys of a file and of Redis.
    ///
    /// # Errors
    ///
    /// The realm or the prefix of imported keys cannot be used.
    fn key_choices(
        &self,
        keys: &Keys,
        mut layer: ApiKeyLayerBuilder,
    ) -> Result<ApiKeyLayer, ConfigFileError> {
        if let Some(prefix) = &keys.imported_prefix {
            layer = layer.imported_prefix(prefix.get_ref().as_str());
        }
        if let Some(realm) = &keys.realm {
            layer = layer.realm(realm.get_ref().as_str());
        }
        layer
            .build()
            .map_err(|problem| self.layer_error(keys, &problem))
    }

    /// Makes the error about the key that the layer refuses.
    fn layer_error(&self, keys: &Keys, problem: &ApiKeyBuildError) -> ConfigFileError {
        let remedy = "correct the section `keys`";
        match (problem, &keys.imported_prefix, &keys.realm) {
            (ApiKeyBuildError::ImportedPrefix, Some(prefix), _) => {
                let remedy =
                    "write a prefix such as \"sk-\", and dangerously_accept_imported_keys = true";
                self.source.at(prefix, problem, remedy)
            }
            (ApiKeyBuildError::Realm, _, Some(realm)) => self.source.at(realm, problem, remedy),
            _ => self.source.at(&keys.pepper, problem, remedy),
        }
    }

    /// Reads peppers and prefix. Default prefix: that of [`KeyScheme::new`].
    ///
    /// # Errors
    ///
    /// A pepper cannot be read, or is there twice; or the prefix cannot be one.
    pub(in crate::config) fn scheme(&self, keys: &Keys) -> Result<KeyScheme, ConfigFileError> {
        let pepper = self.pepper(&keys.pepper)?;
        let format = match &keys.prefix {
            None => KeyFormat::default(),
            Some(prefix) => KeyFormat::with_prefix(prefix.get_ref()).map_err(|problem| {
                self.source
                    .at(prefix, problem, "write a short word, such as \"psk\"")
            })?,
        };
        let mut scheme = KeyScheme::with_format(format, pepper);
        for other in &keys.other_peppers {
            scheme = scheme.also_accept(self.pepper(other)?).map_err(|problem| {
                self.source
                    .at(other, problem, "remove this file from the list")
            })?;
        }
        Ok(match keys.dangerously_accept_imported_keys {
            true => scheme.dangerously_accept_imported_keys(),
            false => scheme,
        })
    }

    /// Reads a pepper.
    ///
    /// # Errors
    ///
    /// It cannot be read, or others may read it.
    fn pepper(&self, file: &toml::Spanned<PathBuf>) -> Result<Pepper, ConfigFileError> {
        Pepper::read_file(self.path(file.get_ref())).map_err(|problem| {
            let remedy = "make one with `palisade key new`, or name the existing file";
            self.source.at(file, problem, remedy)
        })
    }

    /// Parses the environments whose keys are accepted. Default: live keys, as for the layer.
    ///
    /// # Errors
    ///
    /// One of them is neither `live` nor `test`.
    fn environments(&self, keys: &Keys) -> Result<Vec<Environment>, ConfigFileError> {
        let Some(written) = &keys.environments else {
            return Ok(vec![Environment::Live]);
        };
        let parse = |one: &toml::Spanned<String>| {
            let parsed = one.get_ref().parse();
            parsed.map_err(|problem| self.source.at(one, problem, "write \"live\" or \"test\""))
        };
        written.iter().map(parse).collect()
    }
}
