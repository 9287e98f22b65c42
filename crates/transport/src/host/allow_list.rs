//! The list of hosts that are served, with wildcards.

use std::{fmt, sync::Arc};

use palisade_core::Scheme;

use crate::{
    error::TransportBuildError,
    host::name::{HostName, default_port},
};

/// A list of hosts and patterns for hosts. Parsed once, at start.
///
/// Upper and lower case are equal, and so are `example.com` and `example.com.` (the final dot
/// is ignored). Cloning is cheap: the list is shared. `Display` writes the list as it is
/// parsed.
///
/// ```
/// use palisade_core::Scheme;
/// use palisade_transport::AllowedHosts;
///
/// let hosts = AllowedHosts::parse(["tts.example.com", "*.example.org:*"])?;
/// assert!(hosts.allow("TTS.example.com:443", Scheme::Https));
/// assert!(!hosts.allow("tts.example.com:8443", Scheme::Https));
/// assert!(hosts.allow("a.b.example.org:8443", Scheme::Https));
/// assert!(!hosts.allow("example.org", Scheme::Https));
/// # Ok::<(), palisade_transport::TransportBuildError>(())
/// ```
///
/// | written | matches |
/// |---|---|
/// | `example.com` | that host, on the default port of the scheme |
/// | `example.com:8443` | that host on that port |
/// | `example.com:*` | that host on any port |
/// | `*.example.com` | every host below it, at any depth, but not itself; ports as above |
/// | `127.0.0.1`, `[::1]` | that address |
///
/// Used by [`HostLayer`](crate::HostLayer) and
/// [`HttpsLayerBuilder::redirect_within`](crate::HttpsLayerBuilder::redirect_within).
#[derive(Clone, Debug)]
#[must_use]
pub struct AllowedHosts {
    patterns: Arc<[Pattern]>,
    any: bool,
}

/// One entry of the list.
#[derive(Clone, Debug, Eq, PartialEq)]
struct Pattern {
    /// The host. For a wildcard: what follows the star, with its dot.
    name: Box<str>,
    wildcard: bool,
    port: PortRule,
}

/// Which ports an entry matches.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum PortRule {
    Any,
    Default,
    Exactly(u16),
}

impl AllowedHosts {
    /// Parses a list of hosts and patterns. An empty list serves no host.
    ///
    /// # Errors
    ///
    /// [`TransportBuildError::Host`] if one is not a host, has two ports, or has a wildcard for a whole
    /// top-level domain or an address.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_transport::AllowedHosts;
    ///
    /// let hosts = AllowedHosts::parse(["tts.example.com", "*.example.org:*", "[::1]:8443"])?;
    /// assert!(AllowedHosts::parse(["*.com"]).is_err()); // a whole top-level domain
    /// assert!(AllowedHosts::parse(["https://tts.example.com"]).is_err()); // a URL
    /// # let _ = hosts;
    /// # Ok::<(), palisade_transport::TransportBuildError>(())
    /// ```
    pub fn parse<T: AsRef<str>>(
        list: impl IntoIterator<Item = T>,
    ) -> Result<Self, TransportBuildError> {
        let patterns = list.into_iter().map(|one| parse_pattern(one.as_ref()));
        Ok(Self {
            patterns: patterns.collect::<Result<_, _>>()?,
            any: false,
        })
    }

    /// Serves every valid host.
    ///
    /// Then DNS rebinding and poisoned caches are not stopped here. Links and redirects that
    /// are built from the host of the request lead to where an attacker wants.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_transport::AllowedHosts;
    ///
    /// use palisade_core::Scheme;
    ///
    /// let hosts = AllowedHosts::dangerously_any();
    /// assert!(hosts.allow("anything.example", Scheme::Https));
    /// assert!(!hosts.allow("not a host", Scheme::Https));
    /// ```
    pub fn dangerously_any() -> Self {
        Self {
            patterns: Arc::default(),
            any: true,
        }
    }

    /// Returns whether a host, as it is written in a request, is served. A malformed host is
    /// not.
    ///
    /// # Examples
    ///
    /// ```
    /// use palisade_transport::AllowedHosts;
    ///
    /// use palisade_core::Scheme;
    ///
    /// let hosts = AllowedHosts::parse(["tts.example.com"])?;
    /// assert!(hosts.allow("tts.example.com.", Scheme::Https)); // the dot of the root
    /// assert!(hosts.allow("tts.example.com:80", Scheme::Http));
    /// assert!(!hosts.allow("tts.example.com:80", Scheme::Https));
    /// # Ok::<(), palisade_transport::TransportBuildError>(())
    /// ```
    #[must_use]
    pub fn allow(&self, host: &str, scheme: Scheme) -> bool {
        HostName::parse(host).is_ok_and(|host| self.admits(&host, scheme))
    }

    /// Returns whether a host is written exactly as a name of the list, without a port. Those of the list were parsed,
    /// so this one is valid, and need not be.
    pub(crate) fn lists(&self, written: &[u8], scheme: Scheme) -> bool {
        let is_listed = |pattern: &Pattern| {
            !pattern.wildcard
                && pattern.name.as_bytes() == written
                && pattern.port.admits(default_port(scheme), scheme)
        };
        self.patterns.iter().any(is_listed)
    }

    /// Returns whether a parsed host is served.
    pub(crate) fn admits(&self, host: &HostName<'_>, scheme: Scheme) -> bool {
        self.any
            || self
                .patterns
                .iter()
                .any(|pattern| pattern.matches(host, scheme))
    }

    /// Compares the name alone, for redirects, which change the port.
    pub(crate) fn admits_name(&self, host: &HostName<'_>) -> bool {
        self.any
            || self
                .patterns
                .iter()
                .any(|pattern| pattern.matches_name(&host.name))
    }
}

impl PortRule {
    const fn admits(self, port: u16, scheme: Scheme) -> bool {
        match self {
            Self::Any => true,
            Self::Default => port == default_port(scheme),
            Self::Exactly(exactly) => port == exactly,
        }
    }
}

impl Pattern {
    /// Compares name and port.
    fn matches(&self, host: &HostName<'_>, scheme: Scheme) -> bool {
        let port = self.port.admits(host.effective_port(scheme), scheme);
        port && self.matches_name(&host.name)
    }

    /// Compares the name.
    fn matches_name(&self, name: &str) -> bool {
        if self.wildcard {
            name.len() > self.name.len() && name.ends_with(&*self.name)
        } else {
            *name == *self.name
        }
    }
}

/// Parses one entry.
fn parse_pattern(written: &str) -> Result<Pattern, TransportBuildError> {
    let wrong = |problem| TransportBuildError::Host {
        written: written.into(),
        problem,
    };
    let (rest, any_port) = match written.strip_suffix(":*") {
        Some(rest) => (rest, true),
        None => (written, false),
    };
    let (rest, wildcard) = match rest.strip_prefix("*.") {
        Some(rest) => (rest, true),
        None => (rest, false),
    };
    let host = HostName::parse(rest).map_err(|no| wrong(no.0))?;
    if any_port && host.port.is_some() {
        return Err(wrong("it has two ports"));
    }
    let is_address = host.name.starts_with('[') || host.name.parse::<std::net::Ipv4Addr>().is_ok();
    if wildcard && (is_address || !host.name.contains('.')) {
        return Err(wrong(
            "a wildcard needs a domain of its own behind it, such as `*.example.com`",
        ));
    }
    Ok(Pattern {
        name: if wildcard {
            format!(".{}", host.name).into()
        } else {
            host.name.into()
        },
        wildcard,
        port: match host.port {
            _ if any_port => PortRule::Any,
            Some(port) => PortRule::Exactly(port),
            None => PortRule::Default,
        },
    })
}

impl fmt::Display for AllowedHosts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.any {
            return f.write_str("any host");
        }
        for (count, pattern) in self.patterns.iter().enumerate() {
            let star = if pattern.wildcard { "*" } else { "" };
            let comma = if count > 0 { ", " } else { "" };
            write!(f, "{comma}{star}{}", pattern.name)?;
            match pattern.port {
                PortRule::Any => f.write_str(":*")?,
                PortRule::Default => {}
                PortRule::Exactly(port) => write!(f, ":{port}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is listed as it is written is admitted by the parsed host too, in both schemes.
    #[test]
    fn a_host_that_is_listed_as_written_needs_no_parsing() {
        let list = "a.example b.example:8443 c.example:* *.d.example 127.0.0.1 [::1] e.example:443";
        let allowed = AllowedHosts::parse(list.split(' ')).unwrap();
        let written = [
            "a.example",
            "A.example",
            "a.example.",
            "a.example:443",
            "u@a.example",
            "b.example",
            "b.example:8443",
            "c.example",
            "c.example:1",
            "x.d.example",
            ".d.example",
            "d.example",
            "127.0.0.1",
            "[::1]",
            "::1",
            "e.example",
            "",
        ];
        let listed = |scheme| {
            let listed = written
                .into_iter()
                .filter(|it| allowed.lists(it.as_bytes(), scheme));
            listed
                .inspect(|it| assert!(allowed.allow(it, scheme), "{it}"))
                .collect::<Vec<_>>()
        };
        let by_default = ["a.example", "c.example", "127.0.0.1", "[::1]"];
        assert_eq!(listed(Scheme::Http), by_default);
        assert_eq!(
            listed(Scheme::Https),
            [&by_default[..], &["e.example"]].concat()
        );
        let any = AllowedHosts::dangerously_any();
        assert!(!any.lists(b"not a host", Scheme::Http));
    }

    #[test]
    fn a_pattern_matches_what_it_says_and_nothing_else() {
        let https = Scheme::Https;
        for (pattern, host, scheme, expected) in [
            ("example.com", "example.com", https, true),
            ("example.com", "EXAMPLE.COM", https, true),
            ("Example.com", "example.com:443", https, true),
            ("example.com", "example.com:443", Scheme::Http, false),
            ("example.com", "example.com:80", Scheme::Http, true),
            ("example.com", "example.com:8443", https, false),
            ("example.com", "www.example.com", https, false),
            ("example.com", "example.com.evil.example", https, false),
            ("example.com", "notexample.com", https, false),
            ("example.com:8443", "example.com:8443", https, true),
            ("example.com:8443", "example.com", https, false),
            ("example.com:443", "example.com", https, true),
            ("example.com:*", "example.com:1", https, true),
            ("*.example.com", "a.example.com", https, true),
            ("*.example.com", "a.b.example.com", https, true),
            ("*.example.com", "example.com", https, false),
            ("*.example.com", "evilexample.com", https, false),
            ("*.example.com:*", "a.example.com:9", https, true),
            ("[::1]:*", "[0::1]:8443", https, true),
            ("127.0.0.1", "127.0.0.1", https, true),
        ] {
            let hosts = AllowedHosts::parse([pattern]).unwrap();
            assert_eq!(hosts.allow(host, scheme), expected, "{pattern} on {host}");
        }
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for written in [
            "*",
            "*.com",
            "*.",
            "a.*.com",
            "*a.example.com",
            "*.127.0.0.1",
            "*.[::1]",
            "a:1:*",
            "a/b",
            "",
        ] {
            assert!(AllowedHosts::parse([written]).is_err(), "{written}");
        }
    }

    #[test]
    fn an_empty_list_serves_no_host_and_the_dangerous_one_every_host() {
        let none: [&str; 0] = [];
        assert!(
            !AllowedHosts::parse(none)
                .unwrap()
                .allow("example.com", Scheme::Https)
        );
        assert!(AllowedHosts::dangerously_any().allow("example.com:1", Scheme::Https));
        assert!(!AllowedHosts::dangerously_any().allow("a@example.com", Scheme::Https));
    }

    #[test]
    fn a_list_reads_as_it_was_written() {
        let hosts = AllowedHosts::parse(["a.example:1", "*.b.example:*", "c.example"]).unwrap();
        assert_eq!(hosts.to_string(), "a.example:1, *.b.example:*, c.example");
    }
}
