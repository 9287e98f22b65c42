//! A finished axum router, with state, nested routers, services and a fallback, behind rules.

use axum::{
    Router,
    body::Body,
    extract::{Path, State},
    http::{Request, Response, StatusCode},
    routing::{get, post},
};
use palisade::shield::ShieldBuilder;
use palisade::{AllowedHosts, ProtectedRouter, Rule, Rules, Shield};

use crate::support::{request, send_to};

/// Two nested routers of other states, a merged one, a nested service, a fallback.
fn router() -> Router {
    let users = Router::new()
        .route(
            "/{id}",
            get(
                async |State(name): State<&'static str>, Path(id): Path<u32>| {
                    format!("{name} {id}")
                },
            ),
        )
        .with_state("user");
    let files = Router::new()
        .route("/", get(async |State(count): State<u8>| count.to_string()))
        .with_state(7_u8);
    let merged = Router::new().route("/merged", post(async || "merged"));
    let service = tower::service_fn(async |request: Request<Body>| {
        let path = request.uri().path().to_owned();
        Ok::<_, std::convert::Infallible>(Response::new(Body::from(path)))
    });
    Router::new()
        .route("/", get(async || "root"))
        .route("/forgotten", get(async || "forgotten"))
        .nest("/users", users)
        .nest("/files", files)
        .nest_service("/static", service)
        .merge(merged)
        .fallback(async || (StatusCode::NOT_FOUND, "fallback"))
}

fn shield() -> ShieldBuilder {
    Shield::builder().hosts(AllowedHosts::parse(["service.test"]).unwrap())
}

fn rules() -> Rules {
    Rules::new()
        .get("/", Rule::public())
        .get("/users/{id}", Rule::public())
        .below("/files", Rule::public())
        .below("/static", Rule::public())
        .post("/merged", Rule::public())
}

async fn body(app: &ProtectedRouter, method: &str, path: &str) -> (u16, String) {
    let seen = send_to(app, request(method, path, None)).await;
    let body = if seen.code.is_empty() {
        seen.body
    } else {
        seen.code
    };
    (seen.status, body)
}

#[tokio::test]
async fn each_kind_of_route_is_served_under_its_rule() {
    let app = shield().rules(rules()).protect(router()).unwrap();
    for (method, path, response) in [
        ("GET", "/", "root"),
        ("GET", "/users/3", "user 3"),
        ("GET", "/files", "7"),
        ("GET", "/static/a/b", "/a/b"),
        ("POST", "/merged", "merged"),
    ] {
        assert_eq!(
            body(&app, method, path).await,
            (200, response.into()),
            "{path}"
        );
    }
    assert_eq!(
        body(&app, "GET", "/merged").await,
        (405, "method_not_allowed".into())
    );
    for path in ["/forgotten", "/elsewhere", "/users/3/4"] {
        assert_eq!(
            body(&app, "GET", path).await,
            (404, "not_found".into()),
            "{path}"
        );
    }
}

#[tokio::test]
async fn the_rule_of_the_fallback_opens_no_handler() {
    let rules = rules().fallback(Rule::public());
    let app = shield().rules(rules).protect(router()).unwrap();
    assert_eq!(
        body(&app, "GET", "/elsewhere").await,
        (404, "fallback".into())
    );
    assert_eq!(
        body(&app, "GET", "/forgotten").await,
        (404, "not_found".into())
    );
    assert_eq!(body(&app, "GET", "/").await, (200, "root".into()));

    // A root without a rule is a handler too.
    let alone = Rules::new().fallback(Rule::public());
    let app = shield().rules(alone).protect(router()).unwrap();
    assert_eq!(body(&app, "GET", "/").await, (404, "not_found".into()));
}

#[tokio::test]
async fn a_fixed_path_below_a_prefix_has_its_own_rule_and_a_parameter_is_a_conflict() {
    let books = Router::new()
        .route("/", get(async || "all"))
        .route("/new", get(async || "form").post(async || "written"))
        .route("/{id}", get(async || "one"));
    let router = Router::new().nest("/books", books);
    let prefix = || Rules::new().below("/books", Rule::public());
    let rules = prefix().get("/books/new", Rule::public());
    let app = shield().rules(rules).protect(router.clone()).unwrap();
    assert_eq!(body(&app, "GET", "/books/1").await.0, 200);
    assert_eq!(body(&app, "GET", "/books/new").await.0, 200);
    assert_eq!(body(&app, "POST", "/books/new").await.0, 405);

    let rules = prefix().get("/books/{id}", Rule::public());
    let error = shield().rules(rules).protect(router).unwrap_err();
    assert!(error.to_string().contains("/books/{*path}"), "{error}");
}

#[tokio::test]
async fn a_nested_service_without_a_rule_is_a_404() {
    let without = Rules::new().get("/", Rule::public());
    let app = shield().rules(without).protect(router()).unwrap();
    assert_eq!(
        body(&app, "GET", "/static/a").await,
        (404, "not_found".into())
    );
}

#[test]
fn handlers_without_a_rule_are_named_with_their_methods() {
    let router = Router::new()
        .route("/a", get(async || ()).delete(async || ()))
        .route("/b", post(async || ()));
    let rules = Rules::new()
        .get("/a", Rule::public())
        .put("/a", Rule::public())
        .get("/c", Rule::public())
        .fallback(Rule::public());
    let app = shield().rules(rules).protect(router).unwrap();
    let text = app.explain();
    for line in [
        "  GET /a: public",
        "  paths without a handler: public",
        "Handlers without a rule (404 or 405):\n  DELETE /a\n  /b\n",
        "handler-without-rule: no rule opens the handler of `DELETE /a`",
        "rule-without-handler: no handler is there for the rule of `PUT /a`",
        "rule-without-handler: no handler is there for the rule of `GET /c`",
        "Hosts:\n  service.test\n",
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
    let handlers = app
        .warnings()
        .iter()
        .filter(|one| one.code.contains("handler"));
    assert_eq!(handlers.count(), 4, "{text}");
}

#[test]
fn a_router_needs_rules() {
    let error = shield().protect(router()).unwrap_err();
    assert_eq!(error.code(), "no-rules");
    assert!(error.to_string().contains(".rules("), "{error}");
}

#[test]
fn rules_that_contradict_each_other_are_an_error() {
    let code = |rules: Rules| rules.table().unwrap_err().code();
    let public = Rule::public;
    assert_eq!(
        code(Rules::new().get("/a", public()).get("/a", public())),
        "two-rules"
    );
    assert_eq!(code(Rules::new().get("a", public())), "template");
    assert_eq!(code(Rules::new().get("/:id", public())), "template");
    let inner = Rules::new().get("/x", public());
    assert_eq!(
        code(Rules::new().nest("/{*rest}", inner.clone())),
        "template"
    );
    let error = Rules::new()
        .nest("/n", Rules::new().get("/*rest", public()))
        .table();
    assert!(error.unwrap_err().to_string().contains("`/n/*rest`"));
    let both = Rules::new().get("/n/x", public()).nest("/n", inner);
    assert_eq!(code(both), "two-rules");
    let conflict = Rules::new().get("/{a}", public()).get("/{b}", public());
    assert_eq!(code(conflict), "routes");
    let general = Rules::new().any("/a", public()).post("/a", public());
    assert!(
        general.table().is_ok(),
        "the rule of one method is more specific"
    );
}
