//! The limits of a server: connections, sizes, rates and timeouts.
//!
//! Each limit is enforced by the part that sees the bytes: the numbers of connections by `slots`,
//! the times by `deadlines`, the frames by `budgets`, the size of a head by hyper. Only time in which
//! the server waits for the client is counted, so a slow handler never costs its client the
//! connection.

mod bodies;
mod connections;
mod http2;

use std::time::Duration;

use self::bodies::Pace;
pub(crate) use self::http2::FrameLimit;

/// The limits that protect a server from slow and hostile clients.
///
/// | limit | default |
/// |---|---|
/// | [`connections`](Self::connections) | 10,000 |
/// | [`connections_per_address`](Self::connections_per_address) | 512 |
/// | [`backlog`](Self::backlog) | 1,024 |
/// | [`connection_age`](Self::connection_age) | no limit |
/// | [`proxy_header_timeout`](Self::proxy_header_timeout) | 5 s |
/// | [`handshake_timeout`](Self::handshake_timeout) | 10 s |
/// | [`header_timeout`](Self::header_timeout) | 10 s |
/// | [`header_bytes`](Self::header_bytes) | 32 KiB |
/// | [`idle_timeout`](Self::idle_timeout) | 60 s |
/// | [`body_timeout`](Self::body_timeout) | 30 s |
/// | [`body_total_timeout`](Self::body_total_timeout) | 10 min |
/// | [`body_minimum_rate`](Self::body_minimum_rate) | 500 bytes per second |
/// | [`write_timeout`](Self::write_timeout) | 30 s |
/// | [`response_total_timeout`](Self::response_total_timeout) | 1 h |
/// | [`response_minimum_rate`](Self::response_minimum_rate) | 500 bytes per second |
/// | [`rate_grace`](Self::rate_grace) | 30 s |
/// | [`streams`](Self::streams) | 100 |
/// | [`control_frames`](Self::control_frames) | 1,000 at once, 20 per second |
/// | [`resets`](Self::resets) | 200 at once, 10 per second |
/// | [`grace`](Self::grace) | 30 s |
///
/// A larger value costs memory for each connection of an attacker. Connections that exceed a
/// limit are closed and reported as a [`ConnectionEvent`](crate::server::ConnectionEvent). Give the
/// limits to [`ServerBuilder::limits`](crate::server::ServerBuilder::limits).
///
/// ```
/// use std::time::Duration;
///
/// use palisade_transport::server::Limits;
///
/// let limits = Limits::default()
///     .connections_per_address(64)
///     .idle_timeout(Duration::from_secs(30));
/// # let _ = limits;
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Limits {
    /// Connections in total.
    pub(crate) connections: usize,
    /// Connections of one IPv4 address or one /64 of IPv6.
    pub(crate) connections_per_address: usize,
    /// Connections that the system queues.
    pub(crate) backlog: u16,
    /// The longest life of a connection. `None` for no limit.
    pub(crate) connection_age: Option<Duration>,
    /// Time for a PROXY header.
    pub(crate) proxy_header: Duration,
    /// Time for the TLS handshake.
    pub(crate) handshake: Duration,
    /// Time for one request head.
    pub(crate) header: Duration,
    /// Time between two requests.
    pub(crate) idle: Duration,
    /// How fast a client must send.
    pub(crate) request: Pace,
    /// How fast a client must read.
    pub(crate) response: Pace,
    /// Bytes of one request head.
    pub(crate) header_bytes: u32,
    /// Concurrent requests on one HTTP/2 connection.
    pub(crate) streams: u32,
    /// HTTP/2 control frames of one connection.
    pub(crate) control_frames: FrameLimit,
    /// HTTP/2 stream resets of one connection.
    pub(crate) resets: FrameLimit,
    /// Time for open requests when the server stops.
    pub(crate) grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 10_000,
            connections_per_address: 512,
            backlog: 1024,
            connection_age: None,
            proxy_header: Duration::from_secs(5),
            handshake: Duration::from_secs(10),
            header: Duration::from_secs(10),
            idle: Duration::from_secs(60),
            request: Pace {
                stall: Some(Duration::from_secs(30)),
                total: Some(Duration::from_secs(10 * 60)),
                rate: 500,
                grace: Duration::from_secs(30),
            },
            response: Pace {
                stall: Some(Duration::from_secs(30)),
                total: Some(Duration::from_secs(60 * 60)),
                rate: 500,
                grace: Duration::from_secs(30),
            },
            header_bytes: 32 * 1024,
            streams: 100,
            control_frames: FrameLimit {
                burst: 1000,
                per_second: 20,
            },
            resets: FrameLimit {
                burst: 200,
                per_second: 10,
            },
            grace: Duration::from_secs(30),
        }
    }
}

impl Limits {
    /// Sets how long a stopping server waits for open requests. Default: 30 s.
    ///
    /// Connections that are left are closed and counted in `Stopped::cut`.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_transport::server::Limits;
    ///
    /// use std::time::Duration;
    ///
    /// // Shorter than `TimeoutStopSec=` of the unit, so that the trail is closed in time.
    /// let limits = Limits::default().grace(Duration::from_secs(60));
    /// # let _ = limits;
    /// ```
    pub fn grace(mut self, time: Duration) -> Self {
        self.grace = time;
        self
    }

    /// How often the deadlines of a connection are checked: a quarter of the shortest, 5 ms to
    /// 5 s.
    pub(crate) fn tick(&self) -> Duration {
        let shortest = self.header.min(self.idle);
        let shortest = self
            .response
            .stall
            .map_or(shortest, |stall| shortest.min(stall));
        (shortest / 4).clamp(Duration::from_millis(5), Duration::from_secs(5))
    }
}
