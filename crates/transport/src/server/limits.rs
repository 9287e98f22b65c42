//! What one client may hold, and for how long.

use std::time::Duration;

/// The bounds that keep a server alive among slow, greedy and hostile clients. Every default has its
/// reason; a larger one costs memory for each connection of an attacker.
#[derive(Clone, Debug)]
#[must_use]
pub struct Limits {
    pub(super) connections: usize,
    pub(super) connections_per_address: usize,
    pub(super) backlog: u16,
    pub(super) handshake: Duration,
    pub(super) header: Duration,
    pub(super) idle: Duration,
    pub(super) request: Pace,
    pub(super) response: Pace,
    pub(super) header_bytes: u32,
    pub(super) streams: u32,
    pub(super) control_frames: FrameLimit,
    pub(super) resets: FrameLimit,
    pub(super) grace: Duration,
}

/// How fast one body must move. Only time in which the client is waited for counts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// Time without any progress.
    pub(super) stall: Option<Duration>,
    /// All time together.
    pub(super) total: Option<Duration>,
    /// Bytes a second; 0 for no minimum.
    pub(super) rate: u32,
    /// Time before the rate counts.
    pub(super) grace: Duration,
}

impl Pace {
    /// Returns for how much longer the client may be waited for. `waited` is the time so far, in
    /// which so many bytes came. `None`: for ever.
    pub(super) fn remaining(&self, waited: Duration, bytes: u64) -> Option<Duration> {
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

/// How many frames of one sort a connection may send: so many at once, and so many a second.
#[derive(Clone, Copy, Debug)]
pub(super) struct FrameLimit {
    pub(super) burst: u32,
    pub(super) per_second: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 10_000,
            connections_per_address: 512,
            backlog: 1024,
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
    /// Connections in all, 10,000. When as many are open, the longest idle one is closed for a new
    /// one; if none is idle, the new one is closed. The server also stays under three quarters of the
    /// process's limit of file descriptors (`ulimit -n`), which it raises to the hard limit.
    pub fn connections(mut self, most: usize) -> Self {
        self.connections = most;
        self
    }

    /// Connections of one client address (IPv6: one /64), 512: a large office behind one address fits,
    /// and one attacker cannot take all places. Not counted for trusted proxies: give those to
    /// [`Server::behind`](super::Server::behind).
    pub fn connections_per_address(mut self, most: usize) -> Self {
        self.connections_per_address = most;
        self
    }

    /// Connections that the system keeps until they are accepted, 1,024: a burst fits, and the system
    /// may allow less (`net.core.somaxconn`). Not applied to sockets that were handed over.
    pub fn backlog(mut self, most: u16) -> Self {
        self.backlog = most;
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

    /// Time without any request after which a connection is closed, 60 s. Only requests and their
    /// bodies count: control frames of HTTP/2, however many, keep nothing open.
    pub fn idle_timeout(mut self, time: Duration) -> Self {
        self.idle = time;
        self
    }

    /// Time that a handler waits for the next part of a request's body, 30 s.
    pub fn body_timeout(mut self, time: Duration) -> Self {
        self.request.stall = Some(time);
        self
    }

    /// Time that a handler waits for a whole request body, 10 min: 75 MB at 1 Mbit/s. Time in which
    /// the handler does not ask for more is not counted. Over once the response has begun: what
    /// follows is a conversation, such as a gRPC stream, which only
    /// [`body_timeout`](Self::body_timeout) ends.
    pub fn body_total_timeout(mut self, time: Duration) -> Self {
        self.request.total = Some(time);
        self
    }

    /// Bytes a second that a request body must average while it is waited for, 500: the slowest
    /// mobile line is faster. Counts after [`rate_grace`](Self::rate_grace), and until the response
    /// has begun. 0 for no minimum.
    pub fn body_minimum_rate(mut self, bytes_per_second: u32) -> Self {
        self.request.rate = bytes_per_second;
        self
    }

    /// Lets a client keep a handler waiting for ever. For long gRPC streams of clients that may be
    /// silent for minutes; bound them in the handler.
    pub fn dangerously_without_body_timeout(mut self) -> Self {
        self.request.stall = None;
        self.request.total = None;
        self.request.rate = 0;
        self
    }

    /// Time for which a client may leave a response unread, 30 s. On HTTP/2 it ends the one stream
    /// that is not read, and a stream counts as read when it took 16 KiB.
    pub fn write_timeout(mut self, time: Duration) -> Self {
        self.response.stall = Some(time);
        self
    }

    /// Time that one response may wait for its client, all together, 1 h. Time in which the handler
    /// has nothing to send is not counted, so event streams and live sound are not cut.
    pub fn response_total_timeout(mut self, time: Duration) -> Self {
        self.response.total = Some(time);
        self
    }

    /// Bytes a second that a client must average while a response waits for it, 500: less than the
    /// thriftiest sound. Counts after [`rate_grace`](Self::rate_grace). 0 for no minimum.
    pub fn response_minimum_rate(mut self, bytes_per_second: u32) -> Self {
        self.response.rate = bytes_per_second;
        self
    }

    /// Time for which a body may be slower than its minimum rate, 30 s: a train in a tunnel.
    pub fn rate_grace(mut self, time: Duration) -> Self {
        self.request.grace = time;
        self.response.grace = time;
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

    /// HTTP/2 control frames of one connection, 1,000 at once and 20 a second. PING, SETTINGS,
    /// PRIORITY, WINDOW_UPDATE, empty DATA and unknown frames count; each request and each DATA frame
    /// that is sent earns two more. Beyond that the connection ends with `ENHANCE_YOUR_CALM`. Not
    /// counted for trusted proxies, whose connections carry the requests of many clients.
    pub fn control_frames(mut self, burst: u32, per_second: u32) -> Self {
        self.control_frames = FrameLimit { burst, per_second };
        self
    }

    /// HTTP/2 stream resets of one connection, by either side, 200 at once and 10 a second. Each
    /// response that was sent whole earns one more, so a client that cancels half of its requests is
    /// never cut. Beyond that the connection ends with `ENHANCE_YOUR_CALM`. Not counted for trusted
    /// proxies.
    pub fn resets(mut self, burst: u32, per_second: u32) -> Self {
        self.resets = FrameLimit { burst, per_second };
        self
    }

    /// Time for which a stopping server lets open requests finish, 30 s.
    pub fn grace(mut self, time: Duration) -> Self {
        self.grace = time;
        self
    }

    /// How often a connection looks at its clock: often enough that no deadline is missed by much.
    pub(super) fn tick(&self) -> Duration {
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
