//! The body of a request that a layer read, limited or replaced.
//!
//! A [`Guard`](crate::Guard) sees heads only. A service that needs the body wraps it in
//! [`RequestBody`] and refuses with [`refuse`](crate::refuse).

use std::{
    error::Error,
    pin::Pin,
    task::{Context, Poll, Waker},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::{Full, Limited};
use pin_project_lite::pin_project;

/// The error of a request body, boxed.
pub type BoxError = Box<dyn Error + Send + Sync>;

pin_project! {
    /// The body of a request: unchanged, with a size limit, or replaced by clean bytes.
    ///
    /// Beyond the limit it fails with `http_body_util::LengthLimitError`, which axum turns into a 413.
    ///
    /// A service that reads bodies makes it the body type of the service inside it:
    ///
    /// ```
    /// use bytes::Bytes;
    /// use http_body_util::{BodyExt, Full, LengthLimitError};
    /// use palisade_core::RequestBody;
    ///
    /// # #[tokio::main(flavor = "current_thread")] async fn main() {
    /// let body = Full::new(Bytes::from_static(b"hello"));
    /// let limited = RequestBody::limited(body, 4);
    /// let error = limited.collect().await.unwrap_err();
    /// assert!(error.is::<LengthLimitError>());
    ///
    /// let replaced = RequestBody::<Full<Bytes>>::replaced(Bytes::from_static(b"clean"));
    /// assert_eq!(replaced.collect().await.unwrap().to_bytes(), "clean");
    /// # }
    /// ```
    ///
    /// The headers are not part of it. A layer that replaces the bytes also sets `Content-Length`, or removes
    /// it, so that the head and the body agree (RFC 9110, 8.6).
    #[project = Projected]
    #[derive(Debug)]
    pub struct RequestBody<B> {
        #[pin]
        kind: RequestKind<B>,
    }
}

pin_project! {
    #[project = KindProjected]
    #[derive(Debug)]
    enum RequestKind<B> {
        Inner { #[pin] body: Limited<B> },
        Replaced { bytes: Option<Bytes> },
        // The start was read. The box ends the recursion of the type.
        Rebuilt { start: Option<Bytes>, rest: Pin<Box<RequestBody<B>>> },
    }
}

impl<B> RequestBody<B> {
    /// Passes a body on, up to `limit` bytes. Reading beyond it is an error of the body.
    #[must_use]
    pub fn limited(body: B, limit: usize) -> Self {
        let body = Limited::new(body, limit);
        Self {
            kind: RequestKind::Inner { body },
        }
    }

    /// Passes a body on unchanged, without a limit.
    #[must_use]
    pub fn inner(body: B) -> Self {
        Self::limited(body, usize::MAX)
    }

    /// Replaces the body by `bytes`. It is sent as one frame, without trailers.
    #[must_use]
    pub fn replaced(bytes: Bytes) -> Self {
        let bytes = (!bytes.is_empty()).then_some(bytes);
        Self {
            kind: RequestKind::Replaced { bytes },
        }
    }
}

impl<B> From<Bytes> for RequestBody<B> {
    /// Replaces the body by `bytes`, as [`replaced`](Self::replaced).
    fn from(bytes: Bytes) -> Self {
        Self::replaced(bytes)
    }
}

/// A request body that can be made again after its start was read.
///
/// A layer that reads a body, and then finds that it is too long to be read whole, passes it on as it
/// was with this. [`From<Bytes>`] makes a body of bytes that were read to the end.
///
/// ```
/// use bytes::Bytes;
/// use http_body_util::{BodyExt, Full};
/// use palisade_core::{RebuildBody, RequestBody};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let rest = RequestBody::inner(Full::new(Bytes::from_static(b" and the rest")));
/// let whole = RequestBody::rebuild(Bytes::from_static(b"the start"), Box::pin(rest));
/// assert_eq!(whole.collect().await.unwrap().to_bytes(), "the start and the rest");
/// # }
/// ```
pub trait RebuildBody: Body + From<Bytes> {
    /// Returns a body that has `start`, and then what `rest` still has, trailers included.
    fn rebuild(start: Bytes, rest: Pin<Box<Self>>) -> Self;
}

impl<B> RebuildBody for RequestBody<B>
where
    B: Body<Error: Into<BoxError>>,
    B::Data: From<Bytes>,
{
    fn rebuild(start: Bytes, rest: Pin<Box<Self>>) -> Self {
        let start = (!start.is_empty()).then_some(start);
        Self {
            kind: RequestKind::Rebuilt { start, rest },
        }
    }
}

impl RebuildBody for Full<Bytes> {
    fn rebuild(start: Bytes, mut rest: Pin<Box<Self>>) -> Self {
        // It is complete in memory, so its only frame is always ready.
        let mut task = Context::from_waker(Waker::noop());
        let Poll::Ready(Some(Ok(frame))) = rest.as_mut().poll_frame(&mut task) else {
            return Self::new(start);
        };
        let rest = frame.into_data().unwrap_or_default();
        Self::new(Bytes::from([start, rest].concat()))
    }
}

#[cfg(feature = "axum")]
impl RebuildBody for axum_core::body::Body {
    fn rebuild(start: Bytes, rest: Pin<Box<Self>>) -> Self {
        let rest = RequestBody::inner(*Pin::into_inner(rest));
        Self::new(RequestBody::rebuild(start, Box::pin(rest)))
    }
}

impl<B> Body for RequestBody<B>
where
    B: Body<Error: Into<BoxError>>,
    B::Data: From<Bytes>,
{
    type Data = B::Data;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        task: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, BoxError>>> {
        match self.project().kind.project() {
            KindProjected::Inner { body } => body.poll_frame(task),
            KindProjected::Replaced { bytes } => {
                let frame = bytes.take().map(|bytes| Ok(Frame::data(bytes.into())));
                Poll::Ready(frame)
            }
            KindProjected::Rebuilt { start, rest } => match start.take() {
                Some(start) => Poll::Ready(Some(Ok(Frame::data(start.into())))),
                None => rest.as_mut().poll_frame(task),
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            RequestKind::Inner { body } => body.is_end_stream(),
            RequestKind::Replaced { bytes } => bytes.is_none(),
            RequestKind::Rebuilt { start, rest } => start.is_none() && rest.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            RequestKind::Inner { body } => body.size_hint(),
            RequestKind::Replaced { bytes } => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
            }
            RequestKind::Rebuilt { start, rest } => {
                let start = start.as_ref().map_or(0, |start| start.len() as u64);
                let mut hint = rest.size_hint();
                if let Some(upper) = hint.upper() {
                    hint.set_upper(upper.saturating_add(start));
                }
                hint.set_lower(hint.lower().saturating_add(start));
                hint
            }
        }
    }
}
