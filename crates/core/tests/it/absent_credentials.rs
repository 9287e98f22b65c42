//! A credential that the browser sends by itself and that opens nothing counts as none.

use http::{HeaderValue, Request, request};
use palisade_core::{
    AuthenticateLayer, Authenticator, AuthenticatorId, Credential, CredentialFailure,
    CredentialSource, Guard as _, Presence, Principal, Rejection, SecurityContext, Verdict,
};

/// Refuses everything as a cookie that opens nothing.
struct Ended {
    presence: Presence,
    failure: CredentialFailure,
    later: bool,
}

impl Authenticator for Ended {
    fn id(&self) -> AuthenticatorId {
        AuthenticatorId::unique()
    }

    fn kind(&self) -> &'static str {
        "ended"
    }

    fn sources(&self) -> Vec<CredentialSource> {
        vec![CredentialSource::cookie("session")]
    }

    fn presence(&self, _: &request::Parts) -> Result<Presence, Box<Rejection>> {
        Ok(self.presence)
    }

    fn authenticate(
        &self,
        _: &SecurityContext,
        _: &mut request::Parts,
        _: &Credential,
    ) -> Verdict<Principal> {
        let refusal = Rejection::credentials_invalid(self.challenge());
        let refusal = Box::new(refusal.with_credential_failure(self.failure));
        match self.later {
            true => Verdict::later(async move { Err(refusal) }),
            false => Verdict::Refuse(refusal),
        }
    }

    fn challenge(&self) -> HeaderValue {
        HeaderValue::from_static("Session")
    }
}

/// Returns whether the request passes, and whether a failed credential is recorded.
async fn decide(ended: Ended, optional: bool, outer: Option<Principal>) -> (bool, bool) {
    let layer = AuthenticateLayer::builder().authenticator(ended);
    let layer = match optional {
        true => layer.optional(),
        false => layer,
    };
    let (mut head, ()) = Request::new(()).into_parts();
    let cx = SecurityContext::find_or_create(&mut head);
    if let Some(outer) = outer {
        cx.set_principal(outer).unwrap();
    }
    let passes = match layer.build().unwrap().admit(&cx, &mut head) {
        Verdict::Admit(()) => true,
        Verdict::Refuse(_) => false,
        Verdict::Later(decision) => decision.await.is_ok(),
    };
    let failed = cx.with_observations(|all| all.credential_failures().last().is_some());
    (passes, failed)
}

fn ended(presence: Presence, failure: CredentialFailure, later: bool) -> Ended {
    Ended {
        presence,
        failure,
        later,
    }
}

#[tokio::test]
async fn a_cookie_that_opens_nothing_is_a_guest_where_guests_may_be() {
    for later in [false, true] {
        let cookie = || ended(Presence::Ambient, CredentialFailure::Absent, later);
        assert_eq!(decide(cookie(), true, None).await, (true, false));
        assert_eq!(decide(cookie(), false, None).await, (false, false));
    }
}

#[tokio::test]
async fn a_credential_that_was_meant_or_that_fails_otherwise_is_refused() {
    for later in [false, true] {
        for (presence, failure) in [
            (Presence::Explicit, CredentialFailure::Absent),
            (Presence::Ambient, CredentialFailure::Revoked),
            (Presence::Ambient, CredentialFailure::Guess),
        ] {
            let one = ended(presence, failure, later);
            assert_eq!(decide(one, true, None).await, (false, true), "{failure:?}");
        }
    }
}

#[tokio::test]
async fn it_opens_no_layer_to_a_principal_that_another_one_found() {
    for later in [false, true] {
        let cookie = ended(Presence::Ambient, CredentialFailure::Absent, later);
        let other = Principal::builder("api_key", "ann").build();
        assert_eq!(decide(cookie, true, Some(other)).await, (false, false));
    }
}
