//! What one client may hold, and for how long.

use std::time::Duration;

/// The bounds that keep a server alive among slow, greedy and hostile clients. Every default has its
/// reason; a larger one costs memory for each connection of an attacker.
#[derive(Clone, Debug)]
#[must_use]
pub struct Limits {
    pub(super) connections: usize,
    pub(super) connections_per_address: usize,
    pub(super) handshake: Duration,
    pub(super) header: Duration,
    pub(super) idle: Duration,
    pub(super) body_stall: Option<Duration>,
    pub(super) write_stall: Duration,
    pub(super) header_bytes: u32,
    pub(super) streams: u32,
    pub(super) grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 10_000,
            connections_per_address: 512,
            handshake: Duration::from_secs(10),
            header: Duration::from_secs(10),
            idle: Duration::from_secs(60),
            body_stall: Some(Duration::from_secs(30)),
            write_stall: Duration::from_secs(30),
            header_bytes: 32 * 1024,
            streams: 100,
            grace: Duration::from_secs(30),
        }
    }
}

impl Limits {
    /// Connections in all, 10 000. One more is closed at once: a queue would only hold dead ones.
    pub fn connections(mut self, most: usize) -> Self {
        self.connections = most;
        self
    }

    /// Connections of one client address (IPv6: one /64), 512: a large office behind one address fits,
    /// and one attacker cannot take all places. Not counted for trusted proxies.
    pub fn connections_per_address(mut self, most: usize) -> Self {
        self.connections_per_address = most;
        self
    }

    /// Time for the TLS handshake, 10 s: a phone with a bad line needs two or three.
    pub fn handshake_timeout(mut self, time: Duration) -> Self {
        self.handshake = time;
        self
    }

    /// Time from the first byte of a request's head to its last, 10 s. Slow senders are closed.
    pub fn header_timeout(mut self, time: Duration) -> Self {
        self.header = time;
        self
    }

    /// Time without any request after which a connection is closed, 60 s, also for one that pings.
    pub fn idle_timeout(mut self, time: Duration) -> Self {
        self.idle = time;
        self
    }

    /// Time that a handler waits for the next part of a request's body, 30 s.
    pub fn body_timeout(mut self, time: Duration) -> Self {
        self.body_stall = Some(time);
        self
    }

    /// Lets a client keep a handler waiting for ever. For long gRPC streams of clients that may be
    /// silent for minutes; bound them in the handler.
    pub fn dangerously_without_body_timeout(mut self) -> Self {
        self.body_stall = None;
        self
    }

    /// Time for which a client may leave an answer unread, 30 s.
    pub fn write_timeout(mut self, time: Duration) -> Self {
        self.write_stall = time;
        self
    }

    /// Bytes of a request's head, 32 KiB: large cookies and tokens fit. Never under 8 KiB.
    pub fn header_bytes(mut self, most: u32) -> Self {
        self.header_bytes = most.max(8 * 1024);
        self
    }

    /// Requests at the same time on one HTTP/2 connection, 100, the least that RFC 9113 recommends.
    pub fn streams(mut self, most: u32) -> Self {
        self.streams = most;
        self
    }

    /// Time for which a stopping server lets open requests finish, 30 s.
    pub fn grace(mut self, time: Duration) -> Self {
        self.grace = time;
        self
    }

    /// How often a connection looks at its clock: often enough that no deadline is missed by much.
    pub(super) fn tick(&self) -> Duration {
        let shortest = self.header.min(self.idle).min(self.write_stall);
        (shortest / 4).clamp(Duration::from_millis(5), Duration::from_secs(5))
    }
}
