//! The refusals of the authenticator of sessions, rendered once for all requests.

use http::StatusCode;
use palisade_core::{CredentialFailure, Rejection};

use crate::error::CHALLENGE;

/// The refusals, rendered once for all requests.
pub(crate) struct Refusals {
    /// The cookie opens nothing: it counts as none.
    pub(crate) absent: Rejection,
    /// A write without the token of its session, or with another one.
    pub(crate) csrf_token: Rejection,
    /// A write that no page of this service sent.
    pub(crate) cross_site: Rejection,
    /// The principal is not what it was, so the session was removed.
    pub(crate) ended: Rejection,
    /// The principal may not use its session now, or from here.
    pub(crate) not_now: Rejection,
}

impl Refusals {
    /// Renders them.
    pub(crate) fn new() -> Self {
        // The session is genuine, so limits on guessing must not charge its user for what another page sent.
        let forbidden = |code, detail| {
            Rejection::new(StatusCode::FORBIDDEN, code, detail)
                .with_credential_failure(CredentialFailure::NotAllowedHere)
                .prerendered()
        };
        let ended = Rejection::credentials_invalid(CHALLENGE);
        Self {
            absent: ended
                .clone()
                .with_credential_failure(CredentialFailure::Absent)
                .with_reason("the cookie opens no session"),
            csrf_token: forbidden(
                "csrf_token",
                "The header X-CSRF-Token of this session is missing or wrong.",
            ),
            cross_site: forbidden(
                "cross_site",
                "The request did not come from this site's own page.",
            ),
            not_now: ended
                .clone()
                .with_credential_failure(CredentialFailure::NotAllowedHere),
            // It does not remove the cookie: the response to an older request may come after that of a newer
            // sign-in, and would remove its cookie. A cookie that opens nothing counts as none.
            ended: ended
                .with_credential_failure(CredentialFailure::Revoked)
                .prerendered(),
        }
    }
}
