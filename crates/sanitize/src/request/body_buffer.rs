//! Buffers the body of a request up to a limit in bytes.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use http_body::Body;
use http_body_util::Limited;
use palisade_core::BoxError;

/// Buffers the frames of a body.
///
/// A body that comes in one frame, the common case, is given as that frame, without a copy. Fails with
/// [`http_body_util::LengthLimitError`] at the first byte beyond the limit; nothing is read after it.
pub(crate) struct BodyBuffer<B> {
    body: Pin<Box<Limited<B>>>,
    single_frame: Bytes,
    buffer: BytesMut,
}

impl<B> BodyBuffer<B> {
    pub(crate) fn new(body: B, limit: usize) -> Self {
        Self {
            body: Box::pin(Limited::new(body, limit)),
            single_frame: Bytes::new(),
            buffer: BytesMut::new(),
        }
    }

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
