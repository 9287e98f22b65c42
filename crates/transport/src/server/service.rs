//! Between hyper and the service: the peer goes in, the watch on the request goes along.

use std::{
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use http::{Request, Response, Version};
use hyper::body::Incoming;
use palisade_core::Peer;
use pin_project_lite::pin_project;
use tower::util::Oneshot;
use tower_service::Service;

use super::{
    activity::{Activity, OpenRequest},
    body::{ReceivedBody, SentBody},
};

/// The service as one connection sees it.
#[derive(Debug)]
pub(super) struct OnConnection<S> {
    pub(super) service: S,
    pub(super) peer: Peer,
    pub(super) activity: Arc<Activity>,
    pub(super) body_stall: Option<Duration>,
}

impl<S, B> hyper::service::Service<Request<Incoming>> for OnConnection<S>
where
    S: Service<Request<ReceivedBody>, Response = Response<B>> + Clone,
{
    type Response = Response<SentBody<B>>;
    type Error = S::Error;
    type Future = Answering<S>;

    fn call(&self, request: Request<Incoming>) -> Answering<S> {
        let open = OpenRequest::begin(&self.activity);
        let is_stream = request.version() == Version::HTTP_2;
        let mut request = request.map(|body| {
            ReceivedBody::new(body, is_stream, Arc::clone(&self.activity), self.body_stall)
        });
        request.extensions_mut().insert(self.peer);
        Answering {
            inner: Oneshot::new(self.service.clone(), request),
            request: Some(open),
        }
    }
}

pin_project! {
    /// The service at work on one request.
    pub(super) struct Answering<S>
    where
        S: Service<Request<ReceivedBody>>,
    {
        #[pin]
        inner: Oneshot<S, Request<ReceivedBody>>,
        request: Option<OpenRequest>,
    }
}

impl<S, B> Future for Answering<S>
where
    S: Service<Request<ReceivedBody>, Response = Response<B>>,
{
    type Output = Result<Response<SentBody<B>>, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let answer = ready!(this.inner.poll(cx))?;
        let request = this
            .request
            .take()
            .expect("a future is not polled after its end");
        Poll::Ready(Ok(answer.map(|body| SentBody::new(body, request))))
    }
}
