//! What the layer admits, takes out, and leaves.

use http::{HeaderName, HeaderValue, StatusCode, header::AUTHORIZATION, request};
use palisade_api_key::{ApiKeyBuildError, ApiKeyLayer, Environment, Grant};
use palisade_core::{
    AuthenticateLayer, Authenticator, AuthenticatorId, Credential, CredentialSource, Fact,
    Identity, Principal, SecurityContext, TokenShape, Verdict, testing::poll_ready_contract,
};

use crate::support::{
    MINUTE, NOW, Stand, ask, ask_from, id_of, live, plain, with_header, with_uri,
};

#[test]
fn the_layer_keeps_the_contract_of_tower() {
    let stand = Stand::new();
    let key = stand.key();
    poll_ready_contract(stand.layer(), || with_header("x-api-key", &key));
}

#[test]
fn a_key_in_its_header_proves_who_one_is() {
    let stand = Stand::new();
    let key = stand.key();
    let response = stand.send(&key);
    assert_eq!(response.status, StatusCode::OK);
    assert_eq!(response.who(), Some(id_of(&key).as_str()));
}

#[test]
fn a_key_as_bearer_token_proves_who_one_is() {
    let stand = Stand::new();
    let key = stand.key();
    for scheme in ["Bearer", "bearer", "BEARER"] {
        let response = ask(
            stand.layer(),
            with_header("authorization", format!("{scheme} {key}")),
        );
        assert_eq!(response.who(), Some(id_of(&key).as_str()), "{scheme}");
    }
}

#[test]
fn the_handler_never_sees_the_key() {
    let stand = Stand::new();
    let key = stand.key();
    let layer = || {
        stand
            .builder()
            .dangerously_accept_query_parameter("api_key")
            .build()
            .unwrap()
    };
    let requests = [
        with_header("x-api-key", &key),
        with_header("authorization", format!("Bearer {key}")),
        with_uri(&format!("/tts?text=%e4%BD&api_key={key}&a")),
        with_uri(&format!("http://host.test/tts?api%5Fkey={key}")),
    ];
    for request in requests {
        let saw = ask(layer(), request).saw.expect("admitted");
        assert!(!format!("{saw:?}").contains(&key[30..50]), "{saw:?}");
    }
}

#[test]
fn only_the_parameter_is_taken_out_of_the_query() {
    let stand = Stand::new();
    let key = stand.key();
    let check = |before: &str, after: &str| {
        let layer = stand
            .builder()
            .dangerously_accept_query_parameter("api_key")
            .build()
            .unwrap();
        let response = ask(layer, with_uri(&before.replace("KEY", &key)));
        assert_eq!(response.saw.unwrap().uri, after);
    };
    check("/tts?api_key=KEY", "/tts");
    check(
        "/tts?api_key=KEY&text=%e4%BD%a0+%26",
        "/tts?text=%e4%BD%a0+%26",
    );
    check("/a%2Fb/?x=1&api_key=KEY&x=2", "/a%2Fb/?x=1&x=2");
    check(
        "https://host.test:8443/p?q&api_key=KEY",
        "https://host.test:8443/p?q",
    );
}

#[test]
fn another_header_can_be_chosen() {
    let stand = Stand::new();
    let key = stand.key();
    let layer = || {
        stand
            .builder()
            .header(HeaderName::from_static("acme-key"))
            .build()
            .unwrap()
    };
    assert_eq!(
        ask(layer(), with_header("acme-key", &key)).status,
        StatusCode::OK
    );
    assert_eq!(
        ask(layer(), with_header("x-api-key", &key)).status,
        StatusCode::UNAUTHORIZED
    );
}

#[test]
fn guests_pass_where_the_key_is_optional_but_wrong_keys_do_not() {
    let stand = Stand::new();
    let layer = || stand.builder().optional().build().unwrap();
    let guest = ask(layer(), plain()).saw.expect("admitted");
    let cx = SecurityContext::of(&guest.extensions).unwrap();
    assert!(matches!(cx.identity(), Identity::Anonymous));
    assert_eq!(
        ask(layer(), with_header("x-api-key", "guess")).status,
        StatusCode::UNAUTHORIZED
    );
}

#[test]
fn in_shadow_nothing_is_refused_and_nothing_taken_out() {
    let stand = Stand::new();
    let key = stand.key();
    let layer = || stand.builder().dangerously_only_shadow().build().unwrap();
    let response = ask(layer(), with_header("x-api-key", "guess"));
    assert_eq!(response.would_refuse, ["unauthenticated"]);
    assert_eq!(response.saw.unwrap().headers["x-api-key"], "guess");
    let saw = ask(layer(), with_header("x-api-key", &key)).saw.unwrap();
    assert_eq!(saw.headers["x-api-key"], *key);
}

#[test]
fn environments_are_told_apart() {
    let stand = Stand::new();
    let live = stand.key();
    let test = stand.mint(Grant::new(Environment::Test)).key().to_owned();
    let check = |accepted: &[Environment], key: &str, status: StatusCode| {
        let layer = stand
            .builder()
            .environments(accepted.iter().copied())
            .build()
            .unwrap();
        assert_eq!(
            ask(layer, with_header("x-api-key", key)).status,
            status,
            "{accepted:?}"
        );
    };
    check(&[Environment::Live], &live, StatusCode::OK);
    check(&[Environment::Live], &test, StatusCode::UNAUTHORIZED);
    check(&[Environment::Test], &live, StatusCode::UNAUTHORIZED);
    check(&[Environment::Test], &test, StatusCode::OK);
    check(
        &[Environment::Live, Environment::Test],
        &live,
        StatusCode::OK,
    );
    check(
        &[Environment::Live, Environment::Test],
        &test,
        StatusCode::OK,
    );
    assert_eq!(
        stand.send(&test).reason(),
        Some("key of another environment")
    );
}

#[test]
fn a_key_counts_from_its_start_and_until_its_end() {
    let stand = Stand::new();
    let key = stand
        .mint(live().not_before(NOW + MINUTE).expires(NOW + 2 * MINUTE))
        .key()
        .to_owned();
    let second = std::time::Duration::from_secs(1);
    assert_eq!(stand.send(&key).reason(), Some("key not yet valid"));
    stand.clock.advance(MINUTE - second);
    assert_eq!(stand.send(&key).status, StatusCode::UNAUTHORIZED);
    stand.clock.advance(second);
    assert_eq!(stand.send(&key).status, StatusCode::OK);
    stand.clock.advance(MINUTE - second);
    assert_eq!(stand.send(&key).status, StatusCode::OK);
    stand.clock.advance(second);
    assert_eq!(stand.send(&key).reason(), Some("key expired"));
}

#[test]
fn a_key_bound_to_networks_counts_from_there_alone() {
    let stand = Stand::new();
    let networks = ["203.0.113.0/24", "2001:db8::/32"].map(|text| text.parse().unwrap());
    let key = stand.mint(live().networks(networks)).key().to_owned();
    let check = |client: &str, status: StatusCode| {
        let response = ask_from(Some(client), stand.layer(), with_header("x-api-key", &key));
        assert_eq!(response.status, status, "{client}");
    };
    check("203.0.113.7", StatusCode::OK);
    check("::ffff:203.0.113.7", StatusCode::OK);
    check("2001:db8::1", StatusCode::OK);
    check("203.0.114.7", StatusCode::UNAUTHORIZED);
    check("::1", StatusCode::UNAUTHORIZED);
}

#[test]
fn a_key_bound_to_networks_is_refused_where_the_client_is_unknown() {
    let stand = Stand::new();
    let key = stand
        .mint(live().networks(["0.0.0.0/0".parse().unwrap()]))
        .key()
        .to_owned();
    assert_eq!(stand.send(&key).status, StatusCode::INTERNAL_SERVER_ERROR);
}

#[test]
fn both_secrets_count_while_a_rotation_lasts() {
    let stand = Stand::new();
    let old = stand.mint(live());
    let new = stand
        .scheme
        .rotate(old.record(), NOW + MINUTE, NOW)
        .unwrap();
    stand.store.replace(new.record().clone()).unwrap();
    assert_eq!(id_of(old.key()), id_of(new.key()), "the key keeps its name");
    assert_eq!(stand.send(old.key()).status, StatusCode::OK);
    assert_eq!(stand.send(new.key()).status, StatusCode::OK);
    stand.clock.advance(MINUTE);
    assert_eq!(
        stand.send(old.key()).reason(),
        Some("key used with a secret that was rotated out")
    );
    assert_eq!(stand.send(new.key()).status, StatusCode::OK);
}

#[test]
fn the_id_of_an_ended_key_is_noted_if_its_secret_is_right() {
    let stand = Stand::new();
    let key = stand.key();
    let id = id_of(&key);
    stand.store.revoke(id, NOW).unwrap();
    let noted = |fact: &Fact| matches!(fact, Fact::Noted { key: "api_key_id", value } if *value == id.as_str());
    assert!(stand.send(&key).facts.iter().any(noted));
}

#[test]
fn the_last_use_of_a_key_is_remembered_across_changes_of_its_record() {
    let stand = Stand::new();
    let minted = stand.mint(live());
    let id = minted.record().id();
    let last_used = || stand.store.table().get(id).unwrap().last_used();
    let wrong = stand.scheme.rotate(minted.record(), NOW, NOW).unwrap();
    stand.send(wrong.key());
    assert_eq!(last_used(), None, "a wrong secret is no use");
    stand.send(minted.key());
    assert_eq!(last_used(), Some(NOW));
    stand.clock.advance(MINUTE);
    stand.send(minted.key());
    stand.store.replace(wrong.record().clone()).unwrap();
    stand.store.revoke(id, NOW).unwrap();
    assert_eq!(last_used(), Some(NOW + MINUTE));
}

/// Accepts every bearer token that no other authenticator reads.
struct Bearer;

impl Authenticator for Bearer {
    fn id(&self) -> AuthenticatorId {
        AuthenticatorId::unique()
    }

    fn kind(&self) -> &'static str {
        "bearer"
    }

    fn sources(&self) -> Vec<CredentialSource> {
        vec![CredentialSource::bearer(TokenShape::Any)]
    }

    fn authenticate(
        &self,
        _: &SecurityContext,
        _: &mut request::Parts,
        _: &Credential,
    ) -> Verdict<Principal> {
        Verdict::Admit(Principal::builder("bearer", "someone").build())
    }

    fn challenge(&self) -> HeaderValue {
        HeaderValue::from_static("Bearer")
    }
}

#[test]
fn beside_another_kind_the_credential_present_decides() {
    let stand = Stand::new();
    let key = stand.key();
    let any = || {
        let both = AuthenticateLayer::builder().authenticator(stand.layer());
        both.authenticator(Bearer).build().unwrap()
    };
    assert_eq!(
        ask(any(), with_header("x-api-key", &key)).who(),
        Some(id_of(&key).as_str())
    );
    assert_eq!(
        ask(any(), with_header("authorization", "Bearer eyJ")).who(),
        Some("someone")
    );

    let mut both = with_header("x-api-key", &key);
    both.headers_mut()
        .insert(AUTHORIZATION, HeaderValue::from_static("Bearer eyJ"));
    assert_eq!(ask(any(), both).status, StatusCode::BAD_REQUEST);

    let anonymous = ask(any(), plain());
    assert_eq!(
        anonymous.headers.get_all("www-authenticate").iter().count(),
        2
    );
}

#[test]
fn choices_that_cannot_work_are_errors_when_building() {
    let stand = Stand::new();
    let builder = || stand.builder();
    let check = |built: Result<ApiKeyLayer, _>, problem| assert_eq!(built.map(drop), Err(problem));
    check(
        builder().header(AUTHORIZATION).build(),
        ApiKeyBuildError::Header,
    );
    check(
        builder().environments([]).build(),
        ApiKeyBuildError::NoEnvironment,
    );
    check(
        builder().dangerously_accept_query_parameter("a&b").build(),
        ApiKeyBuildError::Parameter,
    );
    check(
        builder().dangerously_accept_query_parameter("").build(),
        ApiKeyBuildError::Parameter,
    );
    check(builder().realm("a\"b").build(), ApiKeyBuildError::Realm);
    check(builder().realm("a\r\nb").build(), ApiKeyBuildError::Realm);
}

#[tokio::test]
async fn a_key_in_the_query_is_not_left_in_the_original_uri_of_axum() {
    use axum::{Router, body::Body, extract::OriginalUri, routing::get};
    use http_body_util::BodyExt as _;
    use tower::ServiceExt as _;

    let stand = Stand::new();
    let layer = stand
        .builder()
        .dangerously_accept_query_parameter("api_key");
    let handler =
        async |OriginalUri(original): OriginalUri, uri: http::Uri| format!("{original} {uri}");
    let inner = Router::new().route("/speak", get(handler));
    let app = Router::new()
        .nest("/v1", inner)
        .layer(layer.build().unwrap());
    let target = format!("/v1/speak?text=a&api%5Fkey={}&x", stand.key());
    let request = http::Request::get(target).body(Body::empty()).unwrap();
    let response = app.oneshot(request).await.unwrap();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert_eq!(body, "/v1/speak?text=a&x /speak?text=a&x");
}
