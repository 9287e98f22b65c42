//! Where an upstream listens: `http://host:port`, `https://host`, or `unix:/path`.
//!
//! An address is where to connect. It is not the name that a request carries in `Host`; that is a
//! setting of the upstream.

use std::{fmt, path::PathBuf};

use http::{
    Uri,
    uri::{Authority, Scheme},
};

/// The host in requests over a Unix socket, which has no name of its own.
const SOCKET_HOST: Authority = Authority::from_static("localhost");

/// The longest path of a socket on Linux: 108 bytes with the 0 at its end (`unix(7)`).
const LONGEST_SOCKET_PATH: usize = 107;

/// The address of one server of an upstream.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Address {
    /// Host and port, with or without TLS.
    ///
    /// Default port: 80 without TLS, 443 with TLS (RFC 9110 section 4.2).
    Tcp { authority: Authority, tls: bool },
    /// A socket of the file system.
    ///
    /// It has no TLS: who may connect is decided by the rights of the file.
    Unix(PathBuf),
}

impl Address {
    /// Parses an address. `None` if it has another scheme, a user, a path or a query.
    ///
    /// A path would raise the question whether the path of a request is added to it or replaces it.
    /// `unix:///run/a` and `unix:/run/a` are the same; a relative path of a socket would depend on where the
    /// gateway was started. The path names a file: `unix:////` and `unix:/run/` are refused.
    ///
    /// A user (`http://user@host`) is refused, since a password would then be in the configuration (RFC
    /// 9110 section 4.2.4). A fragment has no meaning for a server.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        if let Some(path) = text.strip_prefix("unix:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            return is_socket_path(path).then(|| Self::Unix(PathBuf::from(path)));
        }
        let uri: Uri = text.parse().ok()?;
        let tls = match uri.scheme_str() {
            Some("http") => false,
            Some("https") => true,
            _ => return None,
        };
        let plain = uri.query().is_none() && uri.path() == "/" && !text.contains('#');
        let authority = uri.authority().filter(|_| plain)?;
        let usable = !authority.host().is_empty() && !authority.as_str().contains('@');
        usable.then(|| Self::Tcp {
            authority: authority.clone(),
            tls,
        })
    }

    /// Returns host and port for `Host` and for the target of requests.
    ///
    /// For a Unix socket it is `localhost`, without a port.
    pub(crate) fn authority(&self) -> Authority {
        match self {
            Self::Tcp { authority, .. } => authority.clone(),
            Self::Unix(_) => SOCKET_HOST,
        }
    }

    /// Returns the scheme of requests.
    pub(crate) fn scheme(&self) -> Scheme {
        match self.is_tls() {
            true => Scheme::HTTPS,
            false => Scheme::HTTP,
        }
    }

    /// Returns whether the connection is encrypted.
    ///
    /// False for a Unix socket.
    pub(crate) const fn is_tls(&self) -> bool {
        matches!(self, Self::Tcp { tls: true, .. })
    }
}

/// Returns whether a socket can be at a path: absolute, without empty segments, and short enough for the
/// system.
fn is_socket_path(path: &str) -> bool {
    let names_a_file = path.starts_with('/') && !path.ends_with('/') && !path.contains("//");
    names_a_file && !path.contains('\0') && path.len() <= LONGEST_SOCKET_PATH
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { authority, .. } => write!(f, "{}://{authority}", self.scheme()),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn three_forms_are_read_and_shown() {
        for text in [
            "http://127.0.0.1:5000",
            "https://voice.example",
            "http://[::1]:80",
            "unix:/run/voice.sock",
        ] {
            assert_eq!(Address::parse(text).unwrap().to_string(), text);
        }
        assert_eq!(
            Address::parse("unix:///run/a"),
            Address::parse("unix:/run/a")
        );
    }

    #[test]
    fn what_is_more_or_less_than_an_address_is_refused() {
        for text in [
            "",
            "127.0.0.1:5000",
            "localhost:5000",
            "ftp://a",
            "http://a/x",
            "http://a?x",
            "http://a/#x",
            "http://u:p@a",
            "http://:80",
            "unix:run/a",
            "unix:",
            "unix:/",
            "unix:////",
            "unix:////run/a",
            "unix:/run//a",
            "unix:/run/",
            "unix:/run/a\0b",
            &format!("unix:/{}", "a".repeat(107)),
        ] {
            assert_eq!(Address::parse(text), None, "{text}");
        }
    }
}
