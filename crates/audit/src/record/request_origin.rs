//! How a request reached the server: connection, version of HTTP, host.
//!
//! Nothing is allocated here: the parts of the head are shared with it.

use http::{HeaderValue, Version, header, request, uri::Authority};
use palisade_core::Peer;

/// The longest host that is recorded (RFC 1035: 253 characters, with a port).
const MAX_HOST_BYTES: usize = 260;

/// How a request reached the server.
#[derive(Clone, Debug)]
pub(crate) struct RequestOrigin {
    version: Version,
    host: Option<Host>,
    /// The other end of the connection. `None` for a server that does not say it.
    pub(super) peer: Option<Peer>,
    /// The length of the body that the head declares.
    pub(super) request_bytes: Option<u64>,
}

/// Where the host is.
#[derive(Clone, Debug)]
enum Host {
    /// In the target: HTTP/2, or an absolute form.
    Authority(Authority),
    Header(HeaderValue),
}

impl RequestOrigin {
    /// Reads it from a head.
    pub(super) fn of(head: &request::Parts) -> Self {
        let in_header = || head.headers.get(header::HOST).cloned().map(Host::Header);
        let in_target = head.uri.authority().cloned().map(Host::Authority);
        let length = head.headers.get(header::CONTENT_LENGTH);
        Self {
            version: head.version,
            host: in_target.or_else(in_header),
            peer: head.extensions.get().copied(),
            request_bytes: length.and_then(|it| it.to_str().ok()?.parse().ok()),
        }
    }

    /// Returns the version of HTTP.
    pub(super) fn http(&self) -> &'static str {
        match self.version {
            Version::HTTP_09 => "0.9",
            Version::HTTP_10 => "1.0",
            Version::HTTP_2 => "2",
            Version::HTTP_3 => "3",
            _ => "1.1",
        }
    }

    /// Returns the host with its port, if it can be one. A password before it is never part of it.
    pub(super) fn host(&self) -> Option<&str> {
        let written = match self.host.as_ref()? {
            Host::Authority(authority) => authority.as_str(),
            Host::Header(value) => value.to_str().ok()?,
        };
        recorded_host(written)
    }
}

/// Returns the part of an authority that may be recorded. A client chooses it, so what is no host is not.
pub(super) fn recorded_host(authority: &str) -> Option<&str> {
    let host = authority.rsplit('@').next()?;
    let is_host = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
    let fits = (1..=MAX_HOST_BYTES).contains(&host.len()) && host.bytes().all(is_host);
    fits.then_some(host)
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn host(request: http::request::Builder) -> Option<String> {
        let (head, ()) = request.body(()).unwrap().into_parts();
        RequestOrigin::of(&head).host().map(str::to_owned)
    }

    #[test]
    fn a_host_is_recorded_without_what_is_before_it() {
        let by_header = |value: &str| host(Request::get("/").header("host", value));
        assert_eq!(by_header("tts.example:8443").unwrap(), "tts.example:8443");
        assert_eq!(by_header("[2001:db8::1]").unwrap(), "[2001:db8::1]");
        assert_eq!(by_header("anna:secret@tts.example").unwrap(), "tts.example");
        let absolute = Request::get("http://anna:secret@a.example/x").header("host", "b.example");
        assert_eq!(host(absolute).unwrap(), "a.example");
        for other in ["", "secret@", "a b", "a\u{7f}b", &"a".repeat(300)] {
            let Ok(value) = HeaderValue::from_str(other) else {
                continue;
            };
            assert_eq!(
                host(Request::get("/").header("host", value)),
                None,
                "{other}"
            );
        }
        assert_eq!(host(Request::get("/")), None);
    }

    #[test]
    fn versions_and_lengths_are_those_of_the_head() {
        let request = Request::get("/").version(Version::HTTP_2);
        let request = request.header("content-length", "17").body(()).unwrap();
        let origin = RequestOrigin::of(&request.into_parts().0);
        assert_eq!((origin.http(), origin.request_bytes), ("2", Some(17)));
        let request = Request::get("/")
            .header("content-length", "many")
            .body(())
            .unwrap();
        let origin = RequestOrigin::of(&request.into_parts().0);
        assert_eq!((origin.http(), origin.request_bytes), ("1.1", None));
    }
}
