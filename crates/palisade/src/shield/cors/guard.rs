//! Adds the CORS headers to every response, refusals included.

use std::{
    convert::Infallible,
    future::{Future as _, Ready, ready},
    panic::{AssertUnwindSafe, catch_unwind},
    task::{Context, Poll, Waker},
};

use http::{HeaderMap, Request, Response, header, request, response};
use palisade_core::{Guard, PublicDocument, SecurityContext, Verdict};
use tower_http::cors::CorsLayer;
use tower_layer::Layer as _;
use tower_service::Service;

/// Computes the CORS headers of a response from the head of the request, and adds them.
///
/// A `CorsLayer` can only decide as a service. So it wraps an empty service here, which is called with
/// a copy of the head, and the headers of its response are kept. An asynchronous predicate for origins
/// is awaited.
#[derive(Clone, Debug)]
pub(crate) struct CorsGuard(pub(crate) CorsLayer);

impl Guard for CorsGuard {
    type Pass = HeaderMap;

    fn name(&self) -> &'static str {
        "cors"
    }

    fn admit(&self, _: &SecurityContext, head: &mut request::Parts) -> Verdict<HeaderMap> {
        let mut deciding = Box::pin(self.0.layer(Empty).call(copy(head)));
        let mut task = Context::from_waker(Waker::noop());
        match deciding.as_mut().poll(&mut task) {
            Poll::Ready(Ok(response)) => Verdict::Admit(response.into_parts().0.headers),
            Poll::Pending => Verdict::later(async move {
                let Ok(response) = deciding.await;
                Ok(response.into_parts().0.headers)
            }),
        }
    }

    fn finish(
        &self,
        _: &SecurityContext,
        headers: &mut HeaderMap,
        head: &mut response::Parts,
    ) -> Verdict<()> {
        // Scripts of every origin may read a public document.
        if head.extensions.get::<PublicDocument>().is_some() {
            return Verdict::Admit(());
        }
        // A CORS layer of the handler may have written the same headers: browsers refuse doubles.
        for name in headers.keys().filter(|name| **name != header::VARY) {
            head.headers.remove(name);
        }
        for (name, value) in &*headers {
            head.headers.append(name, value.clone());
        }
        Verdict::Admit(())
    }
}

/// Copies what the layer reads: without an `Origin` it reads no other header.
fn copy(head: &request::Parts) -> Request<()> {
    let mut request = Request::new(());
    *request.method_mut() = head.method.clone();
    *request.uri_mut() = head.uri.clone();
    if head.headers.contains_key(header::ORIGIN) {
        *request.headers_mut() = head.headers.clone();
    }
    request
}

/// Returns whether the layer can be used. It panics when it is applied with credentials and a
/// wildcard together, which browsers ignore.
pub(crate) fn is_usable(cors: &CorsLayer) -> bool {
    catch_unwind(AssertUnwindSafe(|| cors.layer(Empty))).is_ok()
}

/// The service that the layer is applied to: it responds at once, with nothing.
#[derive(Clone, Copy, Debug)]
struct Empty;

impl Service<Request<()>> for Empty {
    type Response = Response<()>;
    type Error = Infallible;
    type Future = Ready<Result<Response<()>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<()>) -> Self::Future {
        ready(Ok(Response::new(())))
    }
}
