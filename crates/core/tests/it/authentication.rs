//! Who the client is, and which credential decides.

use std::sync::Arc;

use http::{HeaderName, HeaderValue, Request, StatusCode, request};
use palisade_core::{
    AuthenticateBuildError, AuthenticateLayer, AuthenticateLayerBuilder, Authenticator,
    AuthenticatorId, Credential, CredentialSource, GuardLayer, Guards, Identity, Presence,
    Principal, Rejection, SecurityContext, TokenShape, Verdict,
};
use tower::{Layer as _, ServiceExt as _};

use crate::support::*;

/// Finds its credential in a header: the value is the name, `bad` is not accepted.
#[derive(Clone)]
pub struct ByHeader {
    id: AuthenticatorId,
    header: &'static str,
    ambient: bool,
    later: bool,
    accepts: &'static str,
}

impl ByHeader {
    /// Accepts every name but `bad`.
    pub fn new(header: &'static str) -> Self {
        Self {
            id: AuthenticatorId::unique(),
            header,
            ambient: false,
            later: false,
            accepts: "",
        }
    }

    pub fn ambient(mut self) -> Self {
        self.ambient = true;
        self
    }

    pub fn later(mut self) -> Self {
        self.later = true;
        self
    }

    /// Accepts names that begin so.
    pub fn accepts(mut self, accepts: &'static str) -> Self {
        self.accepts = accepts;
        self
    }

    pub fn shared(self) -> Arc<dyn Authenticator> {
        Arc::new(self)
    }

    pub fn layer(self) -> AuthenticateLayer {
        AuthenticateLayer::new(self)
    }

    pub fn builder(self) -> AuthenticateLayerBuilder {
        AuthenticateLayer::builder().authenticator(self)
    }

    pub fn optional(self) -> AuthenticateLayer {
        self.builder().optional().build().unwrap()
    }

    pub fn in_shadow(self) -> AuthenticateLayer {
        self.builder().dangerously_only_shadow().build().unwrap()
    }
}

impl Authenticator for ByHeader {
    fn id(&self) -> AuthenticatorId {
        self.id
    }

    fn kind(&self) -> &'static str {
        self.header
    }

    fn sources(&self) -> Vec<CredentialSource> {
        match (self.header, self.ambient) {
            (_, true) => vec![CredentialSource::cookie(self.header)],
            ("token", _) => vec![CredentialSource::bearer(TokenShape::Any)],
            ("key", _) => vec![CredentialSource::bearer(TokenShape::prefix("key_"))],
            (header, _) => vec![CredentialSource::header(HeaderName::from_static(header))],
        }
    }

    fn presence(&self, head: &request::Parts) -> Result<Presence, Box<Rejection>> {
        match self.ambient && head.headers.contains_key(self.header) {
            true => Ok(Presence::Ambient),
            false => Ok(Presence::Absent),
        }
    }

    fn take(&self, head: &mut request::Parts) -> Credential {
        Credential::header(head.headers.remove(self.header).unwrap())
    }

    fn authenticate(
        &self,
        _: &SecurityContext,
        _: &mut request::Parts,
        credential: &Credential,
    ) -> Verdict<Principal> {
        let name = credential.as_str().unwrap();
        let outcome = match name != "bad" && name.starts_with(self.accepts) {
            true => Ok(Principal::builder(self.header, name).build()),
            false => Err(Box::new(Rejection::credentials_invalid(self.challenge()))),
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

pub fn several(all: impl IntoIterator<Item = ByHeader>) -> AuthenticateLayerBuilder {
    AuthenticateLayer::builder().authenticators(all.into_iter().map(ByHeader::shared))
}

pub fn any(all: impl IntoIterator<Item = ByHeader>) -> AuthenticateLayer {
    several(all).build().unwrap()
}

fn key_or_token_builder() -> AuthenticateLayerBuilder {
    several([
        ByHeader::new("x-cookie").ambient(),
        ByHeader::new("x-key"),
        ByHeader::new("x-token"),
    ])
}

fn key_or_token() -> AuthenticateLayer {
    key_or_token_builder().build().unwrap()
}

fn optional_key_or_token() -> AuthenticateLayer {
    key_or_token_builder().optional().build().unwrap()
}

pub fn request(headers: &[(&'static str, &'static str)]) -> Request<TestBody> {
    let mut request = get("/");
    for (name, value) in headers {
        request
            .headers_mut()
            .append(*name, HeaderValue::from_static(value));
    }
    request
}

/// Responds with the identity, and with the names of the headers that reach the handler.
pub async fn send<G: Guards + Clone>(
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
        let names: Vec<&str> = request
            .headers()
            .keys()
            .map(http::HeaderName::as_str)
            .collect();
        let response = TestBody::from(format!("{who} {}", names.join(",")));
        Ok::<_, std::convert::Infallible>(http::Response::new(response))
    });
    let service = GuardLayer(guards).layer(inner);
    let response = service.oneshot(request(headers)).await.unwrap();
    let (status, body) = text(response).await;
    (status.as_u16(), body.trim_end().into())
}

pub async fn code<G: Guards + Clone>(
    guards: G,
    headers: &[(&'static str, &'static str)],
) -> (u16, String) {
    let (status, body) = send(guards, headers).await;
    let document: serde_json::Value = serde_json::from_str(&body).unwrap();
    (status, document["code"].as_str().unwrap().into())
}

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

#[tokio::test]
async fn an_authorization_without_a_reader_is_not_anonymous() {
    let optional = optional_key_or_token();
    let headers = [("authorization", "Basic YTpi")];
    assert_eq!(
        code(optional, &headers).await,
        (401, "unauthenticated".into())
    );
}

#[tokio::test]
async fn an_authorization_without_a_reader_beside_a_cookie_is_refused() {
    let both = [("authorization", "Bearer wrong"), ("x-cookie", "ann")];
    assert_eq!(
        code(key_or_token(), &both).await,
        (401, "unauthenticated".into())
    );
}

#[tokio::test]
async fn an_authorization_without_a_reader_beside_a_valid_key_is_ambiguous() {
    for foreign in ["Basic YTpi", "Bearer opaque", "Negotiate abc="] {
        let both = [("authorization", foreign), ("x-key", "ann")];
        assert_eq!(
            code(key_or_token(), &both).await,
            (400, "credentials_ambiguous".into()),
            "{foreign}"
        );
    }
}

#[tokio::test]
async fn a_malformed_authorization_is_refused_whatever_authenticators_there_are() {
    let layer = || {
        let both = several([ByHeader::new("token"), ByHeader::new("x-key")]);
        both.optional().build().unwrap()
    };
    for line in [
        "Bearer\tann",
        "Bearer  ann",
        "Bearer",
        "ann",
        "Bearer a b",
        "Bearer a, Basic b",
    ] {
        for headers in [
            &[("authorization", line)][..],
            &[("authorization", line), ("x-key", "ann")],
        ] {
            assert_eq!(
                code(layer(), headers).await,
                (400, "authorization_malformed".into()),
                "{headers:?}"
            );
        }
    }
    let twice = [
        ("authorization", "Bearer ann"),
        ("authorization", "Bearer ann"),
    ];
    assert_eq!(
        code(layer(), &twice).await,
        (400, "credentials_ambiguous".into())
    );
}

#[tokio::test]
async fn the_scheme_is_compared_without_case_and_the_token_is_removed() {
    for line in ["Bearer ann", "bearer ann", "BEARER ann"] {
        let headers = [("authorization", line)];
        let layer = ByHeader::new("token").layer();
        assert_eq!(send(layer, &headers).await.1, "ann by token");
    }
}

#[tokio::test]
async fn a_token_is_read_by_the_authenticator_whose_shape_fits_best() {
    let layer = || any([ByHeader::new("token"), ByHeader::new("key")]);
    let check = async |token: &'static str, expected: &str| {
        assert_eq!(send(layer(), &[("authorization", token)]).await.1, expected);
    };
    check("Bearer key_ann", "key_ann by key").await;
    check("Bearer key.ann", "key.ann by token").await;
    let only_keys = ByHeader::new("key").layer();
    assert_eq!(
        code(only_keys, &[("authorization", "Bearer other")]).await,
        (401, "unauthenticated".into())
    );
}

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
