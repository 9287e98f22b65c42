//! The shape of the file. What is not said is left to the defaults of the parts.

use std::path::PathBuf;

use serde::Deserialize;
use toml::Spanned;

#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
pub(super) struct Document {
    pub(super) audit: Option<Audit>,
    pub(super) client: Client,
    pub(super) headers: Headers,
    pub(super) keys: Option<Keys>,
    pub(super) limits: Vec<Limit>,
    pub(super) redis: Option<Redis>,
    pub(super) routes: Vec<Route>,
    pub(super) server: Server,
    pub(super) text: Text,
    pub(super) tokens: Vec<Tokens>,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(super) struct Audit {
    pub(super) file: Spanned<PathBuf>,
    #[serde(default)]
    pub(super) policy: AuditPolicy,
    #[serde(default)]
    pub(super) before_handler: bool,
    #[serde(default)]
    pub(super) mask_client_address: bool,
    pub(super) seal_key: Option<Spanned<PathBuf>>,
    pub(super) rotate_mib: Option<u64>,
    pub(super) queue: Option<usize>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub(super) enum AuditPolicy {
    #[default]
    DropAndCount,
    FailClosed,
}

#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Client {
    pub(super) proxies: Vec<Spanned<String>>,
    pub(super) header: Option<Spanned<String>>,
    pub(super) accept_forwarded_host: bool,
    pub(super) accept_request_id: bool,
}

#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Headers {
    pub(super) preset: Preset,
    pub(super) hsts_days: Option<Spanned<u64>>,
    pub(super) index: bool,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Preset {
    #[default]
    Api,
    Browser,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(super) struct Keys {
    pub(super) file: Spanned<PathBuf>,
    pub(super) pepper: Spanned<PathBuf>,
    pub(super) prefix: Option<Spanned<String>>,
    pub(super) environments: Option<Vec<Spanned<String>>>,
    pub(super) max_stale_minutes: Option<Spanned<u64>>,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(super) struct Limit {
    pub(super) name: Spanned<String>,
    pub(super) rate: Spanned<String>,
    #[serde(default)]
    pub(super) by: By,
    #[serde(default)]
    pub(super) routes: On,
    pub(super) burst: Option<u32>,
    pub(super) ipv4_prefix: Option<Spanned<u64>>,
    pub(super) ipv6_prefix: Option<Spanned<u64>>,
    pub(super) ipv6_network_prefix: Option<Spanned<u64>>,
    pub(super) ipv6_network_multiple: Option<Spanned<u64>>,
    #[serde(default)]
    pub(super) penalty: bool,
    pub(super) when_store_fails: Option<StoreFails>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub(super) enum By {
    #[default]
    Client,
    Owner,
    Principal,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub(super) enum On {
    #[default]
    All,
    Named,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub(super) enum StoreFails {
    FailClosed,
    FailOpen,
    Local,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(super) struct Redis {
    pub(super) url: Spanned<String>,
    pub(super) hash_key: Spanned<PathBuf>,
    pub(super) prefix: Option<Spanned<String>>,
    pub(super) deadline_millis: Option<Spanned<u64>>,
    pub(super) share: Option<Spanned<u64>>,
    pub(super) when_store_fails: Option<StoreFails>,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(super) struct Route {
    pub(super) path: Spanned<String>,
    #[serde(default)]
    pub(super) methods: Vec<Spanned<String>>,
    pub(super) access: Spanned<Access>,
    pub(super) limits: Option<Spanned<RouteLimits>>,
    #[serde(default)]
    pub(super) text: Vec<String>,
    #[serde(default)]
    pub(super) text_schemas: Vec<String>,
    pub(super) body: Option<Spanned<String>>,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(untagged)]
pub(super) enum Access {
    Word(String),
    Scopes(Vec<String>),
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(untagged)]
pub(super) enum RouteLimits {
    Word(String),
    Names(Vec<String>),
}

#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Server {
    pub(super) hosts: Vec<Spanned<String>>,
    pub(super) https: Option<Spanned<String>>,
    pub(super) http: Option<Spanned<String>>,
    pub(super) certificate: Option<Spanned<PathBuf>>,
    pub(super) key: Option<Spanned<PathBuf>>,
    pub(super) redirect_to: Option<Spanned<String>>,
    pub(super) redirect: Vec<Spanned<String>>,
    pub(super) acme_webroot: Option<Spanned<PathBuf>>,
    pub(super) health: Option<Spanned<String>>,
    pub(super) health_from: Option<Vec<Spanned<String>>>,
    pub(super) drain_seconds: Option<u64>,
    pub(super) limits: ServerLimits,
    pub(super) dangerously_accept_plain_http: bool,
    pub(super) request_id: Option<Spanned<RequestId>>,
}

/// The header with the identifier of the request, or whether it is sent.
#[derive(Debug, Deserialize, PartialEq)]
#[serde(untagged, expecting = "expected the name of a header, or false")]
pub(super) enum RequestId {
    Header(String),
    Sent(bool),
}

/// Numbers of `palisade::server::Limits`, by the names of its methods.
#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ServerLimits {
    pub(super) connections: Option<Spanned<u64>>,
    pub(super) connections_per_address: Option<Spanned<u64>>,
    pub(super) backlog: Option<Spanned<u64>>,
    pub(super) handshake_seconds: Option<Spanned<u64>>,
    pub(super) header_seconds: Option<Spanned<u64>>,
    pub(super) header_kib: Option<Spanned<u64>>,
    pub(super) idle_seconds: Option<Spanned<u64>>,
    pub(super) body_seconds: Option<Spanned<u64>>,
    pub(super) body_total_seconds: Option<Spanned<u64>>,
    pub(super) body_minimum_rate: Option<Spanned<u64>>,
    pub(super) write_seconds: Option<Spanned<u64>>,
    pub(super) response_total_seconds: Option<Spanned<u64>>,
    pub(super) response_minimum_rate: Option<Spanned<u64>>,
    pub(super) rate_grace_seconds: Option<Spanned<u64>>,
    pub(super) streams: Option<Spanned<u64>>,
    pub(super) control_frames: Option<FrameLimit>,
    pub(super) resets: Option<FrameLimit>,
    pub(super) grace_seconds: Option<Spanned<u64>>,
}

/// How many frames of one sort a connection may send.
#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(super) struct FrameLimit {
    pub(super) burst: Spanned<u64>,
    pub(super) per_second: Spanned<u64>,
}

#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Text {
    pub(super) max_graphemes: Option<usize>,
    pub(super) max_body_kib: Option<usize>,
    pub(super) max_unread_body_kib: Option<usize>,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
#[cfg_attr(
    not(feature = "jwt"),
    allow(
        dead_code,
        reason = "its members are read where tokens are compiled in"
    )
)]
pub(super) struct Tokens {
    pub(super) issuer: Spanned<String>,
    pub(super) audience: String,
    pub(super) jwks_file: Option<Spanned<PathBuf>>,
    pub(super) jwks_url: Option<Spanned<String>>,
    pub(super) label: Option<String>,
    pub(super) max_lifetime_minutes: Option<Spanned<u64>>,
    pub(super) max_stale_minutes: Option<Spanned<u64>>,
    #[serde(default)]
    pub(super) empty_set_revokes: bool,
    #[serde(default)]
    pub(super) dangerously_accept_id_tokens: bool,
    #[serde(default)]
    pub(super) dangerously_ignore_confirmation: bool,
}
