//! What the benches measure: a bare service, the layers around it, and requests to them.
//!
//! Everything runs on one thread without a runtime: [`run`] polls a service to the end of its
//! response. The floor is the bare service; what a layer costs is the difference.
//!
//! Each question is measured in two regimes ([`Regime`]): the same request again and again, and
//! 20,000 different ones from 10,000 addresses, so that caches are as cold as in a server.

pub mod baseline;
pub mod hot_paths;
mod measure;
mod parts;
mod regime;

use bytes::Bytes;
use futures_util::FutureExt as _;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use tower::Service;

pub use self::{measure::*, parts::*, regime::*};

/// The body of requests, and of the bare service's responses.
pub type Body = Full<Bytes>;

/// Sends a request, reads the response to its end, and returns its status.
///
/// # Panics
///
/// When the service waits for something: then it is not what these benches measure.
pub fn run<S, Q, B>(service: &mut S, request: Request<Q>) -> StatusCode
where
    S: Service<Request<Q>, Response = Response<B>>,
    S::Error: std::fmt::Debug,
    B: http_body::Body + Unpin,
{
    let ready = std::future::poll_fn(|task| service.poll_ready(task)).now_or_never();
    ready
        .expect("the service is ready at once")
        .expect("the service is whole");
    let response = service.call(request).now_or_never();
    let response = response
        .expect("the response is there at once")
        .expect("a response");
    let (head, mut body) = response.into_parts();
    while !body.is_end_stream() {
        let frame = body
            .frame()
            .now_or_never()
            .expect("the body is there at once");
        if frame.is_none() {
            break;
        }
    }
    head.status
}
