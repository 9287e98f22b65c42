//! Handlers of axum get the session as an argument.

use axum::{
    Router,
    body::Body,
    extract::{Request as AxumRequest, State},
    routing::{get, post},
};
use http::{Request, StatusCode};
use palisade_core::{Principal, Rejection, SecurityContext, extract::Refused};
use palisade_session::{CurrentSession, SessionLayer, Sessions};
use tower::ServiceExt as _;

use crate::support::{Browser, ann, sessions};

async fn sign_in(
    State(sessions): State<Sessions>,
    cx: SecurityContext,
    who: Option<Principal>,
    request: AxumRequest,
) -> Result<String, Refused> {
    let who = who.unwrap_or_else(ann);
    let opened = sessions
        .sign_in(request.headers(), request.extensions(), who)
        .await;
    let opened = opened.map_err(|error| Refused::new(&cx, Rejection::from(error)))?;
    Ok(opened.csrf_token().to_owned())
}

#[tokio::test]
async fn a_handler_signs_in_and_not_by_a_session() {
    let (sessions, _) = sessions();
    let browser = Browser::signed_in(&sessions, ann()).await;
    let app = Router::new()
        .route("/session", post(sign_in))
        .layer(SessionLayer::builder(sessions.clone()).optional().build())
        .with_state(sessions);
    let by_session = browser.write().map(|_| Body::empty());
    let (mut head, body) = by_session.into_parts();
    head.uri = "/session".parse().unwrap();
    let response = app
        .clone()
        .oneshot(Request::from_parts(head, body))
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::FORBIDDEN);
    let by_guest = Request::post("/session").body(Body::empty()).unwrap();
    let response = app.oneshot(by_guest).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
}

async fn only_with_session(current: CurrentSession) -> String {
    current.id().to_string()
}

async fn also_without(current: Option<CurrentSession>) -> &'static str {
    match current {
        Some(_) => "a session",
        None => "no session",
    }
}

#[tokio::test]
async fn a_handler_gets_the_session_or_refuses_guests() {
    let (sessions, _) = sessions();
    let browser = Browser::signed_in(&sessions, ann()).await;
    let app = Router::new()
        .route("/only", get(only_with_session))
        .route("/also", get(also_without))
        .layer(SessionLayer::builder(sessions).optional().build());
    for (path, cookie, status) in [
        ("/only", Some(&browser.cookie), StatusCode::OK),
        ("/only", None, StatusCode::FORBIDDEN),
        ("/also", Some(&browser.cookie), StatusCode::OK),
        ("/also", None, StatusCode::OK),
    ] {
        let mut request = Request::get(path).header("host", "notes.example");
        if let Some(cookie) = cookie {
            request = request.header("cookie", cookie);
        }
        let request = request.body(Body::empty()).unwrap();
        let response = app.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), status, "{path} {cookie:?}");
    }
}
