//! Reads a whole body, with a bound.

use bytes::Bytes;
use http_body::Body;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use palisade::core::{BoxError, Rejection};

/// Reads a whole body. `broke_off` makes the refusal of one that ends too early.
///
/// # Errors
///
/// 413 if it is longer than `most` bytes or than the stack allows, that of `broke_off` if it breaks off.
pub(crate) async fn collect_body<B>(
    body: B,
    most: usize,
    broke_off: impl FnOnce() -> Box<Rejection>,
) -> Result<Bytes, Box<Rejection>>
where
    B: Body<Data = Bytes, Error: Into<BoxError>>,
{
    match Limited::new(body, most).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) => {
            let error: &(dyn std::error::Error + 'static) = &*error;
            let mut causes = std::iter::successors(Some(error), |cause| cause.source());
            Err(match causes.any(|cause| cause.is::<LengthLimitError>()) {
                true => Box::new(Rejection::payload_too_large()),
                false => broke_off(),
            })
        }
    }
}
