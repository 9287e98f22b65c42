//! Scripts of other origins: preflights without a credential, and refusals that scripts can read.

use std::time::Duration;

use axum::body::Body;
use http::{HeaderValue, Method, Request, header, request};
use palisade::core::{Guard, Rejection, SecurityContext, Verdict};
use palisade::{AllowedHosts, Routes, Rule, Rules, Shield};
use tower_http::cors::{Any, CorsLayer};

use crate::support::{TestResponse, TestShield, request, routes, send_to, test_shield};

const ORIGIN: &str = "https://app.example";

fn cors() -> CorsLayer {
    CorsLayer::new()
        .allow_origin([HeaderValue::from_static(ORIGIN)])
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([header::AUTHORIZATION])
        .expose_headers([header::RETRY_AFTER])
        .max_age(Duration::from_secs(600))
}

fn from(origin: &'static str, mut request: Request<Body>) -> Request<Body> {
    let origin = HeaderValue::from_static(origin);
    request.headers_mut().insert(header::ORIGIN, origin);
    request
}

fn preflight(origin: &'static str, path: &str) -> Request<Body> {
    let mut request = from(origin, request("OPTIONS", path, None));
    request.headers_mut().insert(
        header::ACCESS_CONTROL_REQUEST_METHOD,
        HeaderValue::from_static("GET"),
    );
    request
}

fn allowed(seen: &TestResponse) -> Option<&str> {
    let origin = seen.headers.get(header::ACCESS_CONTROL_ALLOW_ORIGIN);
    origin.map(|origin| origin.to_str().unwrap())
}

#[tokio::test]
async fn a_preflight_needs_no_credential() {
    let parts = test_shield();
    let app = parts.builder.cors(cors()).protect(routes()).unwrap();
    let seen = send_to(&app, preflight(ORIGIN, "/speak")).await;
    assert_eq!((seen.status, seen.body.as_str()), (204, ""));
    assert_eq!(allowed(&seen), Some(ORIGIN));
    assert_eq!(seen.headers["access-control-allow-methods"], "GET,POST");
    assert_eq!(
        seen.headers["access-control-allow-headers"],
        "authorization"
    );
    assert_eq!(seen.headers["access-control-max-age"], "600");
    assert!(
        seen.headers.contains_key("x-request-id"),
        "as every response"
    );
    let records = parts.audit.requests();
    assert_eq!(records.len(), 1, "a preflight is recorded: {records:?}");
}

#[tokio::test]
async fn a_preflight_of_a_foreign_origin_allows_nothing() {
    let app = test_shield()
        .builder
        .cors(cors())
        .protect(routes())
        .unwrap();
    let seen = send_to(&app, preflight("https://evil.example", "/speak")).await;
    assert_eq!(allowed(&seen), None);
    let unknown = send_to(&app, preflight(ORIGIN, "/nowhere")).await;
    assert_eq!((unknown.status, unknown.code.as_str()), (404, "not_found"));
}

#[tokio::test]
async fn a_script_can_read_every_refusal() {
    let TestShield {
        builder,
        key,
        narrow_key,
        ..
    } = test_shield();
    let app = builder.cors(cors()).protect(routes()).unwrap();
    let mut statuses = Vec::new();
    let mut send = async |request: Request<Body>| {
        let seen = send_to(&app, from(ORIGIN, request)).await;
        assert_eq!(allowed(&seen), Some(ORIGIN), "{}", seen.status);
        assert_eq!(seen.headers["access-control-expose-headers"], "retry-after");
        statuses.push(seen.status);
    };
    send(request("GET", "/speak", None)).await;
    send(request("GET", "/speak", Some(&narrow_key))).await;
    send(request("GET", "/nowhere", None)).await;
    send(request("DELETE", "/speak", None)).await;
    send(request("GET", "/speak?text=hi", Some(&key))).await;
    for _ in 0..16 {
        send(request("GET", "/health", None)).await;
    }
    let (first, rest) = statuses.split_at(5);
    assert_eq!(first, [401, 403, 404, 405, 200]);
    assert_eq!(rest.last(), Some(&429), "by address: {rest:?}");
}

#[tokio::test]
async fn preflights_are_limited_by_address() {
    let app = test_shield()
        .builder
        .cors(cors())
        .protect(routes())
        .unwrap();
    let mut last = 0;
    for _ in 0..21 {
        last = send_to(&app, preflight(ORIGIN, "/speak")).await.status;
    }
    assert_eq!(last, 429, "20 a minute");
}

#[tokio::test]
async fn credentials_are_allowed_only_where_the_layer_says_so() {
    let name = "access-control-allow-credentials";
    let plain = test_shield()
        .builder
        .cors(cors())
        .protect(routes())
        .unwrap();
    let seen = send_to(&plain, preflight(ORIGIN, "/speak")).await;
    assert!(!seen.headers.contains_key(name));
    let layer = cors().allow_credentials(true);
    let app = test_shield().builder.cors(layer).protect(routes()).unwrap();
    let seen = send_to(&app, preflight(ORIGIN, "/speak")).await;
    assert_eq!(seen.headers[name], "true");
}

#[test]
fn credentials_for_every_origin_are_an_error_and_no_panic() {
    let layer = CorsLayer::new().allow_origin(Any).allow_credentials(true);
    let error = test_shield()
        .builder
        .cors(layer)
        .protect(routes())
        .unwrap_err();
    assert_eq!(error.code(), "cors-wildcard");
}

#[tokio::test]
async fn a_predicate_that_waits_is_awaited() {
    let layer = cors().allow_origin(tower_http::cors::AllowOrigin::async_predicate(
        |origin, _| async move {
            tokio::task::yield_now().await;
            origin == ORIGIN
        },
    ));
    let app = test_shield().builder.cors(layer).protect(routes()).unwrap();
    let seen = send_to(&app, from(ORIGIN, request("GET", "/health", None))).await;
    assert_eq!((seen.status, allowed(&seen)), (200, Some(ORIGIN)));
}

#[tokio::test]
async fn headers_of_a_cors_layer_of_the_handler_are_replaced() {
    let inner = CorsLayer::new().allow_origin(Any);
    let router = axum::Router::new()
        .route("/", axum::routing::get(async || "hello"))
        .layer(inner);
    let app = Shield::builder()
        .hosts(AllowedHosts::parse(["service.test"]).unwrap())
        .cors(cors())
        .rules(Rules::new().get("/", Rule::public()))
        .protect(router)
        .unwrap();
    let seen = send_to(&app, from(ORIGIN, request("GET", "/", None))).await;
    let all = seen.headers.get_all(header::ACCESS_CONTROL_ALLOW_ORIGIN);
    assert_eq!(all.iter().collect::<Vec<_>>(), [ORIGIN]);
}

/// Refuses requests without a principal.
#[derive(Clone, Debug)]
struct Named;

impl Guard for Named {
    type Pass = ();

    fn name(&self) -> &'static str {
        "named"
    }

    fn admit(&self, cx: &SecurityContext, _: &mut request::Parts) -> Verdict<()> {
        match cx.principal() {
            Some(_) => Verdict::Admit(()),
            None => Rejection::new(http::StatusCode::FORBIDDEN, "nameless", "Say who.").into(),
        }
    }
}

#[tokio::test]
async fn a_guard_of_the_application_does_not_see_preflights() {
    let TestShield { builder, key, .. } = test_shield();
    let app = builder.cors(cors()).guard(Named).protect(routes()).unwrap();
    assert_eq!(send_to(&app, preflight(ORIGIN, "/speak")).await.status, 204);
    let guest = send_to(&app, from(ORIGIN, request("GET", "/health", None))).await;
    assert_eq!(guest.code, "nameless");
    let known = send_to(
        &app,
        from(ORIGIN, request("GET", "/speak?text=hi", Some(&key))),
    )
    .await;
    assert_eq!(known.status, 200);
}

#[tokio::test]
async fn without_cors_a_preflight_is_an_unknown_method() {
    let routes = Routes::new().get("/health", Rule::public(), async || "ok");
    let app = test_shield().builder.protect(routes).unwrap();
    let seen = send_to(&app, preflight(ORIGIN, "/health")).await;
    assert_eq!((seen.status, allowed(&seen)), (405, None));
}
