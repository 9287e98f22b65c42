//! The body of a response behind the layer.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use palisade_core::{Fact, SecurityContext};
use pin_project_lite::pin_project;

use super::format::BodyText;
use crate::body_digests::remove_digests;

pin_project! {
    /// The body of a response: as it came from the inner service, or with its text cleaned.
    ///
    /// A frame is asked for when the client has taken the last one, so a slow client makes nothing
    /// wait in memory but what is held back. Errors are those of the inner body.
    pub struct SanitizeBody<B> {
        #[pin]
        body: B,
        text: Option<Box<CleanedText>>,
    }
}

/// The state of a body whose text is cleaned.
struct CleanedText {
    /// Finds the text in the bytes, and cleans it.
    text: BodyText,
    /// Gets the counts when the body has ended, or is dropped.
    cx: SecurityContext,
    /// Sent after the last text.
    trailers: Option<HeaderMap>,
    /// Whether the last text was given out.
    is_over: bool,
}

impl<B> SanitizeBody<B> {
    /// A body that passes as it is.
    pub(crate) const fn passed(body: B) -> Self {
        Self { body, text: None }
    }

    /// A body whose text is cleaned.
    pub(super) fn cleaned(body: B, text: BodyText, cx: SecurityContext) -> Self {
        Self {
            body,
            text: Some(Box::new(CleanedText {
                text,
                cx,
                trailers: None,
                is_over: false,
            })),
        }
    }
}

impl<B> Body for SanitizeBody<B>
where
    B: Body,
    B::Data: From<Bytes>,
{
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        task: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let mut this = self.project();
        let Some(text) = this.text else {
            return this.body.poll_frame(task);
        };
        while !text.is_over {
            let next = match ready!(this.body.as_mut().poll_frame(task)) {
                None => text.end(None),
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => text.push(data),
                    Err(frame) => text.end(frame.into_trailers().ok()),
                },
                Some(Err(error)) => {
                    text.is_over = true;
                    return Poll::Ready(Some(Err(error)));
                }
            };
            if !next.is_empty() {
                return Poll::Ready(Some(Ok(Frame::data(next.into()))));
            }
        }
        let trailers = text.trailers.take();
        Poll::Ready(trailers.map(|trailers| Ok(Frame::trailers(trailers))))
    }

    fn is_end_stream(&self) -> bool {
        match &self.text {
            None => self.body.is_end_stream(),
            Some(text) => text.is_over && text.trailers.is_none(),
        }
    }

    /// The length of a text is not known before it is cleaned.
    fn size_hint(&self) -> SizeHint {
        match &self.text {
            None => self.body.size_hint(),
            Some(_) => SizeHint::default(),
        }
    }
}

impl CleanedText {
    /// Takes a frame and returns what is certain of the text.
    fn push(&mut self, mut data: impl Buf) -> Bytes {
        let chunk = data.copy_to_bytes(data.remaining());
        Bytes::from(self.text.push(&chunk))
    }

    /// Returns the last text.
    fn end(&mut self, trailers: Option<HeaderMap>) -> Bytes {
        self.is_over = true;
        self.trailers = trailers.map(|mut trailers| {
            remove_digests(&mut trailers);
            trailers
        });
        let last = self.text.finish();
        self.record();
        Bytes::from(last)
    }

    /// Records what was changed.
    fn record(&mut self) {
        if let Some(note) = self.text.take_note() {
            self.cx.record(Fact::Noted {
                key: "response_text",
                value: note.into(),
            });
        }
    }
}

impl Drop for CleanedText {
    fn drop(&mut self) {
        self.record();
    }
}

impl<B> fmt::Debug for SanitizeBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SanitizeBody")
            .field("cleans", &self.text.is_some())
            .finish_non_exhaustive()
    }
}
