//! The body of a response: that of the inner service, or that of a refusal.
//!
//! It counts the bytes that go out. At its end, or when it is dropped, the passes are closed.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::Response;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

use super::{close_at_end::CloseAtEnd, guard_run::ErasedRun};
use crate::guard::OutcomeKind;

pin_project! {
    /// The body of a response behind guards. Dropped in this order: body, then passes.
    ///
    /// It has the data and error types of the inner body. The body of a refusal is sent as one frame.
    /// Layers outside that make responses of their type, such as CORS, use `Default` for an empty one.
    ///
    /// ```
    /// use bytes::Bytes;
    /// use http_body::Body;
    /// use http_body_util::Full;
    /// use palisade_core::GuardBody;
    ///
    /// let own: GuardBody<Full<Bytes>> = GuardBody::inner(Full::new("ok".into()));
    /// assert_eq!(own.size_hint().exact(), Some(2));
    /// let empty: GuardBody<Full<Bytes>> = GuardBody::default();
    /// assert!(empty.is_end_stream());
    /// ```
    pub struct GuardBody<B> {
        #[pin]
        content: BodyContent<B>,
        end: CloseAtEnd,
    }
}

pin_project! {
    #[project = ContentProjected]
    pub(super) enum BodyContent<B> {
        Inner { #[pin] body: B },
        Refusal { bytes: Bytes },
        Over,
    }
}

impl<B> GuardBody<B> {
    /// Wraps a body without passes, for services that are not guards and refuse by
    /// [`refuse`](crate::refuse).
    #[must_use]
    pub fn inner(body: B) -> Self {
        Self {
            content: BodyContent::Inner { body },
            end: CloseAtEnd::without_passes(),
        }
    }

    /// Makes a body of these bytes without passes, for the responses of layers outside.
    #[must_use]
    pub fn bytes(bytes: Bytes) -> Self {
        Self {
            content: BodyContent::Refusal { bytes },
            end: CloseAtEnd::without_passes(),
        }
    }

    pub(super) fn new(content: BodyContent<B>, passes: Box<dyn ErasedRun>) -> Self {
        Self {
            content,
            end: CloseAtEnd::new(passes),
        }
    }
}

/// Gives a rendered refusal the type of a response, for layers that are not guards.
pub(super) fn refusal<B>(rendered: Response<Bytes>) -> Response<GuardBody<B>> {
    rendered.map(GuardBody::bytes)
}

/// An empty body without passes, for the responses of layers outside, such as CORS and timeouts.
impl<B> Default for GuardBody<B> {
    fn default() -> Self {
        Self {
            content: BodyContent::Over,
            end: CloseAtEnd::without_passes(),
        }
    }
}

impl<B> fmt::Debug for GuardBody<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.content {
            BodyContent::Inner { .. } => "GuardBody(inner)",
            BodyContent::Over => "GuardBody(over)",
            BodyContent::Refusal { .. } => "GuardBody(refusal)",
        })
    }
}

impl<B: Body> BodyContent<B> {
    pub(super) fn is_end_stream(&self) -> bool {
        match self {
            Self::Inner { body } => body.is_end_stream(),
            Self::Refusal { bytes } => bytes.is_empty(),
            Self::Over => true,
        }
    }

    pub(super) fn size_hint(&self) -> SizeHint {
        match self {
            Self::Inner { body } => body.size_hint(),
            Self::Refusal { bytes } => SizeHint::with_exact(bytes.len() as u64),
            Self::Over => SizeHint::with_exact(0),
        }
    }
}

impl<B: Body> Body for GuardBody<B>
where
    B::Data: From<Bytes>,
{
    type Data = B::Data;
    type Error = B::Error;

    #[inline]
    fn poll_frame(
        self: Pin<&mut Self>,
        task: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let mut this = self.project();
        watch_panic(this.end, true);
        let content = this.content.as_mut();
        let next = {
            let _entered = this
                .end
                .passes()
                .and_then(|passes| passes.context().enter_span());
            content.poll_next(task)
        };
        watch_panic(this.end, false);
        let next = ready!(next);
        match &next {
            Some(Ok(frame)) => {
                if let Some(passes) = this.end.passes() {
                    let ended = this.content.is_end_stream();
                    passes.progress().sent(frame, ended);
                }
            }
            Some(Err(_)) => {
                if let Some(passes) = this.end.passes() {
                    passes.progress().outcome.kind = OutcomeKind::BodyFailed;
                }
            }
            None => {
                if let Some(passes) = this.end.passes() {
                    passes.progress().mark_complete();
                }
                this.content.set(BodyContent::Over);
                this.end.close_passes();
            }
        }
        Poll::Ready(next)
    }

    fn is_end_stream(&self) -> bool {
        self.content.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.content.size_hint()
    }
}

/// Marks that code of the inner body runs. If the mark is still set on drop, that code panicked.
fn watch_panic(end: &mut CloseAtEnd, on: bool) {
    if let Some(passes) = end.passes() {
        passes.progress().watching = on;
    }
}

impl<B: Body> BodyContent<B>
where
    B::Data: From<Bytes>,
{
    fn poll_next(
        mut self: Pin<&mut Self>,
        task: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let bytes = match self.as_mut().project() {
            ContentProjected::Inner { body } => return body.poll_frame(task),
            ContentProjected::Refusal { bytes } => std::mem::take(bytes),
            ContentProjected::Over => return Poll::Ready(None),
        };
        self.set(Self::Over);
        let frame = (!bytes.is_empty()).then(|| Ok(Frame::data(bytes.into())));
        Poll::Ready(frame)
    }
}
