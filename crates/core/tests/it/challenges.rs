//! Which challenges and which code a refused client gets.

use std::sync::Arc;

use http::{HeaderName, HeaderValue, StatusCode, request};
use palisade_core::{
    AuthenticateLayer, Authenticator, AuthenticatorId, Credential, CredentialSource, GuardLayer,
    Principal, Rejection, SecurityContext, Verdict,
};
use tower::{Layer as _, ServiceExt as _};

use crate::{
    by_header::{ByHeader, any, key_or_token, request, send},
    support::*,
};

#[tokio::test]
async fn ambiguous_and_malformed_credentials_get_the_challenge_invalid_request() {
    let malformed: &[(&str, &str)] = &[("authorization", "Bearer")];
    let two: &[(&str, &str)] = &[("authorization", "Bearer ann"), ("x-key", "ann")];
    for headers in [malformed, two] {
        let headers: Vec<_> = headers.to_vec();
        let layer = any([ByHeader::new("token"), ByHeader::new("x-key")]);
        let mut request = get("/");
        for (name, value) in headers {
            let name = HeaderName::try_from(name).unwrap();
            request.headers_mut().append(name, value.parse().unwrap());
        }
        let response = GuardLayer(layer)
            .layer(responds_with(""))
            .oneshot(request)
            .await
            .unwrap();
        assert_eq!(response.status(), 400);
        let challenges = response.headers().get_all("www-authenticate").iter();
        assert_eq!(
            challenges.collect::<Vec<_>>(),
            [
                "token error=\"invalid_request\"",
                "x-key error=\"invalid_request\""
            ]
        );
    }
}

/// Refuses with a rejection of the test's choice.
struct Refuses(Rejection);

impl Authenticator for Refuses {
    fn id(&self) -> AuthenticatorId {
        AuthenticatorId::unique()
    }

    fn kind(&self) -> &'static str {
        "refuses"
    }

    fn sources(&self) -> Vec<CredentialSource> {
        vec![CredentialSource::header(HeaderName::from_static(
            "x-refused",
        ))]
    }

    fn authenticate(
        &self,
        _: &SecurityContext,
        _: &mut request::Parts,
        _: &Credential,
    ) -> Verdict<Principal> {
        self.0.clone().into()
    }

    fn challenge(&self) -> HeaderValue {
        HeaderValue::from_static("Refuses")
    }
}

/// Returns the status and the challenges of a refusal by an authenticator that is listed beside another.
async fn challenges_of(refusal: Rejection) -> (u16, Vec<String>) {
    let all = [
        Arc::new(Refuses(refusal)) as Arc<dyn Authenticator>,
        ByHeader::new("x-key").shared(),
    ];
    let layer = GuardLayer(
        AuthenticateLayer::builder()
            .authenticators(all)
            .build()
            .unwrap(),
    );
    let response = layer
        .layer(responds_with(""))
        .oneshot(request(&[("x-refused", "a")]))
        .await
        .unwrap();
    let challenges = response.headers().get_all("www-authenticate").iter();
    let challenges = challenges.map(|value| value.to_str().unwrap().to_owned());
    (response.status().as_u16(), challenges.collect())
}

#[tokio::test]
async fn a_plain_refusal_of_one_authenticator_gets_the_challenges_of_all() {
    let plain = Rejection::credentials_invalid(HeaderValue::from_static("Refuses"));
    let expected = vec!["Refuses".to_owned(), "x-key".to_owned()];
    assert_eq!(challenges_of(plain).await, (401, expected));
}

#[tokio::test]
async fn a_challenge_that_says_more_is_kept_as_it_is() {
    let more = "Refuses error=\"invalid_token\"";
    let refusal = Rejection::credentials_invalid(HeaderValue::from_static(more));
    assert_eq!(challenges_of(refusal).await, (401, vec![more.to_owned()]));
}

#[tokio::test]
async fn a_refusal_with_another_header_or_code_keeps_its_own_headers() {
    let challenge = HeaderValue::from_static("Refuses");
    let cookie = Rejection::credentials_invalid(challenge.clone())
        .with_header(http::header::SET_COOKIE, HeaderValue::from_static("a=b"));
    assert_eq!(
        challenges_of(cookie).await,
        (401, vec!["Refuses".to_owned()])
    );
    let other = Rejection::new(StatusCode::UNAUTHORIZED, "other", "No.")
        .with_header(http::header::WWW_AUTHENTICATE, challenge);
    assert_eq!(
        challenges_of(other).await,
        (401, vec!["Refuses".to_owned()])
    );
    let bare = Rejection::new(StatusCode::UNAUTHORIZED, "unauthenticated", "No.");
    assert_eq!(challenges_of(bare).await, (401, vec![]));
}

#[tokio::test]
async fn a_failure_of_the_server_is_not_charged_to_the_client() {
    let unavailable = Rejection::unavailable(std::time::Duration::from_secs(1));
    assert_eq!(challenges_of(unavailable.clone()).await, (503, vec![]));
    let (mut head, ()) = request(&[("x-refused", "a")]).map(drop).into_parts();
    let cx = SecurityContext::find_or_create(&mut head);
    let layer = AuthenticateLayer::new(Refuses(unavailable));
    assert!(matches!(
        palisade_core::Guard::admit(&layer, &cx, &mut head),
        Verdict::Refuse(_)
    ));
    assert_eq!(
        cx.with_observations(|observed| observed.credential_failures().count()),
        0
    );
}

#[tokio::test]
async fn a_missing_and_a_wrong_credential_get_the_same_response() {
    let one = ByHeader::new("x-key").layer();
    assert_eq!(
        send(one.clone(), &[]).await,
        send(one, &[("x-key", "bad")]).await
    );
}

#[tokio::test]
async fn every_challenge_is_sent_in_a_separate_header_line() {
    let service = GuardLayer(key_or_token()).layer(responds_with(""));
    let response = service.oneshot(get("/")).await.unwrap();
    let challenges: Vec<_> = response
        .headers()
        .get_all("www-authenticate")
        .iter()
        .collect();
    assert_eq!(challenges, ["x-cookie", "x-key", "x-token"]);
}
