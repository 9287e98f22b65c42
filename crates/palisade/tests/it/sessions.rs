//! Sessions of browsers behind a whole shield.

use std::time::Duration;

use axum::extract::State;
use http::{HeaderValue, Method, Request, StatusCode, header, request::Parts};
use palisade::{
    AllowedHosts, ApiKeyLayer, Principal, ProtectedRouter, Routes, Rule, Shield,
    api_key::{Environment, Grant, KeyScheme, MemoryKeyStore, MintedKey, Pepper},
    core::{Clock as _, ManualClock, SecurityContext, extract::Refused},
    session::{
        CheckError, CrossOriginLayer, CurrentSession, KeyCheck, MemorySessionStore,
        PrincipalCheck as _, SessionLayer, SessionRecord, Sessions,
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

pub(crate) async fn sign_in(
    State(sessions): State<Sessions>,
    cx: SecurityContext,
    who: Principal,
    head: Parts,
) -> Result<[(header::HeaderName, HeaderValue); 1], Refused> {
    let opened = sessions.sign_in(&head.headers, &head.extensions, who).await;
    let opened = opened.map_err(|error| Refused::new(&cx, error.into()))?;
    Ok([(header::SET_COOKIE, opened.set_cookie())])
}

async fn csrf(current: CurrentSession, cx: SecurityContext) -> String {
    format!(
        "{} {} by {}",
        current.csrf_token(),
        cx.principal().unwrap().kind(),
        cx.proven_by().unwrap()
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
            .get("/erase", Rule::scope("notes:delete"), async || "")
            .post("/login", Rule::public(), async || "")
            .get("/hello", Rule::public(), async || {
                [(header::SET_COOKIE, "theme=dark")]
            })
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
    assert!(body.ends_with(" api_key by session"), "{body}");
}

#[tokio::test]
async fn a_response_with_a_cookie_is_not_for_a_cache() {
    let service = Service::start();
    let (status, headers, _) = service.send(request("https://notes.example/hello")).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(headers[header::CACHE_CONTROL], "no-store");
}

#[tokio::test]
async fn a_session_cannot_prolong_itself() {
    let service = Service::start();
    let cookie = service.cookie().await;
    let (_, _, body) = service.read("/session", &cookie).await;
    let csrf = body.split(' ').next().unwrap();
    let again = request("https://notes.example/session")
        .method(Method::POST)
        .header("cookie", &cookie)
        .header("origin", "https://notes.example")
        .header("x-csrf-token", csrf);
    let (status, headers, body) = service.send(again).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
    assert!(body.contains("\"credential_kind\""), "{body}");
    assert!(!headers.contains_key(header::SET_COOKIE));
    let principal = service.minted.record().principal();
    assert_eq!(service.sessions.list(principal).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_sign_in_by_key_ends_the_session_that_the_browser_had() {
    let service = Service::start();
    let planted = service.cookie().await;
    let request = request("https://notes.example/session").method(Method::POST);
    let request = request.header("x-api-key", service.minted.key());
    let (status, ..) = service.send(request.header("cookie", &planted)).await;
    assert_eq!(status, StatusCode::OK);
    let (status, ..) = service.read("/notes", &planted).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_session_of_a_secret_that_was_rotated_out_ends() {
    let clock = ManualClock::new(Duration::from_secs(1_700_000_000));
    let hour = Duration::from_secs(3600);
    let scheme = KeyScheme::new(Pepper::generate().unwrap());
    let keys = MemoryKeyStore::new();
    let first = scheme.mint(Grant::new(Environment::Live), clock.unix_time());
    let first = first.unwrap();
    keys.insert(first.record().clone()).unwrap();
    let check = KeyCheck::new(keys.clone()).clock(clock.shared());
    let opened_now = || {
        let principal = first.record().principal().clone();
        SessionRecord::new(principal, clock.unix_time(), 12 * hour, hour)
    };
    let before = opened_now();
    let overlap = clock.unix_time() + hour;
    let second = scheme.rotate(first.record(), overlap, clock.unix_time());
    keys.replace(second.unwrap().record().clone()).unwrap();
    assert!(check.check(&before, None).get().await.is_ok());
    clock.advance(hour);
    let ended = check.check(&before, None).get().await.unwrap_err();
    assert!(matches!(ended, CheckError::Ended(_)), "{ended:?}");
    assert!(check.check(&opened_now(), None).get().await.is_ok());
}

/// Keys of one store, and sessions that they open.
struct Rotations {
    clock: ManualClock,
    scheme: KeyScheme,
    keys: MemoryKeyStore,
    first: MintedKey,
}

impl Rotations {
    fn new() -> Self {
        let clock = ManualClock::new(Duration::from_secs(1_700_000_000));
        let scheme = KeyScheme::new(Pepper::generate().unwrap());
        let first = scheme.mint(Grant::new(Environment::Live), clock.unix_time());
        let (keys, first) = (MemoryKeyStore::new(), first.unwrap());
        keys.insert(first.record().clone()).unwrap();
        Self {
            clock,
            scheme,
            keys,
            first,
        }
    }

    fn rotate(&self, overlap: Duration) {
        let now = self.clock.unix_time();
        let table = self.keys.table();
        let record = table.get(self.first.record().id()).unwrap();
        let next = self.scheme.rotate(record, now + overlap, now).unwrap();
        self.keys.replace(next.record().clone()).unwrap();
    }

    fn open(&self) -> SessionRecord {
        let who = self.first.record().principal().clone();
        let hour = Duration::from_secs(3600);
        SessionRecord::new(who, self.clock.unix_time(), 12 * hour, 12 * hour)
    }

    async fn is_ended(&self, session: &SessionRecord) -> bool {
        let check = KeyCheck::new(self.keys.clone()).clock(self.clock.shared());
        let reply = check.check(session, None).get().await;
        reply.is_err_and(|error| matches!(error, CheckError::Ended(_)))
    }
}

#[tokio::test]
async fn a_second_rotation_does_not_revive_sessions_of_the_first_secret() {
    let hour = Duration::from_secs(3600);
    // The overlap of the first rotation is over, or is cut off by the second one.
    for pause in [2 * hour, hour / 2] {
        let rotations = Rotations::new();
        let of_first = rotations.open();
        rotations.rotate(hour);
        rotations.clock.advance(pause);
        let of_second = rotations.open();
        rotations.rotate(hour);
        assert!(rotations.is_ended(&of_first).await, "{pause:?}");
        rotations.clock.advance(Duration::from_secs(2));
        let of_third = rotations.open();
        assert_eq!(rotations.is_ended(&of_second).await, pause < hour);
        rotations.clock.advance(hour);
        for old in [&of_first, &of_second, &of_third] {
            assert!(
                rotations.is_ended(old).await,
                "the second secret may have opened it"
            );
        }
        assert!(!rotations.is_ended(&rotations.open()).await);
    }
}

#[tokio::test]
async fn a_rotation_without_an_overlap_ends_the_sessions_of_the_old_secret() {
    let rotations = Rotations::new();
    let before = rotations.open();
    rotations.rotate(Duration::ZERO);
    assert!(rotations.is_ended(&before).await);
    // Another process may still know the old secret.
    rotations.clock.advance(Duration::from_millis(900));
    assert!(rotations.is_ended(&rotations.open()).await);
    rotations.clock.advance(Duration::from_millis(1100));
    assert!(!rotations.is_ended(&rotations.open()).await);
}

#[tokio::test]
async fn a_session_of_a_key_whose_environment_is_not_accepted_is_refused() {
    let rotations = Rotations::new();
    let session = rotations.open();
    for (accepted, passes) in [(Environment::Live, true), (Environment::Test, false)] {
        let check = KeyCheck::new(rotations.keys.clone()).clock(rotations.clock.shared());
        let check = check.environments([accepted]);
        assert_eq!(check.check(&session, None).get().await.is_ok(), passes);
    }
}

#[tokio::test]
async fn a_session_has_never_more_scopes_than_at_the_sign_in() {
    let service = Service::start();
    let cookie = service.cookie().await;
    let record = service.minted.record();
    let with_scopes = |scopes: &[&str]| {
        let grant = Grant::new(Environment::Live).scopes(scopes.iter().copied());
        let digest = record.digest().clone();
        let changed =
            palisade::api_key::KeyRecord::from_grant(record.id(), digest, grant, record.created());
        service.keys.replace(changed.unwrap()).unwrap();
    };
    with_scopes(&["notes:delete", "notes:read"]);
    assert_eq!(service.read("/notes", &cookie).await.0, StatusCode::OK);
    let erase = request("https://notes.example/erase").header("cookie", &cookie);
    assert_eq!(service.send(erase).await.0, StatusCode::FORBIDDEN);
    with_scopes(&["notes:delete"]);
    let (status, ..) = service.read("/notes", &cookie).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_session_keeps_the_amounts_that_its_key_had_at_the_sign_in() {
    use palisade::core::{OwnLimits, Principal};

    let service = Service::start();
    let five = OwnLimits::checked([("tts", 5)]).unwrap();
    let of_key = service.minted.record().principal();
    // As an authenticator around that of the keys makes it.
    let restricted = Principal::builder("api_key", of_key.id())
        .credential(of_key.credential().unwrap())
        .scopes(of_key.scopes())
        .own_limits(five.clone())
        .build();
    let hour = Duration::from_secs(3600);
    let session = SessionRecord::new(restricted, hour, hour, hour);
    let check = KeyCheck::new(service.keys.clone());
    let who = check.check(&session, None).get().await.unwrap();
    assert_eq!(who.own_limits(), &five);
}

#[tokio::test]
async fn a_key_that_is_missing_or_used_from_elsewhere_refuses_and_keeps_the_session() {
    let service = Service::start();
    let check = KeyCheck::new(MemoryKeyStore::new());
    let hour = Duration::from_secs(3600);
    let principal = service.minted.record().principal().clone();
    let session = SessionRecord::new(principal, hour, hour, hour);
    let missing = check.check(&session, None).get().await.unwrap_err();
    assert!(matches!(missing, CheckError::Refused(_)), "{missing:?}");
    let record = service.minted.record();
    let elsewhere = Grant::new(Environment::Live).networks(["10.0.0.0/8".parse().unwrap()]);
    let digest = record.digest().clone();
    let bound =
        palisade::api_key::KeyRecord::from_grant(record.id(), digest, elsewhere, Duration::ZERO);
    service.keys.replace(bound.unwrap()).unwrap();
    let check = KeyCheck::new(service.keys.clone());
    for client in [None, Some([192, 0, 2, 1].into())] {
        let refused = check.check(&session, client).get().await.unwrap_err();
        assert!(matches!(refused, CheckError::Refused(_)), "{refused:?}");
    }
    let inside = check.check(&session, Some([10, 0, 0, 1].into()));
    assert!(inside.get().await.is_ok());
}

#[tokio::test]
async fn a_session_ends_with_the_key_that_opened_it() {
    let service = Service::start();
    let cookie = service.cookie().await;
    let record = service.minted.record();
    service.keys.revoke(record.id(), Duration::ZERO).unwrap();
    let (status, headers, _) = service.read("/notes", &cookie).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    assert!(!headers.contains_key(header::SET_COOKIE));
    let left = service.sessions.list(record.principal()).await.unwrap();
    assert!(left.is_empty());
}

#[tokio::test]
async fn a_session_of_a_disabled_key_is_refused_and_stays() {
    let service = Service::start();
    let cookie = service.cookie().await;
    let id = service.minted.record().id();
    let disable = |table: &mut palisade::api_key::KeyTable| table.disable(id, Duration::ZERO);
    service.keys.update(disable).unwrap();
    let (status, ..) = service.read("/notes", &cookie).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    service.keys.update(|table| table.enable(id)).unwrap();
    assert_eq!(service.read("/notes", &cookie).await.0, StatusCode::OK);
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
