//! The shape of the TOML file, as `serde` reads it.
//!
//! A key that the file does not have is `None` or the default of its type. The part that a section
//! configures then uses its own default. The modules beside this one check the values: nothing here
//! is checked but names and types. An unknown key is an error. Values with a `Spanned` type keep
//! their position, so that an error can name the line.

use std::{collections::BTreeMap, path::PathBuf};

use serde::Deserialize;
use toml::Spanned;

/// The whole file without the sections of the application, which [`super::Config::section`] reads.
#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(default)]
pub(super) struct Document {
    pub(super) audit: Option<Audit>,
    pub(super) client: Client,
    pub(super) cors: Option<Cors>,
    pub(super) headers: Headers,
    pub(super) keys: Option<Keys>,
    pub(super) limits: Vec<Limit>,
    pub(super) redis: Option<Redis>,
    pub(super) routes: Vec<Route>,
    pub(super) server: Server,
    pub(super) text: Text,
    pub(super) tokens: Vec<Tokens>,
    pub(super) revoked_tokens: Option<RevokedTokens>,
}

/// `[audit]`: the audit trail. Without the section no trail is written.
#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(super) struct Audit {
    /// The file that the trail is written to.
    pub(super) file: Spanned<PathBuf>,
    /// What happens to requests that cannot be recorded.
    #[serde(default)]
    pub(super) policy: AuditPolicy,
    /// Whether the handler starts only after the request is recorded. Needs `fail-closed`.
    #[serde(default)]
    pub(super) before_handler: bool,
    /// Whether the trail holds networks in place of client addresses.
    #[serde(default)]
    pub(super) mask_client_address: bool,
    /// A file with the key of the hash chain. Default: none.
    pub(super) seal_key: Option<Spanned<PathBuf>>,
    /// The length in MiB at which the file is rotated. Default: 64.
    pub(super) rotate_mib: Option<u64>,
    /// How many records may wait in memory. Default: 8192.
    pub(super) queue: Option<usize>,
    /// Where checkpoints are written. Default: the file of the trail with `.checkpoints` after its
    /// name.
    pub(super) checkpoints: Option<Spanned<Checkpoints>>,
    /// A file with the Ed25519 key of the checkpoints. Default: the key of the hash chain.
    pub(super) checkpoint_key: Option<Spanned<PathBuf>>,
    /// After how many records a checkpoint is written. Default: 10000.
    pub(super) checkpoint_records: Option<Spanned<u64>>,
    /// After how long a checkpoint is written, in seconds. Default: 60.
    pub(super) checkpoint_seconds: Option<Spanned<u64>>,
    /// The age at which older parts are deleted, in days. Default: never.
    pub(super) keep_days: Option<Spanned<u64>>,
    /// The size of all files at which the oldest parts are deleted, in MiB. Default: never.
    pub(super) keep_mib: Option<Spanned<u64>>,
    /// How many KiB of refusals are written a second. Default: 32.
    pub(super) refusal_kib_per_second: Option<Spanned<u64>>,
    /// The time in which repeated refusals are counted together, in seconds. Default: 60.
    pub(super) fold_seconds: Option<Spanned<u64>>,
    /// What is done when the disk is nearly full.
    #[serde(default)]
    pub(super) low_space: LowSpace,
}

/// Where checkpoints are written.
#[derive(Debug, Deserialize, PartialEq)]
#[serde(untagged, expecting = "expected the path of a file, or false")]
pub(super) enum Checkpoints {
    /// To this file.
    File(PathBuf),
    /// `false`: no file is written. `true`: the default file.
    Written(bool),
}

/// `low_space` of `[audit]`: the free space in MiB below which something is done. 0: never.
#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub(super) struct LowSpace {
    /// A warning is logged and recorded. Default: 512.
    pub(super) warn_mib: Option<Spanned<u64>>,
    /// Refusals are only counted. Default: 128.
    pub(super) count_refusals_mib: Option<Spanned<u64>>,
    /// The oldest parts are deleted. Default: never.
    pub(super) retire_oldest_mib: Option<Spanned<u64>>,
    /// Requests are refused with status 503. Default: never.
    pub(super) refuse_requests_mib: Option<Spanned<u64>>,
}

/// What happens to a request that cannot be recorded.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub(super) enum AuditPolicy {
    /// The request is served; the lost record is counted.
    #[default]
    DropAndCount,
    /// The request is refused with status 503.
    FailClosed,
}

/// `[client]`: how the client address is decided. Default: the address of the connection.
#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Client {
    /// Networks of the trusted proxies. Default: none.
    pub(super) proxies: Vec<Spanned<String>>,
    /// The header that the proxies write. Required with `proxies`, and an error without them.
    pub(super) header: Option<Spanned<String>>,
    /// Whether the host that a trusted proxy forwards is used. Default: `false`.
    pub(super) accept_forwarded_host: bool,
    /// Whether the request identifier that a trusted proxy sends is kept. Default: `false`.
    pub(super) accept_request_id: bool,
}

/// `[cors]`: scripts of other origins that may call the service. Without origins none may.
#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
#[cfg_attr(
    not(feature = "cors"),
    allow(dead_code, reason = "its members are read where CORS is compiled in")
)]
pub(super) struct Cors {
    /// The origins, as browsers send them, or `*` for all.
    pub(super) origins: Vec<Spanned<String>>,
    /// The methods. Default: `GET`, `HEAD` and `POST`.
    pub(super) methods: Option<Vec<Spanned<String>>>,
    /// The headers that a script may send. Default: those that it asks for.
    pub(super) headers: Option<Vec<Spanned<String>>>,
    /// The headers of a response that a script may read. Default: those of limits and refusals.
    pub(super) expose: Option<Vec<Spanned<String>>>,
    /// Whether browsers may send cookies and client certificates. Default: `false`.
    pub(super) credentials: bool,
    /// How long a browser may remember the response to a preflight. Default: 7200.
    pub(super) max_age_seconds: Option<Spanned<u64>>,
}

/// `[headers]`: the security headers of every response.
#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Headers {
    /// The set of headers to start from. Default: `api`.
    pub(super) preset: Preset,
    /// `max-age` of `Strict-Transport-Security` (RFC 6797), in days. Default: 365, which is also
    /// the least.
    pub(super) hsts_days: Option<Spanned<u64>>,
    /// Whether search engines may index the responses. Default: `false`.
    pub(super) index: bool,
}

/// A set of security headers.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Preset {
    /// For responses that programs read.
    #[default]
    Api,
    /// For pages, with a content security policy of the same origin.
    Browser,
}

/// `[keys]`: API keys. Without the section none is accepted.
#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(super) struct Keys {
    /// The file with the digests of the keys, made by `palisade key new`.
    pub(super) file: Spanned<PathBuf>,
    /// The file with the secret that the digests are made with.
    pub(super) pepper: Spanned<PathBuf>,
    /// The first part of every key. Default: `psk`.
    pub(super) prefix: Option<Spanned<String>>,
    /// The environments whose keys are accepted: `live`, `test`. Default: `live` alone.
    pub(super) environments: Option<Vec<Spanned<String>>>,
    /// How long the last keys stay valid while the file cannot be read, in minutes. Default: 15.
    pub(super) max_stale_minutes: Option<Spanned<u64>>,
    /// What happens to a key that was sent without TLS. Default: `record`.
    #[serde(default)]
    pub(super) on_exposed: OnExposed,
}

/// What happens to a valid key that was sent without TLS. The request is refused in any case.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub(super) enum OnExposed {
    /// The audit trail has `credential_exposed`.
    #[default]
    Record,
    /// The key is revoked too.
    Revoke,
}

/// `[[limits]]`: one rate limit.
#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(super) struct Limit {
    /// The name in header fields, refusals and rules.
    pub(super) name: Spanned<String>,
    /// The quota, such as `10/minute` or `200/day;50/hour`.
    pub(super) rate: Spanned<String>,
    /// What is counted together. Default: the requests of a client address.
    #[serde(default)]
    pub(super) by: By,
    /// The routes on which the limit counts. Default: all.
    #[serde(default)]
    pub(super) routes: On,
    /// How many requests may come at once. Default: the amount of the rate.
    pub(super) burst: Option<u32>,
    /// How many bits of an IPv4 address identify a client. Default: 32.
    pub(super) ipv4_prefix: Option<Spanned<u64>>,
    /// How many bits of an IPv6 address identify a client. Default: 64.
    pub(super) ipv6_prefix: Option<Spanned<u64>>,
    /// The wider IPv6 network that is counted too, in bits. 0: none. Default: 56.
    pub(super) ipv6_network_prefix: Option<Spanned<u64>>,
    /// The quota of that network, as a multiple of `rate`. Default: 4.
    pub(super) ipv6_network_multiple: Option<Spanned<u64>>,
    /// Whether only requests whose credential failed are charged. Default: `false`.
    #[serde(default)]
    pub(super) penalty: bool,
    /// What happens while the store cannot be reached. Default: that of `[redis]`.
    pub(super) when_store_fails: Option<StoreFails>,
}

/// What a limit counts together.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub(super) enum By {
    /// All requests of a client address, before authentication.
    #[default]
    Client,
    /// All requests of the owner of the credentials.
    Owner,
    /// All requests of one principal.
    Principal,
}

/// The routes on which a limit counts.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub(super) enum On {
    /// Every route that is not unlimited.
    #[default]
    All,
    /// Only routes whose rule names the limit.
    Named,
}

/// What happens while the store of the limits cannot be reached.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub(super) enum StoreFails {
    /// Requests are refused.
    FailClosed,
    /// Requests are served and not counted.
    FailOpen,
    /// This process counts alone, with its share of the quota.
    Local,
}

/// `[redis]`: a store of limits that several nodes share. Without it each process counts alone.
#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(super) struct Redis {
    /// The address, `redis://[user:password@]host:port/database`. It may hold a password: never log
    /// it.
    pub(super) url: Spanned<String>,
    /// A file with at least 16 random bytes, the same on all nodes. Store keys are hashed with it.
    pub(super) hash_key: Spanned<PathBuf>,
    /// The first part of every key in the store. Default: `palisade`.
    pub(super) prefix: Option<Spanned<String>>,
    /// How long a request waits for the store, in milliseconds: 1 to 10000. Default: 25.
    pub(super) deadline_millis: Option<Spanned<u64>>,
    /// Among how many nodes a limit is divided while the store cannot be reached. Default: as many
    /// as were seen.
    pub(super) share: Option<Spanned<u64>>,
    /// What limits do while the store cannot be reached. Default: `local`.
    pub(super) when_store_fails: Option<StoreFails>,
}

/// `[[routes]]`: the rule of one template.
#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(super) struct Route {
    /// The template: `/voices/{id}`, `/assets/{*path}`.
    pub(super) path: Spanned<String>,
    /// The methods that the rule allows. Empty: every method.
    #[serde(default)]
    pub(super) methods: Vec<Spanned<String>>,
    /// Who may use the route.
    pub(super) access: Spanned<Access>,
    /// The limits that the rule names, or `none`.
    pub(super) limits: Option<Spanned<RouteLimits>>,
    /// Names of the text fields that are cleaned.
    #[serde(default)]
    pub(super) text: Vec<String>,
    /// Names of predefined sets of text fields, such as `ollama`.
    #[serde(default)]
    pub(super) text_schemas: Vec<String>,
    /// The kind of body: `json`, `form` or `json-or-form`. Default: `json`.
    pub(super) body: Option<Spanned<String>>,
}

/// Who may use a route.
#[derive(Debug, Deserialize, PartialEq)]
#[serde(untagged)]
pub(super) enum Access {
    /// `public` or `authenticated`; any other word is an error of [`super::Config::assemble`].
    Word(String),
    /// The scopes, all of which are required.
    Scopes(Vec<String>),
}

/// Which limits count on a route.
#[derive(Debug, Deserialize, PartialEq)]
#[serde(untagged)]
pub(super) enum RouteLimits {
    /// `none`: no limit counts. Any other word is an error.
    Word(String),
    /// These limits count, and those that count on all routes.
    Names(Vec<String>),
}

/// `[server]`: hosts, listeners, certificate and health checks.
#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Server {
    /// The hosts that are served. Required.
    pub(super) hosts: Vec<Spanned<String>>,
    /// The address and port of the TLS listener.
    pub(super) https: Option<Spanned<String>>,
    /// The address and port of the listener without TLS.
    pub(super) http: Option<Spanned<String>>,
    /// The certificate chain, a PEM file. Needs `key`.
    pub(super) certificate: Option<Spanned<PathBuf>>,
    /// The private key, a PEM file. Needs `certificate`.
    pub(super) key: Option<Spanned<PathBuf>>,
    /// The host that pages are redirected to. Default: nothing is redirected.
    pub(super) redirect_to: Option<Spanned<String>>,
    /// The pages that are redirected to HTTPS. Needs `redirect_to`.
    pub(super) redirect: Vec<Spanned<String>>,
    /// The networks of proxies whose connections begin with a PROXY header. Default: none.
    pub(super) proxy_protocol: Vec<Spanned<String>>,
    /// Whether TLS 1.2 is refused. Default: `false`.
    pub(super) tls13_only: bool,
    /// The folder with the responses to ACME http-01 challenges (RFC 8555).
    pub(super) acme_webroot: Option<Spanned<PathBuf>>,
    /// Certificates from an authority. Default: none.
    pub(super) acme: Option<Acme>,
    /// The path of the health check. Default: none.
    pub(super) health: Option<Spanned<String>>,
    /// The networks whose health checks get a response. Default: loopback and the trusted proxies.
    pub(super) health_from: Option<Vec<Spanned<String>>>,
    /// How long a stopping server still accepts connections. Default: 5 with `health`, otherwise 0.
    pub(super) drain_seconds: Option<u64>,
    /// Connections, timeouts and sizes.
    pub(super) limits: ServerLimits,
    /// Whether requests without TLS are served. Default: `false`.
    pub(super) dangerously_accept_plain_http: bool,
    /// The header with the request identifier. Default: `X-Request-Id`.
    pub(super) request_id: Option<Spanned<RequestId>>,
}

/// `[server.acme]`: certificates from an authority (RFC 8555).
#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
#[cfg_attr(
    not(feature = "acme"),
    allow(dead_code, reason = "its members are read where ACME is compiled in")
)]
pub(super) struct Acme {
    /// The hosts of the certificate.
    pub(super) domains: Spanned<Vec<String>>,
    /// E-mail addresses for warnings of the authority. Default: none.
    #[serde(default)]
    pub(super) contact: Vec<String>,
    /// `accepted`: the operator accepts the terms of service of the authority. Required.
    pub(super) terms: Option<Spanned<String>>,
    /// The `https` address of the directory, `letsencrypt` or `letsencrypt-staging`. Default:
    /// `letsencrypt`.
    pub(super) directory: Option<Spanned<String>>,
    /// A PEM file with the certificate that the interface of a private authority is checked with.
    /// Default: those of the machine.
    pub(super) root: Option<Spanned<PathBuf>>,
    /// The folder for account and certificate. Default: `acme`.
    pub(super) cache: Option<Spanned<PathBuf>>,
    /// `tls-alpn-01` or `http-01`. Default: `tls-alpn-01`.
    pub(super) challenge: Option<Spanned<String>>,
    /// The port at which a private authority connects. Default: 443, or 80 for `http-01`.
    pub(super) validation_port: Option<Spanned<u16>>,
    /// Whether the server requests its own challenge before the first order. Default: `true`.
    pub(super) self_check: Option<bool>,
    /// The identifier of an external account. Needs `eab_key_file`.
    pub(super) eab_key_id: Option<Spanned<String>>,
    /// A file with the key of the external account, in base64url. Needs `eab_key_id`.
    pub(super) eab_key_file: Option<Spanned<PathBuf>>,
}

/// The header with the identifier of the request, or whether it is sent.
#[derive(Debug, Deserialize, PartialEq)]
#[serde(untagged, expecting = "expected the name of a header, or false")]
pub(super) enum RequestId {
    /// The name of the header.
    Header(String),
    /// `false`: no header is sent. `true`: the default header.
    Sent(bool),
}

/// `[server.limits]`: one key for each method of `palisade::server::Limits`, with the unit in its
/// name. A key that is missing keeps the default of `Limits`.
#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub(super) struct ServerLimits {
    pub(super) connections: Option<Spanned<u64>>,
    pub(super) connections_per_address: Option<Spanned<u64>>,
    pub(super) backlog: Option<Spanned<u64>>,
    pub(super) connection_age_seconds: Option<Spanned<u64>>,
    pub(super) proxy_header_seconds: Option<Spanned<u64>>,
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

/// How many frames of one kind an HTTP/2 connection may send. More of them close the connection.
#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(super) struct FrameLimit {
    /// How many frames may come at once.
    pub(super) burst: Spanned<u64>,
    /// How many frames a second are allowed after that.
    pub(super) per_second: Spanned<u64>,
}

/// `[text]`: limits of text fields and of bodies.
#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub(super) struct Text {
    /// The longest text field, in characters as a reader counts them. Default: 500.
    pub(super) max_graphemes: Option<usize>,
    /// The longest body with text fields, in KiB. Default: 64.
    pub(super) max_body_kib: Option<usize>,
    /// The longest other body, in KiB. Default: 1024.
    pub(super) max_unread_body_kib: Option<usize>,
}

/// `[[tokens]]`: one issuer of JSON Web Tokens (RFC 7519).
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
    /// The issuer: `iss` must be equal to it.
    pub(super) issuer: Spanned<String>,
    /// The audience: `aud` must contain it.
    pub(super) audience: String,
    /// A file with the keys of the issuer (RFC 7517). Exactly one of `jwks_file` and `jwks_url` is
    /// required.
    pub(super) jwks_file: Option<Spanned<PathBuf>>,
    /// The `https` address of the keys of the issuer.
    pub(super) jwks_url: Option<Spanned<String>>,
    /// A prefix for the subjects of this issuer. Required with several issuers.
    pub(super) label: Option<String>,
    /// The longest time from `iat` to `exp`, in minutes. Default: 1440.
    pub(super) max_lifetime_minutes: Option<Spanned<u64>>,
    /// How long the last keys stay valid while they cannot be read, in minutes. Default: 15 for a
    /// file, 360 for an address.
    pub(super) max_stale_minutes: Option<Spanned<u64>>,
    /// How long keys of an address are valid before they are fetched again, in minutes. Default: 10.
    pub(super) jwks_lifetime_minutes: Option<Spanned<u64>>,
    /// The largest step back of the clock that is ignored, in minutes. Default: 1440.
    pub(super) max_clock_step_minutes: Option<Spanned<u64>>,
    /// Whether a key set without a usable key revokes all keys. Default: it counts as an outage.
    #[serde(default)]
    pub(super) empty_set_revokes: bool,
    /// Whether ID tokens are accepted as access tokens. Default: `false`.
    #[serde(default)]
    pub(super) dangerously_accept_id_tokens: bool,
    /// Whether tokens with `cnf` (RFC 7800) are accepted as bearer tokens. Default: `false`.
    #[serde(default)]
    pub(super) dangerously_ignore_confirmation: bool,
    /// Whether the keys are found by the metadata of the issuer. Default: `false`.
    #[serde(default)]
    pub(super) discovery: bool,
    /// A preset of a provider: its name, and its arguments by their names.
    pub(super) preset: Option<Spanned<BTreeMap<String, TextOrList>>>,
    /// Other audiences that are accepted too.
    #[serde(default)]
    pub(super) or_audiences: Vec<String>,
    /// The claim that is compared with the audience, in place of `aud`.
    pub(super) audience_claim: Option<String>,
    /// The accepted values of `typ`. Default: `JWT` and `at+jwt`.
    pub(super) types: Option<Vec<String>>,
    /// The accepted algorithms. Default: those of the keys.
    pub(super) algorithms: Option<Vec<Spanned<String>>>,
    /// Claims that must be text that is not empty.
    #[serde(default)]
    pub(super) require: Vec<String>,
    /// Claims that must have one of these values.
    #[serde(default)]
    pub(super) require_value: BTreeMap<String, Vec<String>>,
    /// Claims that scopes are read from, besides `scope` and `scp`.
    #[serde(default)]
    pub(super) scopes_from: Vec<String>,
    /// Claims that roles are read from: `admin` becomes the scope `role:admin`.
    #[serde(default)]
    pub(super) roles_from: Vec<String>,
    /// Whether a claim that is `null` counts as absent. Default: `false`.
    #[serde(default)]
    pub(super) null_is_absent: bool,
    /// Whether tokens without `typ` are accepted. Default: `false`.
    #[serde(default)]
    pub(super) dangerously_accept_untyped_tokens: bool,
    /// Whether `jku`, `jwk`, `x5c` and `x5u` in the header are ignored. Default: `false`, refused.
    #[serde(default)]
    pub(super) dangerously_ignore_embedded_keys: bool,
}

/// `[revoked_tokens]`: tokens that are refused before they expire.
#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(super) struct RevokedTokens {
    /// The list, as `palisade token revoke` makes it.
    pub(super) file: Spanned<PathBuf>,
}

/// One text, or a list of texts.
#[derive(Debug, Deserialize, PartialEq)]
#[serde(untagged)]
#[cfg_attr(
    not(feature = "jwt"),
    allow(
        dead_code,
        reason = "its members are read where tokens are compiled in"
    )
)]
pub(super) enum TextOrList {
    List(Vec<String>),
    Text(String),
}

#[cfg(feature = "jwt")]
impl TextOrList {
    /// Returns the texts.
    pub(super) fn to_vec(&self) -> Vec<String> {
        match self {
            Self::List(all) => all.clone(),
            Self::Text(one) => vec![one.clone()],
        }
    }
}
