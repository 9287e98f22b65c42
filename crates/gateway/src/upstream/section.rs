//! The keys of `[[upstreams]]`, as they are written.
//!
//! The types say what may be written, and the comments what a key means and its default. Values are
//! checked in `values.rs`. Keys that are not listed are errors, so a misspelled key is not ignored.
//!
//! `Spanned` keeps the place of a value in the file, for errors. Two sections are equal if their values
//! are, wherever they stand; a reload keeps the state of an upstream whose section is equal.

use serde::Deserialize;
use toml::Spanned;

use super::{header_rules::HeaderSection, secret::SecretSection, websocket::WebSocketSection};

/// `[[upstreams]]`: one service behind the gateway.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(crate) struct Section {
    /// The address: `http://host:port`, `https://host` or `unix:/path`.
    pub(crate) url: Option<Spanned<String>>,
    /// Several servers in place of `url`.
    #[serde(default)]
    pub(crate) servers: Vec<ServerSection>,
    /// The path prefix that goes to it, of whole segments. Default: all paths.
    pub(crate) path: Option<Spanned<String>>,
    /// The hosts that go to it, without port. Default: all.
    #[serde(default)]
    pub(crate) hosts: Vec<Spanned<String>>,
    /// The `Host` that it gets: `upstream`, `as-sent`, or a name. Default: `upstream`.
    pub(crate) host: Option<Spanned<String>>,
    /// The `Origin` that it gets: `as-sent`, `upstream`, `remove`, or one. Default: `as-sent`.
    pub(crate) origin: Option<Spanned<String>>,
    /// The version of HTTP that it speaks: `1` or `2`. Default: `1`.
    pub(crate) http: Option<Spanned<String>>,
    /// The most requests at a time on one connection of HTTP/2. Default: 100. Further ones open another, up to 64.
    pub(crate) streams: Option<Spanned<u64>>,
    /// How long a connection may take to open, in seconds. Default: 5.
    pub(crate) connect_timeout_seconds: Option<Spanned<u64>>,
    /// How long the head of a response may take after the request, in seconds. Default: 300.
    pub(crate) response_timeout_seconds: Option<Spanned<u64>>,
    /// How long a body or an upgraded connection may be silent, in seconds. Default: 300.
    pub(crate) idle_timeout_seconds: Option<Spanned<u64>>,
    /// How long a request and its response may take in all, in seconds. Default: no bound.
    pub(crate) total_timeout_seconds: Option<Spanned<u64>>,
    /// How often the credential of what stays open is checked again, in seconds. Default: 10.
    pub(crate) credential_check_seconds: Option<Spanned<u64>>,
    /// The protocols that a client may switch to: `websocket`. Default: none.
    #[serde(default)]
    pub(crate) upgrade: Vec<Spanned<String>>,
    /// The bounds on open WebSockets.
    pub(crate) websocket: Option<Spanned<WebSocketSection>>,
    /// The trailers that pass, in both directions. Default: those of gRPC.
    pub(crate) trailers: Option<Vec<Spanned<String>>>,
    /// Fields to set or remove on the way up.
    pub(crate) request_headers: Option<HeaderSection>,
    /// Fields to set or remove on the way down.
    pub(crate) response_headers: Option<HeaderSection>,
    /// Whether bodies of responses with status 5xx are replaced. Default: false.
    #[serde(default)]
    pub(crate) hide_errors: bool,
    /// The upstream's own credential.
    pub(crate) credential: Option<Spanned<SecretSection>>,
    /// The key that signs who the client is. Default: it is not said.
    pub(crate) identity: Option<Spanned<SecretSection>>,
    /// How often a request without a body may be sent again, 0 to 3. Default: 1.
    pub(crate) retries: Option<Spanned<u64>>,
    /// Active health checks. Default: none.
    pub(crate) health: Option<HealthSection>,
    /// When a server that fails gets no requests.
    pub(crate) breaker: Option<BreakerSection>,
    /// TLS to an address with `https`.
    #[serde(default)]
    pub(crate) tls: Option<Spanned<TlsSection>>,
}

/// `[[upstreams.servers]]`: one of several servers that do the same.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(crate) struct ServerSection {
    /// The address.
    pub(crate) url: Spanned<String>,
    /// Its share of the requests, 1 to 100. Default: 1.
    pub(crate) weight: Option<Spanned<u64>>,
}

/// `[upstreams.health]`: active health checks.
#[derive(Clone, Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(crate) struct HealthSection {
    /// The path that is asked for; a status below 400 is a success.
    pub(crate) path: Spanned<String>,
    /// The time between two checks, in seconds. Default: 10.
    pub(crate) interval_seconds: Option<Spanned<u64>>,
    /// How long a response may take, in seconds. Default: 2.
    pub(crate) timeout_seconds: Option<Spanned<u64>>,
    /// Failures in a row until a server gets no requests. Default: 3.
    pub(crate) unhealthy_after: Option<Spanned<u64>>,
    /// Successes in a row until it gets them again. Default: 2.
    pub(crate) healthy_after: Option<Spanned<u64>>,
}

/// `[upstreams.breaker]`: when a server that fails gets no requests.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(crate) struct BreakerSection {
    /// Failures in a row. Default: 5.
    pub(crate) failures: Option<Spanned<u64>>,
    /// Seconds until one request may try. Default: 10.
    pub(crate) open_seconds: Option<Spanned<u64>>,
}

/// `[upstreams.tls]`: whom the gateway trusts, and how it identifies itself.
#[derive(Clone, Debug, Default, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(crate) struct TlsSection {
    /// Certificates of the authorities, PEM. Default: those of the system.
    pub(crate) ca: Option<Spanned<String>>,
    /// The name in the server's certificate. Default: the host of the address.
    pub(crate) server_name: Option<Spanned<String>>,
    /// The gateway's own certificate chain, PEM. Default: none.
    pub(crate) certificate: Option<Spanned<String>>,
    /// The key of that certificate, PEM.
    pub(crate) key: Option<Spanned<String>>,
}
