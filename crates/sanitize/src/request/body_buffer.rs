//! Buffers a request body up to a byte limit.
//!
//! The future of the layer polls it until the body is complete. An error of the body or a body over
//! the limit ends it; the caller then refuses the request.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use http_body::Body;
use http_body_util::Limited;
use palisade_core::BoxError;

/// Buffers the frames of a body.
///
/// A body that arrives in one frame, the common case, is returned as that frame, without a copy.
/// Longer bodies are copied once into a growing buffer. Fails with
/// [`http_body_util::LengthLimitError`] at the first byte beyond the limit; nothing is read after
/// it. Trailers are dropped.
pub(crate) struct BodyBuffer<B> {
    /// The body, which fails at the first byte beyond the limit.
    body: Pin<Box<Limited<B>>>,
    /// The frame, while there is only one.
    single_frame: Bytes,
    /// All frames, as soon as there is a second one.
    buffer: BytesMut,
}

impl<B> BodyBuffer<B> {
    /// Starts to buffer a body of at most `limit` bytes.
    pub(crate) fn new(body: B, limit: usize) -> Self {
        Self {
            body: Box::pin(Limited::new(body, limit)),
            single_frame: Bytes::new(),
            buffer: BytesMut::new(),
        }
    }

    /// Adds the data of a frame.
    fn add(&mut self, mut data: impl Buf) {
        let data = data.copy_to_bytes(data.remaining());
        // Most bodies come in one piece, which need not be copied.
        if self.single_frame.is_empty() {
            self.single_frame = data;
            return;
        }
        if self.buffer.is_empty() {
            self.buffer.extend_from_slice(&self.single_frame);
        }
        self.buffer.extend_from_slice(&data);
    }

    /// Returns everything that was buffered.
    fn take(&mut self) -> Bytes {
        let single_frame = std::mem::take(&mut self.single_frame);
        if self.buffer.is_empty() {
            single_frame
        } else {
            std::mem::take(&mut self.buffer).freeze()
        }
    }
}

impl<B: Body<Error: Into<BoxError>>> BodyBuffer<B> {
    /// Reads until the body is complete. Returns its bytes, or the error that ended it.
    pub(crate) fn poll(&mut self, task: &mut Context<'_>) -> Poll<Result<Bytes, BoxError>> {
        while let Some(frame) = ready!(self.body.as_mut().poll_frame(task)) {
            if let Ok(data) = frame?.into_data() {
                self.add(data);
            }
        }
        Poll::Ready(Ok(self.take()))
    }
}

impl<B> fmt::Debug for BodyBuffer<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BodyBuffer")
    }
}
