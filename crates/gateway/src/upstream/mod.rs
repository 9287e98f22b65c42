//! The services behind the gateway: `[[upstreams]]`.

mod client;
mod section;

pub(crate) use self::{client::Client, section::Section};

use std::{sync::Arc, time::Duration};

use http::uri::Authority;
use palisade::config::{Config, ConfigFileError};

use self::section::HostHeader;

/// The upstreams of a gateway. Clones share their connections.
///
/// A request goes to the upstream with the longest matching path. Among equal paths, one that names
/// the host of the request comes first. A host or path that no upstream takes gets status 404.
///
/// Connections are kept for 15 seconds after their last request, at most 64 for each upstream. A
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
    upstreams: Arc<[Upstream]>,
    client: Client,
}

/// One upstream.
#[derive(Debug)]
pub(crate) struct Upstream {
    /// Host and port.
    pub(crate) authority: Authority,
    /// Whether the upstream gets the `Host` of the client.
    pub(crate) keeps_host: bool,
    /// How long the gateway waits for the head of a response.
    pub(crate) response_timeout: Duration,
    /// The hosts that go to it. Empty: all.
    hosts: Vec<String>,
    /// The path prefix that goes to it, without the last slash. Empty: all paths.
    prefix: String,
}

impl Upstreams {
    /// Reads `[[upstreams]]` of a configuration that was read with the section named.
    ///
    /// # Errors
    /// The section is missing, or a value cannot be used. The error names line, key and remedy.
    pub fn of(config: &Config) -> Result<Self, ConfigFileError> {
        let sections: Vec<Section> = config.section("upstreams")?;
        if sections.is_empty() {
            let remedy = "add `[[upstreams]]` with `url = \"http://127.0.0.1:5000\"`";
            return Err(config.complain("upstreams", "url", "no upstream is named", remedy));
        }
        let connect = sections.iter().map(Section::connect_timeout).max();
        let mut upstreams = sections
            .into_iter()
            .map(|section| Upstream::of(section, config))
            .collect::<Result<Vec<_>, _>>()?;
        upstreams.sort_by_key(|upstream| {
            std::cmp::Reverse((upstream.prefix.len(), !upstream.hosts.is_empty()))
        });
        Ok(Self {
            upstreams: upstreams.into(),
            client: Client::new(connect.unwrap_or_default()),
        })
    }

    /// Returns the upstream of a request. `None`: no upstream takes this host and path.
    pub(crate) fn pick(&self, host: Option<&str>, path: &str) -> Option<&Upstream> {
        let mut upstreams = self.upstreams.iter();
        upstreams.find(|upstream| upstream.takes_host(host) && upstream.takes_path(path))
    }

    /// Returns the client that sends requests to all upstreams.
    pub(crate) const fn client(&self) -> &Client {
        &self.client
    }

    /// Returns the addresses, for the greeting.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = String> {
        let upstreams = self.upstreams.iter();
        upstreams.map(|upstream| format!("http://{}{}", upstream.authority, upstream.prefix))
    }
}

impl Upstream {
    /// Checks the values of a section.
    fn of(section: Section, config: &Config) -> Result<Self, ConfigFileError> {
        let complain =
            |key, problem: &str, remedy| Err(config.complain("upstreams", key, problem, remedy));
        let Some(authority) = section.authority() else {
            let problem = format!("`{}` is no address of an upstream", section.url);
            let remedy = "write \"http://HOST:PORT\", without a path";
            return complain("url", &problem, remedy);
        };
        let Some(prefix) = section.prefix() else {
            let remedy = "write a path such as \"/v1\", without dots, queries or a star";
            return complain("path", "the path cannot be matched", remedy);
        };
        let Some(response_timeout) = section.response_timeout() else {
            let remedy = "write a number of seconds from 1 to 3600";
            return complain("response_timeout_seconds", "it is out of range", remedy);
        };
        Ok(Self {
            authority,
            keeps_host: section.host_header == HostHeader::Client,
            response_timeout,
            hosts: section.hosts,
            prefix,
        })
    }

    /// Compares names without case and port.
    fn takes_host(&self, host: Option<&str>) -> bool {
        let same = |name: &String| host.is_some_and(|host| host.eq_ignore_ascii_case(name));
        self.hosts.is_empty() || self.hosts.iter().any(same)
    }

    /// Compares whole segments: `/v1` takes `/v1/a` but not `/v10`.
    fn takes_path(&self, path: &str) -> bool {
        let rest = path.strip_prefix(self.prefix.as_str());
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || self.prefix.is_empty())
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
        upstreams.pick(Some(host), path)?.authority.port_u16()
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
            ("[[upstreams]]\nurl = 'http://a:1'\nhost = 'x'\n", 3, "host"),
        ] {
            let problem = upstreams(text).unwrap_err();
            let start = format!("configuration:{line}: upstreams.{key}: ");
            assert!(problem.starts_with(&start), "{problem}");
        }
        assert!(upstreams("").unwrap_err().contains("[[upstreams]]"));
    }
}
