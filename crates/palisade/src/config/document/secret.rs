//! A secret by reference.

#![cfg_attr(
    not(any(feature = "jwt", feature = "otlp", feature = "webhook")),
    allow(dead_code)
)] // read where these are compiled in

use std::path::PathBuf;

use serde::{Deserialize, Deserializer};
use toml::Spanned;

use crate::config::secret_table;

/// Where a secret is: one of `file` and `environment`. The file of the configuration never holds one,
/// since it is copied, shown and kept in repositories.
#[derive(Debug, PartialEq)]
pub(in crate::config) struct SecretSource {
    /// A file (mode 0600) whose content, without white space around it, is the secret. It is read at
    /// the start and at a reload.
    pub(in crate::config) file: Option<Spanned<PathBuf>>,
    /// The name of a variable of the environment.
    pub(in crate::config) environment: Option<Spanned<String>>,
}

/// The keys, as they are read.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SourceKeys {
    file: Option<Spanned<PathBuf>>,
    environment: Option<Spanned<String>>,
}

/// Refuses everything but a table without repeating it: it may be the secret.
impl<'de> Deserialize<'de> for SecretSource {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let SourceKeys { file, environment } = secret_table(deserializer)?;
        Ok(Self { file, environment })
    }
}
