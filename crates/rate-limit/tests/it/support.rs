//! A stack to send requests through; test headers name the client and the principal.

use std::{net::IpAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Request, Response, StatusCode, request};
use http_body_util::{BodyExt, Full};
use palisade_core::{
    ClientInfo, CredentialFailure, Guard, GuardLayer, ManualClock, OwnLimits, Principal, Rejection,
    RouteLayer, RouteTable, Rule, Scheme, SecurityContext, Verdict,
};
use palisade_rate_limit::{LimitStore, MemoryStore, Policy, RateLimitLayer, RateLimitLayerBuilder};
use tower::{Layer, ServiceExt, service_fn};

pub(crate) type TestRequest = Request<Full<Bytes>>;

/// Decides the client by `x-client`; without it, the client is not known.
#[derive(Clone, Debug)]
pub(crate) struct Clients;

impl Guard for Clients {
    type Pass = ();

    fn name(&self) -> &'static str {
        "clients"
    }

    fn admit(&self, cx: &SecurityContext, head: &mut request::Parts) -> Verdict<()> {
        if let Some(ip) = head.headers.get("x-client") {
            let ip: IpAddr = ip.to_str().unwrap().parse().unwrap();
            cx.set_client(ClientInfo::new(ip, Scheme::Https));
        }
        Verdict::Admit(())
    }
}

/// Authenticates by `x-user: NAME[+TIER][@OWNER]`, with amounts of its own by `x-own: LIMIT=AMOUNT,…`; the user `wrong`
/// fails. There is no table of users.
#[derive(Clone, Debug)]
pub(crate) struct Users;

impl Guard for Users {
    type Pass = ();

    fn name(&self) -> &'static str {
        "users"
    }

    fn admit(&self, cx: &SecurityContext, head: &mut request::Parts) -> Verdict<()> {
        cx.mark_authentication_attempted();
        let Some(user) = head.headers.get("x-user") else {
            return Verdict::Admit(());
        };
        let (name, owner) = match user.to_str().unwrap().split_once('@') {
            Some((name, owner)) => (name, Some(owner)),
            None => (user.to_str().unwrap(), None),
        };
        if name == "wrong" {
            let wrong = Rejection::new(StatusCode::UNAUTHORIZED, "credentials_invalid", "No.");
            cx.credential_failed("test", &wrong);
            return wrong.into();
        }
        if name == "expired" {
            let expired = Rejection::new(StatusCode::UNAUTHORIZED, "credentials_invalid", "No.")
                .with_credential_failure(CredentialFailure::Expired);
            cx.credential_failed("test", &expired);
            return expired.into();
        }
        let (name, tier) = match name.split_once('+') {
            Some((name, tier)) => (name, Some(tier)),
            None => (name, None),
        };
        let mut principal = Principal::builder("test", name);
        if let Some(tier) = tier {
            principal = principal.tier(tier);
        }
        if let Some(owner) = owner {
            principal = principal.owner(owner);
        }
        if let Some(own) = head.headers.get("x-own") {
            let pairs = own.to_str().unwrap().split(',').map(|pair| {
                let (name, amount) = pair.split_once('=').unwrap();
                (name, amount.parse().unwrap())
            });
            principal = principal.own_limits(OwnLimits::checked(pairs).unwrap());
        }
        cx.set_principal(principal.build()).into()
    }
}

/// `/tts` names the limit `tts`; `/other` names none.
pub(crate) fn table() -> RouteLayer {
    let table = RouteTable::builder()
        .any("/tts", Rule::public().limit("tts"))
        .any("/other", Rule::public())
        .any("/health", Rule::public().unlimited())
        .build();
    RouteLayer::new(Arc::new(table.unwrap()))
}

pub(crate) fn clock() -> ManualClock {
    ManualClock::new(Duration::from_secs(1_800_000_000))
}

pub(crate) fn policy(name: &str, rate: &str) -> Policy {
    Policy::named(name).rate(rate).unwrap()
}

/// One stack with its clock.
pub(crate) struct TestStack {
    pub(crate) clock: ManualClock,
    pub(crate) layer: RateLimitLayer,
    by_principal: bool,
    routes: bool,
}

impl TestStack {
    pub(crate) fn by_client(policies: impl IntoIterator<Item = Policy>) -> Self {
        Self::build(RateLimitLayer::by_client().policies(policies), false)
    }

    pub(crate) fn by_principal(policies: impl IntoIterator<Item = Policy>) -> Self {
        Self::build(RateLimitLayer::by_principal().policies(policies), true)
    }

    pub(crate) fn build(builder: RateLimitLayerBuilder, by_principal: bool) -> Self {
        Self::build_at(clock(), builder, by_principal)
    }

    /// Builds a stack by client on the clock that the builder has.
    pub(crate) fn real(builder: RateLimitLayerBuilder) -> Self {
        Self {
            clock: clock(),
            layer: builder.build().unwrap(),
            by_principal: false,
            routes: false,
        }
    }

    /// Builds a stack on a clock that something else runs on too.
    pub(crate) fn build_at(
        clock: ManualClock,
        builder: RateLimitLayerBuilder,
        by_principal: bool,
    ) -> Self {
        let layer = builder.clock(clock.shared()).build().unwrap();
        Self {
            clock,
            layer,
            by_principal,
            routes: false,
        }
    }

    pub(crate) fn over(
        store: Arc<dyn LimitStore>,
        policies: impl IntoIterator<Item = Policy>,
    ) -> Self {
        Self::build(
            RateLimitLayer::by_client().policies(policies).store(store),
            false,
        )
    }

    pub(crate) fn with_routes(mut self) -> Self {
        self.routes = true;
        self
    }

    pub(crate) fn wait(&self, seconds: f64) {
        self.clock.advance(Duration::from_secs_f64(seconds));
    }

    /// Sends a request; the handler settles what `x-settle: UNIT=AMOUNT` says, and fails as `x-status` says.
    pub(crate) async fn send(&self, request: TestRequest) -> Response<Bytes> {
        let limit = self.layer.clone();
        let routes = self.routes.then(table);
        let inner = service_fn(handle);
        match self.by_principal {
            true => {
                let guards = (routes, Clients, Users, limit);
                collect(
                    GuardLayer(Arc::new(guards))
                        .layer(inner)
                        .oneshot(request)
                        .await
                        .unwrap(),
                )
                .await
            }
            false => {
                let guards = (routes, Clients, limit, Users);
                collect(
                    GuardLayer(Arc::new(guards))
                        .layer(inner)
                        .oneshot(request)
                        .await
                        .unwrap(),
                )
                .await
            }
        }
    }

    pub(crate) async fn status(&self, request: TestRequest) -> u16 {
        self.send(request).await.status().as_u16()
    }

    /// Sends so many and counts those that were let in.
    pub(crate) async fn admitted(&self, tries: usize, request: impl Fn() -> TestRequest) -> usize {
        let mut admitted = 0;
        for _ in 0..tries {
            admitted += usize::from(self.status(request()).await == 200);
        }
        admitted
    }
}

async fn handle(request: TestRequest) -> Result<Response<Full<Bytes>>, std::convert::Infallible> {
    let header = |name| {
        request
            .headers()
            .get(name)
            .map(|value| value.to_str().unwrap().to_owned())
    };
    if let Some(settle) = header("x-settle") {
        let (_, amount) = settle.split_once('=').unwrap();
        let cx = SecurityContext::of(request.extensions()).unwrap();
        cx.settle("characters", amount.parse().unwrap());
    }
    let mut response = Response::new(Full::default());
    if let Some(status) = header("x-status") {
        *response.status_mut() = status.parse().unwrap();
    }
    Ok(response)
}

async fn collect<B>(response: Response<B>) -> Response<Bytes>
where
    B: http_body::Body,
    B::Error: std::fmt::Debug,
{
    let (head, body) = response.into_parts();
    Response::from_parts(head, body.collect().await.unwrap().to_bytes())
}

pub(crate) fn get(path: &str) -> http::request::Builder {
    Request::builder().uri(path)
}

pub(crate) fn from(client: &str) -> TestRequest {
    get("/")
        .header("x-client", client)
        .body(Full::default())
        .unwrap()
}

pub(crate) fn from_path(client: &str, path: &str) -> TestRequest {
    get(path)
        .header("x-client", client)
        .body(Full::default())
        .unwrap()
}

pub(crate) fn as_user(user: &str) -> TestRequest {
    get("/")
        .header("x-client", "203.0.113.7")
        .header("x-user", user)
        .body(Full::default())
        .unwrap()
}

/// A user with amounts of its own, such as `a=12,b=3`.
pub(crate) fn with_own(user: &str, own: &str) -> TestRequest {
    let mut request = as_user(user);
    request.headers_mut().insert("x-own", own.parse().unwrap());
    request
}

pub(crate) fn field<'a>(response: &'a Response<Bytes>, name: &str) -> &'a str {
    response
        .headers()
        .get(name)
        .map_or("", |value| value.to_str().unwrap())
}

pub(crate) fn problem(response: &Response<Bytes>) -> serde_json::Value {
    serde_json::from_slice(response.body()).unwrap()
}

pub(crate) fn retry_after(response: &Response<Bytes>) -> u64 {
    field(response, "retry-after").parse().unwrap()
}

pub(crate) fn small_store(buckets: usize) -> Arc<MemoryStore> {
    Arc::new(MemoryStore::with_capacity(buckets))
}
