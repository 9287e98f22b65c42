//! A router that was built elsewhere cannot serve under another rule than the one that was decided.

use axum::{Router, routing::get};
use http::Uri;
use palisade::{AllowedHosts, Rule, Rules, Shield};
use tower::ServiceExt as _;

use crate::support::*;

fn shield() -> Shield {
    let table = Rules::new()
        .any("/open", Rule::public())
        .any("/closed", Rule::scope("x"))
        .any("/files/{*rest}", Rule::public());
    let keys = palisade::api_key::MemoryKeyStore::new();
    let scheme = palisade::api_key::KeyScheme::new(palisade::api_key::Pepper::generate().unwrap());
    Shield::builder()
        .hosts(AllowedHosts::parse(["service.test"]).unwrap())
        .authenticate(palisade::ApiKeyLayer::new(scheme, keys))
        .rules(table)
        .build()
        .unwrap()
}

fn router() -> Router {
    Router::new()
        .route("/open", get(async || "open"))
        .route("/closed", get(async || "closed"))
        .route("/forgotten", get(async || "forgotten"))
        .nest(
            "/files",
            Router::new().route("/a/{id}", get(async || "file")),
        )
        .fallback(async || "fallback")
}

#[tokio::test]
async fn a_handler_without_a_rule_is_refused() {
    let app = shield().protect(router());
    assert_eq!(
        send_to(&app, request("GET", "/open", None)).await.body,
        "open"
    );
    assert_eq!(
        send_to(&app, request("GET", "/forgotten", None))
            .await
            .status,
        404
    );
    assert_eq!(
        send_to(&app, request("GET", "/closed", None)).await.status,
        401
    );
    assert_eq!(
        send_to(&app, request("GET", "/elsewhere", None))
            .await
            .status,
        404
    );
}

#[tokio::test]
async fn routes_that_are_added_to_a_layered_router_are_open_and_to_a_protected_one_they_cannot_be()
{
    let layered = Router::new()
        .route("/closed", get(async || "closed"))
        .layer(shield().as_layer())
        .route("/forgotten", get(async || "open"));
    let open = layered.oneshot(request("GET", "/forgotten", None)).await;
    assert_eq!(
        read_response(open.unwrap()).await.status,
        200,
        "what the documentation warns of"
    );

    let late = Router::new().route("/forgotten", get(async || "open"));
    let app = shield().protect(
        Router::new()
            .route("/open", get(async || "open"))
            .merge(late),
    );
    assert_eq!(
        send_to(&app, request("GET", "/forgotten", None))
            .await
            .status,
        404
    );
}

#[test]
fn a_handler_without_a_rule_and_a_rule_without_a_handler_are_warnings() {
    let codes = |router: Router| {
        let app = shield().protect(router);
        let warnings: Vec<(&str, String)> = app
            .warnings()
            .iter()
            .filter(|warning| warning.code.contains("handler"))
            .map(|warning| (warning.code, warning.text.to_string()))
            .collect();
        assert!(
            warnings
                .iter()
                .all(|(code, _)| app.explain().contains(code))
        );
        warnings
    };
    let warnings = codes(router());
    assert_eq!(
        warnings.len(),
        1,
        "a fallback may serve what has a rule: {warnings:?}"
    );
    assert_eq!(warnings[0].0, "handler-without-rule");
    assert!(warnings[0].1.contains("`/forgotten`"), "{}", warnings[0].1);

    let small = Router::new()
        .route("/open", get(async || "open"))
        .route("/files/{id}", get(async || "file"));
    let warnings = codes(small);
    assert_eq!(warnings.len(), 1, "{warnings:?}");
    assert_eq!(warnings[0].0, "rule-without-handler");
    assert!(warnings[0].1.contains("`/closed`"), "{}", warnings[0].1);
}

#[test]
fn routes_that_contradict_each_other_are_an_error_and_no_panic() {
    use palisade::{Routes, shield::RulesError};

    let handler = || async || "x";
    let code = |routes: Routes| routes.into_parts().unwrap_err().code();
    let twice = Routes::new().get("/a", Rule::public(), handler()).get(
        "/a",
        Rule::authenticated(),
        handler(),
    );
    assert_eq!(
        twice.clone().into_parts().unwrap_err(),
        RulesError::TwoRules { route: "/a".into() }
    );
    let builder = Shield::builder().hosts(AllowedHosts::parse(["service.test"]).unwrap());
    assert_eq!(builder.protect(twice).unwrap_err().code(), "two-rules");

    let both = Routes::new()
        .any("/a", Rule::public(), get(async || "x"))
        .post("/a", Rule::authenticated(), handler());
    assert_eq!(code(both), "two-rules");
    let nested = Routes::new()
        .get("/n/a", Rule::public(), handler())
        .nest("/n", Routes::new().get("/a", Rule::public(), handler()));
    assert_eq!(code(nested), "two-rules");
    let merged = Routes::new().get("/a/{id}", Rule::public(), handler());
    let merged = merged.merge(Routes::new().get("/a/{name}", Rule::public(), handler()));
    assert_eq!(code(merged), "routes");
    for template in ["a", "/:id", "/*rest"] {
        let old = Routes::new().get(template, Rule::public(), handler());
        assert_eq!(code(old), "template", "{template}");
    }
    let inner = Routes::new().get("/", Rule::public(), handler());
    assert_eq!(code(Routes::new().nest("/{*rest}", inner)), "template");
}

#[tokio::test]
async fn nested_routes_keep_their_rules_and_see_the_path_without_the_prefix() {
    use palisade::Routes;

    let path = async |uri: Uri| uri.path().to_owned();
    let inner = Routes::new()
        .get("/", Rule::public(), path)
        .get("/b", Rule::public(), path);
    let root = Routes::new().get("/c", Rule::public(), path);
    let routes = Routes::new().nest("/n", inner).nest("/", root);
    let app = Shield::builder()
        .hosts(AllowedHosts::parse(["service.test"]).unwrap())
        .protect(routes)
        .unwrap();
    for (asked, seen) in [("/n", "/"), ("/n/b", "/b"), ("/c", "/c")] {
        assert_eq!(send_to(&app, request("GET", asked, None)).await.body, seen);
    }
}

#[tokio::test]
async fn a_nested_route_passes_under_the_rule_of_its_wildcard() {
    let app = shield().protect(router());
    assert_eq!(
        send_to(&app, request("GET", "/files/a/1", None)).await.body,
        "file"
    );
    assert_eq!(
        send_to(&app, request("GET", "/files/b", None)).await.body,
        "fallback"
    );
}

#[tokio::test]
async fn a_rewrite_between_table_and_router_fails_closed() {
    // A careless middleware: the table decides on /open, the router serves /closed.
    let inner = shield().check(router());
    let rewriting = tower::service_fn(move |mut request: http::Request<axum::body::Body>| {
        *request.uri_mut() = Uri::from_static("/closed");
        inner.clone().oneshot(request)
    });
    let app = shield().protect(Router::new().fallback_service(rewriting));
    let seen = send_to(&app, request("GET", "/open", None)).await;
    assert_eq!((seen.status, seen.code.as_str()), (500, "misconfigured"));
}

#[tokio::test]
async fn a_checked_router_without_a_shield_serves_nothing() {
    let alone = shield().check(router());
    let response = alone.oneshot(request("GET", "/open", None)).await.unwrap();
    assert_eq!(read_response(response).await.code, "misconfigured");
}

#[tokio::test]
async fn a_protected_router_serves_under_axum_serve() {
    let app = test_shield().builder.protect(routes()).unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app.into_make_service()).await });
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut socket = tokio::net::TcpStream::connect(address).await.unwrap();
    socket
        .write_all(b"GET /health HTTP/1.1\r\nhost: service.test\r\nconnection: close\r\n\r\n")
        .await
        .unwrap();
    let mut response = String::new();
    socket.read_to_string(&mut response).await.unwrap();
    assert!(response.starts_with("HTTP/1.1 403"), "in clear: {response}");
    assert!(response.contains("insecure_transport"), "{response}");
}
