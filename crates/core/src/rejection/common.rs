//! The refusals that several layers share, so that one mistake has one code everywhere.

use std::time::Duration;

use http::{
    HeaderValue, StatusCode,
    header::{ALLOW, RETRY_AFTER, WWW_AUTHENTICATE},
};

use super::Rejection;

impl Rejection {
    /// 500 `misconfigured`: a layer misses what an outer one should have left. Closed, and loud.
    #[must_use]
    pub fn misconfigured(reason: &'static str) -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "misconfigured",
            "The server is not set up correctly.",
        )
        .with_reason(reason)
    }

    /// 500 `internal_error`: the service panicked. Says nothing of why.
    #[must_use]
    pub fn internal_error() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal_error",
            "The server failed to answer this request.",
        )
        .with_reason("the service panicked before its response began")
    }

    /// 401 `unauthenticated`: nobody showed a credential where one is needed.
    #[must_use]
    pub fn credentials_missing(challenge: HeaderValue) -> Self {
        Self::unauthenticated([challenge]).with_reason("no credential")
    }

    /// 401 `unauthenticated`: the credential shown is not accepted. Looks as if there were none, so
    /// that nobody learns from an answer how near a guess came; why is a private reason.
    #[must_use]
    pub fn credentials_invalid(challenge: HeaderValue) -> Self {
        Self::unauthenticated([challenge]).with_reason("the credential is not valid")
    }

    /// 401 `unauthenticated` with one challenge for each way to prove who one is (RFC 9110, 11.6.1).
    #[must_use]
    pub fn unauthenticated(challenges: impl IntoIterator<Item = HeaderValue>) -> Self {
        let this = Self::new(
            StatusCode::UNAUTHORIZED,
            "unauthenticated",
            "This needs a valid credential.",
        );
        challenges.into_iter().fold(this, |this, challenge| {
            this.with_header(WWW_AUTHENTICATE, challenge)
        })
    }

    /// 400 `credentials_ambiguous`: more than one explicit credential.
    #[must_use]
    pub fn credentials_ambiguous() -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "credentials_ambiguous",
            "The request shows more than one credential.",
        )
    }

    /// 400 `authorization_malformed`: `Authorization` is not one scheme, one space and one token.
    #[must_use]
    pub fn authorization_malformed() -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "authorization_malformed",
            "The Authorization header must be a scheme, one space and a token.",
        )
    }

    /// 403 `insufficient_scope` (RFC 6750, 3.1).
    #[must_use]
    pub fn insufficient_scope() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "insufficient_scope",
            "The credential does not allow this.",
        )
    }

    /// 403 `insecure_transport`: the request came in clear where only TLS will do.
    #[must_use]
    pub fn insecure_transport() -> Self {
        Self::new(StatusCode::FORBIDDEN, "insecure_transport", "Use https.")
    }

    /// 404 `not_found`.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "There is nothing here.")
    }

    /// 405 `method_not_allowed`, with `Allow` (RFC 9110, 15.5.6).
    #[must_use]
    pub fn method_not_allowed(allow: HeaderValue) -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
            "This method is not allowed here.",
        )
        .with_header(ALLOW, allow)
    }

    /// 413 `payload_too_large`.
    #[must_use]
    pub fn payload_too_large() -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "payload_too_large",
            "The body of the request is too large.",
        )
    }

    /// 503 `unavailable`, with `Retry-After` in whole seconds, at least 1.
    #[must_use]
    pub fn unavailable(retry_after: Duration) -> Self {
        let whole = retry_after.as_secs() + u64::from(retry_after.subsec_nanos() > 0);
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "unavailable",
            "The service cannot take this request now.",
        )
        .with_header(RETRY_AFTER, HeaderValue::from(whole.max(1)))
    }
}
