//! A refusal: what the client may know, and apart from it what only the audit trail learns.

mod common;
mod grpc;
mod render;

use std::{
    borrow::Cow,
    fmt,
    sync::{Arc, OnceLock},
};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, StatusCode};
use smallvec::SmallVec;

use crate::CredentialFailure;

pub use self::render::{Empty, PlainText, ProblemJson, RenderLayer, Renderer};
pub(crate) use self::{grpc::render as render_grpc, render::DEFAULT as DEFAULT_RENDERER};

/// Why a request is turned away: status, stable code, safe words and headers for the client, and a
/// private reason for the audit trail.
///
/// Never built from a library's error text, never echoes data of the request. Layers build theirs
/// once, [`prerender`](Self::prerendered) them, and clone them for each refusal (one count).
///
/// ```
/// use http::{HeaderValue, StatusCode, header::RETRY_AFTER};
/// use palisade_core::Rejection;
///
/// let full = Rejection::new(StatusCode::SERVICE_UNAVAILABLE, "queue_full", "The queue is full.")
///     .prerendered();
/// let refusal = full.clone()
///     .with_header(RETRY_AFTER, HeaderValue::from_static("3"))
///     .with_reason("queue of 8 is full");
/// assert_eq!(refusal.code(), "queue_full");
/// ```
#[derive(Clone)]
pub struct Rejection {
    credential_failure: CredentialFailure,
    template: Arc<Template>,
    headers: SmallVec<[(HeaderName, HeaderValue); 2]>, // as many as a limit adds
    reason: Option<Cow<'static, str>>,
}

/// What all refusals of one kind share.
#[derive(Clone)]
struct Template {
    status: StatusCode,
    code: &'static str,
    detail: Cow<'static, str>,
    problem_type: &'static str,
    members: Vec<(&'static str, serde_json::Value)>,
    headers: Vec<(HeaderName, HeaderValue)>,
    problem: OnceLock<Bytes>,
}

impl Rejection {
    /// Refuses with a status, a stable code for programs and a sentence for people.
    #[must_use]
    pub fn new(status: StatusCode, code: &'static str, detail: &'static str) -> Self {
        Self {
            credential_failure: CredentialFailure::default(),
            template: Arc::new(Template {
                status,
                code,
                detail: Cow::Borrowed(detail),
                problem_type: "about:blank",
                members: Vec::new(),
                headers: Vec::new(),
                problem: OnceLock::new(),
            }),
            headers: SmallVec::new(),
            reason: None,
        }
    }

    /// Adds a header to the answer. Several of one name are sent as several lines.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Sets the private reason, for the audit trail only.
    #[must_use]
    pub fn with_reason(mut self, reason: impl Into<Cow<'static, str>>) -> Self {
        self.reason = Some(reason.into());
        self
    }

    /// Says what was wrong with a credential, for limits on guessing. Default: it could be a guess.
    #[must_use]
    pub fn with_credential_failure(mut self, failure: CredentialFailure) -> Self {
        self.credential_failure = failure;
        self
    }

    /// Replaces the public sentence. It must hold nothing of the request.
    #[must_use]
    pub fn with_detail(self, detail: impl Into<Cow<'static, str>>) -> Self {
        let detail = detail.into();
        self.change(|template| template.detail = detail)
    }

    /// Adds a member to the problem document (RFC 9457, 3.2).
    #[must_use]
    pub fn with_member(self, key: &'static str, value: impl Into<serde_json::Value>) -> Self {
        let value = value.into();
        self.change(|template| template.members.push((key, value)))
    }

    /// Sets the URI of the problem type (RFC 9457, 3.1.1); `about:blank` without.
    #[must_use]
    pub fn with_type(self, uri: &'static str) -> Self {
        self.change(|template| template.problem_type = uri)
    }

    /// Moves everything into the shared part and renders the document, so that each clone costs one count.
    #[must_use]
    pub fn prerendered(mut self) -> Self {
        let headers = std::mem::take(&mut self.headers);
        let this = self.change(|template| template.headers.extend(headers));
        let _ = this.problem();
        this
    }

    /// Returns the status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.template.status
    }

    /// Returns the stable code.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.template.code
    }

    /// Returns the public sentence.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.template.detail
    }

    /// Returns the private reason.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    /// Returns what was wrong with the credential, if this refuses one.
    #[must_use]
    pub const fn credential_failure(&self) -> CredentialFailure {
        self.credential_failure
    }

    /// Returns the headers to be sent with it.
    pub fn headers(&self) -> impl Iterator<Item = &(HeaderName, HeaderValue)> {
        self.template.headers.iter().chain(&self.headers)
    }

    /// Takes the headers out, for whoever builds the answer.
    pub fn into_headers(self) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
        // The template's are shared; the others move, for cloning a fresh value would allocate.
        let shared = (0..).map_while(move |index| self.template.headers.get(index).cloned());
        shared.chain(self.headers)
    }

    /// Returns the problem document (RFC 9457), rendered once for all clones.
    #[must_use]
    pub fn problem(&self) -> Bytes {
        self.template
            .problem
            .get_or_init(|| render::problem(&self.template))
            .clone()
    }

    pub(crate) fn take_reason(&mut self) -> Option<Cow<'static, str>> {
        self.reason.take()
    }

    pub(crate) fn reason_text(&self) -> Option<Cow<'static, str>> {
        self.reason.clone()
    }

    fn change(mut self, change: impl FnOnce(&mut Template)) -> Self {
        let template = Arc::make_mut(&mut self.template);
        change(template);
        template.problem = OnceLock::new();
        self
    }
}

impl fmt::Debug for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rejection")
            .field("status", &self.status().as_u16())
            .field("code", &self.code())
            .field("detail", &self.detail())
            .field("reason", &self.reason())
            .finish_non_exhaustive()
    }
}
