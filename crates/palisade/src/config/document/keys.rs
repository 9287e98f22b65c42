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
    /// Keys become invalid with another pepper, unless it is in `other_peppers`. That is an error at start,
    /// not a refusal of every request.
    pub(in crate::config) pepper: Spanned<PathBuf>,
    /// Files of other peppers whose digests are accepted too, at most four: one that is being replaced, or one
    /// that will be the next. Default: none.
    ///
    /// A key that is used gets a digest under `pepper`. `palisade key list --pepper FILE` shows which keys do
    /// not have one yet.
    #[serde(default)]
    pub(in crate::config) other_peppers: Vec<Spanned<PathBuf>>,
    /// Whether keys of another system are accepted, whose SHA-256 `palisade key import` has stored. Default:
    /// `false`, since nothing is known about how they were made.
    #[serde(default)]
    pub(in crate::config) dangerously_accept_imported_keys: bool,
    /// What bearer tokens begin with that are such keys: `sk-`. Default: none, and they are read from
    /// `X-API-Key` alone. Needs `dangerously_accept_imported_keys`.
    pub(in crate::config) imported_prefix: Option<Spanned<String>>,
    /// The realm of challenges. Default: `api`. Printable ASCII without quotes and backslashes.
    pub(in crate::config) realm: Option<Spanned<String>>,
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
