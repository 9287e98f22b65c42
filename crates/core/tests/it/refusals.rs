//! Holes 17, 28, 32 and 33: what a refusal looks like.

use http::{HeaderValue, Request, StatusCode, Version, header};
use palisade_core::{EmptyBody, GuardLayer, PlainText, Rejection, RenderLayer};
use tower::{Layer as _, ServiceExt as _};

use crate::support::*;

async fn refused(request: Request<TestBody>) -> http::Response<palisade_core::GuardBody<TestBody>> {
    let guard = Scribe::new("closed", Act::Refuse, &log());
    GuardLayer(guard)
        .layer(says(""))
        .oneshot(request)
        .await
        .unwrap()
}

#[tokio::test]
async fn a_refusal_is_a_problem_document_without_the_private_reason() {
    let answer = refused(get("/secret-path?text=hidden")).await;
    assert_eq!(
        answer.headers()[header::CONTENT_TYPE],
        "application/problem+json"
    );
    assert_eq!(answer.headers()[header::CACHE_CONTROL], "no-store");
    let (status, body) = text(answer).await;
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
        let answer = refused(request).await;
        answer.headers().contains_key(header::CONNECTION)
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
    let closed = Scribe::new("closed", Act::Refuse, &log());
    let plain = GuardLayer((RenderLayer::new(PlainText::default()), closed.clone()));
    let answer = plain.layer(says("")).oneshot(get("/")).await.unwrap();
    assert_eq!(
        text(answer).await,
        (StatusCode::IM_A_TEAPOT, "No.\n".into())
    );
    let empty = GuardLayer((RenderLayer::new(EmptyBody::default()), closed));
    let answer = empty.layer(says("")).oneshot(get("/")).await.unwrap();
    assert_eq!(text(answer).await, (StatusCode::IM_A_TEAPOT, String::new()));
}

#[tokio::test]
async fn a_rejection_is_exposed_to_foreign_layers_only_on_demand() {
    let closed = Scribe::new("closed", Act::Refuse, &log());
    let exposing = RenderLayer::new(PlainText::default()).expose_rejection();
    let layer = GuardLayer((exposing, closed));
    let answer = layer.layer(says("")).oneshot(get("/")).await.unwrap();
    assert_eq!(
        answer.extensions().get::<Rejection>().unwrap().code(),
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
async fn a_request_is_turned_away_only_if_it_did_not_reach_the_handler() {
    let turned_away = async |act: Act, shadow: bool| {
        let mut guard = Scribe::new("inner", act, &log());
        if shadow {
            guard = guard.shadow();
        }
        let mut request = get("/");
        let (mut head, body) = request.into_parts();
        let cx = palisade_core::SecurityContext::find_or_create(&mut head);
        request = Request::from_parts(head, body);
        let answer = GuardLayer(guard).layer(says("")).oneshot(request).await;
        drop(answer.unwrap());
        cx.refused_before_handler()
    };
    assert!(turned_away(Act::Refuse, false).await);
    assert!(turned_away(Act::RefuseLater, false).await);
    assert!(!turned_away(Act::Admit, false).await);
    assert!(!turned_away(Act::FinishRefuses, false).await);
    assert!(!turned_away(Act::Refuse, true).await);
}
