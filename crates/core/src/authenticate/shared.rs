//! What the clones of an authentication layer share: authenticators and prepared refusals.

use http::{StatusCode, header::WWW_AUTHENTICATE};

use super::registered::RegisteredAuthenticator;
use crate::{
    context::SecurityContext,
    credential::{Proof, challenge::with_parameters},
    rejection::Rejection,
};

/// What clones of a layer share: the authenticators and the prepared refusals.
pub(super) struct Shared {
    pub(super) all: Box<[RegisteredAuthenticator]>,
    /// 400: more than one credential.
    pub(super) ambiguous: Rejection,
    /// 401: an `Authorization` that no authenticator reads.
    pub(super) unread: Rejection,
    /// 400: `Authorization` cannot be parsed.
    pub(super) malformed: Rejection,
    /// 401: no credential.
    pub(super) missing: Rejection,
    /// 403: the principal was proven by another kind of credential.
    pub(super) other_kind: Rejection,
}

impl Shared {
    /// Prepares the refusals, each with the challenges of all authenticators.
    pub(super) fn new(all: Box<[RegisteredAuthenticator]>) -> Self {
        let unauthenticated =
            Rejection::unauthenticated(all.iter().flat_map(|one| one.info.challenges().cloned()))
                .prerendered();
        let invalid_request = |rejection: Rejection| {
            let challenges = all
                .iter()
                .flat_map(|one| one.info.challenges())
                .map(|challenge| with_parameters(challenge, "error=\"invalid_request\""));
            let add = |it: Rejection, challenge| it.with_header(WWW_AUTHENTICATE, challenge);
            challenges.fold(rejection, add).prerendered()
        };
        let other_kind = Rejection::new(
            StatusCode::FORBIDDEN,
            "credential_kind",
            "This needs another kind of credential.",
        );
        Self {
            ambiguous: invalid_request(Rejection::credentials_ambiguous()),
            unread: unauthenticated
                .clone()
                .with_reason("no authenticator reads this kind of Authorization"),
            malformed: invalid_request(Rejection::authorization_malformed()),
            missing: unauthenticated.with_reason("no credential"),
            other_kind: other_kind.prerendered(),
            all,
        }
    }

    /// Returns whether one of these authenticators made a proof.
    pub(super) fn has_proven(&self, proof: &Proof) -> bool {
        let by = proof.authenticator.id;
        self.all.iter().any(|one| one.info.id == by)
    }

    /// Records a failed credential, for the audit trail and for limits on guessing. Failures of the
    /// server (500, 503) are not charged to the client.
    pub(super) fn record_failure(
        &self,
        cx: &SecurityContext,
        kind: &'static str,
        rejection: Box<Rejection>,
    ) -> Box<Rejection> {
        if rejection.status().is_client_error() {
            cx.credential_failed(kind, &rejection);
        }
        self.with_all_challenges(rejection)
    }

    /// Adds every challenge to a plain 401, so that a wrong credential and none have the same
    /// response. A challenge with more parameters (`error` of RFC 6750) is kept.
    fn with_all_challenges(&self, mut rejection: Box<Rejection>) -> Box<Rejection> {
        let mut headers = rejection.headers();
        let plain = match (headers.next(), headers.next()) {
            (Some((name, value)), None) => {
                *name == WWW_AUTHENTICATE && self.all.iter().any(|one| one.info.challenge == *value)
            }
            _ => false,
        };
        drop(headers);
        if plain && rejection.code() == self.missing.code() {
            rejection.replace_all_but_reason(&self.missing);
        }
        rejection
    }
}
