//! Reads the start of the body of a response.

use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use http::{Response, response};
use http_body::{Body, Frame};
use palisade_core::GuardBody;

use super::{InspectBody, ResponseInspection};

/// A response whose body is being read.
pub(in crate::layer) struct ReadingResponse<B: Body> {
    /// What comes after it.
    inspection: Box<ResponseInspection>,
    /// The head, unchanged.
    head: response::Parts,
    /// The rest of the body.
    body: Pin<Box<B>>,
    /// What was read, to be sent on as it came.
    frames: VecDeque<Result<Frame<B::Data>, B::Error>>,
    /// The text of it, up to the limit.
    text: Vec<u8>,
    /// The limit, in bytes.
    most: usize,
    /// Whether there is more behind what was read.
    cut: bool,
    /// Whether the length is not known, so that the body may be a stream.
    may_be_stream: bool,
}

impl<B: Body> ReadingResponse<B> {
    /// Nothing was read yet.
    pub(super) fn new(
        inspection: Box<ResponseInspection>,
        head: response::Parts,
        body: B,
        most: usize,
    ) -> Self {
        Self {
            inspection,
            head,
            may_be_stream: body.size_hint().exact().is_none(),
            body: Box::pin(body),
            frames: VecDeque::new(),
            text: Vec::new(),
            most,
            cut: false,
        }
    }
}

impl<B: Body> ReadingResponse<B>
where
    B::Data: From<Bytes>,
{
    /// Reads until the limit, the end, or an error of the body, which the client then gets in its
    /// place.
    ///
    /// If the length is not known it also ends where the body has to be waited for after its first
    /// bytes: they may be a message that the client needs before it causes the next.
    pub(in crate::layer) fn poll(&mut self, task: &mut Context<'_>) -> Poll<()> {
        while self.text.len() < self.most && !self.body.is_end_stream() {
            match self.body.as_mut().poll_frame(task) {
                Poll::Pending if self.may_be_stream && !self.text.is_empty() => {
                    self.cut = true;
                    break;
                }
                Poll::Pending => return Poll::Pending,
                Poll::Ready(None) => break,
                Poll::Ready(Some(Ok(frame))) => self.keep_frame(frame),
                Poll::Ready(Some(Err(error))) => {
                    self.frames.push_back(Err(error));
                    break;
                }
            }
        }
        Poll::Ready(())
    }

    /// Keeps a frame, and its text up to the limit.
    fn keep_frame(&mut self, frame: Frame<B::Data>) {
        match frame.into_data() {
            Ok(mut data) => {
                let bytes = data.copy_to_bytes(data.remaining());
                let more = self.most - self.text.len();
                self.cut |= bytes.len() > more;
                self.text
                    .extend_from_slice(bytes.get(..more).unwrap_or(&bytes));
                self.frames.push_back(Ok(Frame::data(bytes.into())));
            }
            Err(other) => self.frames.push_back(Ok(other)),
        }
    }

    /// Runs the rules on what was read.
    pub(in crate::layer) fn decide(self) -> Response<GuardBody<InspectBody<B>>> {
        let is_full = self.text.len() >= self.most;
        if self.cut || (is_full && !self.body.is_end_stream()) {
            self.inspection
                .settings
                .note_response(&self.inspection.cx, "cut");
        }
        let body = InspectBody::resumed(self.frames, self.body);
        self.inspection
            .decide(Response::from_parts(self.head, body), &self.text)
    }
}
