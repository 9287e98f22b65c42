//! The body of a response of a layer that is outside all others.
//!
//! Both kinds have the same type, so that a layer can be put around any service with a body of `Bytes`.
//! It adds no buffer and no copy.

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;

pin_project! {
    /// The body of a response of a layer outside all others: that of the inner service, or a short
    /// text of the layer.
    #[derive(Debug)]
    pub struct OuterLayerBody<B> {
        #[pin]
        kind: BodyKind<B>,
    }
}

pin_project! {
    #[derive(Debug)]
    #[project = BodyKindProjected]
    enum BodyKind<B> {
        Inner { #[pin] body: B },
        Word { bytes: Option<Bytes> },
    }
}

impl<B> OuterLayerBody<B> {
    /// A text of the layer.
    ///
    /// It is sent as one part. An empty text is one empty part.
    pub(crate) fn text(bytes: Bytes) -> Self {
        let bytes = Some(bytes);
        Self {
            kind: BodyKind::Word { bytes },
        }
    }

    /// The body of the inner service.
    ///
    /// It is passed on with its trailers and its size.
    pub(crate) fn inner(body: B) -> Self {
        Self {
            kind: BodyKind::Inner { body },
        }
    }
}

impl<B: Body<Data = Bytes>> Body for OuterLayerBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    /// Fails only as the body of the inner service does.
    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        match self.project().kind.project() {
            BodyKindProjected::Inner { body } => body.poll_frame(cx),
            BodyKindProjected::Word { bytes } => {
                Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.kind {
            BodyKind::Inner { body } => body.is_end_stream(),
            BodyKind::Word { bytes } => bytes.is_none(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.kind {
            BodyKind::Inner { body } => body.size_hint(),
            BodyKind::Word { bytes } => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, Bytes::len) as u64)
            }
        }
    }
}
