//! A credential that was accepted is verified again.

use std::sync::{Arc, Mutex};

use http::{HeaderName, HeaderValue, Request, request};
use palisade_core::{
    AuthenticateLayer, Authenticator, AuthenticatorId, ClientCertificate, Credential,
    CredentialFailure, CredentialSource, CredentialState, Guard as _, Presence, Principal,
    Rejection, SecurityContext, Verdict,
};

/// Accepts everything; whom it finds the second time is set by the test.
#[derive(Clone)]
struct Again {
    id: AuthenticatorId,
    header: &'static str,
    outcome: Arc<Mutex<Result<Principal, Rejection>>>,
}

fn anna() -> Principal {
    let anna = Principal::builder("again", "anna").owner("acme");
    anna.scopes(["read", "write"]).build()
}

impl Again {
    fn new(header: &'static str) -> Self {
        Self {
            id: AuthenticatorId::unique(),
            header,
            outcome: Arc::new(Mutex::new(Ok(anna()))),
        }
    }
}

impl Authenticator for Again {
    fn id(&self) -> AuthenticatorId {
        self.id
    }

    fn kind(&self) -> &'static str {
        "again"
    }

    fn sources(&self) -> Vec<CredentialSource> {
        vec![CredentialSource::header(HeaderName::from_static(
            self.header,
        ))]
    }

    fn authenticate(
        &self,
        _: &SecurityContext,
        _: &mut request::Parts,
        _: &Credential,
    ) -> Verdict<Principal> {
        Verdict::Admit(anna())
    }

    fn recheck(&self, cx: &SecurityContext, credential: &Credential) -> Option<Verdict<Principal>> {
        assert_eq!(credential.as_str(), Some("secret"));
        assert!(cx.principal().is_none(), "the context is a new one");
        let outcome = self.outcome.lock().unwrap().clone();
        Some(outcome.map_err(Box::new).into())
    }

    fn challenge(&self) -> HeaderValue {
        HeaderValue::from_static("Again")
    }
}

/// The context of a request that this layer admitted.
fn admitted(layer: &AuthenticateLayer) -> SecurityContext {
    let request = Request::get("/").header("x-again", "secret").body(());
    let mut head = request.unwrap().into_parts().0;
    let cx = SecurityContext::find_or_create(&mut head);
    assert!(matches!(layer.admit(&cx, &mut head), Verdict::Admit(())));
    cx
}

#[tokio::test]
async fn the_second_verification_decides_what_became_of_a_credential() {
    let again = Again::new("x-again");
    let layer = AuthenticateLayer::new(again.clone());
    let cx = admitted(&layer);
    let refusal = |failure| {
        let refusal = Rejection::credentials_invalid(HeaderValue::from_static("Again"));
        Err(refusal.with_credential_failure(failure))
    };
    let other = |who: palisade_core::PrincipalBuilder| Ok(who.build());
    let of_acme = |id: &'static str| Principal::builder("again", id).owner("acme");
    let not_here = CredentialState::Ended(CredentialFailure::NotAllowedHere);
    for (outcome, expected) in [
        (Ok(anna()), CredentialState::Valid),
        (
            other(of_acme("anna").scopes(["read", "write", "more"])),
            CredentialState::Valid,
        ),
        (other(of_acme("anna").scopes(["read"])), not_here),
        (other(of_acme("bob").scopes(["read", "write"])), not_here),
        (
            other(Principal::builder("again", "anna").scopes(["read", "write"])),
            not_here,
        ),
        (
            refusal(CredentialFailure::Revoked),
            CredentialState::Ended(CredentialFailure::Revoked),
        ),
        (
            Err(Rejection::unavailable(std::time::Duration::from_secs(1))),
            CredentialState::Unknown,
        ),
    ] {
        let shown = format!("{outcome:?}");
        *again.outcome.lock().unwrap() = outcome;
        assert_eq!(layer.recheck(&cx).await, expected, "{shown}");
    }
}

#[tokio::test]
async fn the_layer_of_a_new_configuration_decides_about_credentials_that_it_reads() {
    let cx = admitted(&AuthenticateLayer::new(Again::new("x-again")));
    let same_source = AuthenticateLayer::new(Again::new("x-again"));
    assert_eq!(same_source.recheck(&cx).await, CredentialState::Valid);
    let other_source = AuthenticateLayer::new(Again::new("x-other"));
    let ended = CredentialState::Ended(CredentialFailure::NotAllowedHere);
    assert_eq!(other_source.recheck(&cx).await, ended);
}

/// Finds the certificate of the connection, which no source declares.
struct OfConnection {
    id: AuthenticatorId,
    kind: &'static str,
}

impl OfConnection {
    fn layer(kind: &'static str) -> AuthenticateLayer {
        let id = AuthenticatorId::unique();
        AuthenticateLayer::new(Self { id, kind })
    }
}

impl Authenticator for OfConnection {
    fn id(&self) -> AuthenticatorId {
        self.id
    }

    fn kind(&self) -> &'static str {
        self.kind
    }

    fn sources(&self) -> Vec<CredentialSource> {
        Vec::new()
    }

    fn presence(&self, _: &request::Parts) -> Result<Presence, Box<Rejection>> {
        Ok(Presence::Ambient)
    }

    fn take(&self, _: &mut request::Parts) -> Credential {
        Credential::certificate(ClientCertificate::new([7; 32]))
    }

    fn authenticate(
        &self,
        _: &SecurityContext,
        _: &mut request::Parts,
        _: &Credential,
    ) -> Verdict<Principal> {
        Verdict::Admit(anna())
    }

    fn recheck(&self, _: &SecurityContext, credential: &Credential) -> Option<Verdict<Principal>> {
        assert_eq!(credential.client_certificate()?.sha256(), &[7; 32]);
        Some(Verdict::Admit(anna()))
    }

    fn challenge(&self) -> HeaderValue {
        HeaderValue::from_static("Connection")
    }
}

/// Without a source to compare, the kind tells which authenticator reads the credential.
#[tokio::test]
async fn a_credential_without_a_source_is_decided_by_the_same_kind_of_a_new_configuration() {
    let cx = admitted(&OfConnection::layer("connection"));
    let same_kind = OfConnection::layer("connection").recheck(&cx).await;
    assert_eq!(same_kind, CredentialState::Valid);
    let ended = CredentialState::Ended(CredentialFailure::NotAllowedHere);
    let other_kind = OfConnection::layer("other").recheck(&cx).await;
    assert_eq!(other_kind, ended);
    let with_a_source = AuthenticateLayer::new(Again::new("x-again"));
    assert_eq!(with_a_source.recheck(&cx).await, ended);
}
