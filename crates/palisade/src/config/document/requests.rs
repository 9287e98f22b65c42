//! `[client]`, `[headers]`, `[text]` and `[trace]`: what is read from each request, and added to each response.

use serde::Deserialize;
use toml::Spanned;

/// `[client]`: how the client address is decided. Default: the address of the connection.
///
/// Behind a proxy without this section, all clients have the address of the proxy and share its
/// limits.
#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub(in crate::config) struct Client {
    /// Networks of the trusted proxies, such as `10.0.0.0/8`. Default: none. Needs `header`.
    ///
    /// A peer outside these networks is the client itself, whatever its headers say.
    pub(in crate::config) proxies: Vec<Spanned<String>>,
    /// The header that the proxies write: `X-Forwarded-For`, `Forwarded`, or one of a vendor. Needs
    /// `proxies`.
    ///
    /// Only this one is read: a proxy passes the others on as the client sent them.
    pub(in crate::config) header: Option<Spanned<String>>,
    /// Whether the host that a trusted proxy forwards is used. Default: `false`.
    pub(in crate::config) accept_forwarded_host: bool,
    /// Whether the request identifier that a trusted proxy sends is kept. Default: `false`: a new
    /// one is made. An error if `request_id` of `[server]` is `false`.
    pub(in crate::config) accept_request_id: bool,
}

/// `[headers]`: the security headers of every response.
#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub(in crate::config) struct Headers {
    /// The set of headers to start from. Default: `api`.
    pub(in crate::config) preset: Preset,
    /// `max-age` of `Strict-Transport-Security` (RFC 6797), in days. Default: 365, which is also
    /// the least.
    ///
    /// Browsers use TLS for this host for as long. It cannot be taken back before.
    pub(in crate::config) hsts_days: Option<Spanned<u64>>,
    /// Whether search engines may index the responses. Default: `false`, which sends
    /// `X-Robots-Tag: noindex`.
    pub(in crate::config) index: bool,
}

/// A set of security headers.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub(in crate::config) enum Preset {
    /// `api`: for responses that programs read. The content security policy allows nothing.
    #[default]
    Api,
    /// `browser`: for pages, with a content security policy of the same origin.
    Browser,
}

/// `[trace]`: a trace for each request (W3C Trace Context), and a span in the log. Default: none.
///
/// The audit record has `trace_id`, and the gateway sends `traceparent` to upstreams. Spans go to a collector with
/// `[[audit.otlp]]` and `send = "spans"`.
#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub(in crate::config) struct Trace {
    /// Whether the trace that a trusted proxy sends in `traceparent` goes on. Default: `false`: each request begins a
    /// new one, and what was sent is a link of its span. Needs `proxies` of `[client]`.
    ///
    /// Only for proxies that write the header themselves: others pass on what a client sent.
    pub(in crate::config) accept_from_proxies: Option<Spanned<bool>>,
    /// One of how many new traces is recorded: 1 to 1,000,000. Default: 1, all.
    pub(in crate::config) one_of: Option<Spanned<u64>>,
}

/// `[text]`: limits of text fields and of bodies. A body beyond them gets status 413.
#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub(in crate::config) struct Text {
    /// Drops control characters and other hidden characters from the text of responses, on routes with
    /// text fields. Default: `false`; `mask_responses` and `placeholders` set it.
    pub(in crate::config) clean_responses: bool,
    /// The compressions of bodies that are undone: `gzip`, `br`, `zstd`. Default: none, and a
    /// compressed body with text fields gets status 415. Needs the feature `compression`.
    pub(in crate::config) compressed: Vec<Spanned<String>>,
    /// Headers whose values are cleaned as text fields are, such as `x-title`. Default: none.
    pub(in crate::config) headers: Vec<Spanned<String>>,
    /// The most levels of nested JSON: at most 128. Default: 32.
    pub(in crate::config) max_depth: Option<usize>,
    /// The largest exponent of a number of JSON, in both directions. Default: 400.
    pub(in crate::config) max_exponent: Option<usize>,
    /// The longest text field, in characters as a reader counts them: at least 1. Default: 500.
    pub(in crate::config) max_graphemes: Option<usize>,
    /// The longest body with text fields, in KiB. Default: 64. Such a body is held in memory.
    pub(in crate::config) max_body_kib: Option<usize>,
    /// The most parameters, and the most members and elements of JSON. Default: 1,000.
    pub(in crate::config) max_keys: Option<usize>,
    /// The most digits of a number of JSON, those of its exponent included. Default: 128.
    pub(in crate::config) max_number_digits: Option<usize>,
    /// The longest string or name of JSON, and the longest parameter, in KiB. Default: as long as the body.
    pub(in crate::config) max_string_kib: Option<usize>,
    /// Kinds of personal data that are masked in responses, on routes with text fields: `phone`,
    /// `email` and others, or `all`. Default: none.
    pub(in crate::config) mask_responses: Vec<Spanned<String>>,
    /// The longest other body, in KiB. Default: 1024. Without a declared length it is counted while
    /// the handler reads it.
    pub(in crate::config) max_unread_body_kib: Option<usize>,
    /// Parameters of paths that are refused unless they are clean, by their names in the templates of
    /// routes. Default: none.
    pub(in crate::config) path_parameters: Vec<String>,
    /// Kinds of personal data that are replaced in text fields by placeholders such as `‹PHONE_1›`, and
    /// restored in the response: `phone`, `email` and others, or `all`. Default: none.
    pub(in crate::config) placeholders: Vec<Spanned<String>>,
    /// Keeps the body as it was sent beside the clean one, for handlers that check a signature.
    /// Default: `false`.
    pub(in crate::config) raw_body: bool,
    /// Digests and signatures of a request that was changed: `drop-digests`, `drop-all` or `keep`.
    /// Default: `drop-digests`.
    pub(in crate::config) stale_headers: Option<Spanned<String>>,
}
