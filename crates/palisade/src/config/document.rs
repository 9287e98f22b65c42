//! The shape of the file. What is not said is left to the defaults of the parts.

use std::path::PathBuf;

use serde::Deserialize;
use toml::Spanned;

#[derive(Debug, Default, Deserialize)]
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

#[derive(Debug, Deserialize)]
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

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Client {
    pub(super) proxies: Vec<Spanned<String>>,
    pub(super) header: Option<Spanned<String>>,
    pub(super) accept_forwarded_host: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Headers {
    pub(super) preset: Preset,
    pub(super) hsts_days: Option<Spanned<u64>>,
    pub(super) index: bool,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Preset {
    #[default]
    Api,
    Browser,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Keys {
    pub(super) file: Spanned<PathBuf>,
    pub(super) pepper: Spanned<PathBuf>,
    pub(super) prefix: Option<Spanned<String>>,
    pub(super) environments: Option<Vec<Spanned<String>>>,
    pub(super) max_stale_minutes: Option<Spanned<u64>>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Limit {
    pub(super) name: Spanned<String>,
    pub(super) rate: Spanned<String>,
    #[serde(default)]
    pub(super) by: By,
    #[serde(default)]
    pub(super) routes: On,
    pub(super) burst: Option<u32>,
    #[serde(default)]
    pub(super) penalty: bool,
    #[serde(default)]
    pub(super) when_store_fails: StoreFails,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub(super) enum By {
    #[default]
    Client,
    Owner,
    Principal,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum On {
    #[default]
    All,
    Named,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum StoreFails {
    FailClosed,
    FailOpen,
    #[default]
    Local,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(
    not(feature = "redis"),
    expect(dead_code, reason = "read where Redis is compiled in")
)]
pub(super) struct Redis {
    pub(super) url: Spanned<String>,
    pub(super) hash_key: Spanned<PathBuf>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Route {
    pub(super) path: Spanned<String>,
    #[serde(default)]
    pub(super) methods: Vec<Spanned<String>>,
    pub(super) access: Spanned<Access>,
    #[serde(default)]
    pub(super) limits: Vec<String>,
    #[serde(default)]
    pub(super) text: Vec<String>,
    #[serde(default)]
    pub(super) text_schemas: Vec<String>,
    pub(super) body: Option<Spanned<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Access {
    Word(String),
    Scopes(Vec<String>),
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Server {
    pub(super) hosts: Vec<Spanned<String>>,
    pub(super) https: Option<Spanned<String>>,
    pub(super) http: Option<Spanned<String>>,
    pub(super) certificate: Option<Spanned<PathBuf>>,
    pub(super) key: Option<Spanned<PathBuf>>,
    pub(super) redirect_to: Option<Spanned<String>>,
    pub(super) redirect: Vec<Spanned<String>>,
    pub(super) dangerously_accept_plain_http: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Text {
    pub(super) max_graphemes: Option<usize>,
    pub(super) max_body_kib: Option<usize>,
    pub(super) max_unread_body_kib: Option<usize>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[cfg_attr(
    not(feature = "jwt"),
    expect(dead_code, reason = "read where tokens are compiled in")
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
