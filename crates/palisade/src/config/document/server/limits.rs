//! `[server.limits]`: the numbers that protect the server from slow and many clients.

use serde::Deserialize;
use toml::Spanned;

/// `[server.limits]`: one key for each method of `palisade::server::Limits`, with the unit in its
/// name.
///
/// A key that is missing keeps the default of `Limits`. A time is from 1 second to a day, 86,400.
/// The page of defaults has the reason for each number.
#[derive(Debug, Default, Deserialize, PartialEq)]
#[serde(default, deny_unknown_fields)]
pub(in crate::config) struct ServerLimits {
    /// The most connections in total: 1 to 1,000,000. Default: 10,000.
    ///
    /// Beyond it the connection that is idle for longest is closed.
    pub(in crate::config) connections: Option<Spanned<u64>>,
    /// The most connections of one client address: 1 to 1,000,000. Default: 512. Trusted proxies
    /// have no such limit.
    pub(in crate::config) connections_per_address: Option<Spanned<u64>>,
    /// How many connections the system queues until they are accepted: 1 to 65,535. Default: 1024.
    pub(in crate::config) backlog: Option<Spanned<u64>>,
    /// The longest life of a connection. Default: no limit. Open requests finish first.
    pub(in crate::config) connection_age_seconds: Option<Spanned<u64>>,
    /// The time for a PROXY header, of a proxy in `proxy_protocol`. Default: 5.
    pub(in crate::config) proxy_header_seconds: Option<Spanned<u64>>,
    /// The time for the TLS handshake. Default: 10. Then the connection is closed.
    pub(in crate::config) handshake_seconds: Option<Spanned<u64>>,
    /// The time from the first byte of a request head to its last. Default: 10.
    pub(in crate::config) header_seconds: Option<Spanned<u64>>,
    /// The largest request head, in KiB: 8 to 1024. Default: 32. A larger one gets status 431.
    pub(in crate::config) header_kib: Option<Spanned<u64>>,
    /// The time without any request after which a connection is closed. Default: 60.
    pub(in crate::config) idle_seconds: Option<Spanned<u64>>,
    /// How long a handler waits for the next part of a request body. Default: 30.
    pub(in crate::config) body_seconds: Option<Spanned<u64>>,
    /// How long a handler waits for one request body in total. Default: 600.
    pub(in crate::config) body_total_seconds: Option<Spanned<u64>>,
    /// The lowest average rate of a request body, in bytes a second: 0 to 1,000,000,000. Default:
    /// 500. 0: none.
    pub(in crate::config) body_minimum_rate: Option<Spanned<u64>>,
    /// How long a client may leave a response unread. Default: 30.
    pub(in crate::config) write_seconds: Option<Spanned<u64>>,
    /// How long one response may wait for its client in total. Default: 3600. Time in which the
    /// handler has nothing to send is not counted.
    pub(in crate::config) response_total_seconds: Option<Spanned<u64>>,
    /// The lowest average rate at which a client must read, in bytes a second: 0 to 1,000,000,000.
    /// Default: 500. 0: none.
    pub(in crate::config) response_minimum_rate: Option<Spanned<u64>>,
    /// For how long a body may be slower than its minimum rate. Default: 30.
    pub(in crate::config) rate_grace_seconds: Option<Spanned<u64>>,
    /// The most concurrent requests on one HTTP/2 connection: 1 to 10,000. Default: 100.
    pub(in crate::config) streams: Option<Spanned<u64>>,
    /// The most control frames of one HTTP/2 connection. Default: 1000 at once and 20 a second.
    pub(in crate::config) control_frames: Option<FrameLimit>,
    /// The most stream resets of one HTTP/2 connection (CVE-2023-44487). Default: 200 at once and 10
    /// a second.
    pub(in crate::config) resets: Option<FrameLimit>,
    /// How long a stopping server waits for open requests. Default: 30. Then they are cut off.
    pub(in crate::config) grace_seconds: Option<Spanned<u64>>,
}

/// How many frames of one kind an HTTP/2 connection may send. More of them close the connection.
///
/// Written as `{ burst = 1000, per_second = 20 }`. Both keys are required.
#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct FrameLimit {
    /// How many frames may come at once: 1 to 1,000,000.
    pub(in crate::config) burst: Spanned<u64>,
    /// How many frames a second are allowed after that: 1 to 1,000,000.
    pub(in crate::config) per_second: Spanned<u64>,
}
