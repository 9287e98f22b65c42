//! The keys of `[[upstreams]]`.

use std::time::Duration;

use http::{Uri, uri::Authority};
use serde::Deserialize;

use crate::path::check_path;

/// How long a connection to an upstream may take to open.
const CONNECT_TIMEOUT_SECONDS: u64 = 5;
/// How long the head of a response may take: models are loaded and asked before it comes.
const RESPONSE_TIMEOUT_SECONDS: u64 = 300;
/// The longest timeout: an hour.
const LONGEST_SECONDS: u64 = 3600;

/// `[[upstreams]]`: one service behind the gateway.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Section {
    /// The address, `http://host:port`.
    pub(crate) url: String,
    /// The path prefix that goes to it, of whole segments. Default: all paths.
    path: Option<String>,
    /// The hosts that go to it, without port. Default: all.
    #[serde(default)]
    pub(crate) hosts: Vec<String>,
    /// The `Host` that it gets. Default: its own name.
    #[serde(default)]
    pub(crate) host_header: HostHeader,
    /// How long a connection may take to open, in seconds. The longest of all upstreams counts.
    /// Default: 5.
    connect_timeout_seconds: Option<u64>,
    /// How long the head of a response may take, in seconds, 1 to 3600. Default: 300.
    response_timeout_seconds: Option<u64>,
}

/// The `Host` that an upstream gets.
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum HostHeader {
    /// Its own name and port. Many model servers refuse any other.
    #[default]
    Upstream,
    /// What the client sent.
    Client,
}

impl Section {
    /// Returns host and port. `None` if the address has another scheme, a user, a path or a query.
    pub(crate) fn authority(&self) -> Option<Authority> {
        let uri: Uri = self.url.parse().ok()?;
        let plain = uri.scheme_str() == Some("http") && uri.query().is_none() && uri.path() == "/";
        let authority = uri.authority().filter(|_| plain)?;
        (!authority.as_str().contains('@')).then(|| authority.clone())
    }

    /// Returns the prefix without its last slash. `None` if no request could match it.
    pub(crate) fn prefix(&self) -> Option<String> {
        let written = self.path.as_deref().unwrap_or("/");
        let matchable = written.starts_with('/')
            && !written.contains(['*', '?', '#'])
            && check_path(written).is_ok();
        matchable.then(|| written.trim_end_matches('/').to_owned())
    }

    /// Returns how long a connection may take to open.
    pub(crate) fn connect_timeout(&self) -> Duration {
        let seconds = self.connect_timeout_seconds;
        Duration::from_secs(seconds.unwrap_or(CONNECT_TIMEOUT_SECONDS))
    }

    /// Returns how long the head of a response may take. `None` if it is out of range.
    pub(crate) fn response_timeout(&self) -> Option<Duration> {
        let seconds = self.response_timeout_seconds;
        let seconds = seconds.unwrap_or(RESPONSE_TIMEOUT_SECONDS);
        (1..=LONGEST_SECONDS)
            .contains(&seconds)
            .then(|| Duration::from_secs(seconds))
    }
}
