//! How much of the request body was read. The server counts it, since guards see heads only.

use std::sync::atomic::Ordering;

use http::request;

use super::SecurityContext;

impl SecurityContext {
    /// Creates the context of a request, for a server that [counts](Self::count_request_bytes) what is read of the body.
    ///
    /// The server calls it before the outermost guard, which then finds the context.
    ///
    /// ```
    /// use palisade_core::SecurityContext;
    ///
    /// let (mut head, ()) = http::Request::new(()).into_parts();
    /// let cx = SecurityContext::for_server(&mut head);
    /// assert_eq!(cx.request_bytes_read(), Some(0));
    /// cx.count_request_bytes(7);
    /// assert_eq!(SecurityContext::of(&head.extensions).unwrap().request_bytes_read(), Some(7));
    /// ```
    pub fn for_server(head: &mut request::Parts) -> Self {
        Self::create(head, true)
    }

    /// Adds bytes of the body that were read. For the server that made the context.
    pub fn count_request_bytes(&self, bytes: u64) {
        self.0.request_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Returns how many bytes of the request body were read so far, without the framing of HTTP. `None`: the server does
    /// not count them.
    ///
    /// It can be less than `Content-Length`: a refusal, or a handler that fails, leaves the rest unread.
    #[must_use]
    pub fn request_bytes_read(&self) -> Option<u64> {
        let read = || self.0.request_bytes.load(Ordering::Relaxed);
        self.0.counts_request_bytes.then(read)
    }
}
