//! The refusals that several layers share, so that one cause has one code everywhere.

use std::time::Duration;

use http::{
    HeaderValue, StatusCode,
    header::{ALLOW, RETRY_AFTER, WWW_AUTHENTICATE},
};

use super::Rejection;

impl Rejection {
    /// 500 `misconfigured`: a layer that is needed outside this one is missing. Logged at most once a minute.
    ///
    /// `reason` says what is missing and where to add it. The audit trail and the log show it, the
    /// client does not see it.
    #[must_use]
    pub fn misconfigured(reason: &'static str) -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "misconfigured",
            "The server is not set up correctly.",
        )
        .with_reason(reason)
    }

    /// 500 `internal_error`: the service panicked. The response does not name the cause.
    ///
    /// Logged at most once a minute. See
    /// [`GuardService::catch_panics`](crate::GuardService::catch_panics).
    #[must_use]
    pub fn internal_error() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal_error",
            "The server failed to answer this request.",
        )
        .with_reason("the service panicked before its response began")
    }

    /// 401 `unauthenticated`: the request has no credential where one is required.
    ///
    /// It is not a failed credential: limits on guessing are not charged.
    #[must_use]
    pub fn credentials_missing(challenge: HeaderValue) -> Self {
        Self::unauthenticated([challenge]).with_reason("no credential")
    }

    /// 401 `unauthenticated`: the credential is not accepted. The response equals that for none, so
    /// that a client learns nothing about its guess. The cause is the private reason.
    ///
    /// Set the cause with [`with_reason`](Self::with_reason). If the credential is genuine, expired
    /// for example, also call [`with_credential_failure`](Self::with_credential_failure).
    #[must_use]
    pub fn credentials_invalid(challenge: HeaderValue) -> Self {
        Self::unauthenticated([challenge]).with_reason("the credential is not valid")
    }

    /// 401 `unauthenticated` with one `WWW-Authenticate` challenge for each kind of credential (RFC 9110, 11.6.1).
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
    ///
    /// The server does not choose one: two parts of it could choose differently. Remedy for the
    /// client: send one credential.
    #[must_use]
    pub fn credentials_ambiguous() -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "credentials_ambiguous",
            "The request shows more than one credential.",
        )
    }

    /// 400 `authorization_malformed`: `Authorization` is not one scheme, one space and one token.
    ///
    /// The syntax is that of RFC 9110, 11.6.2, and RFC 6750, 2.1.
    #[must_use]
    pub fn authorization_malformed() -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "authorization_malformed",
            "The Authorization header must be a scheme, one space and a token.",
        )
    }

    /// 403 `insufficient_scope` (RFC 6750, 3.1).
    ///
    /// The caller adds `WWW-Authenticate`; [`AccessLayer`](crate::AccessLayer) does so.
    #[must_use]
    pub fn insufficient_scope() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "insufficient_scope",
            "The credential does not allow this.",
        )
    }

    /// 403 `client_certificate_required`: the connection has no certificate of the client, where the
    /// route demands one.
    ///
    /// A certificate is part of the TLS handshake, so the client has to open another connection.
    #[must_use]
    pub fn client_certificate_required() -> Self {
        Self::new(
            StatusCode::FORBIDDEN,
            "client_certificate_required",
            "This needs a client certificate.",
        )
        .with_reason("the connection has no client certificate")
    }

    /// 403 `insecure_transport`: the request came without TLS where TLS is required.
    ///
    /// A credential that was sent with it must be replaced: others could read it.
    #[must_use]
    pub fn insecure_transport() -> Self {
        Self::new(StatusCode::FORBIDDEN, "insecure_transport", "Use https.")
    }

    /// 404 `not_found`.
    ///
    /// For paths without a rule too, so that a client cannot tell them from paths without a
    /// handler.
    #[must_use]
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "There is nothing here.")
    }

    /// 405 `method_not_allowed`, with `Allow` (RFC 9110, 15.5.6).
    ///
    /// `allow` lists the methods, such as `GET, HEAD`.
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
    ///
    /// For bodies that exceed a limit in bytes (RFC 9110, 15.5.14).
    #[must_use]
    pub fn payload_too_large() -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "payload_too_large",
            "The body of the request is too large.",
        )
    }

    /// 503 `unavailable`, with `Retry-After` in whole seconds, at least 1.
    ///
    /// A fraction of a second is rounded up. For queues that are full and stores that do not
    /// respond.
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
