//! `[server.limits]`: connections, timeouts, sizes and rates of the server.
//!
//! Each number has a range, so that a typing mistake is an error at start. A key that is
//! missing keeps the default of [`Limits`].

use std::time::Duration;

use palisade_transport::server::{Limits, ServerBuilder};

use crate::config::{
    Config, ConfigFileError,
    document::FrameLimit,
    values::numbers::{DAY_SECONDS, Number, TimeUnit},
};

impl Config {
    /// Applies `[server.limits]`, `[headers]`, `proxy_protocol` and `tls13_only` of `[server]`, and the
    /// proxies of `[client]` to a server.
    ///
    /// The headers are for responses that the server sends itself, such as 431 for a request head
    /// that is too long. Trusted proxies are exempt from the limits per address and of HTTP/2
    /// frames: each of their connections carries the requests of many clients.
    ///
    /// # Errors
    ///
    /// A number is out of its range, or a network of the proxies cannot be parsed.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade::{config::Config, server::Server};
    ///
    /// let config = Config::parse("server = { hosts = ['a.example'], limits.streams = 32 }")?;
    /// let server = config.configure(Server::builder().listen("127.0.0.1:0".parse()?))?;
    /// # drop(server); Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn configure(&self, server: ServerBuilder) -> Result<ServerBuilder, ConfigFileError> {
        let limits = self.server_limits()?;
        let headers = self.headers()?;
        let server = match self.document.server.tls13_only {
            true => server.tls13_only(),
            false => server,
        };
        Ok(server
            .limits(limits)
            .headers(headers)
            .trusted_proxies(self.proxies()?)
            .proxy_protocol(self.networks(&self.document.server.proxy_protocol)?))
    }

    /// Reads `[server.limits]`. A key that is missing keeps the default of [`Limits`].
    ///
    /// Use [`configure`](Self::configure) to apply them to a server together with headers and
    /// proxies.
    ///
    /// # Errors
    ///
    /// A number is out of its range. The error names the range.
    ///
    /// ```
    /// use palisade::config::Config;
    ///
    /// let config = Config::parse("server.limits.streams = 0")?;
    /// let error = config.server_limits().unwrap_err();
    /// assert_eq!(error.key(), Some("server.limits.streams"));
    /// assert!(error.to_string().ends_with("write a number from 1 to 10000"));
    /// # Ok::<(), palisade::config::ConfigFileError>(())
    /// ```
    pub fn server_limits(&self) -> Result<Limits, ConfigFileError> {
        let limits = self.counts(Limits::default())?;
        let limits = self.times(limits)?;
        self.rates(limits)
    }

    /// Reads numbers of connections and streams, and the size of a request head.
    fn counts(&self, mut limits: Limits) -> Result<Limits, ConfigFileError> {
        let written = &self.document.server.limits;
        let connections: [(&Number, fn(Limits, usize) -> Limits); 2] = [
            (&written.connections, Limits::connections),
            (
                &written.connections_per_address,
                Limits::connections_per_address,
            ),
        ];
        for (number, set) in connections {
            if let Some(count) = self.number(number, 1, 1_000_000)? {
                limits = set(limits, count);
            }
        }
        if let Some(count) = self.number(&written.backlog, 1, u16::MAX.into())? {
            limits = limits.backlog(count);
        }
        if let Some(kib) = self.number::<u32>(&written.header_kib, 8, 1024)? {
            limits = limits.header_bytes(kib.saturating_mul(1024));
        }
        if let Some(count) = self.number(&written.streams, 1, 10_000)? {
            limits = limits.streams(count);
        }
        Ok(limits)
    }

    /// Reads the timeouts, each from 1 second to a day.
    fn times(&self, mut limits: Limits) -> Result<Limits, ConfigFileError> {
        let written = &self.document.server.limits;
        let times: [(&Number, fn(Limits, Duration) -> Limits); 11] = [
            (&written.connection_age_seconds, Limits::connection_age),
            (&written.proxy_header_seconds, Limits::proxy_header_timeout),
            (&written.handshake_seconds, Limits::handshake_timeout),
            (&written.header_seconds, Limits::header_timeout),
            (&written.idle_seconds, Limits::idle_timeout),
            (&written.body_seconds, Limits::body_timeout),
            (&written.body_total_seconds, Limits::body_total_timeout),
            (&written.write_seconds, Limits::write_timeout),
            (
                &written.response_total_seconds,
                Limits::response_total_timeout,
            ),
            (&written.rate_grace_seconds, Limits::rate_grace),
            (&written.grace_seconds, Limits::grace),
        ];
        for (number, set) in times {
            if let Some(time) = self.time(number, TimeUnit::Seconds, DAY_SECONDS)? {
                limits = set(limits, time);
            }
        }
        Ok(limits)
    }

    /// Reads the minimum rates in bytes a second (0 for none), and the limits of HTTP/2 frames.
    fn rates(&self, mut limits: Limits) -> Result<Limits, ConfigFileError> {
        let written = &self.document.server.limits;
        let rates: [(&Number, fn(Limits, u32) -> Limits); 2] = [
            (&written.body_minimum_rate, Limits::body_minimum_rate),
            (
                &written.response_minimum_rate,
                Limits::response_minimum_rate,
            ),
        ];
        for (number, set) in rates {
            if let Some(rate) = self.number(number, 0, 1_000_000_000)? {
                limits = set(limits, rate);
            }
        }
        let frames: [(&Option<FrameLimit>, fn(Limits, u32, u32) -> Limits); 2] = [
            (&written.control_frames, Limits::control_frames),
            (&written.resets, Limits::resets),
        ];
        for (frames, set) in frames {
            let Some(frames) = frames else { continue };
            let burst = self.in_range(&frames.burst, 1, 1_000_000)?;
            let per_second = self.in_range(&frames.per_second, 1, 1_000_000)?;
            limits = set(limits, burst, per_second);
        }
        Ok(limits)
    }
}
