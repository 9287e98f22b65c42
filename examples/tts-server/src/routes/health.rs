//! Whether the server answers. Says nothing more: what it is made of is nobody's business.

use http::header::{CACHE_CONTROL, CONTENT_TYPE};

/// Answers `ok`.
#[utoipa::path(
    get,
    path = "/health",
    tag = "server",
    operation_id = "health",
    responses((status = 200, description = "The server answers.", content_type = "text/plain", body = str)),
)]
pub(crate) async fn health() -> ([(http::HeaderName, &'static str); 2], &'static str) {
    (
        [
            (CONTENT_TYPE, "text/plain; charset=utf-8"),
            (CACHE_CONTROL, "no-store"),
        ],
        "ok\n",
    )
}
