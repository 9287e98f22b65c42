//! Finds the one host that a request is for, or the reason why there is none.

use http::{header::HOST, request};
use palisade_core::Scheme;

use crate::host::name::HostName;

/// Why a request does not name exactly one host.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Problem {
    /// Several `Host` lines.
    Ambiguous,
    /// A host that is malformed.
    Invalid,
    /// Target and `Host` field name different hosts.
    Mismatch,
    /// No host at all.
    Missing,
}

/// Returns the one host that a request names (RFC 9112, section 3.2; RFC 9113, section 8.3.1).
///
/// If the target and the `Host` field both name one, they must be equal: two parsers must not
/// see two hosts. `scheme` gives the default port for that comparison.
pub(crate) fn host(head: &request::Parts, scheme: Scheme) -> Result<HostName<'_>, Problem> {
    let mut lines = head.headers.get_all(HOST).into_iter();
    let line = lines.next();
    if lines.next().is_some() {
        return Err(Problem::Ambiguous);
    }
    let field = line.map(|line| line.to_str().map_err(|_| Problem::Invalid));
    let field = field.transpose()?.map(parse).transpose()?;
    let authority = head
        .uri
        .authority()
        .map(|authority| parse(authority.as_str()));
    match (authority.transpose()?, field) {
        (Some(authority), Some(field)) if !authority.is_same(&field, scheme) => {
            Err(Problem::Mismatch)
        }
        (Some(authority), _) => Ok(authority),
        (None, Some(field)) => Ok(field),
        (None, None) => Err(Problem::Missing),
    }
}

/// Parses a host. The client learns only that it is invalid, not why.
fn parse(written: &str) -> Result<HostName<'_>, Problem> {
    HostName::parse(written).map_err(|_| Problem::Invalid)
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn check(uri: &str, lines: &[&[u8]], expected: Result<&str, Problem>) {
        let mut request = Request::builder().uri(uri);
        for line in lines {
            request = request.header(HOST, *line);
        }
        let head = request.body(()).unwrap().into_parts().0;
        let found = host(&head, Scheme::Https).map(|host| host.name.into_owned());
        assert_eq!(
            found.as_deref().map_err(|problem| *problem),
            expected,
            "{uri} {lines:?}"
        );
    }

    #[test]
    fn one_host_is_found_where_it_stands() {
        check("/", &[b"example.com:8443"], Ok("example.com"));
        check("https://example.com/", &[], Ok("example.com"));
        check(
            "https://example.com/",
            &[b"EXAMPLE.com:443"],
            Ok("example.com"),
        );
        check("example.com:443", &[b"example.com"], Ok("example.com"));
    }

    #[test]
    fn a_request_without_one_clear_host_is_turned_away() {
        check("/", &[], Err(Problem::Missing));
        check("/", &[b""], Err(Problem::Invalid));
        check("/", &[b"a.example", b"a.example"], Err(Problem::Ambiguous));
        check("/", &[b"a@evil.example"], Err(Problem::Invalid));
        check("/", &[b"a.example, b.example"], Err(Problem::Invalid));
        check("/", &[b"\xff.example"], Err(Problem::Invalid));
        check("https://user@example.com/", &[], Err(Problem::Invalid));
        check(
            "https://a.example/",
            &[b"b.example"],
            Err(Problem::Mismatch),
        );
        check(
            "https://a.example/",
            &[b"a.example:8443"],
            Err(Problem::Mismatch),
        );
    }
}
