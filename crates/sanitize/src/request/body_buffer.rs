//! Reads a body to its end, up to a number of bytes.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use http_body::Body;
use http_body_util::Limited;
use palisade_core::BoxError;

/// A body on its way in.
pub(crate) struct Gather<B> {
    body: Pin<Box<Limited<B>>>,
    first: Bytes,
    rest: BytesMut,
}

impl<B> Gather<B> {
    pub(crate) fn new(body: B, limit: usize) -> Self {
        Self {
            body: Box::pin(Limited::new(body, limit)),
            first: Bytes::new(),
            rest: BytesMut::new(),
        }
    }

    fn add(&mut self, mut data: impl Buf) {
        let data = data.copy_to_bytes(data.remaining());
        // Most bodies come in one piece, which need not be copied.
        if self.first.is_empty() {
            self.first = data;
            return;
        }
        if self.rest.is_empty() {
            self.rest.extend_from_slice(&self.first);
        }
        self.rest.extend_from_slice(&data);
    }

    fn take(&mut self) -> Bytes {
        let first = std::mem::take(&mut self.first);
        if self.rest.is_empty() {
            first
        } else {
            std::mem::take(&mut self.rest).freeze()
        }
    }
}

impl<B: Body<Error: Into<BoxError>>> Gather<B> {
    pub(crate) fn poll(&mut self, task: &mut Context<'_>) -> Poll<Result<Bytes, BoxError>> {
        while let Some(frame) = ready!(self.body.as_mut().poll_frame(task)) {
            if let Ok(data) = frame?.into_data() {
                self.add(data);
            }
        }
        Poll::Ready(Ok(self.take()))
    }
}

impl<B> fmt::Debug for Gather<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Gather")
    }
}
