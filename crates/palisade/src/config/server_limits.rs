//! `[server.limits]`: what one client may hold, and for how long.

use std::time::Duration;

use palisade_transport::server::{Limits, Server};
use toml::Spanned;

use super::{Config, ConfigFileError, document::FrameLimit};

/// A longer time is none.
const DAY: u32 = 24 * 60 * 60;

type Number = Option<Spanned<u64>>;

impl Config {
    /// Gives a server the limits of `[server.limits]` and the headers of `[headers]`, and does not
    /// count the connections of the proxies in `[client]` by address: each carries the requests of
    /// many clients.
    ///
    /// # Errors
    /// A number is out of its range, or a network of the proxies is none.
    pub fn configure(&self, server: Server) -> Result<Server, ConfigFileError> {
        let limits = self.server_limits()?;
        let headers = self.headers()?;
        Ok(server
            .with_limits(limits)
            .with_headers(headers)
            .behind(self.proxies()?))
    }

    /// Reads `[server.limits]`. What is not said keeps the default of [`Limits`].
    ///
    /// # Errors
    /// A number is out of its range.
    pub fn server_limits(&self) -> Result<Limits, ConfigFileError> {
        let limits = self.counts(Limits::default())?;
        let limits = self.times(limits)?;
        self.rates(limits)
    }

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
                limits = set(limits, count as usize);
            }
        }
        if let Some(count) = self.number(&written.backlog, 1, u32::from(u16::MAX))? {
            limits = limits.backlog(u16::try_from(count).unwrap_or(u16::MAX));
        }
        if let Some(kib) = self.number(&written.header_kib, 8, 1024)? {
            limits = limits.header_bytes(kib.saturating_mul(1024));
        }
        if let Some(count) = self.number(&written.streams, 1, 10_000)? {
            limits = limits.streams(count);
        }
        Ok(limits)
    }

    fn times(&self, mut limits: Limits) -> Result<Limits, ConfigFileError> {
        let written = &self.document.server.limits;
        let times: [(&Number, fn(Limits, Duration) -> Limits); 9] = [
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
            if let Some(seconds) = self.number(number, 1, DAY)? {
                limits = set(limits, Duration::from_secs(seconds.into()));
            }
        }
        Ok(limits)
    }

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

    fn number(
        &self,
        value: &Number,
        least: u32,
        most: u32,
    ) -> Result<Option<u32>, ConfigFileError> {
        let number = value.as_ref();
        number
            .map(|value| self.in_range(value, least, most))
            .transpose()
    }

    fn in_range(
        &self,
        value: &Spanned<u64>,
        least: u32,
        most: u32,
    ) -> Result<u32, ConfigFileError> {
        let number = u32::try_from(*value.get_ref()).ok();
        if let Some(number) = number.filter(|number| (least..=most).contains(number)) {
            return Ok(number);
        }
        let problem = format!("{} is out of range", value.get_ref());
        let remedy = format!("write a number from {least} to {most}");
        Err(self.source.at(value, problem, &remedy))
    }
}
