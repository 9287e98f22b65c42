//! Signing in and out: a key becomes a cookie.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::{StatusCode, header::SET_COOKIE, request::Parts};
use palisade::Principal;
use palisade::core::{Rejection, SecurityContext, extract::Refused};
use palisade::session::CurrentSession;
use serde::Serialize;
use utoipa::ToSchema;

use crate::state::App;

/// What the page learns of its session. The cookie it never sees.
#[derive(Serialize, ToSchema)]
pub(crate) struct Session {
    /// Goes into `X-CSRF-Token` with whatever changes something.
    csrf: String,
    /// Seconds until it ends.
    expires_in: u64,
    /// The public part of the key.
    key_id: String,
}

/// Trades a key for a session. A session that the browser still has gives way: an attacker who planted it
/// must not share what comes after.
#[utoipa::path(
    post,
    path = "/session",
    tag = "session",
    operation_id = "open_session",
    summary = "Trades an API key for a session.",
    description = "A session that the browser still has ends. The cookie is for the server's own page: scripts cannot read it.",
    responses((
        status = 200,
        description = "A session, and its cookie.",
        body = Session,
        headers(("Set-Cookie" = String, description = "The cookie of the session.")),
    )),
    security(("key" = []), ("bearer" = [])),
    extensions(("x-refusals" = json!({ "403": ["credential_kind"] }))),
)]
pub(crate) async fn open(
    State(app): State<App>,
    cx: SecurityContext,
    principal: Principal,
    head: Parts,
) -> Result<Response, Refused> {
    let Some(key_id) = key_of(&principal) else {
        return Err(Refused::new(&cx, needs_key()));
    };
    let opened = app
        .sessions
        .sign_in(&head.headers, &head.extensions, principal.clone())
        .await;
    let opened = opened.map_err(|error| Refused::new(&cx, error.into()))?;
    let session = Json(Session {
        csrf: opened.csrf_token().to_owned(),
        expires_in: opened.lasts().as_secs(),
        key_id: key_id.to_owned(),
    });
    Ok(([(SET_COOKIE, opened.set_cookie())], session).into_response())
}

/// Tells a page that was loaded again about its session. If no one is signed in, that is no error: 204.
#[utoipa::path(
    get,
    path = "/session",
    tag = "session",
    operation_id = "session",
    responses(
        (status = 200, description = "The session that the cookie carries.", body = Session),
        (status = 204, description = "No one is signed in."),
    ),
    security((), ("session" = [])),
)]
pub(crate) async fn show(
    principal: Option<Principal>,
    current: Option<CurrentSession>,
) -> Response {
    let (Some(principal), Some(current)) = (principal, current) else {
        let no_store = [(http::header::CACHE_CONTROL, "no-store")];
        return (StatusCode::NO_CONTENT, no_store).into_response();
    };
    Json(Session {
        csrf: current.csrf_token().to_owned(),
        expires_in: current.lasts().as_secs(),
        key_id: key_of(&principal).unwrap_or_default().to_owned(),
    })
    .into_response()
}

/// Ends the session.
#[utoipa::path(
    delete,
    path = "/session",
    tag = "session",
    operation_id = "close_session",
    responses((
        status = 204,
        description = "It has ended, if there was one.",
        headers(("Set-Cookie" = String, description = "Takes the cookie away.")),
    )),
)]
pub(crate) async fn close(
    State(app): State<App>,
    cx: SecurityContext,
    head: Parts,
) -> Result<Response, Refused> {
    // Also if a key beside the cookie authenticated the request.
    let ended = app.sessions.end_shown(&head.headers, &head.extensions);
    let ended = ended.await;
    ended.map_err(|error| Refused::new(&cx, error.into()))?;
    let clear = [(SET_COOKIE, app.sessions.clear_cookie())];
    Ok((StatusCode::NO_CONTENT, clear).into_response())
}

/// The API key of the request. `None` for a token.
fn key_of(principal: &Principal) -> Option<&str> {
    (principal.kind() == "api_key").then(|| principal.credential())?
}

fn needs_key() -> Rejection {
    let words = "A session is opened with an API key.";
    Rejection::new(StatusCode::FORBIDDEN, "credential_kind", words)
}
