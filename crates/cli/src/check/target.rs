//! The address that is checked: one scheme, one host, one port, one path.
//!
//! # What is accepted
//!
//! | input | result |
//! |---|---|
//! | `voice.example` | `https://voice.example/` |
//! | `http://127.0.0.1:5000/tts?text=hello` | as written |
//! | `https://[::1]:8443/` | an IPv6 address; the brackets are removed |
//! | `https://voice.example/你` | the path is percent-encoded |
//! | `https://voice.example/#part` | the fragment is cut off: it is never sent |
//! | `ftp://…`, `https://user:pass@…`, port 0 or 65536 | an error |
//!
//! Names are not converted to Punycode. Only the resolver of the system is used.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
};

use http::Uri;

use crate::failure::Failure;

/// The longest URL, in bytes. Servers refuse longer ones as well.
const LONGEST: usize = 8 * 1024;

/// A URL in its parts. Only `http` and `https`, no user name, no fragment.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// Whether requests are sent over TLS.
    pub(crate) tls: bool,
    /// The name or the address, without brackets.
    pub(crate) host: String,
    /// The port, also if it is the default of the scheme.
    pub(crate) port: u16,
    /// The path, which begins with `/`.
    pub(crate) path: String,
    /// The query without `?`. Empty if there is none.
    pub(crate) query: String,
}

impl Target {
    /// Parses a URL. `https://` is assumed where the scheme is missing.
    ///
    /// Characters that a URL must not have, such as 你 or a space, are percent-encoded first: a URL is often
    /// copied from a browser, which shows them decoded.
    ///
    /// Fails with the remedy if it is no URL of a service, or has a user name: that would be a secret in
    /// the arguments.
    pub(crate) fn parse(text: &str) -> Result<Self, Failure> {
        let wrong = |problem: &str| Failure::new(format_args!("URL: {problem}"));
        if text.len() > LONGEST {
            return Err(wrong("longer than 8,192 bytes"));
        }
        let (text, _) = text.split_once('#').unwrap_or((text, ""));
        let text = match text.split_once("://") {
            Some(_) => percent_encode(text),
            None => percent_encode(&format!("https://{text}")),
        };
        let uri: Uri = text
            .parse()
            .map_err(|problem| wrong(&format!("{problem}; write https://HOST/PATH")))?;
        let tls = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return Err(wrong("the scheme is neither http nor https")),
        };
        let authority = uri.authority().ok_or_else(|| wrong("no host"))?;
        if authority.as_str().contains('@') {
            let problem = "user name and password in it are shown to all users of this machine; use --key FILE";
            return Err(wrong(problem));
        }
        let after_host = authority.as_str().strip_prefix(authority.host());
        if authority.port().is_none() && after_host.is_some_and(|rest| rest.len() > 1) {
            return Err(wrong("the port is not a number from 1 to 65535"));
        }
        let host = authority.host().trim_matches(['[', ']']).to_owned();
        if host.is_empty() {
            return Err(wrong("no host"));
        }
        Ok(Self {
            tls,
            host,
            port: authority.port_u16().unwrap_or(default_port(tls)),
            path: uri.path().to_owned(),
            query: uri.query().unwrap_or_default().to_owned(),
        })
    }

    /// The same host with another scheme and port, at the root.
    ///
    /// For the port without TLS and for the address that port 80 leads to. The host never changes,
    /// so no request leaves the host that the user named.
    pub(crate) fn with_port(&self, tls: bool, port: u16) -> Self {
        Self {
            tls,
            port,
            path: "/".to_owned(),
            query: String::new(),
            host: self.host.clone(),
        }
    }

    /// Path and query, as in a request line.
    pub(crate) fn path_and_query(&self) -> String {
        match self.query.as_str() {
            "" => self.path.clone(),
            query => format!("{}?{query}", self.path),
        }
    }

    /// The value of `Host`: no port if it is the default of the scheme.
    ///
    /// An IPv6 address gets its brackets back (RFC 3986, section 3.2.2).
    pub(crate) fn authority(&self) -> String {
        let host = match self.host.contains(':') {
            true => format!("[{}]", self.host),
            false => self.host.clone(),
        };
        match self.port == default_port(self.tls) {
            true => host,
            false => format!("{host}:{}", self.port),
        }
    }

    /// The names of the query parameters, in their order, still encoded.
    ///
    /// A parameter that occurs twice is listed twice. Empty pairs (`a=1&&b=2`) are left out.
    pub(crate) fn query_names(&self) -> Vec<&str> {
        let pairs = self.query.split('&').filter(|pair| !pair.is_empty());
        pairs
            .map(|pair| pair.split_once('=').map_or(pair, |(name, _)| name))
            .collect()
    }

    /// Resolves the host once, so that all requests go to one machine.
    ///
    /// Several addresses are returned in the order of the resolver: the first that accepts a connection is
    /// used for everything.
    ///
    /// An IP address is not looked up.
    ///
    /// # Errors
    ///
    /// Fails if the resolver reports an error or has no address. The message names the host.
    pub(crate) async fn resolve_host(&self) -> Result<Vec<SocketAddr>, Failure> {
        if let Ok(address) = self.host.parse::<IpAddr>() {
            return Ok(vec![SocketAddr::new(address, self.port)]);
        }
        let found = tokio::net::lookup_host((self.host.as_str(), self.port)).await;
        let found: Vec<SocketAddr> = found
            .map_err(|error| Failure::new(format_args!("{}: {error}", self.host)))?
            .collect();
        match found.is_empty() {
            true => Err(Failure::new(format_args!("{}: no address", self.host))),
            false => Ok(found),
        }
    }
}

impl fmt::Display for Target {
    /// Writes the whole URL, the default port left out. The query is part of it and is shown in the
    /// report.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "https" } else { "http" };
        write!(
            f,
            "{scheme}://{}{}",
            self.authority(),
            self.path_and_query()
        )
    }
}

/// 443 or 80.
///
/// The ports of `https` and `http` (RFC 9110, section 4.2).
pub(crate) fn default_port(tls: bool) -> u16 {
    if tls { 443 } else { 80 }
}

/// Percent-encodes what must not be in a URL, and keeps all else, also what is encoded already.
///
/// Kept are the visible ASCII characters except `"`, `<`, `>`, `\`, `^`, backtick and braces with
/// the bar. White space at both ends is removed. A percent sign stays, so `%20` is not encoded
/// twice.
fn percent_encode(text: &str) -> String {
    let mut url = String::with_capacity(text.len());
    for byte in text.trim().bytes() {
        match byte {
            b'!'..=b'~' if !b"\"<>\\^`{|}".contains(&byte) => url.push(char::from(byte)),
            _ => url.push_str(&format!("%{byte:02X}")),
        }
    }
    url
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &str) {
        assert_eq!(Target::parse(text).unwrap().to_string(), expected);
    }

    #[test]
    fn a_url_is_taken_as_people_write_it() {
        check("voice.example", "https://voice.example/");
        check("voice.example:8443/tts", "https://voice.example:8443/tts");
        check("http://127.0.0.1:5000", "http://127.0.0.1:5000/");
        check("https://voice.example:443/a#b", "https://voice.example/a");
        check("http://[::1]:80/?a=b", "http://[::1]/?a=b");
        check(
            "http://h/tts?text=你 好",
            "http://h/tts?text=%E4%BD%A0%20%E5%A5%BD",
        );
        check("http://h/tts?text=%E4", "http://h/tts?text=%E4");
    }

    #[test]
    fn what_is_no_service_is_refused() {
        for text in [
            "",
            "ftp://h/",
            "https://",
            "http://user:secret@h/",
            "http://h:99999/",
            "/tts",
        ] {
            assert!(Target::parse(text).is_err(), "{text}");
        }
        assert!(Target::parse(&format!("http://h/{}", "a".repeat(LONGEST))).is_err());
    }

    #[test]
    fn the_parameters_of_the_query_are_found() {
        let target = Target::parse("http://h/?text=a&voice=b&&flag").unwrap();
        assert_eq!(target.query_names(), ["text", "voice", "flag"]);
        assert!(Target::parse("http://h/").unwrap().query_names().is_empty());
    }

    proptest! {
        #[test]
        fn a_url_that_is_accepted_is_printed_as_one_that_means_the_same(text in "\\PC{0,60}") {
            if let Ok(target) = Target::parse(&text) {
                let again = Target::parse(&target.to_string()).unwrap();
                prop_assert_eq!(again.to_string(), target.to_string());
            }
        }
    }
}
