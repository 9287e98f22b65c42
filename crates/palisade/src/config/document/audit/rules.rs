//! `[[audit.rules]]`: which requests are recorded, and how much of them.

use serde::Deserialize;
use toml::Spanned;

/// `[[audit.rules]]`: how much is recorded of the requests of some routes. The first rule that fits a route decides.
/// Without a rule every request is recorded with all chosen fields.
#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct AuditRule {
    /// The template of the route, such as `/voices/{id}`. Not with `under`. Default: all routes, and requests without one.
    pub(in crate::config) route: Option<Spanned<String>>,
    /// A path: the rule is about it and all routes under it. Not with `route`.
    pub(in crate::config) under: Option<Spanned<String>>,
    /// How much of a request that succeeds. Default: `fields`.
    pub(in crate::config) successes: Option<AuditLevel>,
    /// How much of a request that fails: `fields` or `metadata`. Default: `fields`.
    pub(in crate::config) failures: Option<Spanned<AuditLevel>>,
    /// How much of a request that is refused: `fields` or `metadata`. Default: `fields`.
    pub(in crate::config) refusals: Option<Spanned<AuditLevel>>,
    /// One of so many requests that succeed is recorded: 1 to 1,000,000. Default: 1, all.
    ///
    /// Which one is decided by the identifier of the request. The record says the rate.
    pub(in crate::config) sample_successes: Option<Spanned<u64>>,
}

/// How much of a request is recorded.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub(in crate::config) enum AuditLevel {
    /// `fields`: everything, with the chosen headers and query parameters.
    Fields,
    /// `metadata`: without these.
    Metadata,
    /// `none`: the request has no record. For successes only.
    None,
}
