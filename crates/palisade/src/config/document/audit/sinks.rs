//! Sinks of `[audit]` beside its file: `[[audit.files]]`, `[[audit.syslog]]`, `[[audit.otlp]]` and
//! `[[audit.webhooks]]`.

use std::path::PathBuf;

use serde::Deserialize;
use toml::Spanned;

use crate::config::document::SecretSource;

/// What happens to a request whose record a sink cannot keep.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub(in crate::config) enum AuditPolicy {
    /// `drop-and-count`: no response waits; the lost record is counted.
    #[default]
    DropAndCount,
    /// `block`: the response waits for its record, at most the deadline, and then goes on. A lost record is
    /// counted.
    Block,
    /// `fail-closed`: the response waits for its record, and without one the request is refused with status 503.
    FailClosed,
}

/// `[[audit.files]]`: a further file with a trail of its own, for example on another disk.
#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct AuditFile {
    /// The file. Required; not that of another trail.
    pub(in crate::config) file: Spanned<PathBuf>,
    /// What happens to requests that cannot be recorded in it. Default: `drop-and-count`.
    #[serde(default)]
    pub(in crate::config) policy: AuditPolicy,
    /// How long a response waits for this file, in seconds: 1 to 60. Default: 2.
    pub(in crate::config) deadline_seconds: Option<Spanned<u64>>,
    /// How many records may wait in memory. Default: 8192; at least 2.
    pub(in crate::config) queue: Option<usize>,
    /// A file with the key of its hash chain, readable by this user alone. Default: none.
    pub(in crate::config) seal_key: Option<Spanned<PathBuf>>,
    /// A file with a key of its hash chain that is replaced at each rotation. Default: none. Not with `seal_key`; needs
    /// `checkpoint_key`. It belongs to this trail alone.
    pub(in crate::config) evolving_key: Option<Spanned<PathBuf>>,
    /// A file with the Ed25519 key that signs its checkpoints. Default: the key of the hash chain.
    pub(in crate::config) checkpoint_key: Option<Spanned<PathBuf>>,
    /// The length in MiB at which the file is closed and a new one begins. Default: 64.
    pub(in crate::config) rotate_mib: Option<u64>,
    /// Whether older parts are compressed with zstd. Default: `false`. Needs the feature `audit-zstd`.
    pub(in crate::config) compress_parts: Option<Spanned<bool>>,
    /// The age at which older parts are deleted, in days: 1 to 36,525. Default: never.
    pub(in crate::config) keep_days: Option<Spanned<u64>>,
    /// The size of all files at which the oldest parts are deleted, in MiB: 1 to 2^30. Default: never.
    pub(in crate::config) keep_mib: Option<Spanned<u64>>,
}

/// `[[audit.syslog]]`: a syslog server that gets every record (RFC 5424).
#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
#[cfg_attr(
    not(feature = "syslog-tls"),
    allow(dead_code, reason = "certificates are read where TLS is compiled in")
)]
pub(in crate::config) struct AuditSyslog {
    /// Where messages go: `unix:///dev/log`, `udp://127.0.0.1:514`, `tcp://127.0.0.1:601`, or
    /// `tls://logs.example:6514` (feature `syslog-tls`). Required. UDP and TCP take an address, not a name.
    pub(in crate::config) address: Spanned<String>,
    /// The name of the application in each message. Default: `palisade`.
    pub(in crate::config) app_name: Option<String>,
    /// The name of this machine in each message. Default: what the operating system calls it.
    pub(in crate::config) host_name: Option<String>,
    /// The facility: 0 to 23. Default: 13, log audit.
    pub(in crate::config) facility: Option<Spanned<u64>>,
    /// What happens to requests whose record cannot be written to the connection. Default: `drop-and-count`, the
    /// only one for UDP.
    #[serde(default)]
    pub(in crate::config) policy: AuditPolicy,
    /// How long a response waits, in seconds: 1 to 60. Default: 2.
    pub(in crate::config) deadline_seconds: Option<Spanned<u64>>,
    /// How many records may wait in memory. Default: 4096.
    pub(in crate::config) queue: Option<usize>,
    /// A file with the certificates (PEM) that authenticate the server. Default: those of the machine.
    pub(in crate::config) trust_anchors: Option<Spanned<PathBuf>>,
    /// A file with the certificate of this service (PEM) for the server. Default: none. Needs `client_key`.
    pub(in crate::config) client_certificate: Option<Spanned<PathBuf>>,
    /// A file with the key of that certificate (PEM), readable by this user alone.
    pub(in crate::config) client_key: Option<Spanned<PathBuf>>,
    /// Whether UDP and TCP to another machine are accepted. Default: `false`.
    ///
    /// Users and addresses are then readable on the way. Only for a network that protects them itself.
    #[serde(default)]
    pub(in crate::config) dangerously_allow_clear_text: bool,
}

/// What a collector gets.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub(in crate::config) enum OtlpSignal {
    /// `records`: every record of the trail, as a log record.
    #[default]
    Records,
    /// `spans`: one span for each request whose trace is recorded. Needs `[trace]`.
    Spans,
}

/// `[[audit.otlp]]`: an OpenTelemetry collector that gets every record, or a span for each request. Needs the feature
/// `otlp`.
#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
#[cfg_attr(
    not(feature = "otlp"),
    allow(dead_code, reason = "read where OTLP is compiled in")
)]
pub(in crate::config) struct AuditOtlp {
    /// The logs endpoint of the collector: `https://collector.example:4318/v1/logs`, or `http://` on this machine.
    /// Required, or `url_from`. With `send = "spans"` the traces endpoint, `…/v1/traces`.
    pub(in crate::config) url: Option<Spanned<String>>,
    /// A file or a variable with the address, for one whose path is a secret. In place of `url`.
    pub(in crate::config) url_from: Option<Spanned<SecretSource>>,
    /// What is sent. Default: `records`.
    #[serde(default)]
    pub(in crate::config) send: OtlpSignal,
    /// The resource attribute `service.name`. Default: `palisade`.
    pub(in crate::config) service_name: Option<String>,
    /// A token that is sent as `Authorization: Bearer`. Default: none.
    pub(in crate::config) bearer: Option<Spanned<SecretSource>>,
    /// What happens to requests whose record the collector does not confirm. Default: `drop-and-count`.
    #[serde(default)]
    pub(in crate::config) policy: AuditPolicy,
    /// How long a response waits, in seconds: 1 to 60. Default: 2.
    pub(in crate::config) deadline_seconds: Option<Spanned<u64>>,
    /// How many records may wait in memory. Default: 4096.
    pub(in crate::config) queue: Option<usize>,
    /// A file with the certificates (PEM) that authenticate the collector. Default: those of the machine.
    pub(in crate::config) trust_anchors: Option<Spanned<PathBuf>>,
    /// A file with the certificate of this service (PEM) for the collector. Default: none. Needs `client_key`.
    pub(in crate::config) client_certificate: Option<Spanned<PathBuf>>,
    /// A file with the key of that certificate (PEM), readable by this user alone.
    pub(in crate::config) client_key: Option<Spanned<PathBuf>>,
    /// Whether `http://` to another machine is accepted. Default: `false`.
    ///
    /// Users, addresses and the token are then readable on the way. Only for a network that protects them itself.
    #[serde(default)]
    pub(in crate::config) dangerously_allow_http: bool,
}

/// `[[audit.webhooks]]`: a server that gets batches of records by POST, over a spool on disk. Needs the feature
/// `webhook`.
#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
#[cfg_attr(
    not(feature = "webhook"),
    allow(dead_code, reason = "read where webhooks are compiled in")
)]
pub(in crate::config) struct AuditWebhook {
    /// The address of the receiver: `https://siem.example/palisade`, or `http://` on this machine. Required, or
    /// `url_from`.
    pub(in crate::config) url: Option<Spanned<String>>,
    /// A file or a variable with the address, for one whose path is a secret. In place of `url`.
    pub(in crate::config) url_from: Option<Spanned<SecretSource>>,
    /// The folder in which batches wait for the receiver. Required; it belongs to this sink alone.
    pub(in crate::config) spool: PathBuf,
    /// The most MiB that wait in the spool: 2 to 2^30. Default: 256. When it is full, `policy` decides.
    pub(in crate::config) spool_mib: Option<Spanned<u64>>,
    /// The most KiB of a batch: 16 to 1024. Default: 512. A receiver that takes less answers 413, and gets less.
    pub(in crate::config) batch_kib: Option<Spanned<u64>>,
    /// For how many hours a batch is tried that the receiver refuses with a status such as 500: 1 to 8760. Default: 24. It
    /// is then divided, and a single record set aside in the spool.
    pub(in crate::config) set_aside_hours: Option<Spanned<u64>>,
    /// The key of the signatures: at least 32 bytes, or `whsec_` and their base64. Required, unless
    /// `dangerously_send_unsigned` is set.
    ///
    /// Bytes are used as they are, but for line ends behind the first 32.
    pub(in crate::config) signing_key: Option<Spanned<SecretSource>>,
    /// A token that is sent as `Authorization: Bearer`. Default: none.
    pub(in crate::config) bearer: Option<Spanned<SecretSource>>,
    /// What happens to requests whose record is not in the spool. Default: `drop-and-count`.
    #[serde(default)]
    pub(in crate::config) policy: AuditPolicy,
    /// How long a response waits for the spool, in seconds: 1 to 60. Default: 2.
    pub(in crate::config) deadline_seconds: Option<Spanned<u64>>,
    /// How many records may wait in memory. Default: 4096.
    pub(in crate::config) queue: Option<usize>,
    /// A file with the certificates (PEM) that authenticate the receiver. Default: those of the machine.
    pub(in crate::config) trust_anchors: Option<Spanned<PathBuf>>,
    /// A file with the certificate of this service (PEM) for the receiver. Default: none. Needs `client_key`.
    pub(in crate::config) client_certificate: Option<Spanned<PathBuf>>,
    /// A file with the key of that certificate (PEM), readable by this user alone.
    pub(in crate::config) client_key: Option<Spanned<PathBuf>>,
    /// Whether `http://` to another machine is accepted. Default: `false`.
    ///
    /// Users, addresses and the token are then readable on the way. Only for a network that protects them itself.
    #[serde(default)]
    pub(in crate::config) dangerously_allow_http: bool,
    /// Whether requests without a signature are accepted. Default: `false`.
    ///
    /// Every program that reaches the receiver can then send records of its own.
    #[serde(default)]
    pub(in crate::config) dangerously_send_unsigned: bool,
}
