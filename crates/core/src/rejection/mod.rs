//! A refusal: what the client may know, and a private reason for the audit trail.
//!
//! [`Rejection`] is the value, [`Renderer`] its form in HTTP. gRPC requests get the gRPC form
//! always.

mod common;
mod grpc;
mod render;

use std::{
    borrow::Cow,
    fmt,
    sync::{Arc, OnceLock},
};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use crate::credential::CredentialFailure;

pub use self::render::{EmptyBody, PlainText, ProblemJson, Renderer};
pub(crate) use self::{grpc::render as render_grpc, render::DEFAULT as DEFAULT_RENDERER};

/// Why a request is refused: status, stable code, safe text and headers for the client, and a
/// private reason for the audit trail.
///
/// Never build it from the error text of a library, and never include data of the request. Layers
/// build theirs once, [`prerender`](Self::prerendered) them, and clone them for each refusal (one
/// reference count). Common refusals have constructors, such as [`not_found`](Self::not_found) and
/// [`misconfigured`](Self::misconfigured).
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
///
/// A refusal with everything, as the client sees it:
///
/// ```
/// use http::{HeaderValue, StatusCode, header::RETRY_AFTER};
/// use palisade_core::Rejection;
///
/// let refusal = Rejection::new(StatusCode::CONFLICT, "voice_busy", "The voice is in use.")
///     .with_type("https://api.example/problems/voice-busy")
///     .with_member("voice", "lin")
///     .with_header(RETRY_AFTER, HeaderValue::from_static("2"))
///     .with_reason("the lock of `lin` is held by another node"); // not sent
/// assert_eq!(
///     refusal.problem(),
///     r#"{"type":"https://api.example/problems/voice-busy","title":"Conflict","status":409,"detail":"The voice is in use.","code":"voice_busy","voice":"lin"}"#,
/// );
/// ```
///
/// A guard returns it as [`Verdict::Refuse`](crate::Verdict::Refuse), a handler as
/// [`Refused`](crate::extract::Refused), a service that is no guard passes it to
/// [`refuse`](crate::refuse). All three record it in the audit trail and render it alike.
#[derive(Clone)]
pub struct Rejection {
    credential_failure: CredentialFailure,
    template: Arc<Template>,
    /// Beside those of the template. In an allocation of its own: most refusals add none, and all are moved.
    headers: Vec<(HeaderName, HeaderValue)>,
    reason: Option<Cow<'static, str>>,
}

/// What all refusals of one kind share, behind one `Arc`.
#[derive(Clone)]
struct Template {
    status: StatusCode,
    code: &'static str,
    detail: Cow<'static, str>,
    problem_type: &'static str,
    /// What of the configuration decided. Not sent.
    policy: Option<Arc<str>>,
    members: Vec<(&'static str, serde_json::Value)>,
    headers: Vec<(HeaderName, HeaderValue)>,
    /// The rendered problem document. Cleared by every change.
    problem: OnceLock<Bytes>,
    /// The headers of its response, as a map. Set with `prerendered`, cleared by every change.
    problem_headers: OnceLock<HeaderMap>,
}

impl Rejection {
    /// Refuses with a status, a stable code for programs and a sentence for people.
    ///
    /// Default: problem type `about:blank`, no further members, headers, policy or reason.
    #[must_use]
    pub fn new(status: StatusCode, code: &'static str, detail: &'static str) -> Self {
        Self {
            credential_failure: CredentialFailure::default(),
            template: Arc::new(Template {
                status,
                code,
                detail: Cow::Borrowed(detail),
                problem_type: "about:blank",
                policy: None,
                members: Vec::new(),
                headers: Vec::new(),
                problem: OnceLock::new(),
                problem_headers: OnceLock::new(),
            }),
            headers: Vec::new(),
            reason: None,
        }
    }

    /// Adds a header to the response. Several of one name are sent as several lines.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Sets the private reason. It appears in the audit trail and in logs, never in the response.
    #[must_use]
    pub fn with_reason(mut self, reason: impl Into<Cow<'static, str>>) -> Self {
        self.reason = Some(reason.into());
        self
    }

    /// Names the policy that refuses: a limit, a budget or a rule, as it is called in the configuration. Default: none.
    ///
    /// It appears in the audit trail beside guard and code, never in the response. A guard with several policies names
    /// the one that decided, or all of them with a comma and a space between. It must hold nothing of the request. Call
    /// it before [`prerendered`](Self::prerendered), so that each clone shares it.
    ///
    /// ```
    /// use palisade_core::Rejection;
    ///
    /// let refusal = Rejection::payload_too_large().with_policy("uploads").prerendered();
    /// assert_eq!(refusal.clone().policy(), Some("uploads"));
    /// assert!(!String::from_utf8_lossy(&refusal.problem()).contains("uploads"));
    /// ```
    #[must_use]
    pub fn with_policy(self, name: impl Into<Arc<str>>) -> Self {
        let name = name.into();
        self.change_template(|template| template.policy = Some(name))
    }

    /// Sets what was wrong with a credential, for limits on guessing. Default: it could be a guess.
    #[must_use]
    pub fn with_credential_failure(mut self, failure: CredentialFailure) -> Self {
        self.credential_failure = failure;
        self
    }

    /// Replaces the public sentence. It must not include data of the request.
    #[must_use]
    pub fn with_detail(self, detail: impl Into<Cow<'static, str>>) -> Self {
        let detail = detail.into();
        self.change_template(|template| template.detail = detail)
    }

    /// Adds a member to the problem document (RFC 9457, 3.2). Other renderers ignore it.
    #[must_use]
    pub fn with_member(self, key: &'static str, value: impl Into<serde_json::Value>) -> Self {
        let value = value.into();
        self.change_template(|template| template.members.push((key, value)))
    }

    /// Sets the URI of the problem type (RFC 9457, 3.1.1). Default: `about:blank`.
    #[must_use]
    pub fn with_type(self, uri: &'static str) -> Self {
        self.change_template(|template| template.problem_type = uri)
    }

    /// Renders the document once and shares everything, so that each clone costs one reference
    /// count.
    ///
    /// Call it last: each later `with_detail`, `with_member` or `with_type` copies and renders
    /// again.
    #[must_use]
    pub fn prerendered(mut self) -> Self {
        let headers = std::mem::take(&mut self.headers);
        let this = self.change_template(|template| template.headers.extend(headers));
        let _ = this.problem();
        let headers = render::headers(this.clone(), render::PROBLEM_JSON);
        let _ = this.template.problem_headers.set(headers);
        this
    }

    /// Returns the HTTP status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.template.status
    }

    /// Returns the stable code, for programs.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.template.code
    }

    /// Returns the public sentence, for people.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.template.detail
    }

    /// Returns the private reason. Do not send it to the client.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    /// Returns the name of the policy that refuses. Do not send it to the client.
    #[must_use]
    pub fn policy(&self) -> Option<&str> {
        self.template.policy.as_deref()
    }

    /// Returns what was wrong with the credential. Without meaning if this does not refuse a
    /// credential.
    #[must_use]
    pub const fn credential_failure(&self) -> CredentialFailure {
        self.credential_failure
    }

    /// Returns the headers of the response, those of the shared part first.
    pub fn headers(&self) -> impl Iterator<Item = &(HeaderName, HeaderValue)> {
        self.template.headers.iter().chain(&self.headers)
    }

    /// Returns the headers by value, for renderers.
    pub fn into_headers(self) -> impl Iterator<Item = (HeaderName, HeaderValue)> {
        // Those of the template are shared and cloned; the others move, which saves an allocation.
        let shared = (0..).map_while(move |index| self.template.headers.get(index).cloned());
        shared.chain(self.headers)
    }

    /// Returns the problem document (RFC 9457), rendered once for all clones.
    #[must_use]
    pub fn problem(&self) -> Bytes {
        self.template
            .problem
            .get_or_init(|| render::write_problem(&self.template))
            .clone()
    }

    /// Returns the headers of a response with the problem document. Those of a rendered template are copied as one
    /// map, which is cheaper than to put them in one by one.
    fn problem_headers(self) -> HeaderMap {
        match self.template.problem_headers.get() {
            Some(rendered) if self.headers.is_empty() => rendered.clone(),
            _ => render::headers(self, render::PROBLEM_JSON),
        }
    }

    /// Becomes another rejection, and keeps its own reason.
    pub(crate) fn replace_all_but_reason(&mut self, other: &Self) {
        self.template = Arc::clone(&other.template);
        self.headers = other.headers.clone();
        self.credential_failure = other.credential_failure;
    }

    /// Removes the reason, so that it cannot reach a renderer.
    pub(crate) fn take_reason(&mut self) -> Option<Cow<'static, str>> {
        self.reason.take()
    }

    pub(crate) fn policy_name(&self) -> Option<Arc<str>> {
        self.template.policy.clone()
    }

    pub(crate) fn reason_text(&self) -> Option<Cow<'static, str>> {
        self.reason.clone()
    }

    /// Changes the template, copying it if it is shared, and clears the rendered document.
    fn change_template(mut self, change: impl FnOnce(&mut Template)) -> Self {
        let template = Arc::make_mut(&mut self.template);
        change(template);
        template.problem = OnceLock::new();
        template.problem_headers = OnceLock::new();
        self
    }
}

impl fmt::Debug for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rejection")
            .field("status", &self.status().as_u16())
            .field("code", &self.code())
            .field("detail", &self.detail())
            .field("policy", &self.policy())
            .field("reason", &self.reason())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use http::header::{ALLOW, RETRY_AFTER};

    use super::*;

    fn header(rejection: &Rejection, name: HeaderName) -> Option<HeaderValue> {
        let response = ProblemJson.render(rejection.clone());
        assert_eq!(
            response.headers()["content-type"],
            "application/problem+json"
        );
        assert_eq!(response.headers()["cache-control"], "no-store");
        response.headers().get(name).cloned()
    }

    #[test]
    fn a_rendered_refusal_keeps_its_headers_and_takes_more() {
        let get = HeaderValue::from_static("GET");
        let rendered = Rejection::method_not_allowed(get.clone()).prerendered();
        assert_eq!(header(&rendered, ALLOW), Some(get.clone()));
        let three = HeaderValue::from_static("3");
        let more = rendered.clone().with_header(RETRY_AFTER, three.clone());
        assert_eq!(header(&more, RETRY_AFTER), Some(three.clone()));
        assert_eq!(header(&rendered, RETRY_AFTER), None);
        let again = more.prerendered();
        assert_eq!(header(&again, RETRY_AFTER), Some(three.clone()));
        let changed = again.with_detail("another sentence");
        assert_eq!(header(&changed, RETRY_AFTER), Some(three));
        assert_eq!(header(&changed, ALLOW), Some(get));
    }
}
