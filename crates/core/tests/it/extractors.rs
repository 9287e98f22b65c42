//! The extractors for axum handlers. None returns a default for what is missing.

use axum::{Router, body::Body, routing::get};
use http::{Request, StatusCode, request};
use palisade_core::{
    ClientInfo, ClientIp, Guard, Principal, Rejection, Scheme, SecurityContext, Verdict,
    extract::Refused, layer,
};
use tower::ServiceExt as _;

#[derive(Clone, Debug)]
struct Everything;

layer!(Everything);

impl Guard for Everything {
    type Pass = ();
    fn name(&self) -> &'static str {
        "everything"
    }
    fn admit(&self, cx: &SecurityContext, _: &mut request::Parts) -> Verdict<()> {
        cx.set_client(ClientInfo::new([203, 0, 113, 7].into(), Scheme::Https));
        cx.set_principal(Principal::builder("test", "ann").build())
            .into()
    }
}

#[derive(Clone, Debug)]
struct Guest;

layer!(Guest);

impl Guard for Guest {
    type Pass = ();
    fn name(&self) -> &'static str {
        "guest"
    }
    fn admit(&self, cx: &SecurityContext, _: &mut request::Parts) -> Verdict<()> {
        cx.mark_authentication_attempted();
        Verdict::Admit(())
    }
}

fn router() -> Router {
    Router::new()
        .route("/who", get(async |who: Principal| who.id().to_owned()))
        .route(
            "/perhaps",
            get(async |who: Option<Principal>| who.is_some().to_string()),
        )
        .route("/ip", get(async |ip: ClientIp| ip.to_string()))
        .route(
            "/no",
            get(async |cx: SecurityContext| Refused::new(&cx, Rejection::not_found())),
        )
}

async fn send(router: Router, path: &str) -> (StatusCode, String) {
    let request = Request::get(path).body(Body::empty()).unwrap();
    let response = router.oneshot(request).await.unwrap();
    let status = response.status();
    let bytes = axum::body::to_bytes(response.into_body(), 1024)
        .await
        .unwrap();
    (status, String::from_utf8(bytes.to_vec()).unwrap())
}

#[tokio::test]
async fn handlers_read_what_the_guards_found() {
    let router = router().layer(Everything);
    assert_eq!(send(router.clone(), "/who").await.1, "ann");
    assert_eq!(send(router.clone(), "/perhaps").await.1, "true");
    assert_eq!(send(router.clone(), "/ip").await.1, "203.0.113.7");
    assert_eq!(send(router, "/no").await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_anonymous_client_is_none_and_not_an_error() {
    let router = router().layer(Guest);
    assert_eq!(send(router.clone(), "/perhaps").await.1, "false");
    assert_eq!(
        send(router.clone(), "/who").await.0,
        StatusCode::UNAUTHORIZED
    );
    assert_eq!(
        send(router, "/ip").await.0,
        StatusCode::INTERNAL_SERVER_ERROR
    );
}

#[tokio::test]
async fn an_extractor_without_a_stack_refuses() {
    for path in ["/who", "/perhaps", "/ip", "/no"] {
        assert_eq!(
            send(router(), path).await.0,
            StatusCode::INTERNAL_SERVER_ERROR,
            "{path}"
        );
    }
}
