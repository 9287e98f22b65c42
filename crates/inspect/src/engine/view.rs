//! What is inspected: a request and a response as they arrived.

use std::net::IpAddr;

/// A request as it arrived. Nothing in it is decoded or normalised.
///
/// Default: `GET / HTTP/1.1` without headers or body, from an unknown client.
///
/// ```
/// use palisade_inspect::RequestView;
///
/// let request = RequestView {
///     method: b"POST",
///     target: b"/search?q=1",
///     headers: vec![(b"content-type", b"application/json")],
///     body: b"{}",
///     ..RequestView::default()
/// };
/// assert_eq!(request.version, "HTTP/1.1");
/// ```
#[derive(Clone, Debug)]
#[allow(clippy::exhaustive_structs)] // Built by users, field by field.
pub struct RequestView<'r> {
    /// The method, in its case.
    pub method: &'r [u8],
    /// The target of the request line: path and query, or a whole URL.
    pub target: &'r [u8],
    /// The version, such as `HTTP/1.1`.
    pub version: &'r str,
    /// Names and values of the headers, in their order.
    pub headers: Vec<(&'r [u8], &'r [u8])>,
    /// The body, without transfer coding.
    pub body: &'r [u8],
    /// The address of the client.
    pub client: Option<IpAddr>,
}

impl Default for RequestView<'_> {
    fn default() -> Self {
        Self {
            method: b"GET",
            target: b"/",
            version: "HTTP/1.1",
            headers: Vec::new(),
            body: b"",
            client: None,
        }
    }
}

impl<'r> RequestView<'r> {
    /// The first value of a header.
    pub(crate) fn header(&self, name: &[u8]) -> Option<&'r [u8]> {
        let found = self
            .headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| *value)
    }
}

/// A response as it leaves.
///
/// Default: status 200 without headers or body.
#[derive(Clone, Debug)]
#[allow(clippy::exhaustive_structs)] // Built by users, field by field.
pub struct ResponseView<'r> {
    /// The status.
    pub status: u16,
    /// Names and values of the headers, in their order.
    pub headers: Vec<(&'r [u8], &'r [u8])>,
    /// The body, not compressed.
    pub body: &'r [u8],
}

impl Default for ResponseView<'_> {
    fn default() -> Self {
        Self {
            status: 200,
            headers: Vec::new(),
            body: b"",
        }
    }
}
