//! The body of a response behind the layer.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

pin_project! {
    /// The body of a response: as it came from the inner service, frame by frame.
    ///
    /// If the layer has read its start, that is sent first. Length, trailers and errors are those of
    /// the inner body.
    pub struct InspectBody<B: Body> {
        #[pin]
        content: Content<B>,
    }
}

pin_project! {
    #[project = ContentProjected]
    enum Content<B: Body> {
        Passed { #[pin] body: B },
        Resumed { frames: VecDeque<Result<Frame<B::Data>, B::Error>>, rest: Pin<Box<B>> },
    }
}

impl<B: Body> InspectBody<B> {
    /// A body that was not read.
    pub(in crate::layer) const fn passed(body: B) -> Self {
        Self {
            content: Content::Passed { body },
        }
    }

    /// A body whose start was read.
    pub(super) const fn resumed(
        frames: VecDeque<Result<Frame<B::Data>, B::Error>>,
        rest: Pin<Box<B>>,
    ) -> Self {
        Self {
            content: Content::Resumed { frames, rest },
        }
    }
}

impl<B: Body> Body for InspectBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        task: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        match self.project().content.project() {
            ContentProjected::Passed { body } => body.poll_frame(task),
            ContentProjected::Resumed { frames, rest } => match frames.pop_front() {
                Some(frame) => Poll::Ready(Some(frame)),
                None => rest.as_mut().poll_frame(task),
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.content {
            Content::Passed { body } => body.is_end_stream(),
            Content::Resumed { frames, rest } => frames.is_empty() && rest.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        let (frames, rest) = match &self.content {
            Content::Passed { body } => return body.size_hint(),
            Content::Resumed { frames, rest } => (frames, rest.size_hint()),
        };
        let data = frames.iter().flatten().filter_map(Frame::data_ref);
        let read: u64 = data
            .map(|data| u64::try_from(bytes::Buf::remaining(data)).unwrap_or(u64::MAX))
            .sum();
        let mut hint = SizeHint::new();
        hint.set_lower(rest.lower().saturating_add(read));
        if let Some(upper) = rest.upper() {
            hint.set_upper(upper.saturating_add(read));
        }
        hint
    }
}

impl<B: Body> fmt::Debug for InspectBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InspectBody").finish_non_exhaustive()
    }
}
