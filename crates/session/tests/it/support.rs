//! A service behind the layer, a browser that keeps its cookie, and a store that answers later.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
    time::Duration,
};

use http::{Method, Request, Response, StatusCode, header};
use palisade_core::{
    ClientInfo, Clock, Fact, Guard, GuardLayer, ManualClock, MaybeReady, Principal, Scheme,
    SecurityContext, Verdict, testing::TestBody,
};
use palisade_session::{
    CurrentSession, MemorySessionStore, OpenedSession, SessionDigest, SessionError, SessionLayer,
    SessionOwner, SessionRecord, SessionStore, Sessions, SessionsBuilder, StoreReply,
};
use tower::{Layer, ServiceExt, service_fn};

pub(crate) const HOST: &str = "notes.example";
pub(crate) const ORIGIN: &str = "https://notes.example";

pub(crate) fn ann() -> Principal {
    Principal::builder("user", "ann")
        .scopes(["notes:read"])
        .build()
}

pub(crate) fn bob() -> Principal {
    Principal::builder("user", "bob").build()
}

/// Sessions by a clock that stands still.
pub(crate) fn sessions() -> (Sessions, ManualClock) {
    sessions_with(MemorySessionStore::new(), |builder| builder)
}

pub(crate) fn sessions_with(
    store: impl SessionStore,
    configure: impl FnOnce(SessionsBuilder) -> SessionsBuilder,
) -> (Sessions, ManualClock) {
    let clock = ManualClock::new(Duration::from_secs(1_700_000_000));
    let builder = Sessions::builder(store).clock(clock.shared());
    (configure(builder).build().unwrap(), clock)
}

/// A clock whose wall time can be set back.
#[derive(Clone, Debug)]
pub(crate) struct SteppingClock {
    pub(crate) manual: ManualClock,
    behind: Arc<Mutex<Duration>>,
}

impl Default for SteppingClock {
    fn default() -> Self {
        Self {
            manual: ManualClock::new(Duration::from_secs(1_700_000_000)),
            behind: Arc::default(),
        }
    }
}

impl SteppingClock {
    pub(crate) fn set_back(&self, by: Duration) {
        *self.behind.lock().unwrap() = by;
    }

    pub(crate) fn sessions(&self, store: impl SessionStore) -> Sessions {
        let builder = Sessions::builder(store).clock(Arc::new(self.clone()));
        builder.build().unwrap()
    }
}

impl Clock for SteppingClock {
    fn unix_time(&self) -> Duration {
        self.manual.unix_time() - *self.behind.lock().unwrap()
    }

    fn monotonic(&self) -> Duration {
        self.manual.monotonic()
    }
}

/// Sets the client, as the transport crate's layer does: by TLS. Keeps the context for the test.
#[derive(Clone, Default)]
struct ByTls(Arc<Mutex<Option<SecurityContext>>>);

impl Guard for ByTls {
    type Pass = ();

    fn name(&self) -> &'static str {
        "by_tls"
    }

    fn admit(&self, cx: &SecurityContext, _: &mut http::request::Parts) -> Verdict<()> {
        self.0.lock().unwrap().replace(cx.clone());
        cx.set_client(ClientInfo::new([203, 0, 113, 7].into(), Scheme::Https));
        Verdict::Admit(())
    }
}

/// What the handler saw, and the response.
#[derive(Debug)]
pub(crate) struct Seen {
    pub(crate) status: StatusCode,
    pub(crate) code: String,
    pub(crate) headers: http::HeaderMap,
    pub(crate) principal: Option<String>,
    pub(crate) session: Option<CurrentSession>,
    pub(crate) cookies: Vec<String>,
    pub(crate) has_csrf_header: bool,
    pub(crate) facts: Vec<Fact>,
    /// What a limit on guessing would charge.
    pub(crate) guesses: u32,
    /// The digest that ends the session of this request, as a handler that signs out finds it.
    pub(crate) extensions: http::Extensions,
}

/// What a handler leaves for the test.
#[derive(Clone, Default)]
struct FromHandler {
    reached: bool,
    principal: Option<String>,
    session: Option<CurrentSession>,
    cookies: Vec<String>,
    has_csrf_header: bool,
    extensions: http::Extensions,
}

/// Sends a request through guards to a handler that tells what it saw.
pub(crate) async fn send<G>(guards: G, request: Request<TestBody>) -> Seen
where
    G: palisade_core::Guards + Clone,
{
    let by_tls = ByTls::default();
    let contexts = by_tls.clone();
    let handler = service_fn(move |request: Request<TestBody>| {
        let cx = SecurityContext::of(request.extensions()).unwrap();
        let cookies = request.headers().get_all(header::COOKIE).iter();
        let seen = FromHandler {
            reached: true,
            principal: cx.principal().map(|who| who.id().to_owned()),
            session: CurrentSession::of(request.extensions()).cloned(),
            cookies: cookies
                .map(|line| line.to_str().unwrap().to_owned())
                .collect(),
            has_csrf_header: request.headers().contains_key("x-csrf-token"),
            extensions: request.extensions().clone(),
        };
        let mut response = Response::new(TestBody::default());
        response.extensions_mut().insert(seen);
        std::future::ready(Ok::<_, Infallible>(response))
    });
    let service = GuardLayer((by_tls, guards)).layer(handler);
    let response = service.oneshot(request).await.unwrap();
    let seen = response.extensions().get::<FromHandler>().cloned();
    let seen = seen.unwrap_or_default();
    assert_eq!(seen.reached, response.status() == StatusCode::OK);
    let cx = contexts.0.lock().unwrap().clone().unwrap();
    let (head, body) = response.into_parts();
    Seen {
        status: head.status,
        code: code(body).await,
        headers: head.headers,
        principal: seen.principal,
        session: seen.session,
        cookies: seen.cookies,
        has_csrf_header: seen.has_csrf_header,
        facts: cx.facts(),
        guesses: cx.with_observations(palisade_core::Observations::guesses),
        extensions: seen.extensions,
    }
}

/// The code of a problem document, if the body is one.
async fn code<B>(body: palisade_core::GuardBody<B>) -> String
where
    palisade_core::GuardBody<B>: http_body::Body,
{
    use http_body_util::BodyExt as _;
    let Ok(all) = body.collect().await else {
        return String::new();
    };
    let document: serde_json::Value = serde_json::from_slice(&all.to_bytes()).unwrap_or_default();
    document["code"].as_str().unwrap_or_default().to_owned()
}

/// A browser with the cookie of one session.
#[derive(Clone)]
pub(crate) struct Browser {
    pub(crate) cookie: String,
    pub(crate) csrf: String,
}

impl Browser {
    pub(crate) async fn signed_in(sessions: &Sessions, who: Principal) -> Self {
        Self::with(&sessions.open(who).await.unwrap())
    }

    pub(crate) fn with(opened: &OpenedSession) -> Self {
        let set_cookie = opened.set_cookie();
        let pair = set_cookie.to_str().unwrap().split(';').next().unwrap();
        Self {
            cookie: pair.to_owned(),
            csrf: opened.csrf_token().to_owned(),
        }
    }

    /// A request with the cookie and nothing else.
    pub(crate) fn request(&self, method: Method) -> http::request::Builder {
        Request::builder()
            .method(method)
            .uri("/notes")
            .header("host", HOST)
            .header("cookie", &self.cookie)
    }

    /// The user opens a page.
    pub(crate) fn read(&self) -> Request<TestBody> {
        self.request(Method::GET).body(TestBody::default()).unwrap()
    }

    /// A page of the service writes.
    pub(crate) fn write(&self) -> Request<TestBody> {
        self.request(Method::POST)
            .header("origin", ORIGIN)
            .header("sec-fetch-site", "same-origin")
            .header("x-csrf-token", &self.csrf)
            .body(TestBody::default())
            .unwrap()
    }

    pub(crate) async fn reads(&self, sessions: &Sessions) -> StatusCode {
        send(SessionLayer::new(sessions.clone()), self.read())
            .await
            .status
    }
}

/// A store on a network: each reply comes after the task was polled once, or never.
#[derive(Clone, Debug)]
pub(crate) struct SlowStore {
    pub(crate) inner: MemorySessionStore,
    pub(crate) is_away: bool,
}

impl SlowStore {
    fn later<T: Send + 'static>(&self, reply: StoreReply<T>) -> StoreReply<T> {
        let is_away = self.is_away;
        MaybeReady::pending(async move {
            tokio::task::yield_now().await;
            match is_away {
                true => Err(SessionError::unavailable("connection refused")),
                false => reply.get().await,
            }
        })
    }
}

impl SessionStore for SlowStore {
    fn insert(
        &self,
        digest: SessionDigest,
        record: SessionRecord,
        now: Duration,
    ) -> StoreReply<Vec<SessionDigest>> {
        self.later(self.inner.insert(digest, record, now))
    }

    fn find(&self, digest: SessionDigest) -> StoreReply<Option<SessionRecord>> {
        self.later(self.inner.find(digest))
    }

    fn touch(&self, digest: SessionDigest, last_used: Duration) -> StoreReply<()> {
        self.later(self.inner.touch(digest, last_used))
    }

    fn replace(
        &self,
        old: SessionDigest,
        new: SessionDigest,
        record: SessionRecord,
    ) -> StoreReply<bool> {
        self.later(self.inner.replace(old, new, record))
    }

    /// Removes nothing unless the future is awaited, as a server that is never asked.
    fn remove(&self, digest: SessionDigest) -> StoreReply<bool> {
        let inner = self.inner.clone();
        self.later(MaybeReady::pending(async move {
            inner.remove(digest).get().await
        }))
    }

    fn remove_all(&self, owner: SessionOwner, except: Option<SessionDigest>) -> StoreReply<usize> {
        self.later(self.inner.remove_all(owner, except))
    }

    fn list(&self, owner: SessionOwner) -> StoreReply<Vec<(SessionDigest, SessionRecord)>> {
        self.later(self.inner.list(owner))
    }
}

#[track_caller]
pub(crate) fn check_refused(seen: &Seen, status: u16, code: &str) {
    assert_eq!(
        (seen.status.as_u16(), seen.code.as_str()),
        (status, code),
        "{seen:?}"
    );
}
