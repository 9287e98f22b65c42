//! Parses hosts strictly: a name or an address, with an optional port, and nothing else.
//!
//! Used for `Host` fields, targets, forwarded hosts and configuration. Text that another parser
//! could read differently is refused.

use std::{
    borrow::Cow,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use palisade_core::Scheme;

/// The longest host name, in characters (RFC 1035, section 2.3.4).
const MAX_NAME: usize = 253;
/// The longest label of a name, in characters (RFC 1035, section 2.3.4).
const MAX_LABEL: usize = 63;

/// The host and the port of a `Host` field or an authority.
///
/// Checked character by character: no userinfo, no percent signs, no characters that another
/// parser may read as a separator.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct HostName<'a> {
    /// The name in lower case, without the final dot. Addresses are canonical, IPv6 ones in
    /// brackets.
    pub(crate) name: Cow<'a, str>,
    /// The port, if one is written. Never 0.
    pub(crate) port: Option<u16>,
}

/// Why a text is not a host, for the operator.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct NoHost(pub(crate) &'static str);

impl<'a> HostName<'a> {
    /// Parses a host with an optional port. Allocates only for upper case and IPv6.
    ///
    /// # Errors
    ///
    /// The text is not a host, or its port is not from 1 to 65535.
    pub(crate) fn parse(written: &'a str) -> Result<Self, NoHost> {
        let (name, port) = split_port(written)?;
        let port = port.map(parse_port).transpose()?;
        let name = match name.strip_prefix('[') {
            Some(rest) => Cow::Owned(parse_bracketed(rest)?),
            None => check_name(name)?,
        };
        Ok(Self { name, port })
    }

    /// Returns the port, or the default port of the scheme.
    pub(crate) fn effective_port(&self, scheme: Scheme) -> u16 {
        self.port.unwrap_or(default_port(scheme))
    }

    /// Returns whether two values mean the same host and port.
    pub(crate) fn is_same(&self, other: &HostName<'_>, scheme: Scheme) -> bool {
        self.name == other.name && self.effective_port(scheme) == other.effective_port(scheme)
    }
}

/// Returns the default port of a scheme: 80 or 443.
pub(crate) const fn default_port(scheme: Scheme) -> u16 {
    match scheme {
        Scheme::Http => 80,
        Scheme::Https => 443,
    }
}

/// Splits a text into host and port. Brackets stay with the host.
fn split_port(written: &str) -> Result<(&str, Option<&str>), NoHost> {
    if written.starts_with('[') {
        let end = written
            .find(']')
            .ok_or(NoHost("the bracket is not closed"))?;
        let (name, rest) = written.split_at(end + 1);
        return match rest.strip_prefix(':') {
            _ if rest.is_empty() => Ok((name, None)),
            Some(port) => Ok((name, Some(port))),
            None => Err(NoHost("only a port may follow the bracket")),
        };
    }
    Ok(match written.split_once(':') {
        Some((name, port)) => (name, Some(port)),
        None => (written, None),
    })
}

/// Parses a port from 1 to 65535, digits only.
fn parse_port(written: &str) -> Result<u16, NoHost> {
    // RFC 3986 allows an empty port, but no real client sends one.
    let digits = !written.is_empty() && written.bytes().all(|byte| byte.is_ascii_digit());
    let port = written.parse().ok().filter(|port| digits && *port != 0);
    port.ok_or(NoHost("the port is no number from 1 to 65535"))
}

/// Parses what follows an opening bracket as an IPv6 address.
fn parse_bracketed(rest: &str) -> Result<String, NoHost> {
    let inner = rest.strip_suffix(']').unwrap_or(rest);
    let address: Ipv6Addr = inner
        .parse()
        .map_err(|_| NoHost("this is no IPv6 address"))?;
    Ok(match address.to_canonical() {
        IpAddr::V4(four) => four.to_string(),
        IpAddr::V6(six) => format!("[{six}]"),
    })
}

/// Checks a name or an IPv4 address.
fn check_name(written: &str) -> Result<Cow<'_, str>, NoHost> {
    // A fully qualified name may end in the dot of the root (RFC 3986, 3.2.2). It is the same name.
    let name = written.strip_suffix('.').unwrap_or(written);
    if name.is_empty() || name.len() > MAX_NAME {
        return Err(NoHost("it is empty or longer than 253 characters"));
    }
    if !name.split('.').all(is_label) {
        return Err(NoHost(
            "only letters, digits, `-`, `_` and single dots make a host name",
        ));
    }
    // Clients read a host that ends in a number as an address (WHATWG URL, 4.1).
    let numeric = name.rsplit('.').next().is_some_and(looks_numeric);
    if numeric && written.parse::<Ipv4Addr>().is_err() {
        return Err(NoHost("this is no IPv4 address in its usual form"));
    }
    Ok(match name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        true => Cow::Owned(name.to_ascii_lowercase()),
        false => Cow::Borrowed(name),
    })
}

/// Returns whether this is one label of a name. Underscores are allowed: some networks use
/// them.
fn is_label(label: &str) -> bool {
    let inside = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    (1..=MAX_LABEL).contains(&label.len())
        && label.bytes().all(inside)
        && !label.starts_with('-')
        && !label.ends_with('-')
}

/// Returns whether a label is a number, decimal or hexadecimal.
fn looks_numeric(label: &str) -> bool {
    let hex = label
        .strip_prefix("0x")
        .or_else(|| label.strip_prefix("0X"));
    label.bytes().all(|byte| byte.is_ascii_digit())
        || hex.is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn hosts_are_read_in_every_usual_form() {
        for (written, name, port) in [
            ("example.com", "example.com", None),
            ("EXAMPLE.com:8443", "example.com", Some(8443)),
            ("localhost", "localhost", None),
            ("Example.com.", "example.com", None),
            ("example.com.:8443", "example.com", Some(8443)),
            ("my_service-1", "my_service-1", None),
            ("xn--fiqs8s.example", "xn--fiqs8s.example", None),
            ("127.0.0.1:80", "127.0.0.1", Some(80)),
            ("[::1]", "[::1]", None),
            ("[0:0:0:0:0:0:0:1]:443", "[::1]", Some(443)),
            ("[::ffff:127.0.0.1]", "127.0.0.1", None),
        ] {
            let host = HostName::parse(written).unwrap();
            assert_eq!((&*host.name, host.port), (name, port), "{written}");
        }
    }

    #[test]
    fn what_another_parser_could_read_differently_is_no_host() {
        let label = "a".repeat(64);
        let name = "a.".repeat(127) + "a";
        for written in [
            "",
            ":",
            ":80",
            "example.com:",
            "example.com:0",
            "example.com:65536",
            "example.com:+80",
            "example.com:80:80",
            "a@evil.example",
            "user:pass@evil.example",
            "evil.example/",
            "evil.example\\",
            "evil.example?",
            "evil.example#",
            "exa mple.com",
            "example.com ",
            "example..com",
            ".example.com",
            "example.com..",
            ".",
            "..",
            ".:80",
            "127.0.0.1.",
            "[::1].",
            "example.com:80.",
            "-a.example",
            "a-.example",
            "%65vil",
            "*.example.com",
            "b\u{fc}cher.example",
            "1.2.3",
            "0x7f.0.0.1",
            "127.1",
            "2130706433",
            "127.0.0.0x1",
            "127.0.0.01",
            "[::1",
            "[::1]x",
            "[::1]:",
            "[fe80::1%25eth0]",
            "[127.0.0.1]",
            "::1",
            "example.com,evil.example",
            &label,
            &name,
        ] {
            assert!(HostName::parse(written).is_err(), "{written}");
        }
    }

    #[test]
    fn the_default_port_and_no_port_are_the_same() {
        let same = |one, other, scheme| {
            HostName::parse(one)
                .unwrap()
                .is_same(&HostName::parse(other).unwrap(), scheme)
        };
        assert!(same("Example.com:443", "example.com", Scheme::Https));
        assert!(!same("example.com:443", "example.com", Scheme::Http));
        assert!(!same("example.com", "example.net", Scheme::Https));
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(written in "\\PC{0,40}") {
            let _ = HostName::parse(&written);
        }

        #[test]
        fn what_is_read_is_a_host_again(written in "[a-zA-Z0-9._:@/-]{0,20}") {
            if let Ok(host) = HostName::parse(&written) {
                prop_assert!(!host.name.contains(['@', '/', ',', ' ', '\\']));
                prop_assert!(HostName::parse(&host.name).is_ok());
            }
        }
    }
}
