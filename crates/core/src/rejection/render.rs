//! The form of a refusal in HTTP: problem document, plain text, or no body.

use std::fmt;

use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Response, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE},
};
use serde_json::Value;

use super::{Rejection, Template};

pub(crate) static DEFAULT: ProblemJson = ProblemJson;

const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
pub(super) const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");
const PLAIN_TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// Turns a refusal into a response. One for each stack, set by [`RenderLayer`](crate::RenderLayer).
///
/// gRPC requests get the gRPC form, and `HEAD` requests no body, whatever the renderer returns. A
/// panic goes outwards, or is replaced by [`ProblemJson`] with
/// [`GuardService::catch_panics`](crate::GuardService::catch_panics).
///
/// # Examples
///
/// A form that an existing client expects. Start from [`EmptyBody`], which sets the status and the
/// headers:
///
/// ```
/// use bytes::Bytes;
/// use http::{HeaderValue, Response, StatusCode, header::CONTENT_TYPE};
/// use palisade_core::{EmptyBody, Rejection, RenderLayer, Renderer};
///
/// /// `{"error":"not_found"}`
/// #[derive(Debug)]
/// struct ErrorMember;
///
/// impl Renderer for ErrorMember {
///     fn render(&self, rejection: Rejection) -> Response<Bytes> {
///         // Codes are static identifiers, so nothing must be escaped.
///         let body = format!(r#"{{"error":"{}"}}"#, rejection.code());
///         let mut response = EmptyBody::default().render(rejection).map(|_| Bytes::from(body));
///         let json = HeaderValue::from_static("application/json");
///         response.headers_mut().insert(CONTENT_TYPE, json);
///         response
///     }
/// }
///
/// let response = ErrorMember.render(Rejection::not_found());
/// assert_eq!(response.status(), StatusCode::NOT_FOUND);
/// assert_eq!(response.body(), r#"{"error":"not_found"}"#);
/// let layer = RenderLayer::new(ErrorMember);
/// ```
pub trait Renderer: fmt::Debug + Send + Sync + 'static {
    /// Builds the response. It must include the status and the headers of the rejection.
    fn render(&self, rejection: Rejection) -> Response<Bytes>;
}

/// `application/problem+json` (RFC 9457) with the stable code as member `code`. The default.
///
/// Members: `type`, `title`, `status`, `detail`, `code`, then those of [`Rejection::with_member`].
/// Adds `Cache-Control: no-store`.
///
/// ```
/// use palisade_core::{ProblemJson, Rejection, Renderer};
///
/// let response = ProblemJson::default().render(Rejection::not_found());
/// assert_eq!(response.headers()["content-type"], "application/problem+json");
/// assert_eq!(
///     response.body(),
///     r#"{"type":"about:blank","title":"Not Found","status":404,"detail":"There is nothing here.","code":"not_found"}"#,
/// );
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct ProblemJson;

impl Renderer for ProblemJson {
    fn render(&self, rejection: Rejection) -> Response<Bytes> {
        let (status, document) = (rejection.status(), rejection.problem());
        build_response(status, rejection.problem_headers(), document)
    }
}

/// The public sentence and a newline as `text/plain`, with `Cache-Control: no-store`.
///
/// For APIs that people call by hand. Programs then have the status alone: the code is not sent.
///
/// ```
/// use palisade_core::{PlainText, Rejection, Renderer};
///
/// let response = PlainText::default().render(Rejection::not_found());
/// assert_eq!(response.body(), "There is nothing here.\n");
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct PlainText;

impl Renderer for PlainText {
    fn render(&self, rejection: Rejection) -> Response<Bytes> {
        let (status, text) = (rejection.status(), format!("{}\n", rejection.detail()));
        build_response(status, headers(rejection, PLAIN_TEXT), text.into())
    }
}

/// Status and headers without a body, with `Cache-Control: no-store`.
///
/// For clients that read no body, and as the base of a custom [`Renderer`].
///
/// ```
/// use palisade_core::{EmptyBody, Rejection, Renderer};
///
/// let response = EmptyBody::default().render(Rejection::not_found());
/// assert_eq!(response.status(), 404);
/// assert!(response.body().is_empty());
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct EmptyBody;

impl Renderer for EmptyBody {
    fn render(&self, rejection: Rejection) -> Response<Bytes> {
        build_response(rejection.status(), headers(rejection, None), Bytes::new())
    }
}

/// The initial capacity of the header map: enough for the headers of a refusal by a limit. `HeadersLayer` puts
/// them into a map of its own.
pub(super) const HEADERS: usize = 6;

/// Returns the headers of a refusal. `media` is the type of its body, if it has one.
pub(super) fn headers(rejection: Rejection, media: impl Into<Option<HeaderValue>>) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(HEADERS);
    if let Some(media) = media.into() {
        headers.append(CONTENT_TYPE, media);
    }
    headers.append(CACHE_CONTROL, NO_STORE);
    for (name, value) in rejection.into_headers() {
        headers.append(name, value);
    }
    headers
}

/// Builds a response from its parts.
fn build_response(status: StatusCode, headers: HeaderMap, body: Bytes) -> Response<Bytes> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

/// Writes the document member by member, in the order in which RFC 9457 lists them.
pub(super) fn write_problem(template: &Template) -> Bytes {
    let title = template.status.canonical_reason().unwrap_or("Refused");
    let own = [
        ("type", Value::from(template.problem_type)),
        ("title", Value::from(title)),
        ("status", Value::from(template.status.as_u16())),
        ("detail", Value::from(template.detail.as_ref())),
        ("code", Value::from(template.code)),
    ];
    let members = own.iter().chain(&template.members);
    let members: Vec<String> = members
        .map(|(key, value)| format!("{}:{value}", Value::from(*key)))
        .collect();
    format!("{{{}}}", members.join(",")).into()
}
