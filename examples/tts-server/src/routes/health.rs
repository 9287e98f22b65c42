//! Tells that the server responds. It reveals nothing else about the server.

use http::header::{CACHE_CONTROL, CONTENT_TYPE};

/// Responds with `ok`.
#[utoipa::path(
    get,
    path = "/health",
    tag = "server",
    operation_id = "health",
    responses((status = 200, description = "The server responses.", content_type = "text/plain", body = str)),
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
