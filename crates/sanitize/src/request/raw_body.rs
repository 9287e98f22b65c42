//! The body of a request as it was sent, for handlers that check a signature of it.

use std::fmt;

use bytes::Bytes;

/// The body of a request as the client sent it, before its text was cleaned.
///
/// The layer puts it into the extensions of a request whose body it reads, if
/// [`SanitizeLayerBuilder::keep_raw_body`](crate::SanitizeLayerBuilder::keep_raw_body) is set. It has at
/// most [`max_body`](crate::SanitizeLayerBuilder::max_body) bytes. A compressed body is here as it came,
/// compressed.
///
/// Use it to check a signature, and for nothing else: its text is not clean. `Debug` shows its length
/// only.
///
/// ```
/// use bytes::Bytes;
/// use http::{Request, Response};
/// use http_body_util::{BodyExt, Full};
/// use palisade_core::{BoxError, RequestBody};
/// use palisade_sanitize::{Field, RawBody, SanitizeLayer, Sanitizer};
/// use tower::{ServiceBuilder, ServiceExt};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), BoxError> {
/// let layer = SanitizeLayer::builder()
///     .field(Field::required("text", Sanitizer::prompt()))
///     .keep_raw_body()
///     .build()?;
/// let handler = |request: Request<RequestBody<Full<Bytes>>>| async move {
///     let raw = request.extensions().get::<RawBody>().cloned().ok_or("no raw body")?;
///     assert_eq!(raw.as_bytes(), r#"{"text":"a\u202eb"}"#); // a signature is checked against this
///     let clean = request.into_body().collect().await?.to_bytes();
///     assert_eq!(clean, r#"{"text":"ab"}"#);
///     Ok::<_, BoxError>(Response::new(Full::new(clean)))
/// };
/// let request = Request::post("/").header("content-type", "application/json");
/// let request = request.body(r#"{"text":"a\u202eb"}"#.into())?;
/// ServiceBuilder::new().layer(layer).service_fn(handler).oneshot(request).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct RawBody(Bytes);

impl RawBody {
    pub(crate) const fn new(bytes: Bytes) -> Self {
        Self(bytes)
    }

    /// Returns the bytes as they were sent.
    #[must_use]
    pub const fn as_bytes(&self) -> &Bytes {
        &self.0
    }
}

impl fmt::Debug for RawBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawBody")
            .field("length", &self.0.len())
            .finish_non_exhaustive()
    }
}
