//! `[server]`, `[server.acme]` and `[server.client_auth]`: hosts, listeners, certificate and health check.

mod limits;

use std::path::PathBuf;

use serde::Deserialize;
use toml::Spanned;

pub(in crate::config) use self::limits::*;

/// `[server]`: hosts, listeners, certificate and health checks.
///
/// The shield uses `hosts`, the redirects and `request_id`. The application opens the listeners.
#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub(in crate::config) struct Server {
    /// The hosts that are served: `a.example`, `a.example:8443`, `*.example.org`. Required.
    ///
    /// A host without a port is served on the default port of the scheme alone. Other hosts get
    /// status 421, which stops DNS rebinding.
    pub(in crate::config) hosts: Vec<Spanned<String>>,
    /// Where the server listens with TLS: an address and a port such as `0.0.0.0:443`, a Unix socket
    /// (`unix:/run/name/https.sock`), sockets of systemd (`systemd` or `systemd:NAME`), or a list.
    /// Default: that of the program if `http` is not set either, otherwise none.
    pub(in crate::config) https: Option<Spanned<Addresses>>,
    /// Where the server listens without TLS, for redirects and ACME challenges, or for a proxy on
    /// this machine. Written as `https`. Default: none. Without `https`, nothing has TLS: an error unless
    /// a proxy ends TLS (`[client]` or `proxy_protocol`), or `dangerously_accept_plain_http` is set.
    pub(in crate::config) http: Option<Spanned<Addresses>>,
    /// The permissions of Unix sockets, in octal digits: `0660` lets the group of the process
    /// connect. Default: those of new files, which let only the owner connect.
    pub(in crate::config) unix_mode: Option<Spanned<String>>,
    /// The certificate chain, a PEM file. Needs `key`. Default without both: a development
    /// certificate, which clients do not trust.
    pub(in crate::config) certificate: Option<Spanned<PathBuf>>,
    /// The private key, a PEM file. Needs `certificate`.
    pub(in crate::config) key: Option<Spanned<PathBuf>>,
    /// The folder of the development authority and its certificate. Default: that of the program, for the gateway
    /// `tls` beside the file. An error together with `certificate` or `[server.acme]`.
    pub(in crate::config) development_authority: Option<Spanned<PathBuf>>,
    /// The host that pages are redirected to, with or without port. Default: nothing is redirected,
    /// and requests without TLS are refused.
    pub(in crate::config) redirect_to: Option<Spanned<String>>,
    /// The pages that are redirected to HTTPS: `/`, `/docs/*`. Needs `redirect_to`.
    ///
    /// Everything else without TLS is refused: a redirected API call has already sent its
    /// credential without TLS.
    pub(in crate::config) redirect: Vec<Spanned<String>>,
    /// The networks of proxies whose connections begin with a PROXY header. Default: none.
    ///
    /// From these networks a connection without the header is closed. From other peers it is not
    /// read, since a client could choose its address with it.
    pub(in crate::config) proxy_protocol: Vec<Spanned<String>>,
    /// Whether TLS 1.2 is refused. Default: `false`. Clients from before about 2019 cannot connect
    /// then.
    pub(in crate::config) tls13_only: bool,
    /// The folder with the responses to ACME http-01 challenges (RFC 8555), which another program
    /// writes. Default: none. An error together with `[server.acme]`.
    pub(in crate::config) acme_webroot: Option<Spanned<PathBuf>>,
    /// Certificates from an authority. Default: none. An error together with `certificate`.
    pub(in crate::config) acme: Option<Acme>,
    /// Certificates of clients. Default: clients are not asked for one.
    pub(in crate::config) client_auth: Option<ClientAuth>,
    /// The path of the health check, such as `/health`. Default: none.
    ///
    /// It responds for any host and without TLS, and with status 503 while the server stops.
    pub(in crate::config) health: Option<Spanned<String>>,
    /// The networks whose health checks get a response. Default: loopback and the trusted proxies.
    /// Needs `health`.
    pub(in crate::config) health_from: Option<Vec<Spanned<String>>>,
    /// How long a stopping server still accepts connections, in seconds. Default: 5 with `health`,
    /// otherwise 0.
    ///
    /// In that time load balancers learn from the health check to send no more requests.
    pub(in crate::config) drain_seconds: Option<u64>,
    /// Connections, timeouts and sizes. Default: those of `palisade::server::Limits`.
    pub(in crate::config) limits: ServerLimits,
    /// Whether requests without TLS are served. Default: `false`.
    ///
    /// Others on the network can then read the credentials. For a listener on loopback behind a proxy that
    /// speaks TLS.
    pub(in crate::config) dangerously_accept_plain_http: bool,
    /// The header with the request identifier, or `false` for none. Default: `X-Request-Id`.
    pub(in crate::config) request_id: Option<Spanned<RequestId>>,
}

/// `[server.acme]`: certificates from an authority (RFC 8555). Needs the feature `acme`.
#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
#[cfg_attr(
    not(feature = "acme"),
    allow(dead_code, reason = "its members are read where ACME is compiled in")
)]
pub(in crate::config) struct Acme {
    /// The hosts of the certificate, by name or by address (RFC 8738). Required. Each must be one of
    /// `hosts`.
    pub(in crate::config) domains: Spanned<Vec<String>>,
    /// E-mail addresses for warnings of the authority. Default: none.
    #[serde(default)]
    pub(in crate::config) contact: Vec<String>,
    /// `accepted`: the operator accepts the terms of service of the authority. Required.
    pub(in crate::config) terms: Option<Spanned<String>>,
    /// The `https` address of the directory, `letsencrypt` or `letsencrypt-staging`. Default:
    /// `letsencrypt`.
    ///
    /// Try a new setup with `letsencrypt-staging`: its certificates are not trusted, and its limits
    /// are high.
    pub(in crate::config) directory: Option<Spanned<String>>,
    /// A PEM file with the certificate that the interface of a private authority is checked with.
    /// Default: those of the machine.
    pub(in crate::config) root: Option<Spanned<PathBuf>>,
    /// The folder for account and certificate. Default: `acme`, beside the file.
    ///
    /// It must survive a restart; otherwise each start orders a certificate, until the authority
    /// refuses more.
    pub(in crate::config) cache: Option<Spanned<PathBuf>>,
    /// `tls-alpn-01` or `http-01`. Default: `tls-alpn-01`. `http-01` needs `http` of `[server]`.
    pub(in crate::config) challenge: Option<Spanned<String>>,
    /// The profile of the certificate, one of those that the authority has: Let's Encrypt has `classic`,
    /// `tlsserver` and `shortlived`. Default: the authority chooses.
    pub(in crate::config) profile: Option<String>,
    /// The port at which a private authority connects. Default: 443, or 80 for `http-01`.
    pub(in crate::config) validation_port: Option<Spanned<u16>>,
    /// Whether the server requests its own challenge before the first order. Default: `true`.
    ///
    /// It finds a wrong address before the authority counts a failed attempt. Turn it off where the
    /// machine cannot reach its public address.
    pub(in crate::config) self_check: Option<bool>,
    /// The identifier of an external account (RFC 8555, section 7.3.4). Needs `eab_key_file`.
    pub(in crate::config) eab_key_id: Option<Spanned<String>>,
    /// A file with the key of the external account, in base64url. Needs `eab_key_id`.
    pub(in crate::config) eab_key_file: Option<Spanned<PathBuf>>,
}

/// `[server.client_auth]`: which certificates of clients are accepted (mutual TLS).
#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
#[cfg_attr(
    not(feature = "server"),
    allow(
        dead_code,
        reason = "its members are read where the server is compiled in"
    )
)]
pub(in crate::config) struct ClientAuth {
    /// PEM files with the authorities that sign the certificates of clients. Required.
    ///
    /// With several, each of them can issue a certificate with any name.
    pub(in crate::config) authorities: Spanned<Vec<Spanned<PathBuf>>>,
    /// Files with revocation lists, in PEM or DER. Default: revocation is not checked.
    ///
    /// With any list, each certificate of a chain needs the list of its issuer.
    #[serde(default)]
    pub(in crate::config) revocation_lists: Vec<Spanned<PathBuf>>,
    /// Whether a client without a certificate is refused during the handshake. Default: `true`.
    ///
    /// With `false`, routes demand one with `client_certificate`.
    #[serde(default = "yes")]
    pub(in crate::config) required: bool,
}

/// The default of keys that are on.
const fn yes() -> bool {
    true
}

/// One address, or several.
#[derive(Debug, Deserialize, PartialEq)]
#[serde(untagged, expecting = "expected an address, or a list of addresses")]
pub(in crate::config) enum Addresses {
    /// One address.
    One(String),
    /// A list, which must not be empty.
    Several(Vec<String>),
}

/// The header with the identifier of the request, or whether it is sent.
#[derive(Debug, Deserialize, PartialEq)]
#[serde(untagged, expecting = "expected the name of a header, or false")]
pub(in crate::config) enum RequestId {
    /// The name of the header.
    Header(String),
    /// `false`: no header is sent. `true`: the default header.
    Sent(bool),
}
