//! The body of a request, on its way to an upstream.
//!
//! It is streamed: a part is read from the client when the upstream has taken the last one. Its length,
//! if the client declared one, is sent as `Content-Length`; otherwise it is sent in chunks, or in frames
//! of HTTP/2. Either way the client library frames it, and no field of the client does.
//!
//! Failures on this way are the client's: a body that breaks off, or one that is longer than the stack
//! allows. They end the request at the upstream and do not count against its server.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt as _, combinators::UnsyncBoxBody};
use palisade::core::BoxError;

use super::{progress::Progress, trailers::Trailers};

/// A request body of any type. Notes each part, so that the time for the response begins after the
/// last one.
#[derive(Debug)]
pub(crate) struct SentBody {
    /// Boxed, since the stack may wrap the body of the server in several layers, whose types depend on
    /// the settings.
    body: UnsyncBoxBody<Bytes, BoxError>,
    /// Told about each part, and about the end.
    progress: Progress,
    /// The names of trailers that pass upwards.
    trailers: Trailers,
}

impl SentBody {
    /// Wraps a body.
    ///
    /// Errors of the body end the request at the upstream: a part of a body must not look whole.
    /// Nothing is read before the upstream's connection asks for the first part.
    pub(crate) fn new<B>(body: B, progress: Progress, trailers: Trailers) -> Self
    where
        B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
    {
        Self {
            body: body.map_err(Into::into).boxed_unsync(),
            progress,
            trailers,
        }
    }

    /// Makes an empty body.
    ///
    /// For a second attempt, for health checks and for handshakes: none of them has a body.
    pub(crate) fn empty(progress: Progress) -> Self {
        let trailers = Trailers::default();
        Self::new(http_body_util::Empty::new(), progress, trailers)
    }
}

impl Body for SentBody {
    type Data = Bytes;
    type Error = BoxError;

    /// Reads frames until one may pass. Data passes unchanged; trailers are reduced to the names on the
    /// list.
    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        loop {
            let polled = Pin::new(&mut self.body).poll_frame(cx);
            self.progress.wait_for_client(polled.is_pending());
            let frame = ready!(polled);
            self.progress.note_movement();
            let frame = match frame {
                Some(Ok(frame)) => frame,
                end => return Poll::Ready(end),
            };
            match frame.into_trailers() {
                Err(frame) => return Poll::Ready(Some(Ok(frame))),
                Ok(trailers) => {
                    if let Some(kept) = self.trailers.keep_allowed(trailers) {
                        return Poll::Ready(Some(Ok(Frame::trailers(kept))));
                    }
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    /// An exact hint becomes `Content-Length`. It comes from what the server parsed, not from a field
    /// that is copied.
    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
