//! The limits of a server: connections, sizes, rates and timeouts.
//!
//! Each limit is enforced by the part that sees the bytes: the numbers of connections by `slots`,
//! the times by `deadlines`, the frames by `budgets`, the size of a head by hyper. Only time in which
//! the server waits for the client is counted, so a slow handler never costs its client the
//! connection.

use std::time::Duration;

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

/// How fast one body must move. Only time in which the server waits for the client counts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    /// The longest time without any progress. `None` for no limit.
    pub(crate) stall: Option<Duration>,
    /// The longest total time. `None` for no limit.
    pub(crate) total: Option<Duration>,
    /// The lowest average, in bytes per second; 0 for none.
    pub(crate) rate: u32,
    /// Time before the rate counts.
    pub(crate) grace: Duration,
}

impl Pace {
    /// Returns how much longer the server waits for the client. `None` for no limit.
    ///
    /// `waited` is the time so far, in which `bytes` came.
    pub(crate) fn remaining(&self, waited: Duration, bytes: u64) -> Option<Duration> {
        let earned =
            |rate: u32| Duration::from_millis(bytes.saturating_mul(1000) / u64::from(rate));
        let by_rate = (self.rate > 0).then(|| self.grace.saturating_add(earned(self.rate)));
        let allowed = match (by_rate, self.total) {
            (Some(by_rate), Some(total)) => Some(by_rate.min(total)),
            (by_rate, total) => by_rate.or(total),
        };
        allowed.map(|allowed| allowed.saturating_sub(waited))
    }
}

/// How many frames of one kind a connection may send: a burst, and a rate per second.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FrameLimit {
    /// Frames at once.
    pub(crate) burst: u32,
    /// Frames per second after that.
    pub(crate) per_second: u32,
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
    /// Sets the most connections in total. Default: 10,000.
    ///
    /// If as many are open, the longest idle one is closed for a new one. If none is idle, the
    /// new one is closed. The server also stays under three quarters of the limit of file
    /// descriptors (`ulimit -n`), which it first raises to the hard limit.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_transport::server::Limits;
    ///
    /// // A small machine: at most 500 connections, and 50 of one address.
    /// let limits = Limits::default().connections(500).connections_per_address(50);
    /// # let _ = limits;
    /// ```
    pub fn connections(mut self, most: usize) -> Self {
        self.connections = most;
        self
    }

    /// Sets the most connections of one client address (IPv6: one /64). Default: 512.
    ///
    /// A large office behind one address fits, and one attacker cannot use all connections.
    /// Trusted proxies have no such limit: see [`ServerBuilder::trusted_proxies`](crate::server::ServerBuilder::trusted_proxies).
    pub fn connections_per_address(mut self, most: usize) -> Self {
        self.connections_per_address = most;
        self
    }

    /// Sets how many connections the system queues until they are accepted. Default: 1,024.
    ///
    /// The system may allow less (`net.core.somaxconn`). Not applied to sockets of
    /// other processes ([`Listener::inherited`](crate::server::Listener::inherited)).
    pub fn backlog(mut self, most: u16) -> Self {
        self.backlog = most;
        self
    }

    /// Sets the longest life of a connection. Default: no limit.
    ///
    /// Then the client is told to open a new one (`GOAWAY`, `Connection: close`), and open
    /// requests finish. So clients spread over new servers behind a load balancer, and a
    /// certificate is checked again. Connections end up to 10 % earlier, by the port of the
    /// client, so that clients that began together do not come back together. Upgraded
    /// connections are not affected.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_transport::server::Limits;
    ///
    /// use std::time::Duration;
    ///
    /// // A new server behind the load balancer gets its share of long-lived clients within an hour.
    /// let limits = Limits::default().connection_age(Duration::from_secs(3600));
    /// # let _ = limits;
    /// ```
    pub fn connection_age(mut self, most: Duration) -> Self {
        self.connection_age = Some(most);
        self
    }

    /// Sets the longest time for a PROXY header. Default: 5 s; a proxy sends it at once.
    ///
    /// Only for peers of
    /// [`ServerBuilder::proxy_protocol`](crate::server::ServerBuilder::proxy_protocol).
    pub fn proxy_header_timeout(mut self, time: Duration) -> Self {
        self.proxy_header = time;
        self
    }

    /// Sets the longest time for the TLS handshake. Default: 10 s; a slow mobile line needs two
    /// or three.
    pub fn handshake_timeout(mut self, time: Duration) -> Self {
        self.handshake = time;
        self
    }

    /// Sets the longest time from the first byte of a request head to its last. Default: 10 s.
    ///
    /// Then the connection is closed. Also applies to a new connection that sends nothing.
    pub fn header_timeout(mut self, time: Duration) -> Self {
        self.header = time;
        self
    }

    /// Sets the time without any request after which a connection is closed. Default: 60 s.
    ///
    /// Only requests and their bodies count. HTTP/2 control frames do not keep a connection
    /// open.
    pub fn idle_timeout(mut self, time: Duration) -> Self {
        self.idle = time;
        self
    }

    /// Sets how long a handler waits for the next part of a request body. Default: 30 s.
    ///
    /// Then reading the body fails with
    /// [`ReceiveError::Stalled`](crate::server::ReceiveError::Stalled).
    pub fn body_timeout(mut self, time: Duration) -> Self {
        self.request.stall = Some(time);
        self
    }

    /// Sets how long a handler waits for a whole request body. Default: 10 min, or 75 MB at 1
    /// Mbit/s.
    ///
    /// Time in which the handler does not read is not counted. The limit ends when the response
    /// begins: a gRPC stream, for example, is then limited by
    /// [`body_timeout`](Self::body_timeout) alone. Reading fails with
    /// [`ReceiveError::Slow`](crate::server::ReceiveError::Slow).
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_transport::server::Limits;
    ///
    /// use std::time::Duration;
    ///
    /// // Uploads of up to 1 GB at 1 Mbit/s take about two and a half hours.
    /// let limits = Limits::default().body_total_timeout(Duration::from_secs(3 * 3600));
    /// # let _ = limits;
    /// ```
    pub fn body_total_timeout(mut self, time: Duration) -> Self {
        self.request.total = Some(time);
        self
    }

    /// Sets the lowest average rate of a request body, in bytes per second. Default: 500; 0 for
    /// none.
    ///
    /// Counts after [`rate_grace`](Self::rate_grace), and until the response begins. Reading
    /// fails with [`ReceiveError::Slow`](crate::server::ReceiveError::Slow).
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_transport::server::Limits;
    ///
    /// // Clients on a factory floor send 20 bytes a second over a serial line.
    /// let limits = Limits::default().body_minimum_rate(10);
    /// # let _ = limits;
    /// ```
    pub fn body_minimum_rate(mut self, bytes_per_second: u32) -> Self {
        self.request.rate = bytes_per_second;
        self
    }

    /// Removes all time limits of request bodies: a client can keep a handler waiting forever.
    ///
    /// For long gRPC streams whose clients may be silent for minutes. Set a limit in the
    /// handler instead.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_transport::server::Limits;
    ///
    /// // The handler of the gRPC stream has its own deadline.
    /// let limits = Limits::default().dangerously_without_body_timeout();
    /// # let _ = limits;
    /// ```
    pub fn dangerously_without_body_timeout(mut self) -> Self {
        self.request.stall = None;
        self.request.total = None;
        self.request.rate = 0;
        self
    }

    /// Sets how long a client may leave a response unread. Default: 30 s.
    ///
    /// On HTTP/1 the connection is closed. On HTTP/2 only the stream ends; it counts as read
    /// when the client took 16 KiB.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_transport::server::Limits;
    ///
    /// use std::time::Duration;
    ///
    /// // Players that buffer a minute of sound read nothing in that time.
    /// let limits = Limits::default().write_timeout(Duration::from_secs(90));
    /// # let _ = limits;
    /// ```
    pub fn write_timeout(mut self, time: Duration) -> Self {
        self.response.stall = Some(time);
        self
    }

    /// Sets how long one response may wait for its client in total. Default: 1 h.
    ///
    /// Time in which the handler has nothing to send is not counted. So event streams and live
    /// audio continue.
    pub fn response_total_timeout(mut self, time: Duration) -> Self {
        self.response.total = Some(time);
        self
    }

    /// Sets the lowest average rate at which a client must read, in bytes per second. Default:
    /// 500; 0 for none.
    ///
    /// Counts while a response waits for the client, after [`rate_grace`](Self::rate_grace).
    pub fn response_minimum_rate(mut self, bytes_per_second: u32) -> Self {
        self.response.rate = bytes_per_second;
        self
    }

    /// Sets for how long a body may be slower than its minimum rate. Default: 30 s.
    ///
    /// Applies to requests and responses: a phone may lose its connection for a moment.
    pub fn rate_grace(mut self, time: Duration) -> Self {
        self.request.grace = time;
        self.response.grace = time;
        self
    }

    /// Sets the largest size of a request head, in bytes. Default: 32 KiB. Smallest value: 8
    /// KiB.
    ///
    /// Larger heads are refused with 431 (414 if the target alone is too long).
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_transport::server::Limits;
    ///
    /// // Single sign-on puts long tickets into headers.
    /// let limits = Limits::default().header_bytes(64 * 1024);
    /// # let _ = limits;
    /// ```
    pub fn header_bytes(mut self, most: u32) -> Self {
        self.header_bytes = most.max(8 * 1024);
        self
    }

    /// Sets the most concurrent requests on one HTTP/2 connection. Default: 100.
    ///
    /// RFC 9113, section 6.5.2, recommends no fewer.
    pub fn streams(mut self, most: u32) -> Self {
        self.streams = most;
        self
    }

    /// Sets the most HTTP/2 control frames of one connection. Default: 1,000 at once and 20 per
    /// second.
    ///
    /// PING, SETTINGS, PRIORITY, WINDOW_UPDATE, empty DATA and unknown frames count. Each
    /// request, and each DATA frame that is sent, allows two more. Beyond that the connection
    /// ends with `ENHANCE_YOUR_CALM`. Trusted proxies have no such limit: their connections
    /// carry requests of many clients.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_transport::server::Limits;
    ///
    /// // A client library sends a PING for each message.
    /// let limits = Limits::default().control_frames(5_000, 100);
    /// # let _ = limits;
    /// ```
    pub fn control_frames(mut self, burst: u32, per_second: u32) -> Self {
        self.control_frames = FrameLimit { burst, per_second };
        self
    }

    /// Sets the most HTTP/2 stream resets of one connection, by either side. Default: 200 at
    /// once and 10 per second.
    ///
    /// Protects against rapid resets (CVE-2023-44487). Each complete response allows one more,
    /// so a client that cancels half of its requests is not affected. Beyond that the
    /// connection ends with `ENHANCE_YOUR_CALM`. Trusted proxies have no such limit.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_transport::server::Limits;
    ///
    /// // A search field that cancels the request of each letter.
    /// let limits = Limits::default().resets(400, 40);
    /// # let _ = limits;
    /// ```
    pub fn resets(mut self, burst: u32, per_second: u32) -> Self {
        self.resets = FrameLimit { burst, per_second };
        self
    }

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

#[cfg(test)]
mod tests {
    use super::*;

    fn seconds(pace: &Pace, waited: u64, bytes: u64) -> Option<u64> {
        let remaining = pace.remaining(Duration::from_secs(waited), bytes);
        remaining.map(|remaining| remaining.as_secs())
    }

    #[test]
    fn bytes_earn_time_up_to_the_total() {
        let pace = Limits::default().request;
        assert_eq!(seconds(&pace, 0, 0), Some(30), "the grace");
        assert_eq!(
            seconds(&pace, 29, 6),
            Some(1),
            "six bytes earn nothing to speak of"
        );
        assert_eq!(seconds(&pace, 30, 5_000), Some(10));
        assert_eq!(seconds(&pace, 0, u64::MAX), Some(600), "the total");
        assert_eq!(seconds(&pace, 700, u64::MAX), Some(0));
    }

    #[test]
    fn what_is_turned_off_bounds_nothing() {
        let pace = Limits::default().dangerously_without_body_timeout().request;
        assert_eq!(seconds(&pace, 1_000_000, 0), None);
        let only_total = Limits::default().response_minimum_rate(0).response;
        assert_eq!(seconds(&only_total, 0, 0), Some(3600));
    }
}
