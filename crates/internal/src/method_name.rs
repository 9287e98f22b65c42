//! Names of methods for logs, spans and metrics.

use http::Method;

/// The methods of RFC 9110, section 9, and PATCH (RFC 5789).
const KNOWN: [Method; 9] = [
    Method::CONNECT,
    Method::DELETE,
    Method::GET,
    Method::HEAD,
    Method::OPTIONS,
    Method::PATCH,
    Method::POST,
    Method::PUT,
    Method::TRACE,
];

/// Returns the method, or `_OTHER`: a client may send any word, and it must not be a name in logs or metrics.
///
/// `_OTHER` is the word of the semantic conventions of OpenTelemetry.
///
/// ```
/// use http::Method;
/// use palisade_internal::method_name;
///
/// assert_eq!(method_name::known(&Method::PATCH), "PATCH");
/// let word = Method::from_bytes(b"PROPFIND")?;
/// assert_eq!(method_name::known(&word), "_OTHER");
/// # Ok::<(), http::method::InvalidMethod>(())
/// ```
#[must_use]
pub fn known(method: &Method) -> &str {
    match KNOWN.contains(method) {
        true => method.as_str(),
        false => "_OTHER",
    }
}
