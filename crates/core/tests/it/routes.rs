//! Rules per route: the table decides, and denies by default.

use std::sync::Arc;

use http::{HeaderValue, Method, Request, request};
use palisade_core::{
    AccessLayer, BodyKind, ClientCertificate, Guard, GuardLayer, Guards, NotFoundLayer, Principal,
    RouteLayer, RouteTable, Rule, SecurityContext, Verdict,
};
use tower::{Layer as _, ServiceExt as _};

use crate::support::*;

/// Identifies each client that names scopes in a header. Other clients are anonymous.
#[derive(Clone)]
struct Scopes;

impl Guard for Scopes {
    type Pass = ();
    fn name(&self) -> &'static str {
        "scopes"
    }
    fn admit(&self, cx: &SecurityContext, head: &mut request::Parts) -> Verdict<()> {
        cx.mark_authentication_attempted();
        let Some(scopes) = head.headers.get("x-scopes") else {
            return Verdict::Admit(());
        };
        let scopes = scopes.to_str().unwrap().split(' ');
        cx.set_principal(Principal::builder("test", "ann").scopes(scopes).build())
            .into()
    }
}

fn table() -> RouteTable {
    RouteTable::builder()
        .route("/", Method::GET, Rule::public())
        .route("/tts", Method::GET, Rule::scope("tts:speak"))
        .route(
            "/tts",
            Method::POST,
            Rule::scopes(["tts:speak", "tts:post"]),
        )
        .route("/me", Method::GET, Rule::authenticated())
        .route("/voices/{id}", Method::GET, Rule::public())
        .any("/files/{*rest}", Rule::public())
        .allow_preflight()
        .build()
        .unwrap()
}

fn stack() -> impl Guards + Clone {
    let route = RouteLayer::new(Arc::new(table()));
    let access = AccessLayer::new([HeaderValue::from_static("Bearer")]);
    (route, NotFoundLayer::new(), Scopes, access)
}

async fn check(method: &str, path: &str, scopes: Option<&'static str>, status: u16) {
    let mut request = Request::builder()
        .method(method)
        .uri(path)
        .body(TestBody::default())
        .unwrap();
    if let Some(scopes) = scopes {
        request
            .headers_mut()
            .insert("x-scopes", HeaderValue::from_static(scopes));
    }
    let response = GuardLayer(stack())
        .layer(responds_with("in"))
        .oneshot(request)
        .await
        .unwrap();
    assert_eq!(
        response.status().as_u16(),
        status,
        "{method} {path} {scopes:?}"
    );
    if status == 405 {
        assert!(response.headers().contains_key("allow"));
    }
}

#[tokio::test]
async fn a_route_without_a_rule_does_not_exist() {
    check("GET", "/forgotten", Some("tts:speak"), 404).await;
    check("GET", "/tts/", Some("tts:speak"), 404).await;
    check("GET", "//tts", Some("tts:speak"), 404).await;
    check("GET", "/%74ts", Some("tts:speak"), 404).await;
}

#[tokio::test]
async fn a_public_route_is_open_to_anonymous_clients() {
    check("GET", "/", None, 200).await;
    check("GET", "/voices/demo", None, 200).await;
    check("DELETE", "/files/a/b", None, 200).await;
}

#[tokio::test]
async fn an_anonymous_client_gets_401_and_a_credential_without_the_scope_403() {
    check("GET", "/me", None, 401).await;
    check("GET", "/me", Some("anything"), 200).await;
    check("GET", "/tts", None, 401).await;
    check("GET", "/tts", Some("tts"), 403).await;
    check("GET", "/tts", Some("tts:speaker"), 403).await;
    check("GET", "/tts", Some("a tts:speak"), 200).await;
    check("POST", "/tts", Some("tts:speak"), 403).await;
    check("POST", "/tts", Some("tts:speak tts:post"), 200).await;
}

#[tokio::test]
async fn head_has_the_rule_of_get_and_other_methods_are_405() {
    check("HEAD", "/tts", Some("tts:speak"), 200).await;
    check("HEAD", "/tts", None, 401).await;
    check("DELETE", "/tts", Some("tts:speak"), 405).await;
    check("TRACE", "/", None, 405).await;
    check("OPTIONS", "/tts", None, 405).await;
}

#[tokio::test]
async fn a_preflight_passes_without_a_credential_where_the_table_allows_it() {
    let preflight = || {
        Request::builder()
            .method("OPTIONS")
            .uri("/tts")
            .header("origin", "https://app.test")
            .header("access-control-request-method", "POST")
            .body(TestBody::default())
            .unwrap()
    };
    let response = GuardLayer(stack())
        .layer(responds_with("in"))
        .oneshot(preflight())
        .await
        .unwrap();
    assert_eq!(response.status(), 200);
    let closed = RouteTable::builder()
        .route("/tts", Method::POST, Rule::public())
        .build()
        .unwrap();
    let closed = (RouteLayer::new(Arc::new(closed)), NotFoundLayer::new());
    let response = GuardLayer(closed)
        .layer(responds_with("in"))
        .oneshot(preflight())
        .await
        .unwrap();
    assert_eq!(response.status(), 405);
}

#[tokio::test]
async fn a_guard_without_the_outer_one_that_it_needs_refuses() {
    async fn code(guards: impl Guards + Clone) -> u16 {
        let response = GuardLayer(guards)
            .layer(responds_with("in"))
            .oneshot(get("/tts"))
            .await
            .unwrap();
        response.status().as_u16()
    }
    let route = RouteLayer::new(Arc::new(table()));
    assert_eq!(code(NotFoundLayer::new()).await, 500);
    assert_eq!(code(AccessLayer::new([])).await, 500);
    assert_eq!(
        code((route, AccessLayer::new([]))).await,
        500,
        "no authenticator ran"
    );
}

#[tokio::test]
async fn an_inner_service_that_makes_a_new_request_has_no_identity() {
    // A middleware that drops the extensions. The guards inside it refuse.
    let route = RouteLayer::new(Arc::new(table()));
    let inner = GuardLayer((route, AccessLayer::new([]))).layer(responds_with("in"));
    let forgetful = tower::service_fn(move |request: Request<TestBody>| {
        let mut fresh = Request::new(request.into_body());
        *fresh.uri_mut() = "/me".parse().unwrap();
        inner.clone().oneshot(fresh)
    });
    let outer = GuardLayer(Scopes).layer(forgetful);
    let request = Request::get("/me")
        .header("x-scopes", "all")
        .body(TestBody::default())
        .unwrap();
    assert_eq!(outer.oneshot(request).await.unwrap().status(), 500);
}

#[test]
fn a_nested_table_is_below_its_prefix() {
    let inner = RouteTable::builder()
        .any("/", Rule::public())
        .any("/{id}", Rule::public());
    let table = RouteTable::builder()
        .nest("/voices", inner)
        .build()
        .unwrap();
    let templates: Vec<&str> = table.rules().iter().map(|rule| rule.template()).collect();
    assert_eq!(templates, ["/voices", "/voices/{id}"]);
    let rule = table.rule_at("/voices/{id}", &Method::GET).unwrap();
    assert_eq!(
        rule.index(),
        table.rule_at("/voices/demo", &Method::GET).unwrap().index()
    );
    assert!(table.rule_at("/other", &Method::GET).is_none());
}

#[test]
fn a_table_with_a_mistake_is_not_built() {
    let twice = RouteTable::builder()
        .route("/a", Method::GET, Rule::public())
        .route("/a", Method::GET, Rule::authenticated());
    assert!(twice.build().unwrap_err().to_string().contains("/a"));
    let conflict = RouteTable::builder()
        .any("/{a}", Rule::public())
        .any("/{b}", Rule::public());
    conflict.build().unwrap_err();
    for template in ["/{", "", "a", "{a}", &"/{x}".repeat(26)] {
        let table = RouteTable::builder().any(template, Rule::public());
        assert!(table.build().is_err(), "{template}");
    }
    let many = RouteTable::builder().any("/{x}".repeat(25), Rule::public());
    assert_eq!(many.build().unwrap().rules().len(), 1);
}

#[test]
fn a_table_nested_below_the_root_keeps_its_own_root() {
    let inner = RouteTable::builder()
        .any("/", Rule::public())
        .any("/{id}", Rule::public());
    let table = RouteTable::builder().nest("/", inner).build().unwrap();
    let templates: Vec<&str> = table.rules().iter().map(|rule| rule.template()).collect();
    assert_eq!(templates, ["/", "/{id}"]);
}

#[test]
fn a_rule_that_is_unlimited_and_names_limits_is_refused() {
    let both = Rule::public().limit("tts").unlimited();
    let error = RouteTable::builder().any("/health", both).build();
    let error = error.unwrap_err().to_string();
    assert!(
        error.contains("`/health`") && error.contains("unlimited"),
        "{error}"
    );
    let health = Rule::public().unlimited();
    assert!(RouteTable::builder().any("/health", health).build().is_ok());
    assert!(!Rule::public().is_unlimited());
}

#[test]
fn a_text_field_that_is_no_json_pointer_is_refused_when_building() {
    let table = |field: &str| {
        let rule = Rule::public().text(field);
        RouteTable::builder().any("/a", rule).build()
    };
    for field in ["/a~", "/a~2/b", "/~01~", "/a/**/b"] {
        let error = table(field).unwrap_err().to_string();
        assert!(error.contains(field), "{error}");
    }
    for field in [
        "", "?", "text", "a~b", "/", "/a~0~1", "/a/*/b?", "/**", "/a/**?",
    ] {
        assert!(table(field).is_ok(), "{field}");
    }
}

#[test]
fn a_json_pointer_where_the_body_is_a_form_is_refused_when_building() {
    let table = |rule: Rule| RouteTable::builder().any("/a", rule).build();
    let form = || Rule::public().body(BodyKind::Form);
    for rule in [form().text("/a"), form().text(""), form().text_schema("s")] {
        let error = table(rule).unwrap_err().to_string();
        assert!(error.contains("BodyKind::Form"), "{error}");
    }
    assert!(table(form().text("a").text("b?")).is_ok());
    let json = Rule::public().body(BodyKind::Json).text("/a").text("b");
    assert!(table(json).is_ok());
}

#[tokio::test]
async fn a_rule_can_demand_a_certificate_besides_the_credential() {
    let table = RouteTable::builder()
        .route("/", Method::GET, Rule::public())
        .route("/open", Method::GET, Rule::public().client_certificate())
        .route(
            "/tts",
            Method::GET,
            Rule::scope("tts:speak").client_certificate(),
        )
        .build()
        .unwrap();
    let guards = (
        RouteLayer::new(Arc::new(table)),
        Scopes,
        AccessLayer::new([HeaderValue::from_static("Bearer")]),
    );
    let service = GuardLayer(guards).layer(responds_with("in"));
    let status = async |path: &str, scopes: Option<&str>, certificate: bool| {
        let mut request = Request::builder().uri(path);
        if let Some(scopes) = scopes {
            request = request.header("x-scopes", scopes);
        }
        let mut request = request.body(TestBody::default()).unwrap();
        if certificate {
            let certificate = ClientCertificate::new([1; 32]);
            request.extensions_mut().insert(certificate);
        }
        let response = service.clone().oneshot(request).await.unwrap();
        response.status().as_u16()
    };
    assert_eq!(status("/", None, false).await, 200);
    assert_eq!(status("/open", None, false).await, 403);
    assert_eq!(status("/open", None, true).await, 200);
    assert_eq!(status("/tts", Some("tts:speak"), false).await, 403);
    assert_eq!(
        status("/tts", None, true).await,
        401,
        "a certificate is no credential"
    );
    assert_eq!(status("/tts", Some("tts:speak"), true).await, 200);
}
