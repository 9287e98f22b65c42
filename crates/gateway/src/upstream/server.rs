//! One server of an upstream: its address, its connections, and whether it gets requests.
//!
//! Two things must agree that it gets a request: its health checks, if there are any, and its circuit
//! breaker. Each change is one line in the log and one in the metrics, however many requests see it:
//!
//! - `palisade_upstream_up{server}`: 1 or 0, from the first change on
//! - `palisade_upstream_changes_total{server, state}`: `opened`, `closed`, `unhealthy`, `healthy`
//! - `palisade_upstream_failures_total{server}`: failures that the breaker counted
//!
//! The number of open requests is used to choose between servers. It includes bodies that are still
//! being sent, and WebSockets.

use std::{
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
    time::Duration,
};

use http::uri::{Authority, Scheme};
use metrics::{counter, gauge};
use palisade::config::ConfigFileError;
use palisade_internal::log_limit::LogLimit;
use toml::Spanned;

use super::{
    address::Address,
    breaker::{Breaker, BreakerSettings, Change, Passage},
    client::Client,
    connect::{Connector, TlsClient, TlsClientError, TlsOptions},
    connections::{Connections, Stream},
    health::Health,
};
use crate::problem::Place;

/// What a client is told to wait for a server with as many requests as its connections take.
const FULL_WAIT: Duration = Duration::from_secs(1);
/// What a client is told to wait for a server whose health check fails.
///
/// Half of the default time between two checks.
const UNHEALTHY_WAIT: Duration = Duration::from_secs(5);

/// What all servers of one upstream share.
///
/// Read once from the section of the upstream.
#[derive(Debug)]
pub(super) struct Transport {
    /// For name resolution, TCP and TLS together.
    pub(super) connect_timeout: Duration,
    /// The most requests on one connection of HTTP/2. `None`: HTTP/1.1 is spoken.
    pub(super) streams: Option<u32>,
    /// `None`: without `[upstreams.tls]`. An `https` address then has the defaults.
    pub(super) tls: Option<TlsOptions>,
    /// Each server has a breaker of its own with these settings.
    pub(super) breaker: BreakerSettings,
}

/// One address with its pool of connections.
#[derive(Debug)]
pub(crate) struct Server {
    /// As the operator wrote it; also the label of metrics.
    address: Address,
    /// Host and port, for `Host` and for the target of requests.
    authority: Authority,
    /// The pools of requests, used by no other server.
    connections: Connections,
    /// Sends health checks, on a connection that requests cannot fill.
    check_client: Client,
    /// Sends requests that ask to switch protocols.
    upgrade_client: Client,
    /// Its share of the requests.
    pub(super) weight: u32,
    /// Requests whose response is not over.
    pending: AtomicUsize,
    /// Healthy until a check says otherwise.
    health: Health,
    /// Closed at the start.
    breaker: Breaker,
    /// Bounds the lines about the breaker.
    opening_log: OpeningLog,
}

/// Decides which changes of a breaker are logged: it opens at most once a minute, and closes if the line
/// before said that it is open.
///
/// Clients can make a server fail, respond, and fail again.
#[derive(Debug)]
struct OpeningLog {
    /// At most one line a minute.
    limit: LogLimit,
    /// A line said that the breaker is open, and none that it closed.
    is_open: AtomicBool,
}

impl OpeningLog {
    /// Begins with a closed breaker.
    const fn new() -> Self {
        Self {
            limit: LogLimit::per_minute(),
            is_open: AtomicBool::new(false),
        }
    }

    /// Returns how many lines were held back, if one about the open breaker is due.
    fn log_opened(&self, now: Duration) -> Option<u64> {
        if self.is_open.load(Ordering::Relaxed) {
            return None;
        }
        let held_back = self.limit.admit(now)?;
        self.is_open.store(true, Ordering::Relaxed);
        Some(held_back)
    }

    /// Returns whether to log that the breaker closed.
    fn log_closed(&self) -> bool {
        self.is_open.swap(false, Ordering::Relaxed)
    }
}

impl Server {
    /// Checks the address and reads the certificates. No connection is opened.
    ///
    /// `weight` is in range already. Only the files of `tls` are opened.
    ///
    /// # Errors
    ///
    /// The address or a file cannot be used.
    pub(super) fn from_section(
        url: &Spanned<String>,
        weight: u32,
        transport: &Transport,
        place: Place<'_>,
    ) -> Result<Self, ConfigFileError> {
        let Some(address) = Address::parse(url.get_ref()) else {
            let problem = format!("`{}` is no address of an upstream", url.get_ref());
            let remedy = "write \"http://HOST:PORT\", \"https://HOST\" or \"unix:/PATH\", without a path of the URL";
            return Err(place.invalid_value(url, problem, remedy));
        };
        if transport.tls.is_some() && !address.is_tls() {
            let remedy = "write \"https://\", or remove [upstreams.tls]";
            return Err(place.invalid_value(
                url,
                "[upstreams.tls] has no effect on this address",
                remedy,
            ));
        }
        let tls = address.is_tls().then(|| {
            let options = transport.tls.clone().unwrap_or_default();
            TlsClient::new(&options, &address.authority(), transport.streams.is_some())
        });
        let tls = tls
            .transpose()
            .map_err(|error| place.invalid_value(url, &error, tls_remedy(&error)))?;
        let mut connector = Connector::new(address.clone(), tls, transport.connect_timeout);
        if transport.streams.is_none() {
            connector = connector.with_bounded_responses();
        }
        Ok(Self {
            authority: address.authority(),
            connections: Connections::new(&connector, transport.streams),
            upgrade_client: Client::without_reuse(connector.clone()),
            check_client: Client::new(connector, transport.streams.is_some()),
            address,
            weight,
            pending: AtomicUsize::new(0),
            health: Health::default(),
            breaker: Breaker::new(transport.breaker),
            opening_log: OpeningLog::new(),
        })
    }

    /// Returns whether it may get a request now.
    ///
    /// It does not reserve anything: another request may be faster. `let_pass` decides.
    pub(super) fn is_available(&self, now: Duration) -> bool {
        self.health.is_healthy() && self.breaker.time_until_open(now).is_none()
    }

    /// Returns how long it gets no requests at least.
    ///
    /// For `Retry-After`. Meaningful only if the server did not take a request.
    pub(super) fn time_until_open(&self, now: Duration) -> Duration {
        let wait = match self.health.is_healthy() {
            true => FULL_WAIT,
            false => UNHEALTHY_WAIT,
        };
        self.breaker.time_until_open(now).unwrap_or(wait)
    }

    /// Takes a place on one of its connections. `None`: all are full.
    pub(super) fn take_place(&self) -> Option<Stream> {
        self.connections.take_place()
    }

    /// Lets a request pass its breaker.
    ///
    /// `None`: the breaker is open, or another request is the trial.
    pub(super) fn let_pass(&self, now: Duration) -> Option<Passage> {
        self.breaker.let_pass(now)
    }

    /// Returns how many requests are open.
    ///
    /// For the choice between servers. The number may be old by a moment.
    pub(super) fn open_requests(&self) -> usize {
        self.pending.load(Ordering::Relaxed)
    }

    /// Counts a request that begins.
    ///
    /// Each call needs one of `count_end`, which the drop of an attempt makes.
    pub(super) fn count_begin(&self) {
        self.pending.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a request that ends.
    pub(super) fn count_end(&self) {
        self.pending.fetch_sub(1, Ordering::Relaxed);
    }

    /// Notes a response.
    ///
    /// A breaker that closes is logged with level info, if its opening was logged.
    pub(super) fn note_success(&self, passage: Passage) {
        if self.breaker.note_success(passage) == Change::Closed {
            self.count_change("closed");
            if self.opening_log.log_closed() {
                tracing::info!(server = %self.address, "the server responds and gets requests again");
            }
        }
    }

    /// Notes a failure.
    ///
    /// A breaker that opens is logged with level warn. Each failure is counted.
    pub(super) fn note_failure(&self, passage: Passage, now: Duration) {
        counter!("palisade_upstream_failures_total", "server" => self.address.to_string())
            .increment(1);
        match self.breaker.note_failure(passage, now) {
            Change::Opened => {
                self.count_change("opened");
                self.log_opening(now);
            }
            // The trial of an open breaker failed, and perhaps no line has said that it is open.
            _ if passage == Passage::Trial => self.log_opening(now),
            _ => {}
        }
    }

    /// Logs that the breaker is open, if a line is due.
    fn log_opening(&self, now: Duration) {
        if let Some(held_back) = self.opening_log.log_opened(now) {
            tracing::warn!(
                server = %self.address,
                held_back,
                "the server failed several times in a row; it gets one request at a time until it responds"
            );
        }
    }

    /// Notes a request without an outcome.
    ///
    /// The client left before there was one.
    pub(super) fn record_abandoned(&self, passage: Passage, now: Duration) {
        self.breaker.record_abandoned(passage, now);
    }

    /// Notes what the health checks found.
    ///
    /// Only a change is logged and counted.
    pub(super) fn set_healthy(&self, healthy: bool) {
        if !self.health.set_healthy(healthy) {
            return;
        }
        match healthy {
            true => {
                tracing::info!(server = %self.address, "the health check succeeds; the server gets requests again");
                self.count_change("healthy");
            }
            false => {
                tracing::warn!(server = %self.address, "the health check fails; the server gets no requests");
                self.count_change("unhealthy");
            }
        }
    }

    /// Counts a change of state. Addresses are from the configuration, so labels are bounded.
    ///
    /// The gauge shows the last change. If breaker and health check differ, it does not tell which one
    /// keeps the server off.
    fn count_change(&self, state: &'static str) {
        let server = self.address.to_string();
        let up = if matches!(state, "closed" | "healthy") {
            1.0
        } else {
            0.0
        };
        gauge!("palisade_upstream_up", "server" => server.clone()).set(up);
        counter!("palisade_upstream_changes_total", "server" => server, "state" => state)
            .increment(1);
    }

    /// Returns the client for health checks.
    pub(super) const fn check_client(&self) -> &Client {
        &self.check_client
    }

    /// Returns the client for requests that ask to switch protocols.
    ///
    /// It speaks HTTP/1.1 and keeps no connection.
    pub(crate) const fn upgrade_client(&self) -> &Client {
        &self.upgrade_client
    }

    /// Returns host and port.
    pub(crate) const fn authority(&self) -> &Authority {
        &self.authority
    }

    /// Returns the scheme of requests.
    pub(crate) fn scheme(&self) -> Scheme {
        self.address.scheme()
    }

    /// Returns scheme and authority, as a browser would name its page.
    pub(crate) fn origin(&self) -> String {
        format!("{}://{}", self.address.scheme(), self.authority)
    }

    /// Returns the address, for people.
    pub(crate) const fn address(&self) -> &Address {
        &self.address
    }
}

/// What an operator sees of a server.
#[derive(Clone, Debug)]
pub(crate) struct ServerState {
    /// The address as the file has it.
    pub(crate) address: String,
    /// What the last health checks say. True without checks.
    pub(crate) is_healthy: bool,
    /// `closed`, `half-open` or `open`.
    pub(crate) breaker: &'static str,
    /// Requests whose response is not over.
    pub(crate) pending: usize,
}

impl Server {
    /// Returns what an operator sees.
    pub(super) fn state(&self) -> ServerState {
        ServerState {
            address: self.address.to_string(),
            is_healthy: self.health.is_healthy(),
            breaker: self.breaker.state_name(),
            pending: self.open_requests(),
        }
    }
}

/// What helps against a mistake in `[upstreams.tls]`.
const fn tls_remedy(error: &TlsClientError) -> &'static str {
    match error {
        TlsClientError::File(..) => {
            "name a PEM file that this user may read in `ca`, `certificate` and `key`"
        }
        TlsClientError::Name(_) => "write the name in the server's certificate as `server_name`",
        TlsClientError::NoRoots => "install the package ca-certificates, or name a file as `ca`",
        TlsClientError::Identity(..) => "name the chain and the key that belongs to it",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_fails_and_responds_by_turns_writes_two_lines_a_minute() {
        let log = OpeningLog::new();
        let second = Duration::from_secs(1);
        let mut lines = 0;
        for number in 1..60 {
            lines += usize::from(log.log_opened(number * second).is_some());
            lines += usize::from(log.log_closed());
        }
        assert_eq!(lines, 2);
        // An opening that was held back is logged by a later trial that fails.
        assert_eq!(log.log_opened(60 * second), None);
        assert_eq!(log.log_opened(70 * second), Some(59));
        assert_eq!(log.log_opened(140 * second), None, "it is known already");
        assert!(log.log_closed());
    }
}
