//! The bodies of requests and answers, watched.

use std::{
    error, fmt,
    future::{Future, pending, poll_fn},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use pin_project_lite::pin_project;
use tokio::{
    runtime::Handle,
    time::{Instant, Sleep},
};

use super::{
    activity::{Activity, OpenRequest},
    stream::{DRAIN_BYTES, DRAIN_TIME},
};

/// The body of a request that came through this server. Fails when its sender stops sending.
#[derive(Debug)]
pub struct ReceivedBody {
    inner: Option<Incoming>,
    is_stream: bool,
    activity: Arc<Activity>,
    stall: Option<Duration>,
    patience: Option<Pin<Box<Sleep>>>,
    waiting: bool,
}

/// Why the body of a request ended before its end.
#[derive(Debug)]
#[non_exhaustive]
pub enum ReceiveError {
    /// The connection broke, or what came was no HTTP.
    Broken(Box<dyn error::Error + Send + Sync>),
    /// The client stopped sending.
    Stalled,
}

impl fmt::Display for ReceiveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Broken(_) => "the body of the request broke off",
            Self::Stalled => "the client stopped sending",
        })
    }
}

impl error::Error for ReceiveError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Broken(source) => Some(&**source),
            Self::Stalled => None,
        }
    }
}

impl ReceivedBody {
    /// `is_stream` tells that it came over HTTP/2.
    pub(super) fn new(
        inner: Incoming,
        is_stream: bool,
        activity: Arc<Activity>,
        stall: Option<Duration>,
    ) -> Self {
        Self {
            inner: Some(inner),
            is_stream,
            activity,
            stall,
            patience: None,
            waiting: false,
        }
    }

    /// Waits for the client, but not for ever. The timer is made for the first wait and used again.
    fn poll_patience(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(stall) = self.stall else {
            return Poll::Pending;
        };
        let patience = self
            .patience
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(stall)));
        if !self.waiting {
            self.waiting = true;
            patience.as_mut().reset(Instant::now() + stall);
        }
        patience.as_mut().poll(cx)
    }
}

impl Drop for ReceivedBody {
    fn drop(&mut self) {
        let Some(unread) = self.inner.take().filter(|inner| !inner.is_end_stream()) else {
            return;
        };
        self.activity.leave_unread();
        if !self.is_stream {
            return; // The connection drains what is left before it closes.
        }
        if let Ok(runtime) = Handle::try_current() {
            runtime.spawn(outlast(unread));
        }
    }
}

/// Keeps a stream open for a moment after its answer. Dropped at once, it would be reset in the same
/// packet as the answer, and clients take the reset and not the answer (RFC 9113, 8.1, lets a server
/// answer early and tells clients not to). At most as many wait as streams may be open.
async fn outlast(mut unread: Incoming) {
    let drained = async {
        let mut left = DRAIN_BYTES;
        while left > 0 {
            match poll_fn(|cx| Pin::new(&mut unread).poll_frame(cx)).await {
                Some(Ok(frame)) => {
                    let length = frame.data_ref().map_or(0, Bytes::len);
                    left = left.saturating_sub(length);
                }
                // It ended, or the client has reset it: it has seen the answer.
                Some(Err(_)) | None => return,
            }
        }
        pending().await
    };
    let _ = tokio::time::timeout(DRAIN_TIME, drained).await;
}

impl Body for ReceivedBody {
    type Data = Bytes;
    type Error = ReceiveError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, ReceiveError>>> {
        let Some(inner) = &mut self.inner else {
            return Poll::Ready(None);
        };
        match Pin::new(inner).poll_frame(cx) {
            Poll::Ready(frame) => {
                self.waiting = false;
                let broken = |error: hyper::Error| ReceiveError::Broken(error.into());
                Poll::Ready(frame.map(|frame| frame.map_err(broken)))
            }
            Poll::Pending => {
                ready!(self.poll_patience(cx));
                Poll::Ready(Some(Err(ReceiveError::Stalled)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.inner.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.inner
            .as_ref()
            .map_or(SizeHint::with_exact(0), Body::size_hint)
    }
}

pin_project! {
    /// The body of an answer, which tells the connection whether it waits for the handler or for the client.
    #[derive(Debug)]
    pub(super) struct SentBody<B> {
        #[pin]
        inner: B,
        request: OpenRequest,
    }
}

impl<B> SentBody<B> {
    pub(super) fn new(inner: B, mut request: OpenRequest) -> Self {
        request.waits_for_handler(false);
        Self { inner, request }
    }
}

impl<B: Body> Body for SentBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let this = self.project();
        let polled = this.inner.poll_frame(cx);
        this.request.waits_for_handler(polled.is_pending());
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
