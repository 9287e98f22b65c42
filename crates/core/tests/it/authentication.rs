//! Holes 1 to 4, 24 and 30: who is asking, and which credential decides.

use std::sync::Arc;

use http::{HeaderValue, Request, StatusCode, request};
use palisade_core::{
    AuthenticateLayer, Authenticator, Chain, Fact, GuardLayer, Guards, Identity, Presence,
    Principal, Rejection, SecurityContext, Verdict,
};
use tower::{Layer as _, ServiceExt as _};

use crate::support::*;

/// Finds its credential in a header of its own: the value is the name, `bad` is not accepted.
struct ByHeader {
    header: &'static str,
    presence: Presence,
    later: bool,
}

impl Authenticator for ByHeader {
    fn kind(&self) -> &'static str {
        self.header
    }

    fn presence(&self, head: &request::Parts) -> Result<Presence, Box<Rejection>> {
        let shown = head.headers.contains_key(self.header);
        Ok(if shown {
            self.presence
        } else {
            Presence::Absent
        })
    }

    fn authenticate(&self, _: &SecurityContext, head: &mut request::Parts) -> Verdict<Principal> {
        let value = head.headers.remove(self.header).unwrap();
        let name = value.to_str().unwrap();
        let outcome = match name {
            "bad" => Err(Box::new(Rejection::credentials_invalid(self.challenge()))),
            name => Ok(Principal::builder(self.header, name).build()),
        };
        if self.later {
            return Verdict::later(async {
                yield_once().await;
                outcome
            });
        }
        outcome.into()
    }

    fn challenge(&self) -> HeaderValue {
        HeaderValue::from_static(self.header)
    }
}

fn by(header: &'static str, presence: Presence) -> Arc<dyn Authenticator> {
    Arc::new(ByHeader {
        header,
        presence,
        later: false,
    })
}

fn key_or_token() -> AuthenticateLayer {
    AuthenticateLayer::any([
        by("x-cookie", Presence::Ambient),
        by("x-key", Presence::Explicit),
        by("x-token", Presence::Explicit),
    ])
}

fn request(headers: &[(&'static str, &'static str)]) -> Request<TestBody> {
    let mut request = get("/");
    for (name, value) in headers {
        request
            .headers_mut()
            .append(*name, HeaderValue::from_static(value));
    }
    request
}

/// Answers with who is asking, and with the headers that the handler can still see.
async fn ask<G: Guards + Clone>(
    guards: G,
    headers: &[(&'static str, &'static str)],
) -> (u16, String) {
    let inner = tower::service_fn(async |request: Request<TestBody>| {
        let cx = SecurityContext::of(request.extensions()).unwrap();
        let who = match cx.identity() {
            Identity::Known(who) => format!("{} by {}", who.id(), who.kind()),
            Identity::Anonymous => "anonymous".into(),
            Identity::Unknown => "unknown".into(),
        };
        let seen: Vec<&str> = request
            .headers()
            .keys()
            .map(http::HeaderName::as_str)
            .collect();
        let answer = TestBody::from(format!("{who} {}", seen.join(",")));
        Ok::<_, std::convert::Infallible>(http::Response::new(answer))
    });
    let service = GuardLayer(guards).layer(inner);
    let answer = service.oneshot(request(headers)).await.unwrap();
    let (status, body) = text(answer).await;
    (status.as_u16(), body.trim_end().into())
}

async fn code<G: Guards + Clone>(
    guards: G,
    headers: &[(&'static str, &'static str)],
) -> (u16, String) {
    let (status, body) = ask(guards, headers).await;
    let document: serde_json::Value = serde_json::from_str(&body).unwrap();
    (status, document["code"].as_str().unwrap().into())
}

#[tokio::test]
async fn nobody_asked_and_nobody_is_here_are_different_answers() {
    let nobody_asked = Chain(None::<AuthenticateLayer>, None::<AuthenticateLayer>);
    assert_eq!(ask(nobody_asked, &[]).await.1, "unknown");
    assert_eq!(ask(key_or_token().optional(), &[]).await.1, "anonymous");
    assert_eq!(
        code(key_or_token(), &[]).await,
        (401, "unauthenticated".into())
    );
}

#[tokio::test]
async fn the_credential_present_decides_and_is_stripped() {
    assert_eq!(
        ask(key_or_token(), &[("x-key", "ann")]).await,
        (200, "ann by x-key".into())
    );
    assert_eq!(
        ask(key_or_token(), &[("x-token", "bob")]).await,
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
    let optional = key_or_token().optional();
    assert_eq!(
        code(optional, &[("x-key", "bad")]).await,
        (401, "unauthenticated".into())
    );
}

#[tokio::test]
async fn an_authorization_that_nobody_reads_does_not_make_a_guest() {
    let optional = key_or_token().optional();
    let shown = [("authorization", "Basic YTpi")];
    assert_eq!(
        code(optional, &shown).await,
        (401, "unauthenticated".into())
    );
}

#[tokio::test]
async fn an_authorization_that_nobody_reads_is_not_saved_by_a_cookie() {
    let both = [("authorization", "Bearer wrong"), ("x-cookie", "ann")];
    assert_eq!(
        code(key_or_token(), &both).await,
        (401, "unauthenticated".into())
    );
}

#[tokio::test]
async fn a_missing_and_a_wrong_credential_look_alike() {
    let one = AuthenticateLayer::any([by("x-key", Presence::Explicit)]);
    assert_eq!(
        ask(one.clone(), &[]).await,
        ask(one, &[("x-key", "bad")]).await
    );
}

#[tokio::test]
async fn an_explicit_credential_goes_before_an_ambient_one() {
    let both = [("x-cookie", "ann"), ("x-key", "bob")];
    assert_eq!(ask(key_or_token(), &both).await.1, "bob by x-key x-cookie");
    assert_eq!(
        ask(key_or_token(), &[("x-cookie", "ann")]).await.1,
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
async fn every_challenge_is_sent_as_a_line_of_its_own() {
    let service = GuardLayer(key_or_token()).layer(says(""));
    let answer = service.oneshot(get("/")).await.unwrap();
    let challenges: Vec<_> = answer
        .headers()
        .get_all("www-authenticate")
        .iter()
        .collect();
    assert_eq!(challenges, ["x-cookie", "x-key", "x-token"]);
}

#[tokio::test]
async fn an_optional_outer_layer_does_not_open_a_required_inner_one() {
    let weak = AuthenticateLayer::any([by("x-weak", Presence::Explicit)]);
    let strong = || AuthenticateLayer::any([by("x-key", Presence::Explicit)]);
    let stack = Chain(weak.clone().optional(), strong());
    assert_eq!(
        code(stack.clone(), &[]).await,
        (401, "unauthenticated".into())
    );
    assert_eq!(
        code(stack.clone(), &[("x-weak", "w")]).await,
        (403, "credential_kind".into())
    );
    assert_eq!(ask(stack, &[("x-key", "ann")]).await.1, "ann by x-key");
}

#[tokio::test]
async fn the_same_layer_twice_finds_its_own_principal() {
    let stack = Chain(key_or_token(), key_or_token());
    assert_eq!(
        ask(stack, &[("x-key", "ann")]).await,
        (200, "ann by x-key".into())
    );
}

#[tokio::test]
async fn in_shadow_nothing_is_stripped_and_everybody_is_asked() {
    let shadow = key_or_token().dangerously_only_shadow();
    assert_eq!(
        ask(shadow.clone(), &[("x-key", "bad")]).await.1,
        "anonymous x-key"
    );
    assert_eq!(
        ask(shadow, &[("x-key", "ann")]).await.1,
        "ann by x-key x-key"
    );
}

#[tokio::test]
async fn a_credential_may_be_verified_later() {
    let later = |later| {
        AuthenticateLayer::any([Arc::new(ByHeader {
            header: "x-key",
            presence: Presence::Explicit,
            later,
        }) as Arc<dyn Authenticator>])
    };
    assert_eq!(
        ask(later(true), &[("x-key", "ann")]).await.1,
        "ann by x-key"
    );
    assert_eq!(
        code(later(true), &[("x-key", "bad")]).await,
        (401, "unauthenticated".into())
    );
}

#[test]
fn a_second_different_principal_is_a_mistake_of_assembly() {
    let (mut head, ()) = Request::new(()).into_parts();
    let cx = SecurityContext::enter(&mut head);
    let ann = Principal::builder("x-key", "ann").build();
    cx.identify(ann.clone()).unwrap();
    cx.identify(ann).unwrap();
    let other = cx
        .identify(Principal::builder("x-key", "bob").build())
        .unwrap_err();
    assert_eq!(other.status(), StatusCode::INTERNAL_SERVER_ERROR);
}

#[tokio::test]
async fn a_failed_credential_is_a_fact() {
    use palisade_core::{Ending, Guard};

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
        fn close(&self, cx: &SecurityContext, (): (), _: Ending) {
            let failed = Fact::CredentialFailed {
                kind: "x-key",
                code: "unauthenticated",
            };
            if cx.facts().contains(&failed) {
                self.0.lock().unwrap().push("failed".into());
            }
        }
    }
    let log = log();
    ask(
        Chain(Witness(Arc::clone(&log)), key_or_token()),
        &[("x-key", "bad")],
    )
    .await;
    assert_eq!(taken(&log), ["failed"]);
    ask(
        Chain(Witness(Arc::clone(&log)), key_or_token()),
        &[("x-key", "ann")],
    )
    .await;
    ask(Chain(Witness(Arc::clone(&log)), key_or_token()), &[]).await;
    assert!(taken(&log).is_empty(), "no credential is not a failed one");
}
