//! `[[limits]]` and `[redis]`: how many requests are allowed, and where they are counted.

use std::{collections::BTreeMap, path::PathBuf};

use serde::Deserialize;
use toml::Spanned;

/// `[[limits]]`: one rate limit. A request beyond it gets status 429 with `Retry-After`.
///
/// Several limits may count one request. It is refused if one of them is used up.
#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct Limit {
    /// The name in header fields, refusals and rules. Required, and different for each limit.
    ///
    /// It is also part of the key in a shared store: a new name begins with full quotas.
    pub(in crate::config) name: Spanned<String>,
    /// The quota, such as `10/minute`, `5 per 2 hours` or `200/day;50/hour`. Required.
    pub(in crate::config) rate: Spanned<String>,
    /// What is counted together. Default: the requests of a client address.
    #[serde(default)]
    pub(in crate::config) by: By,
    /// The routes on which the limit counts. Default: all.
    #[serde(default)]
    pub(in crate::config) routes: On,
    /// How many requests may come at once. Default: the amount of the rate.
    pub(in crate::config) burst: Option<u32>,
    /// How long requests wait that would be refused, in milliseconds: 1 to 60,000. Default: they are refused at once.
    ///
    /// At least the time in which a unit comes back. Not with `penalty` or `lease`. Needs the feature `server`.
    pub(in crate::config) delay_millis: Option<Spanned<u64>>,
    /// How many requests of this limit wait at the same time: 1 to 100,000. Default: 500. The next one is refused.
    pub(in crate::config) delayed_requests: Option<Spanned<u64>>,
    /// Other rates for principals of some tiers, such as `{ paid = "5000/day" }`. Default: none.
    ///
    /// What was used stays used when the tier changes. Not with `by = "client"`.
    #[serde(default)]
    pub(in crate::config) tiers: BTreeMap<String, Spanned<String>>,
    /// Up to which amount a key or token may bring its own for this limit. Default: lower amounts only.
    ///
    /// Only with `by = "principal"`, and not for penalties.
    pub(in crate::config) own_amounts_up_to: Option<Spanned<u64>>,
    /// How many bits of an IPv4 address identify a client: 1 to 32. Default: 32.
    pub(in crate::config) ipv4_prefix: Option<Spanned<u64>>,
    /// How many bits of an IPv6 address identify a client: 1 to 128. Default: 64, since a
    /// subscriber usually has a network of that size.
    pub(in crate::config) ipv6_prefix: Option<Spanned<u64>>,
    /// The wider IPv6 network that is counted too, in bits: 1 to 128, or 0 for none. Default: 56.
    ///
    /// It limits subscribers who have several networks.
    pub(in crate::config) ipv6_network_prefix: Option<Spanned<u64>>,
    /// The quota of that network, as a multiple of `rate`: 1 to 255. Default: 4.
    pub(in crate::config) ipv6_network_multiple: Option<Spanned<u64>>,
    /// Whether only requests whose credential failed are charged. Default: `false`.
    ///
    /// Such a limit can be strict: it slows down guessing and no other request.
    #[serde(default)]
    pub(in crate::config) penalty: bool,
    /// Whether only requests that another limit refused are charged. Default: `false`.
    ///
    /// With `1 per 10 minutes` and a `burst` of 20, a client that was refused twenty times is refused everything for
    /// ten minutes. Not with `penalty`.
    #[serde(default)]
    pub(in crate::config) penalty_for_refusals: Option<Spanned<bool>>,
    /// Whether the limit only records what it would refuse. Default: `false`. Nothing is limited by it meanwhile.
    #[serde(default)]
    pub(in crate::config) dangerously_only_shadow: bool,
    /// How many units a process takes ahead from `[redis]`: 2 to a quarter of `burst`. Default: none.
    ///
    /// Then it need not ask for each request. All processes together admit at most one lease for each of
    /// them more than the quota in a span of time. Not with `penalty`.
    pub(in crate::config) lease: Option<Spanned<u64>>,
    /// What happens while the store cannot be reached. Default: that of `[redis]`.
    pub(in crate::config) when_store_fails: Option<StoreFails>,
}

/// What a limit counts together.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub(in crate::config) enum By {
    /// `client`: all requests of a client address, before authentication.
    #[default]
    Client,
    /// `owner`: all requests of the owner of the credentials. Several keys of one customer share
    /// the quota.
    Owner,
    /// `principal`: all requests of one principal, such as one key or one subject of a token.
    Principal,
}

/// The routes on which a limit counts.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub(in crate::config) enum On {
    /// `all`: every route that is not unlimited.
    #[default]
    All,
    /// `named`: only routes whose rule names the limit. If none does, the warning `unused-limit` is
    /// logged.
    Named,
}

/// What happens while the store of the limits cannot be reached.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub(in crate::config) enum StoreFails {
    /// `fail-closed`: requests are refused with status 503.
    FailClosed,
    /// `fail-open`: requests are served and not counted.
    FailOpen,
    /// `local`: this process counts alone, with its share of the quota.
    Local,
}

/// `[limit_fields]`: what responses say of the limits.
#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub(in crate::config) struct LimitFields {
    /// Whether `RateLimit` has `pk`, an opaque key of what was counted together. Default: `false`.
    ///
    /// A client that uses several keys or addresses then sees which of its requests share a quota. The key tells neither
    /// an address nor a name.
    pub(in crate::config) partition_keys: bool,
}

/// `[limit_store]`: the memory of the limits of one process, and the file that keeps it over a restart.
///
/// Without the section the memory has the default size, and all quotas are full after a restart. Not with
/// `[redis]`, which keeps the limits itself.
#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct MemorySection {
    /// How many buckets fit, one for each client and limit: 1,024 to 20,000,000. Default: 65,536, about
    /// 8 MB.
    pub(in crate::config) buckets: Option<Spanned<u64>>,
    /// A file that keeps the limits over a restart. Default: none.
    ///
    /// It is written with mode 0600 in a folder that the service may write. A damaged one is told in the
    /// log and ignored; one that others may read is an error at start.
    pub(in crate::config) snapshot: Option<Spanned<PathBuf>>,
    /// After how many seconds the file is written again: 1 to 86,400. Default: 60.
    ///
    /// It is also written when the service stops.
    pub(in crate::config) snapshot_seconds: Option<Spanned<u64>>,
}

/// `[redis]`: a store of limits that several nodes share. Without it each process counts alone.
///
/// The application connects with [`Config::connect_store`](super::super::Config::connect_store).
/// Without the feature `redis` the section is an error.
#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct Redis {
    /// The address, `redis://[user:password@]host:port/database`; `rediss` for TLS. Required.
    ///
    /// It may hold a password: never log it.
    pub(in crate::config) url: Spanned<String>,
    /// A file with at least 16 random bytes, the same on all nodes. Required.
    ///
    /// Store keys are hashed with it, so the store holds neither addresses nor names of users.
    pub(in crate::config) hash_key: Spanned<PathBuf>,
    /// A file with the password of the servers. Default: the one in `url`, or none.
    pub(in crate::config) password_file: Option<Spanned<PathBuf>>,
    /// The user that sentinels know this node by. Needs `sentinel_password_file`. Default: `default`.
    pub(in crate::config) sentinel_user: Option<Spanned<String>>,
    /// A file with the password of the sentinels. Default: they are asked without one.
    ///
    /// Only with `redis-sentinel` or `rediss-sentinel` in `url`.
    pub(in crate::config) sentinel_password_file: Option<Spanned<PathBuf>>,
    /// A PEM file with the authority that signed the servers' certificates. Default: the
    /// authorities of the system.
    pub(in crate::config) root_certificate: Option<Spanned<PathBuf>>,
    /// A PEM file with the certificate that this node shows to the servers. Needs `client_key`.
    pub(in crate::config) client_certificate: Option<Spanned<PathBuf>>,
    /// A PEM file with the private key of `client_certificate`.
    pub(in crate::config) client_key: Option<Spanned<PathBuf>>,
    /// The first part of every key in the store. Default: `palisade`. Must not be empty or hold
    /// spaces, `:`, `{` or `}`.
    ///
    /// Services with different prefixes can share one server.
    pub(in crate::config) prefix: Option<Spanned<String>>,
    /// How long a request waits for the store, in milliseconds: 1 to 10,000. Default: 25.
    ///
    /// After that `when_store_fails` decides.
    pub(in crate::config) deadline_millis: Option<Spanned<u64>>,
    /// Among how many nodes a limit is divided while the store cannot be reached: 1 to 255. Default:
    /// as many as were seen.
    pub(in crate::config) share: Option<Spanned<u64>>,
    /// How long a process keeps units that it took ahead, in milliseconds: 10 to 60,000. Default: 1,000.
    ///
    /// Only limits with `lease` take units ahead.
    pub(in crate::config) lease_millis: Option<Spanned<u64>>,
    /// What limits do while the store cannot be reached. Default: `local`.
    pub(in crate::config) when_store_fails: Option<StoreFails>,
}
