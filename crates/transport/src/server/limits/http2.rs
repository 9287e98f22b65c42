//! Limits of one HTTP/2 connection: requests at once, control frames and stream resets.

use super::Limits;

/// How many frames of one kind a connection may send: a burst, and a rate per second.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FrameLimit {
    /// Frames at once.
    pub(crate) burst: u32,
    /// Frames per second after that.
    pub(crate) per_second: u32,
}

impl Limits {
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
    /// A request whose head is too large counts as a reset too. It is refused before any limit of
    /// requests, and reading its head costs as much as a request.
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
}
