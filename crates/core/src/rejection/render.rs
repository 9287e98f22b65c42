//! How a refusal looks on the wire.

use std::{fmt, sync::Arc};

use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Response,
    header::{CACHE_CONTROL, CONTENT_TYPE},
    request,
};
use serde_json::Value;

use super::{Rejection, Template};
use crate::{Guard, SecurityContext, Verdict, layer};

pub(crate) static DEFAULT: ProblemJson = ProblemJson;

const NO_STORE: HeaderValue = HeaderValue::from_static("no-store");
const PROBLEM_JSON: HeaderValue = HeaderValue::from_static("application/problem+json");
const PLAIN_TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// Turns a refusal into an answer. One per stack; gRPC requests get their own form regardless.
pub trait Renderer: fmt::Debug + Send + Sync + 'static {
    /// Builds the answer. It must hold the rejection's status and headers.
    fn render(&self, rejection: Rejection) -> Response<Bytes>;
}

/// `application/problem+json` (RFC 9457) with the stable code as member `code`. The default.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct ProblemJson;

impl Renderer for ProblemJson {
    fn render(&self, rejection: Rejection) -> Response<Bytes> {
        let document = rejection.problem();
        answer(rejection, Some(PROBLEM_JSON), document)
    }
}

/// The public sentence as plain text.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct PlainText;

impl Renderer for PlainText {
    fn render(&self, rejection: Rejection) -> Response<Bytes> {
        let text = format!("{}\n", rejection.detail());
        answer(rejection, Some(PLAIN_TEXT), text.into())
    }
}

/// Status and headers alone.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct Empty;

impl Renderer for Empty {
    fn render(&self, rejection: Rejection) -> Response<Bytes> {
        answer(rejection, None, Bytes::new())
    }
}

/// Room for ours and for what outer guards add, so that the map is allocated once.
pub(super) const HEADERS: usize = 24;

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

/// Writes the document by hand, member by member, in the order in which RFC 9457 names them.
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

/// Sets the renderer for every refusal of the stack. Stands outermost.
#[derive(Clone, Debug)]
#[must_use]
pub struct RenderLayer {
    renderer: Arc<dyn Renderer>,
    expose: bool,
}

layer!(RenderLayer);

impl RenderLayer {
    /// Uses a renderer of one's own, or [`PlainText`] or [`Empty`].
    pub fn new(renderer: impl Renderer) -> Self {
        Self {
            renderer: Arc::new(renderer),
            expose: false,
        }
    }

    /// Also leaves each [`Rejection`] in the extensions of its answer, for foreign layers outside.
    /// Off by default: it costs allocations on the path that is hot under attack.
    pub fn expose_rejection(mut self) -> Self {
        self.expose = true;
        self
    }
}

impl Guard for RenderLayer {
    type Pass = ();

    fn name(&self) -> &'static str {
        "render"
    }

    fn admit(&self, cx: &SecurityContext, _: &mut request::Parts) -> Verdict<()> {
        cx.render_with(Arc::clone(&self.renderer), self.expose);
        Verdict::Admit(())
    }
}
