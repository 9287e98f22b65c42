//! `[[concurrency]]` and `[load_shedding]`: how many requests may be in progress.

use std::collections::BTreeMap;

use serde::Deserialize;
use toml::Spanned;

use super::{By, StoreFails};

/// `[[concurrency]]`: how many requests of one client, principal or owner may be in progress at the same time. The next
/// one gets status 429.
///
/// A request counts until its response is complete. With `[redis]` all nodes count together.
#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct Concurrency {
    /// The name in refusals. Required, and different for each.
    pub(in crate::config) name: Spanned<String>,
    /// How many requests may be in progress: 1 to 1,000,000. Required.
    pub(in crate::config) requests: Spanned<u64>,
    /// What is counted together. Default: the requests of a client address.
    #[serde(default)]
    pub(in crate::config) by: By,
    /// After how many seconds a request of a node that died counts no more: 1 to 600. Default: 30. Without effect without
    /// `[redis]`.
    ///
    /// Requests that run are renewed at a third of that, however long they run.
    pub(in crate::config) expiry_seconds: Option<Spanned<u64>>,
    /// What happens while the store cannot be reached. Default: that of `[redis]`.
    ///
    /// With `fail-open` each node still counts for itself, up to the whole number.
    pub(in crate::config) when_store_fails: Option<StoreFails>,
}

/// `[load_shedding]`: how many requests may be in progress in the process. The least important ones are refused first,
/// with status 503.
///
/// Each process counts for itself. Limits by client come before it.
#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct LoadShedding {
    /// How many requests may be in progress: 1 to 1,000,000. Required.
    ///
    /// Sheddable requests may use half of it, normal ones nine tenths, critical ones all.
    pub(in crate::config) requests: Spanned<u64>,
    /// Lets the number follow the latency, down to this one: 1 to `requests`. Default: it does not change. Needs
    /// `target_millis`.
    pub(in crate::config) least_requests: Option<Spanned<u64>>,
    /// When responses shall begin, in milliseconds: 1 to 600,000. While most begin later, the number is lowered. Needs
    /// `least_requests`.
    ///
    /// The wait for the body of the request counts too.
    pub(in crate::config) target_millis: Option<Spanned<u64>>,
    /// The priority of principals of some tiers, on routes without one: `{ gold = "critical" }`. Default: `normal`.
    #[serde(default)]
    pub(in crate::config) tiers: BTreeMap<String, RoutePriority>,
}

/// How important requests are when there are too many.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub(in crate::config) enum RoutePriority {
    /// `critical`: what must work under load, such as sign-in. Refused last.
    Critical,
    /// `normal`: requests without another priority.
    Normal,
    /// `sheddable`: what may be done later, such as exports and crawlers. Refused first.
    Sheddable,
}
