//! The form of a refusal in HTTP: problem document, plain text, or no body.

use std::fmt;

use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Response,
    header::{CACHE_CONTROL, CONTENT_TYPE},
};
use serde_json::Value;

use super::{Rejection, Template};

pub(crate) static DEFAULT: ProblemJson = ProblemJson;

const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");
const PLAIN_TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// Turns a refusal into a response. One for each stack, set by [`RenderLayer`](crate::RenderLayer).
///
/// gRPC requests get the gRPC form, and `HEAD` requests no body, whatever the renderer returns. A
/// panic goes outwards, or is replaced by [`ProblemJson`] with
/// [`GuardService::catch_panics`](crate::GuardService::catch_panics).
pub trait Renderer: fmt::Debug + Send + Sync + 'static {
    /// Builds the response. It must include the status and the headers of the rejection.
    fn render(&self, rejection: Rejection) -> Response<Bytes>;
}

/// `application/problem+json` (RFC 9457) with the stable code as member `code`. The default.
///
/// Members: `type`, `title`, `status`, `detail`, `code`, then those of [`Rejection::with_member`].
/// Adds `Cache-Control: no-store`.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct ProblemJson;

impl Renderer for ProblemJson {
    fn render(&self, rejection: Rejection) -> Response<Bytes> {
        let document = rejection.problem();
        answer(rejection, Some(PROBLEM_JSON), document)
    }
}

/// The public sentence and a newline as `text/plain`, with `Cache-Control: no-store`.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct PlainText;

impl Renderer for PlainText {
    fn render(&self, rejection: Rejection) -> Response<Bytes> {
        let text = format!("{}\n", rejection.detail());
        answer(rejection, Some(PLAIN_TEXT), text.into())
    }
}

/// Status and headers without a body, with `Cache-Control: no-store`.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct EmptyBody;

impl Renderer for EmptyBody {
    fn render(&self, rejection: Rejection) -> Response<Bytes> {
        answer(rejection, None, Bytes::new())
    }
}

/// The initial capacity of the header map: also for headers of outer guards, so that it is
/// allocated once.
pub(super) const HEADERS: usize = 24;

/// Builds a response from a refusal, a media type and a body.
fn answer(rejection: Rejection, media: Option<HeaderValue>, body: Bytes) -> Response<Bytes> {
    let status = rejection.status();
    let mut headers = HeaderMap::with_capacity(HEADERS);
    if let Some(media) = media {
        headers.append(CONTENT_TYPE, media);
    }
    headers.append(CACHE_CONTROL, NO_STORE);
    for (name, value) in rejection.into_headers() {
        headers.append(name, value);
    }
    let mut answer = Response::new(body);
    *answer.status_mut() = status;
    *answer.headers_mut() = headers;
    answer
}

/// Writes the document member by member, in the order in which RFC 9457 lists them.
pub(super) fn problem(template: &Template) -> Bytes {
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
