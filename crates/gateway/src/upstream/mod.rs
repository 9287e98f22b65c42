//! The services behind the gateway: `[[upstreams]]`.
//!
//! | file | what it has |
//! |---|---|
//! | `section.rs`, `values.rs`, `timeouts.rs` | the keys as written, and checked |
//! | `service.rs` | one upstream: which requests it takes |
//! | `server.rs`, `attempt.rs` | one server, and one request that was given to it |
//! | `balance.rs`, `breaker.rs`, `health.rs`, `retry_budget.rs` | which server gets a request, and how often |
//! | `client.rs`, `connect/` | connections |
//! | `examine.rs` | what does not fit the services that are there |
//! | `credential.rs`, `identity.rs`, `secret.rs` | what the gateway puts in |
//! | `header_rules.rs`, `host_header.rs`, `origin.rs` | fields that the operator decides |
//!
//! Everything is checked at the start and at each reload. A request meets only values that can be used.

mod describe;
mod examine;
mod health;
mod attempt;
mod service;
mod server;
mod connections;
mod client;
mod connect;
mod credential;
mod identity;
mod header_rules;
mod host_header;
mod origin;
mod websocket;
mod values;
mod timeouts;
mod secret;
mod address;
mod retry_budget;
mod balance;
mod breaker;
mod section;

use std::{cmp::Reverse, sync::Arc};

use palisade::{
    config::{Config, ConfigFileError},
    core::{SharedClock, SystemClock},
};

pub(crate) use self::{
    attempt::Attempt,
    client::Client,
    connect::is_shortage,
    server::{Server, ServerState},
    service::Upstream,
    websocket::WebSocketLimits,
};
use self::{describe::describe_upstream, section::Section};
use crate::problem::Place;

/// The upstreams of a gateway. Clones share their connections.
///
/// A request goes to the upstream with the longest matching path. Among equal paths, one that names
/// the host of the request comes first. A host or path that no upstream takes gets status 404.
///
/// Connections are kept for 15 seconds after their last request, at most 64 for each server. A
/// request is sent again only if the connection was closed before anything of it was written.
///
/// # Examples
///
/// ```
/// use palisade::config::Config;
/// use palisade_gateway::Upstreams;
///
/// let text = r#"
/// [[upstreams]]
/// url = "http://127.0.0.1:5000"
///
/// [[upstreams]]
/// url = "http://127.0.0.1:11434"
/// path = "/v1"
/// response_timeout_seconds = 600
/// "#;
/// let upstreams = Upstreams::of(&Config::parse_with(text, &["upstreams"])?)?;
/// # drop(upstreams);
///
/// let broken = Config::parse_with("[[upstreams]]\nurl = 'localhost:5000'", &["upstreams"])?;
/// let problem = Upstreams::of(&broken).unwrap_err().to_string();
/// assert!(problem.starts_with("configuration:2: upstreams.url: "), "{problem}");
/// # Ok::<(), palisade::config::ConfigFileError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Upstreams {
    /// In the order in which they are tried.
    upstreams: Arc<[Arc<Upstream>]>,
}

/// Reads [`Upstreams`] with another clock. Returned by [`Upstreams::builder`].
///
/// # Examples
///
/// ```
/// use palisade::{config::Config, core::ManualClock};
/// use palisade_gateway::Upstreams;
///
/// let text = "[[upstreams]]\nurl = 'http://127.0.0.1:5000'";
/// let config = Config::parse_with(text, &["upstreams"])?;
/// let clock = ManualClock::new(std::time::Duration::from_secs(1_800_000_000));
/// let upstreams = Upstreams::builder(&config).clock(clock.shared()).build()?;
/// # drop(upstreams); Ok::<(), palisade::config::ConfigFileError>(())
/// ```
#[derive(Debug)]
#[must_use]
pub struct UpstreamsBuilder<'a> {
    config: &'a Config,
    clock: SharedClock,
}

impl UpstreamsBuilder<'_> {
    /// Sets the clock of the circuit breakers. Default: the system clock.
    pub fn clock(mut self, clock: SharedClock) -> Self {
        self.clock = clock;
        self
    }

    /// Reads `[[upstreams]]`.
    ///
    /// # Errors
    ///
    /// As [`Upstreams::of`].
    pub fn build(self) -> Result<Upstreams, ConfigFileError> {
        Upstreams::read(self.config, &self.clock)
    }
}

impl Upstreams {
    /// Reads `[[upstreams]]` of a configuration that was read with the section named.
    ///
    /// Reads the files of certificates that it names. Opens no connection.
    ///
    /// # Errors
    ///
    /// The section is missing, or a value cannot be used. The error names line, key and remedy.
    pub fn of(config: &Config) -> Result<Self, ConfigFileError> {
        Self::builder(config).build()
    }

    /// Starts to choose how they are read: with another clock.
    pub fn builder(config: &Config) -> UpstreamsBuilder<'_> {
        UpstreamsBuilder {
            config,
            clock: SystemClock::shared(),
        }
    }

    /// Reads the section.
    ///
    /// # Errors
    ///
    /// The section has a mistake. The error names line, key and remedy.
    fn read(config: &Config, clock: &SharedClock) -> Result<Self, ConfigFileError> {
        let sections: Vec<Section> = config.section("upstreams")?;
        if sections.is_empty() {
            let remedy = "add `[[upstreams]]` with `url = \"http://127.0.0.1:5000\"`";
            return Err(config.key_error("upstreams", "url", "no upstream is named", remedy));
        }
        let place = Place::in_file_of(config);
        let upstreams = sections
            .into_iter()
            .map(|section| Upstream::from_section(section, clock.clone(), place));
        let mut upstreams = upstreams
            .map(|upstream| upstream.map(Arc::new))
            .collect::<Result<Vec<_>, _>>()?;
        upstreams.sort_by_key(|upstream| Reverse(upstream.rank()));
        Ok(Self {
            upstreams: upstreams.into(),
        })
    }

    /// Takes over the upstreams of a running gateway that did not change, with their connections and
    /// the state of their servers.
    pub(crate) fn take_over(&mut self, running: &Self) {
        let same = |new: &Arc<Upstream>| {
            let mut running = running.upstreams.iter();
            let same = running.find(|running| running.is_same(new));
            Arc::clone(same.unwrap_or(new))
        };
        self.upstreams = self.upstreams.iter().map(same).collect();
    }

    /// Starts the health checks of the upstreams that have them, on the runtime of the caller. They
    /// end when the upstreams are dropped. Default: none run.
    pub fn start_health_checks(&self) {
        self.upstreams.iter().for_each(health::start);
    }

    /// Returns the upstream of a request. `None`: no upstream takes this host and path.
    pub(crate) fn pick_upstream(&self, host: Option<&str>, path: &str) -> Option<&Arc<Upstream>> {
        let mut upstreams = self.upstreams.iter();
        upstreams.find(|upstream| upstream.takes_host(host) && upstream.takes_path(path))
    }

    /// Returns the path, the hosts and the servers of each upstream, for the admin socket.
    pub(crate) fn server_states(
        &self,
    ) -> impl Iterator<Item = (&str, &[String], impl Iterator<Item = ServerState>)> {
        self.upstreams.iter().map(|upstream| {
            let servers = upstream.servers().iter().map(|server| server.state());
            (upstream.prefix(), upstream.hosts(), servers)
        })
    }

    /// Describes each upstream in words, in the order in which they are tried.
    pub(crate) fn described_upstreams(&self) -> impl Iterator<Item = String> {
        self.upstreams
            .iter()
            .map(|upstream| describe_upstream(upstream))
    }

    /// Returns the addresses, for the greeting.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = String> {
        self.upstreams
            .iter()
            .map(|upstream| upstream.addresses_and_path())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn upstreams(text: &str) -> Result<Upstreams, String> {
        let config = Config::parse_with(text, &["upstreams"]).unwrap();
        Upstreams::of(&config).map_err(|error| error.to_string())
    }

    fn port(upstreams: &Upstreams, host: &str, path: &str) -> Option<u16> {
        let server = upstreams
            .pick_upstream(Some(host), path)?
            .servers()
            .first()?;
        server.authority().port_u16()
    }

    #[test]
    fn the_longest_path_wins_and_a_named_host_before_any_host() {
        let found = upstreams(
            "[[upstreams]]\nurl = 'http://a:1'\n\
             [[upstreams]]\nurl = 'http://a:2'\npath = '/v1/'\n\
             [[upstreams]]\nurl = 'http://a:3'\npath = '/v1'\nhosts = ['B.example']\n",
        )
        .unwrap();
        assert_eq!(port(&found, "a.example", "/"), Some(1));
        assert_eq!(port(&found, "a.example", "/v10"), Some(1));
        assert_eq!(port(&found, "a.example", "/v1"), Some(2));
        assert_eq!(port(&found, "a.example", "/v1/a"), Some(2));
        assert_eq!(port(&found, "b.example", "/v1/a"), Some(3));
        let named = upstreams("[[upstreams]]\nurl = 'http://a:1'\nhosts = ['a.example']\n");
        assert_eq!(port(&named.unwrap(), "b.example", "/"), None);
    }

    #[test]
    fn an_upstream_that_cannot_be_used_is_told_with_line_and_remedy() {
        for (text, line, key) in [
            ("[[upstreams]]\nurl = 'ftp://a'\n", 2, "url"),
            ("[[upstreams]]\nurl = 'http://a:1/x'\n", 2, "url"),
            ("[[upstreams]]\nurl = 'http://u:p@a:1'\n", 2, "url"),
            (
                "[[upstreams]]\nurl = 'http://a:1'\npath = 'v1'\n",
                3,
                "path",
            ),
            (
                "[[upstreams]]\nurl = 'http://a:1'\npath = '/a/../b'\n",
                3,
                "path",
            ),
            (
                "[[upstreams]]\nurl = 'http://a:1'\nresponse_timeout_seconds = 0\n",
                3,
                "response_timeout_seconds",
            ),
        ] {
            let problem = upstreams(text).unwrap_err();
            let start = format!("configuration:{line}: upstreams.{key}: ");
            assert!(problem.starts_with(&start), "{problem}");
        }
        assert!(upstreams("").unwrap_err().contains("[[upstreams]]"));
    }
}
