//! `[keys]`: API keys, from a file with their digests.

use std::path::PathBuf;

use serde::Deserialize;
use toml::Spanned;

/// `[keys]`: API keys. Without the section none is accepted.
///
/// The file is read again when it changes, so a new key is valid without a restart or a reload.
#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct Keys {
    /// The file with the digests of the keys, made by `palisade key new`. Required.
    ///
    /// It holds digests and no key.
    pub(in crate::config) file: Spanned<PathBuf>,
    /// The file with the secret that the digests are made with. Required.
    ///
    /// All keys become invalid with another pepper. That is an error at start, not a refusal of
    /// every request.
    pub(in crate::config) pepper: Spanned<PathBuf>,
    /// The first part of every key. Default: `psk`.
    ///
    /// Secret scanners find leaked keys by it. A key with another prefix is not accepted.
    pub(in crate::config) prefix: Option<Spanned<String>>,
    /// The environments whose keys are accepted: `live`, `test`. Default: `live` alone, so that a
    /// test key opens nothing in production.
    pub(in crate::config) environments: Option<Vec<Spanned<String>>>,
    /// How long the last keys stay valid while the file cannot be read, in minutes: 1 to 10,080.
    /// Default: 15.
    ///
    /// After that, requests with a key get status 503. A longer time survives a longer outage, and
    /// a revoked key stays valid for as long.
    pub(in crate::config) max_stale_minutes: Option<Spanned<u64>>,
    /// What happens to a key that was sent without TLS. Default: `record`.
    #[serde(default)]
    pub(in crate::config) on_exposed: OnExposed,
}

/// What happens to a valid key that was sent without TLS. The request is refused in any case.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub(in crate::config) enum OnExposed {
    /// `record`: the audit trail has `credential_exposed`.
    #[default]
    Record,
    /// `revoke`: the key is revoked too. A client with a wrong address then locks itself out, which
    /// is why it is not the default.
    Revoke,
}
