//! `[keys]`: the file of API keys.

use palisade_api_key::{ApiKeyLayer, Environment, FileKeyStore, KeyFormat, KeyScheme, Pepper};

use super::{Config, ConfigFileError, document::Keys};
use crate::ShieldBuilder;

impl Config {
    pub(super) fn keys(
        &self,
        shield: ShieldBuilder,
    ) -> Result<(ShieldBuilder, Option<(KeyScheme, FileKeyStore)>), ConfigFileError> {
        let Some(keys) = &self.document.keys else {
            return Ok((shield, None));
        };
        let scheme = self.scheme(keys)?;
        let store = FileKeyStore::open(self.path(keys.file.get_ref())).map_err(|problem| {
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
