//! One upstream: which requests it takes, and how it is spoken to.
//!
//! It is made from one `[[upstreams]]` with all values checked, and does not change. What does change is
//! in its servers (open requests, breaker, health) and in its retry budget. A reload that leaves the
//! section as it is keeps the upstream, with that state and with its connections.
//!
//! Choosing a server takes three steps: those that are available, of these the ones that this request
//! did not try, and of these the less busy one of two that are picked at random.

use std::{
    sync::{Arc, atomic::AtomicBool},
    time::Duration,
};

use http::Version;
use palisade::{config::ConfigFileError, core::SharedClock};

use super::{
    attempt::Attempt,
    balance::{Candidate, Random, choose_server},
    connections,
    credential::Credential,
    header_rules::HeaderRules,
    health::HealthSettings,
    host_header::HostHeader,
    identity::Identity,
    origin::Origin,
    retry_budget::RetryBudget,
    section::Section,
    server::{Server, Transport},
    timeouts::Timeouts,
    values,
    websocket::WebSocketLimits,
};
use crate::{body::Trailers, problem::Place};

/// One upstream.
#[derive(Debug)]
pub(crate) struct Upstream {
    /// The hosts that go to it. Empty: all.
    hosts: Vec<String>,
    /// The path prefix that goes to it, without the last slash. Empty: all paths.
    prefix: String,
    /// The `Host` that it gets.
    pub(crate) host: HostHeader,
    /// The `Origin` that it gets.
    pub(crate) origin: Origin,
    /// Fields that are set or removed on the way up and down.
    ///
    /// Applied before the credential and the identity are put in.
    pub(crate) request_headers: HeaderRules,
    /// Applied last, after everything of the upstream's connection is removed.
    pub(crate) response_headers: HeaderRules,
    /// Whether bodies of responses with status 5xx are replaced.
    pub(crate) hide_errors: bool,
    /// Its own credential.
    pub(crate) credential: Option<Credential>,
    /// Says who the client is.
    pub(crate) identity: Option<Identity>,
    /// Whether it speaks HTTP/2.
    pub(crate) is_http2: bool,
    /// The four bounds on time.
    pub(crate) timeouts: Timeouts,
    /// Whether clients may switch to WebSocket.
    pub(crate) websocket: Option<WebSocketLimits>,
    /// The trailers that pass.
    pub(crate) trailers: Trailers,
    /// How often a request may be sent again.
    pub(crate) retries: u32,
    /// Active health checks. `None`: there are none, and every server counts as healthy.
    pub(super) health: Option<HealthSettings>,
    /// In the order of the file. At least one, at most 64.
    servers: Box<[Arc<Server>]>,
    /// Picks candidates.
    random: Random,
    /// Bounds retries of all requests together.
    retry_budget: RetryBudget,
    /// Monotonic time for the breakers, and the time of signatures.
    clock: SharedClock,
    /// Whether the health checks were started, which outlive a reload.
    pub(super) is_checked: AtomicBool,
    /// What it was made from, to keep its state over a reload that does not change it.
    section: Section,
}

impl Upstream {
    /// Checks the values of a section.
    ///
    /// Files of certificates and secrets are read. No connection is opened and no health check is
    /// started.
    ///
    /// # Errors
    ///
    /// A value cannot be used. The error names line, key and remedy.
    pub(super) fn from_section(
        section: Section,
        clock: SharedClock,
        place: Place<'_>,
    ) -> Result<Self, ConfigFileError> {
        let timeouts = Timeouts::from_section(&section, place)?;
        let is_http2 = values::is_http2(&section, place)?;
        let tls = section.tls.as_ref();
        let transport = Transport {
            connect_timeout: timeouts.connect,
            streams: connections::read_streams(&section, is_http2, place)?,
            tls: tls.map(|tls| values::tls_options(tls, place)).transpose()?,
            breaker: values::read_breaker(section.breaker.as_ref(), place)?,
        };
        let host = HostHeader::from_section(section.host.as_ref(), place)?;
        if let (true, HostHeader::AsSent, Some(key)) = (is_http2, &host, &section.host) {
            let problem = "with http = \"2\" the host is fixed when a connection is opened";
            return Err(place.invalid_value(key, problem, "write \"upstream\" or a name"));
        }
        let health = section.health.as_ref();
        let credential = section.credential.as_ref();
        let credential = credential.map(|section| Credential::from_section(section, &clock, place));
        let identity = section.identity.as_ref();
        let identity =
            identity.map(|section| Identity::from_section(section, clock.clone(), place));
        let servers = values::read_servers(&section, place)?;
        let servers = servers
            .into_iter()
            .map(|(url, weight)| Server::from_section(url, weight, &transport, place).map(Arc::new))
            .collect::<Result<_, _>>()?;
        Ok(Self {
            hosts: values::read_hosts(&section, place)?,
            prefix: values::read_prefix(&section, place)?,
            host,
            origin: Origin::from_section(section.origin.as_ref(), place)?,
            request_headers: HeaderRules::from_section(section.request_headers.as_ref(), place)?,
            response_headers: HeaderRules::from_section(section.response_headers.as_ref(), place)?,
            hide_errors: section.hide_errors,
            credential: credential.transpose()?,
            identity: identity.transpose()?,
            is_http2,
            timeouts,
            websocket: WebSocketLimits::from_section(&section, is_http2, place)?,
            trailers: values::read_trailers(&section, place)?,
            retries: values::read_retries(&section, place)?,
            health: health
                .map(|health| values::read_health(health, place))
                .transpose()?,
            servers,
            random: Random::default(),
            retry_budget: RetryBudget::default(),
            clock,
            is_checked: AtomicBool::new(false),
            section,
        })
    }

    /// Begins an attempt at a server that takes requests, if possible not one of `tried`.
    ///
    /// Two candidates are picked at random by weight, and the less busy one is asked to let the request
    /// pass. A server whose breaker is half-open lets one pass; the second picks again.
    ///
    /// It does not wait for a server or a connection to become free: there is no queue, so a client learns at once
    /// that it should come back later.
    ///
    /// # Errors
    ///
    /// No server takes requests now. Returns how long that lasts at least.
    pub(crate) fn begin_attempt(&self, tried: &[usize]) -> Result<Attempt, Duration> {
        let now = self.clock.monotonic();
        let all = self.candidates_at(now);
        let untried = || all.iter().filter(|one| !tried.contains(&one.index));
        let mut candidates: Vec<Candidate> = match untried().next() {
            Some(_) => untried().copied().collect(),
            None => all,
        };
        while let Some(index) = choose_server(&candidates, &self.random) {
            let passing = self.servers.get(index);
            let passing = passing.and_then(|server| {
                // The place first: a trial of the breaker needs an outcome.
                let stream = server.take_place()?;
                Some((server, stream, server.let_pass(now)?))
            });
            if let Some((server, stream, passage)) = passing {
                let (server, clock) = (Arc::clone(server), self.clock.clone());
                return Ok(Attempt::new(server, stream, index, passage, clock));
            }
            // Its connections are full, or another request was faster and is the trial.
            candidates.retain(|candidate| candidate.index != index);
        }
        let waits = self
            .servers
            .iter()
            .map(|server| server.time_until_open(now));
        Err(waits.min().unwrap_or_default())
    }

    /// Returns the servers that take requests.
    ///
    /// Empty if all breakers are open or all checks fail.
    fn candidates_at(&self, now: Duration) -> Vec<Candidate> {
        let servers = self.servers.iter().enumerate();
        servers
            .filter(|(_, server)| server.is_available(now))
            .map(|(index, server)| Candidate {
                index,
                weight: server.weight,
                pending: server.open_requests(),
            })
            .collect()
    }

    /// Counts a request, for the retry budget.
    ///
    /// Once for each request of a client, whatever becomes of it.
    pub(crate) fn count_request(&self) {
        self.retry_budget.count_request();
    }

    /// Takes one retry from the budget, if there is one.
    ///
    /// Call it last, after all other conditions: it takes the retry.
    pub(crate) fn may_retry(&self) -> bool {
        self.retry_budget.take_retry()
    }

    /// Returns the servers, in the order of the configuration.
    pub(crate) fn servers(&self) -> &[Arc<Server>] {
        &self.servers
    }

    /// Returns the time since the Unix epoch, of the clock that the upstream was made with.
    pub(crate) fn unix_time(&self) -> Duration {
        self.clock.unix_time()
    }

    /// Returns the version of HTTP that it speaks.
    pub(crate) const fn version(&self) -> Version {
        match self.is_http2 {
            true => Version::HTTP_2,
            false => Version::HTTP_11,
        }
    }

    /// Returns whether it was made from the same values, none of which is a file or variable
    /// that may have changed.
    ///
    /// If so, a reload keeps the running one, with its connections and breakers.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        let has_files = self.section.tls.is_some();
        let has_secrets = self.credential.is_some() || self.identity.is_some();
        self.section == other.section && !has_files && !has_secrets
    }

    /// Compares names without case and port.
    ///
    /// A request without a host goes only to upstreams that name none.
    pub(super) fn takes_host(&self, host: Option<&str>) -> bool {
        let same = |name: &String| host.is_some_and(|host| host.eq_ignore_ascii_case(name));
        self.hosts.is_empty() || self.hosts.iter().any(same)
    }

    /// Compares whole segments: `/v1` takes `/v1/a` but not `/v10`.
    ///
    /// The prefix stays in the path: the upstream gets the path that the client sent.
    pub(super) fn takes_path(&self, path: &str) -> bool {
        let rest = path.strip_prefix(self.prefix.as_str());
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || self.prefix.is_empty())
    }

    /// Returns what sorts upstreams in the order in which they are tried, the last one first: the
    /// longest path, and among equal ones a named host.
    pub(super) const fn rank(&self) -> (usize, bool) {
        (self.prefix.len(), !self.hosts.is_empty())
    }

    /// Returns the path prefix without its last slash. Empty: all paths.
    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }

    /// Returns the hosts that go to it. Empty: all.
    pub(super) fn hosts(&self) -> &[String] {
        &self.hosts
    }

    /// Returns addresses and path, for the greeting.
    pub(crate) fn addresses_and_path(&self) -> String {
        let servers = self.servers.iter();
        let servers: Vec<_> = servers.map(|server| server.address().to_string()).collect();
        format!("{}{}", servers.join(", "), self.prefix)
    }
}
