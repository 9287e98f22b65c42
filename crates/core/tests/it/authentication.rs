//! Who the client is, and which credential decides.

use std::sync::Arc;

use http::{Request, StatusCode, request};
use palisade_core::{
    AuthenticateBuildError, AuthenticateLayer, CredentialSource, Principal, SecurityContext,
    TokenShape, Verdict,
};

use crate::{
    by_header::{
        ByHeader, code, key_or_token, key_or_token_builder, optional_key_or_token, send, several,
    },
    support::*,
};

#[tokio::test]
async fn an_unknown_identity_is_not_an_anonymous_one() {
    let no_authenticator = (None::<AuthenticateLayer>, None::<AuthenticateLayer>);
    assert_eq!(send(no_authenticator, &[]).await.1, "unknown");
    assert_eq!(send(optional_key_or_token(), &[]).await.1, "anonymous");
    assert_eq!(
        code(key_or_token(), &[]).await,
        (401, "unauthenticated".into())
    );
}

#[tokio::test]
async fn the_credential_present_decides_and_is_stripped() {
    assert_eq!(
        send(key_or_token(), &[("x-key", "ann")]).await,
        (200, "ann by x-key".into())
    );
    assert_eq!(
        send(key_or_token(), &[("x-token", "bob")]).await,
        (200, "bob by x-token".into())
    );
}

#[tokio::test]
async fn a_failed_credential_is_never_retried_as_another() {
    let both = [("x-cookie", "ann"), ("x-key", "bad")];
    assert_eq!(
        code(key_or_token(), &both).await,
        (401, "unauthenticated".into())
    );
    let optional = optional_key_or_token();
    assert_eq!(
        code(optional, &[("x-key", "bad")]).await,
        (401, "unauthenticated".into())
    );
}

#[test]
fn two_authenticators_that_read_the_same_credential_are_a_build_error() {
    let build = |all: Vec<ByHeader>| several(all).build();
    let two = build(vec![
        ByHeader::new("token"),
        ByHeader::new("x-key"),
        ByHeader::new("token"),
    ]);
    let problem = two.unwrap_err();
    assert_eq!(
        problem,
        AuthenticateBuildError::SameSource {
            kinds: ["token", "token"],
            source: CredentialSource::bearer(TokenShape::Any),
        }
    );
    let text = problem.to_string();
    assert!(
        text.contains("`Authorization: Bearer` with any token"),
        "{text}"
    );
    assert!(
        text.contains("put both issuers into one `Verifier`"),
        "{text}"
    );
    for name in ["x-key", "token", "key"] {
        let one = ByHeader::new(name);
        assert!(
            build(vec![one.clone(), one]).is_err(),
            "{name} listed twice"
        );
    }
    assert!(build(vec![ByHeader::new("token"), ByHeader::new("key")]).is_ok());
    assert_eq!(
        build(vec![]).unwrap_err(),
        AuthenticateBuildError::NoAuthenticator
    );
    let reserved = build(vec![ByHeader::new("authorization")]).unwrap_err();
    assert!(matches!(
        reserved,
        AuthenticateBuildError::ReservedHeader { .. }
    ));
}

#[tokio::test]
async fn an_explicit_credential_goes_before_an_ambient_one() {
    let both = [("x-cookie", "ann"), ("x-key", "bob")];
    assert_eq!(send(key_or_token(), &both).await.1, "bob by x-key x-cookie");
    assert_eq!(
        send(key_or_token(), &[("x-cookie", "ann")]).await.1,
        "ann by x-cookie"
    );
}

#[tokio::test]
async fn two_explicit_credentials_are_ambiguous() {
    let two = [("x-key", "ann"), ("x-token", "bob")];
    assert_eq!(
        code(key_or_token(), &two).await,
        (400, "credentials_ambiguous".into())
    );
}

#[tokio::test]
async fn an_optional_outer_layer_does_not_open_a_required_inner_one() {
    let weak = ByHeader::new("x-weak").optional();
    let stack = (weak, ByHeader::new("x-key").layer());
    assert_eq!(
        code(stack.clone(), &[]).await,
        (401, "unauthenticated".into())
    );
    assert_eq!(
        code(stack.clone(), &[("x-weak", "w")]).await,
        (403, "credential_kind".into())
    );
    assert_eq!(send(stack, &[("x-key", "ann")]).await.1, "ann by x-key");
}

#[tokio::test]
async fn the_same_layer_twice_accepts_its_principal() {
    let layer = key_or_token();
    let stack = (layer.clone(), layer);
    assert_eq!(
        send(stack, &[("x-key", "ann")]).await,
        (200, "ann by x-key".into())
    );
}

#[tokio::test]
async fn in_shadow_nothing_is_stripped_and_every_layer_authenticates() {
    let shadow = key_or_token_builder().dangerously_only_shadow();
    let shadow = shadow.build().unwrap();
    assert_eq!(
        send(shadow.clone(), &[("x-key", "bad")]).await.1,
        "anonymous x-key"
    );
    assert_eq!(
        send(shadow, &[("x-key", "ann")]).await.1,
        "ann by x-key x-key"
    );
}

#[tokio::test]
async fn a_credential_may_be_verified_later() {
    let later = || ByHeader::new("x-key").later().layer();
    assert_eq!(send(later(), &[("x-key", "ann")]).await.1, "ann by x-key");
    assert_eq!(
        code(later(), &[("x-key", "bad")]).await,
        (401, "unauthenticated".into())
    );
}

#[test]
fn a_second_different_principal_is_misconfigured() {
    let (mut head, ()) = Request::new(()).into_parts();
    let cx = SecurityContext::find_or_create(&mut head);
    let ann = Principal::builder("x-key", "ann").build();
    cx.set_principal(ann.clone()).unwrap();
    cx.set_principal(ann).unwrap();
    let other = cx
        .set_principal(Principal::builder("x-key", "bob").build())
        .unwrap_err();
    assert_eq!(other.status(), StatusCode::INTERNAL_SERVER_ERROR);
}

#[tokio::test]
async fn a_failed_credential_is_recorded() {
    use palisade_core::{Guard, Outcome};

    #[derive(Clone)]
    struct Witness(Log);
    impl Guard for Witness {
        type Pass = ();
        fn name(&self) -> &'static str {
            "witness"
        }
        fn admit(&self, _: &SecurityContext, _: &mut request::Parts) -> Verdict<()> {
            Verdict::Admit(())
        }
        fn close(&self, cx: &SecurityContext, (): (), _: Outcome) {
            cx.with_observations(|observed| {
                let failed = observed.credential_failures().iter();
                let kinds = failed.map(|it| format!("{} {}", it.kind, it.code));
                self.0.lock().unwrap().extend(kinds);
            });
        }
    }
    let log = log();
    send(
        (Witness(Arc::clone(&log)), key_or_token()),
        &[("x-key", "bad")],
    )
    .await;
    assert_eq!(take_events(&log), ["x-key unauthenticated"]);
    send(
        (Witness(Arc::clone(&log)), key_or_token()),
        &[("x-key", "ann")],
    )
    .await;
    send((Witness(Arc::clone(&log)), key_or_token()), &[]).await;
    assert!(
        take_events(&log).is_empty(),
        "no credential is not a failed one"
    );
}
