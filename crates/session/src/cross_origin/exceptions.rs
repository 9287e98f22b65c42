//! Origins and paths whose requests pass.

use http::Uri;

/// An origin as browsers write it: scheme, host, and a port unless it is the default one.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct TrustedOrigin(Box<str>);

impl TrustedOrigin {
    /// `None` if it is not exactly what a browser sends: with a path, a default port, capitals or a star
    /// it would match nothing.
    pub(super) fn parse(written: &str) -> Option<Self> {
        let (scheme, host) = written.split_once("://")?;
        let default_port = match scheme {
            "http" => ":80",
            "https" => ":443",
            _ => return None,
        };
        let plain = |byte: u8| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-:[]".contains(&byte)
        };
        let uri: Uri = written.parse().ok()?;
        let whole = uri
            .authority()
            .is_some_and(|authority| authority.as_str() == host);
        let fits = whole && host.bytes().all(plain) && !host.ends_with(default_port);
        fits.then(|| Self(written.into()))
    }

    pub(super) fn is_origin(&self, origin: &[u8]) -> bool {
        self.0.as_bytes() == origin
    }
}

/// A path, or all below it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct PathException {
    start: Box<str>,
    below: bool,
}

impl PathException {
    /// `None` if it does not begin with a slash, has characters that no path has, or is `/*`: that excepts
    /// everything, which is no exception.
    pub(super) fn parse(written: &str) -> Option<Self> {
        let (start, below) = match written.strip_suffix('*') {
            Some(start) if start.ends_with('/') => (start, true),
            _ => (written, false),
        };
        let plain = |byte: u8| byte.is_ascii_graphic() && !b"*?#%\\\"<>{}|^`".contains(&byte);
        let is_everything = below && start == "/";
        let fits = start.starts_with('/') && start.bytes().all(plain) && is_plain(start);
        let fits = fits && !is_everything;
        fits.then(|| Self {
            start: start.into(),
            below,
        })
    }

    /// Tells whether the path of a request is excepted. A path that may be read as another one is not.
    pub(super) fn matches(&self, path: &str) -> bool {
        match self.below {
            true => path.starts_with(&*self.start) && is_plain(path),
            false => *self.start == *path,
        }
    }
}

/// Tells whether everybody reads a path alike: no escapes, no segments of dots, no empty segments.
fn is_plain(path: &str) -> bool {
    let odd = ["%", "\\", "//", ";"];
    let is_dots = |segment: &str| segment == "." || segment == "..";
    odd.iter().all(|odd| !path.contains(odd)) && !path.split('/').any(is_dots)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_written_as_browsers_write_it() {
        for origin in [
            "https://a.example",
            "http://localhost:8080",
            "https://[::1]:8443",
        ] {
            assert!(
                TrustedOrigin::parse(origin).is_some_and(|one| one.is_origin(origin.as_bytes()))
            );
        }
        for origin in [
            "",
            "null",
            "*",
            "https://",
            "https://*.a.example",
            "https://a.example/",
            "https://a.example/x",
            "https://A.example",
            "https://a.example:443",
            "http://a.example:80",
            "https://user@a.example",
            "ftp://a.example",
            "a.example",
        ] {
            assert_eq!(TrustedOrigin::parse(origin), None, "{origin}");
        }
    }

    #[test]
    fn a_path_that_may_be_read_as_another_one_is_no_exception() {
        let hooks = PathException::parse("/hooks/*").unwrap();
        assert!(hooks.matches("/hooks/github"));
        for path in [
            "/hooks",
            "/hook/x",
            "/hooks/../transfer",
            "/hooks/%2e%2e/transfer",
            "/hooks/a%2f..%2ftransfer",
            "/hooks//x",
            "/hooks/\\x",
            "/hooks/;/x",
        ] {
            assert!(!hooks.matches(path), "{path}");
        }
        let hidden = PathException::parse("/.well-known/acme/*").unwrap();
        assert!(hidden.matches("/.well-known/acme/x"));
        assert!(!hidden.matches("/.well-known/acme/.."));
        let exact = PathException::parse("/return").unwrap();
        assert!(
            exact.matches("/return") && !exact.matches("/return/") && !exact.matches("/Return")
        );
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for path in [
            "", "hooks", "/a b", "/a?b", "/a/../b", "/a/.", "/./*", "/a%2fb", "/a*", "//", "*",
            "/*",
        ] {
            assert_eq!(PathException::parse(path), None, "{path}");
        }
    }
}
