//! How fast request bodies must be sent and responses read.

use std::time::Duration;

use super::Limits;

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

impl Limits {
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
