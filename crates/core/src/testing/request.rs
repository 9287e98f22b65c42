//! Requests as a server passes them on: with a peer and a host.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use http::{Request, Uri, header::HOST};

use super::TestBody;
use crate::client::{Peer, Scheme};

/// The address that requests of [`request`] come from, of the range for documentation (RFC 5737).
pub const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 7));

/// Starts a request as a server passes it on: a `GET` with a [`Peer`] and a `Host`.
///
/// `uri` is absolute. Its scheme says whether the connection uses TLS, and its authority is the
/// host. The peer is [`CLIENT`]; insert another [`Peer`] for another client. The result is the
/// builder of `http`: set method, headers and body as usual. A URI that does not parse is an error
/// of `body`.
///
/// ```
/// use http::Method;
/// use palisade_core::{Peer, Scheme, testing};
///
/// let request = testing::request("https://api.example/speak?text=hi")
///     .method(Method::POST)
///     .header("content-type", "application/json")
///     .body("{}")?;
/// assert_eq!(request.uri().path(), "/speak");
/// assert_eq!(request.headers()["host"], "api.example");
/// assert_eq!(request.extensions().get::<Peer>().unwrap().scheme, Scheme::Https);
///
/// let from_another_client = testing::request("https://api.example/")
///     .extension(Peer::new("198.51.100.9:443".parse().unwrap(), Scheme::Https))
///     .body(testing::empty_body())?;
/// # Ok::<(), http::Error>(())
/// ```
#[must_use]
pub fn request(uri: &str) -> http::request::Builder {
    let Ok(parsed) = uri.parse::<Uri>() else {
        return Request::builder().uri(uri);
    };
    let scheme = match parsed.scheme_str() {
        Some("https") => Scheme::Https,
        _ => Scheme::Http,
    };
    let target = parsed
        .path_and_query()
        .map_or("/", |target| target.as_str());
    let builder = Request::builder()
        .uri(target)
        .extension(Peer::new(SocketAddr::new(CLIENT, 50_000), scheme));
    match parsed.authority() {
        Some(authority) => builder.header(HOST, authority.as_str()),
        None => builder,
    }
}

/// Makes an empty body, for requests without one.
#[must_use]
pub fn empty_body() -> TestBody {
    TestBody::default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_uri_that_does_not_parse_is_an_error_of_the_request() {
        assert!(request("https://a b/").body(()).is_err());
    }

    #[test]
    fn without_tls_and_without_a_host_it_says_so() {
        let request = request("/path").body(()).unwrap();
        assert_eq!(
            request.extensions().get::<Peer>().unwrap().scheme,
            Scheme::Http
        );
        assert!(!request.headers().contains_key(HOST));
    }
}
