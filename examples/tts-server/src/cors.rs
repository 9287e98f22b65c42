//! Scripts of other origins (CORS, in the Fetch standard): what they may read of a response.
//!
//! Origins and methods are those of the section `[cors]`. Cookies never are allowed: a session
//! belongs to the server's own page.

use http::HeaderName;
use tower_http::cors::CorsLayer;

/// The headers that scripts may read.
const EXPOSED: [HeaderName; 8] = [
    HeaderName::from_static("ratelimit"),
    HeaderName::from_static("ratelimit-policy"),
    HeaderName::from_static("retry-after"),
    HeaderName::from_static("www-authenticate"),
    HeaderName::from_static("x-audio-seconds"),
    HeaderName::from_static("x-ignored-members"),
    HeaderName::from_static("x-request-id"),
    HeaderName::from_static("x-voice"),
];

/// Adds the headers of this server to those that scripts may read.
pub(crate) fn exposing(cors: CorsLayer) -> CorsLayer {
    cors.expose_headers(EXPOSED)
}
