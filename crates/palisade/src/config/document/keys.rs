//! `[keys]`: API keys, from a file with their digests or from Redis.

use std::path::PathBuf;

use serde::Deserialize;
use toml::Spanned;

/// `[keys]`: API keys. Without the section none is accepted.
///
/// They are in a file, or in Redis for several processes. A new or revoked key counts within a second, without a
/// restart or a reload.
#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct Keys {
    /// The file with the digests of the keys, made by `palisade key new`. Required, unless there is the table
    /// `redis`.
    ///
    /// It holds digests and no key.
    pub(in crate::config) file: Option<Spanned<PathBuf>>,
    /// Keeps the keys in Redis, in place of `file`. Default: none.
    pub(in crate::config) redis: Option<KeysRedis>,
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

/// `[keys.redis]`: the server that keeps the keys of several processes. Needs the feature `redis`.
///
/// A process asks it about a key at most once in `lifetime_millis`. While it cannot be reached, requests with another
/// key get status 503.
#[cfg_attr(not(feature = "redis"), allow(dead_code))] // read where the store is compiled in
#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct KeysRedis {
    /// The address of one server: `redis://host:port/database`, with the feature `redis-tls` `rediss://`.
    /// Required.
    pub(in crate::config) url: Spanned<String>,
    /// A file with at least 16 random bytes that records are sealed with, the same on all processes. Required.
    ///
    /// Who can write to the server can then make no key and widen none.
    pub(in crate::config) seal_key: Spanned<PathBuf>,
    /// A file with the password of the server, in place of one in `url`. Default: none.
    pub(in crate::config) password_file: Option<Spanned<PathBuf>>,
    /// What the keys in the server begin with. Default: `palisade-keys`.
    pub(in crate::config) prefix: Option<Spanned<String>>,
    /// How long the server may take to reply, in milliseconds: 1 to 10,000. Default: 250. A connection has 500 ms
    /// besides.
    pub(in crate::config) deadline_millis: Option<Spanned<u64>>,
    /// How long a record is used before the server is asked again, in milliseconds: 0 to 60,000. Default: 900.
    ///
    /// A key that another process revoked is accepted for so long.
    pub(in crate::config) lifetime_millis: Option<Spanned<u64>>,
    /// How many records are kept in this process: 0 to 1,000,000. Default: 16,384.
    pub(in crate::config) remembered_keys: Option<Spanned<u64>>,
    /// How many replicas must have a revocation before it is confirmed: 1 to 100. Default: none, and a failover may lose
    /// it.
    ///
    /// If fewer have it in time, the key is revoked nevertheless, and the operator is told: revoke it again then. The user
    /// of the server needs the command `WAIT`.
    pub(in crate::config) revocation_replicas: Option<Spanned<u64>>,
    /// How long a revocation waits for replicas, in milliseconds: 1 to 10,000. Default: 1,000. Needs
    /// `revocation_replicas`.
    pub(in crate::config) replicas_millis: Option<Spanned<u64>>,
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
