//! The bodies of requests and answers, watched.

use std::{
    error, fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep};

use super::activity::{Activity, OpenRequest};

/// The body of a request that came through this server. Fails when its sender stops sending.
#[derive(Debug)]
pub struct ReceivedBody {
    inner: Incoming,
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
    pub(super) fn new(inner: Incoming, activity: Arc<Activity>, stall: Option<Duration>) -> Self {
        Self {
            inner,
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
        if !self.inner.is_end_stream() {
            self.activity.leave_unread();
        }
    }
}

impl Body for ReceivedBody {
    type Data = Bytes;
    type Error = ReceiveError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, ReceiveError>>> {
        match Pin::new(&mut self.inner).poll_frame(cx) {
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
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
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
