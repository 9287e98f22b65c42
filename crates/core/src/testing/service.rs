//! An inner service for tests of layers: it responds 200.

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
///
/// ```
/// use palisade_core::{RequestIdLayer, testing::{EmptyOk, empty_body, request}};
/// use tower::{Layer, ServiceExt};
///
/// # #[tokio::main(flavor = "current_thread")] async fn main() {
/// let service = RequestIdLayer::new().layer(EmptyOk::default());
/// let request = request("https://api.example/").body(empty_body()).unwrap();
/// let response = service.oneshot(request).await.unwrap();
/// assert!(response.headers().contains_key("x-request-id"));
/// # }
/// ```
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
