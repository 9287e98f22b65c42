//! Sessions of browsers behind a whole shield.

use std::time::Duration;

use axum::extract::State;
use http::{HeaderValue, Method, Request, StatusCode, header};
use palisade::{
    AllowedHosts, ApiKeyLayer, Principal, ProtectedRouter, Routes, Rule, Shield,
    api_key::{Environment, Grant, KeyScheme, MemoryKeyStore, MintedKey, Pepper},
    core::SecurityContext,
    session::{
        CrossOriginLayer, CurrentSession, KeyCheck, MemorySessionStore, SessionLayer, Sessions,
    },
    testing::request,
};
use tower::ServiceExt as _;

/// A service whose page exchanges a key for a session.
struct Service {
    app: ProtectedRouter,
    keys: MemoryKeyStore,
    sessions: Sessions,
    minted: MintedKey,
}

async fn sign_in(
    State(sessions): State<Sessions>,
    who: Principal,
) -> [(header::HeaderName, HeaderValue); 1] {
    let opened = sessions.open(who).await.unwrap();
    [(header::SET_COOKIE, opened.set_cookie())]
}

async fn csrf(current: CurrentSession, cx: SecurityContext) -> String {
    format!(
        "{} {}",
        current.csrf_token(),
        cx.principal().unwrap().kind()
    )
}

impl Service {
    fn start() -> Self {
        let scheme = KeyScheme::new(Pepper::generate().unwrap());
        let grant = Grant::new(Environment::Live).scopes(["notes:read"]);
        let minted = scheme.mint(grant, Duration::ZERO).unwrap();
        let (keys, sessions) = (
            MemoryKeyStore::new(),
            Sessions::new(MemorySessionStore::new()),
        );
        keys.insert(minted.record().clone()).unwrap();
        let check = KeyCheck::new(keys.clone());
        let routes = Routes::new()
            .post("/session", Rule::authenticated(), sign_in)
            .get("/session", Rule::authenticated(), csrf)
            .get("/notes", Rule::scope("notes:read"), async || "Buy bread.")
            .post("/login", Rule::public(), async || "")
            .with_state(sessions.clone());
        let app = Shield::builder()
            .hosts(AllowedHosts::parse(["notes.example"]).unwrap())
            .authenticate(ApiKeyLayer::new(scheme, keys.clone()))
            .authenticate(SessionLayer::builder(sessions.clone()).check(check).build())
            .cross_origin(CrossOriginLayer::new())
            .protect(routes)
            .unwrap();
        Self {
            app,
            keys,
            sessions,
            minted,
        }
    }

    async fn send(&self, request: http::request::Builder) -> (StatusCode, http::HeaderMap, String) {
        use http_body_util::BodyExt as _;
        let request: Request<_> = request.body(axum::body::Body::empty()).unwrap();
        let response = self.app.clone().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let body = String::from_utf8_lossy(&body).into_owned();
        (head.status, head.headers, body)
    }

    /// Exchanges the key for the pair of the cookie.
    async fn cookie(&self) -> String {
        let request = request("https://notes.example/session").method(Method::POST);
        let request = request.header("x-api-key", self.minted.key());
        let (status, headers, _) = self.send(request).await;
        assert_eq!(status, StatusCode::OK);
        let set_cookie = headers[header::SET_COOKIE].to_str().unwrap();
        set_cookie.split(';').next().unwrap().to_owned()
    }

    async fn read(&self, path: &str, cookie: &str) -> (StatusCode, http::HeaderMap, String) {
        let uri = format!("https://notes.example{path}");
        self.send(request(&uri).header("cookie", cookie)).await
    }
}

#[tokio::test]
async fn a_session_has_the_principal_and_the_scopes_of_its_key() {
    let service = Service::start();
    let cookie = service.cookie().await;
    assert_eq!(service.read("/notes", &cookie).await.0, StatusCode::OK);
    let (status, _, body) = service.read("/session", &cookie).await;
    assert_eq!(status, StatusCode::OK);
    assert!(body.ends_with(" api_key"), "{body}");
}

#[tokio::test]
async fn a_session_ends_with_the_key_that_opened_it() {
    let service = Service::start();
    let cookie = service.cookie().await;
    let record = service.minted.record();
    service.keys.revoke(record.id(), Duration::ZERO).unwrap();
    let (status, headers, _) = service.read("/notes", &cookie).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    let clears = headers[header::SET_COOKIE].to_str().unwrap();
    assert!(clears.ends_with("Max-Age=0"), "{clears}");
    let left = service.sessions.list(record.principal()).await.unwrap();
    assert!(left.is_empty());
}

#[tokio::test]
async fn a_session_of_another_kind_of_principal_ends_where_keys_are_checked() {
    let service = Service::start();
    let user = Principal::builder("user", "ann")
        .scopes(["notes:read"])
        .build();
    let opened = service.sessions.open(user).await.unwrap();
    let set_cookie = opened.set_cookie();
    let cookie = set_cookie.to_str().unwrap().split(';').next().unwrap();
    assert_eq!(
        service.read("/notes", cookie).await.0,
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn a_form_of_another_site_signs_nobody_in() {
    let service = Service::start();
    let login = || request("https://notes.example/login").method(Method::POST);
    let foreign = login().header("sec-fetch-site", "cross-site");
    let (status, _, body) = service.send(foreign).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert!(body.contains("\"cross_origin\""), "{body}");
    let own = login().header("origin", "https://notes.example");
    assert_eq!(service.send(own).await.0, StatusCode::OK);
}
