//! Active health checks: a request at an interval, and what its outcomes mean.
//!
//! They find a server that is down before a client does, and one that is back while no one asks. The
//! circuit breaker works beside them, by the requests of clients: a server gets requests if neither
//! objects. Checks do not count for the breaker, since a path for checks may work when others fail.
//!
//! Each server has a task. It ends when a reload replaces the upstream.
//!
//! | outcome | means |
//! |---|---|
//! | a status from 200 to 399 within the timeout | success |
//! | a status from 400 to 599 | failure |
//! | no connection, or no head in time | failure |
//!
//! With the defaults a server that is down gets no requests after 20 to 32 seconds, and one that is back
//! gets them again after 10 to 22. The breaker reacts sooner: it needs no check.
//!
//! A check carries neither the upstream's credential nor an identity, so `path` must be open for it.

use std::{
    sync::{
        Arc, Weak,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use http::{
    Method, Request,
    header::HOST,
    uri::{Authority, PathAndQuery},
};
use tokio::time::MissedTickBehavior;

use super::{connect::is_shortage, server::Server, service::Upstream};
use crate::body::{Progress, SentBody};

/// `[upstreams.health]`, with checked values.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct HealthSettings {
    /// The path that is asked for.
    pub(crate) path: PathAndQuery,
    /// The time between two checks. Default: 10 s.
    pub(crate) interval: Duration,
    /// How long a response may take. Default: 2 s.
    pub(crate) timeout: Duration,
    /// Failures in a row after which a server gets no requests. Default: 3.
    pub(crate) unhealthy_after: u32,
    /// Successes in a row after which it gets them again. Default: 2.
    pub(crate) healthy_after: u32,
}

/// Whether the checks of a server succeed. Healthy before the first one.
///
/// Relaxed atomics: a request that sees the old state for a moment does no harm.
#[derive(Debug)]
pub(super) struct Health(AtomicBool);

impl Default for Health {
    fn default() -> Self {
        Self(AtomicBool::new(true))
    }
}

impl Health {
    /// True also for an upstream without checks.
    pub(super) fn is_healthy(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Returns whether this is a change.
    pub(super) fn set_healthy(&self, healthy: bool) -> bool {
        self.0.swap(healthy, Ordering::Relaxed) != healthy
    }
}

/// Counts outcomes until enough of them agree.
///
/// The rows of one server. A lost check of a busy server must not turn it off.
#[derive(Debug, Default)]
struct Row {
    /// The outcome of the last check.
    succeeded: bool,
    /// How many checks in a row had it.
    count: u32,
}

impl Row {
    /// Adds an outcome. Returns the state of the server once enough checks agree.
    ///
    /// `None` while the row is too short. The same state may be returned again and again.
    fn add_outcome(&mut self, succeeded: bool, settings: &HealthSettings) -> Option<bool> {
        if self.succeeded != succeeded {
            self.count = 0;
        }
        self.succeeded = succeeded;
        self.count = self.count.saturating_add(1);
        let enough = match succeeded {
            true => settings.healthy_after,
            false => settings.unhealthy_after,
        };
        (self.count >= enough).then_some(succeeded)
    }
}

/// Checks all servers of an upstream until it is dropped. Does nothing if they are checked already.
///
/// Needs a Tokio runtime. It returns at once; the first check of each server begins immediately.
pub(super) fn start(upstream: &Arc<Upstream>) {
    let Some(settings) = &upstream.health else {
        return;
    };
    if upstream.is_checked.swap(true, Ordering::Relaxed) {
        return; // It was taken over from before a reload.
    }
    for index in 0..upstream.servers().len() {
        let upstream = Arc::downgrade(upstream);
        tokio::spawn(run(upstream, index, settings.clone()));
    }
}

/// Checks one server at the interval.
///
/// A check that takes long moves the next one: two checks of a server never run at a time.
async fn run(upstream: Weak<Upstream>, index: usize, settings: HealthSettings) {
    let mut ticks = tokio::time::interval(settings.interval);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut row = Row::default();
    loop {
        ticks.tick().await;
        let Some(upstream) = upstream.upgrade() else {
            return; // A reload replaced it.
        };
        let Some(server) = upstream.servers().get(index) else {
            return;
        };
        let Some(succeeded) = check_server(&upstream, server, &settings).await else {
            continue;
        };
        if let Some(healthy) = row.add_outcome(succeeded, &settings) {
            server.set_healthy(healthy);
        }
    }
}

/// Asks once. Any status below 400 is a success: a redirect to a login page is still a server that works.
///
/// The body is not read, which closes the connection of HTTP/1.1. A check is rare.
///
/// The timeout covers the connection too. `None`: this process has no file descriptor left, which says nothing about the
/// server.
async fn check_server(
    upstream: &Upstream,
    server: &Server,
    settings: &HealthSettings,
) -> Option<bool> {
    // `Host` is the same as for requests of clients, where it does not depend on what they sent.
    let host = upstream.host.value_for(None, server.authority());
    let path = settings.path.clone();
    let Some(request) = check_request(upstream, server, host, path, "palisade-health-check") else {
        return Some(false);
    };
    let response =
        tokio::time::timeout(settings.timeout, server.check_client().send(request)).await;
    match response {
        Ok(Ok(response)) => Some(response.status().as_u16() < 400),
        Ok(Err(error)) => {
            let causes = std::iter::successors(std::error::Error::source(&error), |cause| {
                std::error::Error::source(*cause)
            });
            (!is_shortage(causes)).then_some(false)
        }
        Err(_) => Some(false),
    }
}

/// Makes the request of a check, which says by `User-Agent` who asks.
///
/// `palisade doctor` asks in the same way.
pub(super) fn check_request(
    upstream: &Upstream,
    server: &Server,
    named: &Authority,
    path: PathAndQuery,
    agent: &'static str,
) -> Option<Request<SentBody>> {
    let authority = if upstream.is_http2 {
        named
    } else {
        server.authority()
    };
    let uri = http::Uri::builder()
        .scheme(server.scheme())
        .authority(authority.clone())
        .path_and_query(path)
        .build()
        .ok()?;
    let mut request = Request::builder()
        .method(Method::GET)
        .uri(uri)
        .version(upstream.version())
        .header("user-agent", agent);
    if !upstream.is_http2 {
        request = request.header(HOST, named.as_str());
    }
    request.body(SentBody::empty(Progress::start())).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_failures_and_two_successes_in_a_row_change_the_state() {
        let settings = HealthSettings {
            path: PathAndQuery::from_static("/"),
            interval: Duration::from_secs(10),
            timeout: Duration::from_secs(2),
            unhealthy_after: 3,
            healthy_after: 2,
        };
        let mut row = Row::default();
        let outcomes = [false, false, true, false, false, false, true, true];
        let states: Vec<_> = outcomes
            .iter()
            .map(|outcome| row.add_outcome(*outcome, &settings))
            .collect();
        let down = Some(false);
        assert_eq!(
            states,
            [None, None, None, None, None, down, None, Some(true)]
        );
    }
}
