//! The body of a response. Reports whether the handler or the client has to act next.
//!
//! Whose turn it is decides which deadline counts: while the handler has nothing to send, the client
//! has none; while a part waits for the client, the write timeout and the minimum rate apply.
//! Dropping the body ends the request, whether it was sent to its end or not.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::{Buf, Bytes};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use crate::server::deadlines::OpenRequest;

/// The largest part of a response that is given to HTTP/2 at once: its usual frame size.
///
/// Small parts show for each stream whether the client reads it.
const PIECE: usize = 16 * 1024;

pin_project! {
    /// The body of a response. Reports whether the handler or the client has to act next.
    pub(crate) struct SentBody<B: Body> {
        // `None` for a response of the server itself.
        #[pin]
        inner: Option<B>,
        // What is left of a part that was too large to be given out at once. Sent before `inner` is
        // polled again.
        rest: Option<B::Data>,
        largest: usize,
        request: OpenRequest,
    }
}

impl<B: Body> SentBody<B> {
    /// Wraps the body of a response. `None` is the empty body of a response by the server
    /// itself.
    pub(crate) fn new(inner: Option<B>, is_stream: bool, mut request: OpenRequest) -> Self {
        request.respond();
        if inner.as_ref().is_none_or(Body::is_end_stream) {
            request.complete();
        }
        Self {
            inner,
            rest: None,
            largest: if is_stream { PIECE } else { usize::MAX },
            request,
        }
    }
}

impl<B: Body> Body for SentBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    /// Trailers pass unchanged. After the last part the request counts as complete, even before hyper
    /// asks for the end.
    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        let mut this = self.project();
        let polled = match this.rest.take() {
            Some(rest) => Poll::Ready(Some(Ok(Frame::data(rest)))),
            None => match this.inner.as_mut().as_pin_mut() {
                Some(inner) => inner.poll_frame(cx),
                None => Poll::Ready(None),
            },
        };
        let Poll::Ready(frame) = polled else {
            this.request.wait_for_handler();
            return Poll::Pending;
        };
        let frame =
            frame.map(|frame| frame.map(|frame| first_piece(frame, *this.largest, this.rest)));
        let length = match &frame {
            Some(Ok(frame)) => frame.data_ref().map_or(0, Bytes::len),
            _ => 0,
        };
        this.request.take(length);
        let is_last = frame.is_none()
            || this.rest.is_none()
                && this
                    .inner
                    .as_ref()
                    .get_ref()
                    .as_ref()
                    .is_none_or(Body::is_end_stream);
        if is_last {
            this.request.complete();
        }
        this.request.wait_for_client();
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.rest.is_none() && self.inner.as_ref().is_none_or(Body::is_end_stream)
    }

    /// The rest of a part that was cut counts too, so `Content-Length` stays true.
    fn size_hint(&self) -> SizeHint {
        let inner = self
            .inner
            .as_ref()
            .map_or(SizeHint::with_exact(0), Body::size_hint);
        let Some(rest) = &self.rest else {
            return inner;
        };
        let rest = u64::try_from(rest.remaining()).unwrap_or(u64::MAX);
        let mut hint = SizeHint::new();
        hint.set_lower(inner.lower().saturating_add(rest));
        if let Some(upper) = inner.upper() {
            hint.set_upper(upper.saturating_add(rest));
        }
        hint
    }
}

/// Cuts a part that is too large and keeps the rest for later. `Bytes` are shared, not copied.
///
/// A handler that sends a file as one part of 10 MB would otherwise hand all of it to h2 at once, and
/// the write timeout could not tell a client that reads from one that does not.
fn first_piece<D: Buf>(frame: Frame<D>, largest: usize, rest: &mut Option<D>) -> Frame<Bytes> {
    frame.map_data(|mut data| {
        let length = data.remaining().min(largest);
        let piece = data.copy_to_bytes(length);
        *rest = Some(data).filter(Buf::has_remaining);
        piece
    })
}
