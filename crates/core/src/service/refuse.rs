//! How services that are not guards refuse.

use http::Response;

use super::body::{GuardBody, refusal};
use crate::{context::SecurityContext, rejection::Rejection};

/// Refuses as a guard would: in the same form, and recorded in the audit trail.
///
/// For services that are not guards because they read the body. `guard` is the name in the audit
/// record. The request counts as [refused before the handler](SecurityContext::refused_before_handler). In shadow, call
/// [`SecurityContext::would_refuse`] in place of this.
///
/// ```
/// use bytes::Bytes;
/// use http::{Request, Response};
/// use http_body_util::Full;
/// use palisade_core::{GuardBody, Rejection, SecurityContext, refuse};
///
/// /// Refuses a body that declares more than a thousand bytes.
/// fn check(request: &mut Request<Full<Bytes>>) -> Option<Response<GuardBody<Full<Bytes>>>> {
///     let length = request.headers().get("content-length")?.to_str().ok()?;
///     if length.parse().is_ok_and(|bytes: u64| bytes <= 1000) {
///         return None;
///     }
///     let (mut head, body) = std::mem::take(request).into_parts();
///     let cx = SecurityContext::find_or_create(&mut head);
///     *request = Request::from_parts(head, body);
///     Some(refuse(&cx, "body_size", Rejection::payload_too_large()))
/// }
///
/// let mut request = Request::post("/").header("content-length", "5000").body(Full::default()).unwrap();
/// assert_eq!(check(&mut request).unwrap().status(), 413);
/// ```
#[must_use]
pub fn refuse<B>(
    cx: &SecurityContext,
    guard: &'static str,
    mut rejection: Rejection,
) -> Response<GuardBody<B>> {
    cx.refuse(guard, &mut rejection);
    cx.mark_refused_before_handler();
    refusal(cx.render(rejection))
}

/// Refuses a response that the inner service has made, for a service that is no guard.
///
/// It does what [`refuse`] does, but the request counts as handled: limits do not give back what
/// it has cost.
///
/// ```
/// use bytes::Bytes;
/// use http::{Request, Response, StatusCode};
/// use http_body_util::Full;
/// use palisade_core::{GuardBody, Rejection, SecurityContext, refuse_response};
///
/// fn check(cx: &SecurityContext, response: Response<Full<Bytes>>) -> Response<GuardBody<Full<Bytes>>> {
///     if response.headers().contains_key("x-debug") {
///         let rejection = Rejection::new(StatusCode::BAD_GATEWAY, "inspected", "The response is not available.");
///         return refuse_response(cx, "debug_header", rejection);
///     }
///     response.map(GuardBody::inner)
/// }
///
/// let response = Response::builder().header("x-debug", "1").body(Full::default()).unwrap();
/// let (mut head, ()) = Request::new(()).into_parts();
/// let cx = SecurityContext::find_or_create(&mut head);
/// assert_eq!(check(&cx, response).status(), 502);
/// ```
#[must_use]
pub fn refuse_response<B>(
    cx: &SecurityContext,
    guard: &'static str,
    mut rejection: Rejection,
) -> Response<GuardBody<B>> {
    cx.refuse(guard, &mut rejection);
    refusal(cx.render(rejection))
}
