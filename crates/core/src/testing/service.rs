//! A service that responds 200, to stand inside a layer.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use tower_service::Service;

/// The body of test requests and of the responses of test services.
pub type TestBody = Full<Bytes>;

/// A service that is always ready and responds to every request with an empty 200.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct EmptyOk;

impl<B> Service<Request<B>> for EmptyOk {
    type Response = Response<TestBody>;
    type Error = Infallible;
    type Future = Ready<Result<Self::Response, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<B>) -> Self::Future {
        ready(Ok(Response::new(TestBody::default())))
    }
}
