//! Whether the server answers. Says nothing more: what it is made of is nobody's business.

use http::header::{CACHE_CONTROL, CONTENT_TYPE};

/// Answers `ok`.
pub(crate) async fn health() -> ([(http::HeaderName, &'static str); 2], &'static str) {
    (
        [
            (CONTENT_TYPE, "text/plain; charset=utf-8"),
            (CACHE_CONTROL, "no-store"),
        ],
        "ok\n",
    )
}
