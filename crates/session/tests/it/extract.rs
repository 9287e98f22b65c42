//! Handlers of axum get the session as an argument.

use axum::{Router, body::Body, routing::get};
use http::{Request, StatusCode};
use palisade_session::{CurrentSession, SessionLayer};
use tower::ServiceExt as _;

use crate::support::{Browser, ann, sessions};

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
