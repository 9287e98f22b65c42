//! The body of a request, with timeouts.

use std::{
    error, fmt,
    future::{Future, pending, poll_fn},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use palisade_core::RequestBytes;
use tokio::{
    runtime::Handle,
    time::{Instant, Sleep},
};

use crate::server::{
    connection::socket::{DRAIN_BYTES, DRAIN_TIME},
    deadlines::{Activity, Transfer},
    events::ConnectionEventKind,
    limits::Limits,
};

/// The body of a request that this server received.
///
/// Reading it fails with a [`ReceiveError`] if the client stops sending or sends too slowly.
/// Only time in which the handler waits for data counts. The limits are:
///
/// - [`Limits::body_timeout`]: the longest wait for the next part;
/// - [`Limits::body_total_timeout`]: the longest wait in total, until the response begins;
/// - [`Limits::body_minimum_rate`]: the lowest average rate, until the response begins.
///
/// The size is not limited here: use a limit of your framework.
///
/// An HTTP/2 body that is dropped before its end is read for at most one second and 256 KiB
/// more. So the client receives the response before the stream is reset.
///
/// # Examples
///
/// A handler that reads the body by hand, with a limit of its size:
///
/// ```
/// use http::{Request, StatusCode};
/// use http_body_util::{BodyExt, Limited};
/// use palisade_transport::server::ReceivedBody;
///
/// async fn upload(request: Request<ReceivedBody>) -> StatusCode {
///     let body = Limited::new(request.into_body(), 1024 * 1024).collect().await;
///     match body.map(|body| body.to_bytes()) {
///         Ok(bytes) if !bytes.is_empty() => StatusCode::NO_CONTENT,
///         Ok(_) => StatusCode::BAD_REQUEST,
///         // Too large, too slow, or the client left: see `ReceiveError`.
///         Err(_) => StatusCode::PAYLOAD_TOO_LARGE,
///     }
/// }
/// ```
#[derive(Debug)]
pub struct ReceivedBody {
    /// `None` once it is dropped.
    inner: Option<Incoming>,
    /// Whether it came over HTTP/2.
    is_stream: bool,
    activity: Arc<Activity>,
    /// Counts the bytes of the body so far, for the audit trail too.
    counted: RequestBytes,
    transfer: Arc<Transfer>,
    limits: Arc<Limits>,
    /// Created at the first wait.
    timer: Option<Pin<Box<Sleep>>>,
    /// When the current wait for the client began.
    waiting_since: Option<Instant>,
    /// The waits before that, together.
    waited: Duration,
}

/// Why the body of a request ended early.
///
/// [`Slow`](Self::Slow) and [`Stalled`](Self::Stalled) are reported as
/// [`ConnectionEventKind::RequestBodyTimeout`].
///
/// # Examples
///
/// ```
/// use http::StatusCode;
/// use palisade_transport::server::ReceiveError;
///
/// /// The status of a response to a request whose body could not be read.
/// fn status(error: &ReceiveError) -> StatusCode {
///     match error {
///         ReceiveError::Slow | ReceiveError::Stalled => StatusCode::REQUEST_TIMEOUT,
///         _ => StatusCode::BAD_REQUEST,
///     }
/// }
/// assert_eq!(status(&ReceiveError::Slow), StatusCode::REQUEST_TIMEOUT);
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum ReceiveError {
    /// The connection broke, or the bytes were not valid HTTP.
    Broken(Box<dyn error::Error + Send + Sync>),
    /// The client sent too slowly: below the minimum rate, or over the total time.
    Slow,
    /// The client sent nothing for [`Limits::body_timeout`].
    Stalled,
}

impl fmt::Display for ReceiveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Broken(_) => "the body of the request broke off",
            Self::Slow => "the client sent too slowly",
            Self::Stalled => "the client stopped sending",
        })
    }
}

impl error::Error for ReceiveError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Broken(source) => Some(&**source),
            Self::Slow | Self::Stalled => None,
        }
    }
}

impl ReceivedBody {
    /// Wraps a body of hyper. `is_stream` tells that it came over HTTP/2.
    pub(crate) fn new(
        inner: Incoming,
        is_stream: bool,
        activity: Arc<Activity>,
        counted: RequestBytes,
        transfer: Arc<Transfer>,
        limits: Arc<Limits>,
    ) -> Self {
        Self {
            inner: Some(inner),
            is_stream,
            activity,
            counted,
            transfer,
            limits,
            timer: None,
            waiting_since: None,
            waited: Duration::ZERO,
        }
    }

    /// Waits until the client is too late. The timer is created at the first wait and used
    /// again.
    fn poll_timeout(&mut self, cx: &mut Context<'_>) -> Poll<ReceiveError> {
        loop {
            let is_new = self.waiting_since.is_none();
            let since = *self.waiting_since.get_or_insert_with(Instant::now);
            let Some((deadline, error)) = self.deadline(since) else {
                return Poll::Pending;
            };
            let timer = self
                .timer
                .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(deadline)));
            if is_new || timer.deadline() != deadline {
                timer.as_mut().reset(deadline);
            }
            ready!(timer.as_mut().poll(cx));
            // The response may have begun meanwhile, which lifts a part of the limits.
            if self.deadline(since).is_some_and(|(now, _)| now <= deadline) {
                return Poll::Ready(error);
            }
        }
    }

    /// Returns the next deadline and its error. `None` if no limit applies.
    fn deadline(&self, since: Instant) -> Option<(Instant, ReceiveError)> {
        let pace = &self.limits.request;
        let stall = pace
            .stall
            .map(|stall| (since + stall, ReceiveError::Stalled));
        let slow = (!self.transfer.has_responded())
            .then(|| pace.remaining(self.waited, self.received()))
            .flatten()
            .and_then(|remaining| Some((since.checked_add(remaining)?, ReceiveError::Slow)));
        match (stall, slow) {
            (Some(stall), Some(slow)) => Some(if slow.0 < stall.0 { slow } else { stall }),
            (stall, slow) => stall.or(slow),
        }
    }

    /// Returns the bytes of the body so far.
    fn received(&self) -> u64 {
        self.counted.get()
    }

    /// Notes that the wait is over, with the bytes that came.
    fn took(&mut self, bytes: usize) {
        if let Some(since) = self.waiting_since.take() {
            self.waited += since.elapsed();
        }
        let length = u64::try_from(bytes).unwrap_or(u64::MAX);
        self.counted.add(length);
        self.activity.body_taken(bytes);
    }
}

impl Drop for ReceivedBody {
    fn drop(&mut self) {
        let Some(unread) = self.inner.take().filter(|inner| !inner.is_end_stream()) else {
            return;
        };
        self.activity.leave_unread();
        if !self.is_stream {
            return; // The connection drains what is left before it closes.
        }
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(drain_stream(unread));
        }
    }
}

/// Keeps a stream open for a moment after its response.
///
/// If it was dropped at once, the reset would be sent in the same packet as the response. Many
/// clients then report the reset and lose the response, although RFC 9113, section 8.1, forbids
/// that. At most as many streams wait as may be open.
async fn drain_stream(mut unread: Incoming) {
    let drained = async {
        let mut left = DRAIN_BYTES;
        while left > 0 {
            match poll_fn(|cx| Pin::new(&mut unread).poll_frame(cx)).await {
                Some(Ok(frame)) => {
                    let length = frame.data_ref().map_or(0, Bytes::len);
                    left = left.saturating_sub(length);
                }
                // It ended, or the client has reset it: it has seen the response.
                Some(Err(_)) | None => return,
            }
        }
        pending().await
    };
    let _ = tokio::time::timeout(DRAIN_TIME, drained).await;
}

impl Body for ReceivedBody {
    type Data = Bytes;
    type Error = ReceiveError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, ReceiveError>>> {
        let Some(inner) = &mut self.inner else {
            return Poll::Ready(None);
        };
        match Pin::new(inner).poll_frame(cx) {
            Poll::Ready(frame) => {
                let length = match &frame {
                    Some(Ok(frame)) => frame.data_ref().map_or(0, Bytes::len),
                    _ => 0,
                };
                self.took(length);
                let broken = |error: hyper::Error| ReceiveError::Broken(error.into());
                Poll::Ready(frame.map(|frame| frame.map_err(broken)))
            }
            Poll::Pending => {
                let error = ready!(self.poll_timeout(cx));
                self.activity
                    .report(ConnectionEventKind::RequestBodyTimeout);
                Poll::Ready(Some(Err(error)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.inner
            .as_ref()
            .map_or(SizeHint::with_exact(0), Body::size_hint)
    }
}
