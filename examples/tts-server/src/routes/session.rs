//! Signing in and out: a key becomes a cookie.

use axum::{
    Extension, Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode, header::SET_COOKIE};
use palisade::Principal;
use palisade::api_key::KeyId;
use palisade::core::{Rejection, SecurityContext, extract::Refused};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{
    sessions::{self, CurrentSession, LIFETIME, LiveSession, NoSession},
    state::App,
};

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

impl Session {
    fn of(app: &App, live: &LiveSession) -> Json<Self> {
        Json(Self {
            csrf: app.sessions.csrf(live),
            expires_in: live.left.as_secs(),
            key_id: live.key.to_string(),
        })
    }
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
    current: Option<Extension<CurrentSession>>,
    headers: HeaderMap,
) -> Result<Response, Refused> {
    // A session cannot make another, or it would never end.
    let Some(key) = key_of(&principal).filter(|_| current.is_none()) else {
        return Err(Refused::new(&cx, needs_key()));
    };
    app.sessions.close_shown(&headers);
    let (token, live) = app
        .sessions
        .open(key)
        .map_err(|why| Refused::new(&cx, refusal(why)))?;
    let cookie = sessions::set_cookie(&token, LIFETIME);
    let cookie = cookie.ok_or_else(|| Refused::new(&cx, refusal(NoSession::Entropy)))?;
    Ok(([(SET_COOKIE, cookie)], Session::of(&app, &live)).into_response())
}

/// Tells a page that was loaded anew about its session. If no one is signed in, that is no error: 204.
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
    State(app): State<App>,
    current: Option<Extension<CurrentSession>>,
) -> Response {
    match current {
        Some(Extension(CurrentSession(live))) => Session::of(&app, &live).into_response(),
        None => (
            StatusCode::NO_CONTENT,
            [(http::header::CACHE_CONTROL, "no-store")],
        )
            .into_response(),
    }
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
    current: Option<Extension<CurrentSession>>,
) -> Response {
    if let Some(Extension(CurrentSession(live))) = current {
        app.sessions.close(&live.digest);
    }
    (
        StatusCode::NO_CONTENT,
        [(SET_COOKIE, sessions::clear_cookie())],
    )
        .into_response()
}

/// The API key of the request. `None` for a token.
fn key_of(principal: &Principal) -> Option<KeyId> {
    (principal.kind() == "api_key").then(|| principal.credential()?.parse().ok())?
}

fn needs_key() -> Rejection {
    let words = "A session is opened with an API key.";
    Rejection::new(StatusCode::FORBIDDEN, "credential_kind", words)
}

fn refusal(why: NoSession) -> Rejection {
    let wait = std::time::Duration::from_secs(60);
    Rejection::unavailable(wait).with_reason(match why {
        NoSession::Entropy => "no random numbers for a session",
        NoSession::Full => "too many sessions",
    })
}
