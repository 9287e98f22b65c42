//! How much of the request body was read. The server counts it, since guards see heads only.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use super::SecurityContext;

/// Counts the bytes of a request body that were read, without the framing of HTTP. Clones share the count.
///
/// A server puts one into the extensions of each request before the outermost guard, and adds what the body that it
/// gives to the service has read. Without one, [`SecurityContext::request_bytes_read`] is `None`.
///
/// ```
/// use palisade_core::{RequestBytes, SecurityContext};
///
/// let counted = RequestBytes::new();
/// let request = http::Request::builder().extension(counted.clone()).body(())?;
/// let (mut head, ()) = request.into_parts();
/// let cx = SecurityContext::find_or_create(&mut head);
/// counted.add(7);
/// assert_eq!(cx.request_bytes_read(), Some(7));
/// # Ok::<(), http::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct RequestBytes(Arc<AtomicU64>);

impl RequestBytes {
    /// Starts at zero.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds bytes that were read.
    pub fn add(&self, bytes: u64) {
        self.0.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Returns how many bytes were read so far.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl SecurityContext {
    /// Returns how many bytes of the request body were read so far, without the framing of HTTP. `None`: the server does
    /// not [count](RequestBytes) them.
    ///
    /// It can be less than `Content-Length`: a refusal, or a handler that fails, leaves the rest unread.
    #[must_use]
    pub fn request_bytes_read(&self) -> Option<u64> {
        self.0.request_bytes.as_ref().map(RequestBytes::get)
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderValue, Request, header::CONTENT_TYPE};

    use super::*;

    /// A service between server and guards may make another request of it: a refusal has the form of the one that is decided.
    #[test]
    fn what_the_server_counts_fixes_nothing_else_of_the_request() {
        let (mut head, ()) = Request::new(()).into_parts();
        let counted = RequestBytes::new();
        head.extensions.insert(counted.clone());
        counted.add(5);
        let grpc = HeaderValue::from_static("application/grpc");
        head.headers.insert(CONTENT_TYPE, grpc);
        let cx = SecurityContext::find_or_create(&mut head);
        assert!(cx.is_grpc());
        assert_eq!(cx.request_bytes_read(), Some(5));
    }
}
