//! `[keys]`: opens the file of API keys and adds their authenticator.
//!
//! A missing or unreadable file is an error at start. After that, the last keys read stay valid for
//! `max_stale_minutes`; then requests with a key get status 503.

use std::time::Duration;

use palisade_api_key::{ApiKeyLayer, Environment, FileKeyStore, KeyFormat, KeyScheme, Pepper};

use super::{Config, ConfigFileError, document::Keys};
use crate::shield::ShieldBuilder;

/// The largest `max_stale_minutes`: a week. While the file cannot be read, a revoked key stays
/// valid for so long.
const LONGEST_STALE_MINUTES: u64 = 7 * 24 * 60;

impl Config {
    /// Adds the authenticator of API keys. Also returns scheme and store, with which the
    /// application can issue and revoke keys.
    ///
    /// Fails if the file or the pepper cannot be read, or if a key was made with another pepper or
    /// prefix.
    pub(super) fn keys(
        &self,
        shield: ShieldBuilder,
    ) -> Result<(ShieldBuilder, Option<(KeyScheme, FileKeyStore)>), ConfigFileError> {
        let Some(keys) = &self.document.keys else {
            return Ok((shield, None));
        };
        let scheme = self.scheme(keys)?;
        let mut store = FileKeyStore::builder(self.path(keys.file.get_ref()));
        if let Some(minutes) = &keys.max_stale_minutes {
            store = store.max_stale_age(self.stale_age(minutes)?);
        }
        let store = store.open().map_err(|problem| {
            let remedy = "make one with `palisade key new`, or name the one there is";
            self.source.at(&keys.file, problem, remedy)
        })?;
        let records = store.table().records();
        if let Some(record) = records.iter().find(|record| !scheme.made(record)) {
            // Otherwise every key would be refused, and only the audit trail would say why.
            let problem = format!(
                "the key {} was made with another pepper or prefix",
                record.id()
            );
            let remedy =
                "name the pepper and the prefix with which the keys of this file were made";
            return Err(self.source.at(&keys.pepper, problem, remedy));
        }
        let mut layer = ApiKeyLayer::builder(scheme.clone(), store.clone());
        if let Some(written) = &keys.environments {
            layer = layer.environments(self.environments(written)?);
        }
        let layer = layer.build().map_err(|problem| {
            self.source
                .at(&keys.file, problem, "correct the section `keys`")
        })?;
        Ok((shield.authenticate(layer), Some((scheme, store))))
    }

    /// Reads how long old keys stay valid while their file or endpoint cannot be read.
    pub(super) fn stale_age(
        &self,
        written: &toml::Spanned<u64>,
    ) -> Result<Duration, ConfigFileError> {
        self.minutes(written, LONGEST_STALE_MINUTES)
    }

    /// Reads a number of minutes from 1 to `most`, both included.
    pub(super) fn minutes(
        &self,
        written: &toml::Spanned<u64>,
        most: u64,
    ) -> Result<Duration, ConfigFileError> {
        let minutes = *written.get_ref();
        if !(1..=most).contains(&minutes) {
            let problem = format!("{minutes} is out of range");
            let remedy = format!("write a number of minutes from 1 to {most}");
            return Err(self.source.at(written, problem, &remedy));
        }
        Ok(Duration::from_secs(minutes * 60))
    }

    /// Reads pepper and prefix. Default prefix: that of [`KeyScheme::new`].
    fn scheme(&self, keys: &Keys) -> Result<KeyScheme, ConfigFileError> {
        let pepper = Pepper::read_file(self.path(keys.pepper.get_ref())).map_err(|problem| {
            let remedy = "make one with `palisade key new`, or name the one there is";
            self.source.at(&keys.pepper, problem, remedy)
        })?;
        let Some(prefix) = &keys.prefix else {
            return Ok(KeyScheme::new(pepper));
        };
        let format = KeyFormat::new(prefix.get_ref()).map_err(|problem| {
            self.source
                .at(prefix, problem, "write a short word, such as \"psk\"")
        })?;
        Ok(KeyScheme::with_format(format, pepper))
    }

    /// Parses the environments whose keys are accepted.
    fn environments(
        &self,
        written: &[toml::Spanned<String>],
    ) -> Result<Vec<Environment>, ConfigFileError> {
        let parse = |one: &toml::Spanned<String>| {
            let parsed = one.get_ref().parse();
            parsed.map_err(|problem| self.source.at(one, problem, "write \"live\" or \"test\""))
        };
        written.iter().map(parse).collect()
    }
}
