//! The form of a refusal in HTTP.

use http::{HeaderValue, Request, StatusCode, Version, header};
use palisade_core::{AccessLayer, EmptyBody, GuardLayer, PlainText, Rejection, RenderLayer};
use palisade_internal::log_lines;
use tower::{Layer as _, ServiceExt as _};

use crate::support::*;

async fn refused(request: Request<TestBody>) -> http::Response<palisade_core::GuardBody<TestBody>> {
    let guard = LoggingGuard::new("closed", Behavior::Refuse, &log());
    GuardLayer(guard)
        .layer(responds_with(""))
        .oneshot(request)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_refusal_is_a_problem_document_without_the_private_reason() {
    let response = refused(get("/secret-path?text=hidden")).await;
    assert_eq!(
        response.headers()[header::CONTENT_TYPE],
        "application/problem+json"
    );
    assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
    let (status, body) = text(response).await;
    assert_eq!(status, StatusCode::IM_A_TEAPOT);
    let document: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(document["code"], "closed");
    assert_eq!(document["status"], 418);
    assert_eq!(document["detail"], "No.");
    assert_eq!(document["type"], "about:blank");
    let start =
        r#"{"type":"about:blank","title":"I'm a teapot","status":418,"detail":"No.","code":"#;
    assert!(body.starts_with(start), "{body}");
    for hidden in ["private", "secret-path", "hidden"] {
        assert!(!body.contains(hidden), "{hidden}");
    }
}

#[tokio::test]
async fn a_refusal_closes_a_connection_whose_body_would_be_long() {
    let request = |length: &'static str, version| {
        let mut request = get("/");
        *request.version_mut() = version;
        request
            .headers_mut()
            .insert(header::CONTENT_LENGTH, HeaderValue::from_static(length));
        request
    };
    let closes = async |request| {
        let response = refused(request).await;
        response.headers().contains_key(header::CONNECTION)
    };
    assert!(!closes(get("/")).await);
    assert!(!closes(request("8192", Version::HTTP_11)).await);
    assert!(closes(request("8193", Version::HTTP_11)).await);
    assert!(closes(request("nonsense", Version::HTTP_11)).await);
    assert!(!closes(request("8193", Version::HTTP_2)).await);
    let mut chunked = get("/");
    chunked.headers_mut().insert(
        header::TRANSFER_ENCODING,
        HeaderValue::from_static("chunked"),
    );
    assert!(closes(chunked).await);
}

#[tokio::test]
async fn the_renderer_of_a_stack_can_be_replaced() {
    let closed = LoggingGuard::new("closed", Behavior::Refuse, &log());
    let plain = GuardLayer((RenderLayer::new(PlainText::default()), closed.clone()));
    let response = plain
        .layer(responds_with(""))
        .oneshot(get("/"))
        .await
        .unwrap();
    assert_eq!(
        text(response).await,
        (StatusCode::IM_A_TEAPOT, "No.\n".into())
    );
    let empty = GuardLayer((RenderLayer::new(EmptyBody::default()), closed));
    let response = empty
        .layer(responds_with(""))
        .oneshot(get("/"))
        .await
        .unwrap();
    assert_eq!(
        text(response).await,
        (StatusCode::IM_A_TEAPOT, String::new())
    );
}

#[tokio::test]
async fn a_rejection_is_exposed_to_other_layers_only_if_enabled() {
    let closed = LoggingGuard::new("closed", Behavior::Refuse, &log());
    let exposing = RenderLayer::builder(PlainText::default());
    let exposing = exposing.expose_rejection().build();
    let layer = GuardLayer((exposing, closed));
    let response = layer
        .layer(responds_with(""))
        .oneshot(get("/"))
        .await
        .unwrap();
    assert_eq!(
        response.extensions().get::<Rejection>().unwrap().code(),
        "closed"
    );
    assert!(refused(get("/")).await.extensions().is_empty());
}

#[test]
fn clones_of_a_prerendered_refusal_share_its_document() {
    let ready = Rejection::not_found().prerendered();
    let clone = ready.clone().with_reason("why");
    assert_eq!(ready.problem().as_ptr(), clone.problem().as_ptr());
    assert!(!format!("{:?}", clone.problem()).contains("why"));
}

#[test]
fn a_changed_refusal_does_not_change_its_original() {
    let one = Rejection::not_found().prerendered();
    let two = one.clone().with_detail("Another thing is missing.");
    assert_ne!(one.problem(), two.problem());
    assert_eq!(one.detail(), "There is nothing here.");
}

#[test]
fn retry_after_is_never_zero() {
    let soon = Rejection::unavailable(std::time::Duration::ZERO);
    let (name, value) = soon.headers().next().unwrap();
    assert_eq!(
        (name, value),
        (&header::RETRY_AFTER, &HeaderValue::from_static("1"))
    );
}

#[tokio::test]
async fn a_request_counts_as_refused_only_if_it_did_not_reach_the_handler() {
    let turned_away = async |behavior: Behavior, shadow: bool| {
        let mut guard = LoggingGuard::new("inner", behavior, &log());
        if shadow {
            guard = guard.shadow();
        }
        let mut request = get("/");
        let (mut head, body) = request.into_parts();
        let cx = palisade_core::SecurityContext::find_or_create(&mut head);
        request = Request::from_parts(head, body);
        let response = GuardLayer(guard)
            .layer(responds_with(""))
            .oneshot(request)
            .await;
        drop(response.unwrap());
        cx.refused_before_handler()
    };
    assert!(turned_away(Behavior::Refuse, false).await);
    assert!(turned_away(Behavior::RefuseLater, false).await);
    assert!(!turned_away(Behavior::Admit, false).await);
    assert!(!turned_away(Behavior::FinishRefuses, false).await);
    assert!(!turned_away(Behavior::Refuse, true).await);
}

#[test]
fn a_thousand_requests_to_a_misconfigured_stack_write_one_line() {
    // Without a table of routes outside it.
    let misconfigured = GuardLayer(AccessLayer::new([])).layer(responds_with(""));
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    let runtime = runtime.unwrap();
    let lines = log_lines::count(|| {
        for _ in 0..1000 {
            let response = runtime.block_on(misconfigured.clone().oneshot(get("/")));
            assert_eq!(
                response.unwrap().status(),
                StatusCode::INTERNAL_SERVER_ERROR
            );
        }
    });
    assert_eq!(lines, 1);
}
