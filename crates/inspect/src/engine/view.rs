//! What is inspected: a request and a response as they arrived.
//!
//! Both borrow everything, so that an inspection copies only what it decodes. The bytes need not
//! be valid UTF-8, and a request need not be one that a server would accept: rules look for
//! exactly that.

use std::net::IpAddr;

/// A request as it arrived. Nothing in it is decoded or normalised.
///
/// The layer makes it from a request; tests and other programs fill it in by hand. A request
/// without a `Host` header is unusual, and the Core Rule Set reports it.
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
    ///
    /// Methods have a case (RFC 9110, section 9.1). Default: `GET`.
    pub method: &'r [u8],
    /// The target of the request line: path and query, or a whole URL.
    ///
    /// It starts with `/`, or with a scheme and a host, or it is `*`. Default: `/`.
    pub target: &'r [u8],
    /// The version, such as `HTTP/1.1`.
    ///
    /// For HTTP/2 it is `HTTP/2`. Default: `HTTP/1.1`.
    pub version: &'r str,
    /// Names and values of the headers, in their order.
    ///
    /// A header that is sent twice stands here twice. The case of the names does not matter.
    /// Default: none.
    pub headers: Vec<(&'r [u8], &'r [u8])>,
    /// The body, without transfer coding.
    ///
    /// It is parsed by the `Content-Type` among the headers. Compressed bodies are not
    /// decompressed. Default: empty.
    pub body: &'r [u8],
    /// The address of the client.
    ///
    /// `None`, the default, leaves `REMOTE_ADDR` empty. Take it from trusted proxies only.
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
    ///
    /// Names are compared without case. `None` if it is not there.
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
///
/// Rules on responses look for what should not leave: error messages, source code, listings of
/// folders.
///
/// ```
/// use palisade_inspect::{RequestView, ResponseView, RuleSet};
///
/// let rules = RuleSet::parse(
///     r#"SecRule RESPONSE_BODY "@contains stack trace" "id:9,phase:4,deny""#,
/// )?;
/// let response = ResponseView { status: 500, body: b"a stack trace", ..ResponseView::default() };
/// assert_eq!(rules.inspect(&RequestView::default(), Some(&response)).refused_by, Some(9));
/// # Ok::<(), palisade_inspect::InspectBuildError>(())
/// ```
#[derive(Clone, Debug)]
#[allow(clippy::exhaustive_structs)] // Built by users, field by field.
pub struct ResponseView<'r> {
    /// The status.
    ///
    /// Default: 200.
    pub status: u16,
    /// Names and values of the headers, in their order.
    ///
    /// Default: none.
    pub headers: Vec<(&'r [u8], &'r [u8])>,
    /// The body, not compressed.
    ///
    /// It is not parsed: rules see it as one text. Default: empty.
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
