//! Each trait that an application may implement is reachable through the facade alone.
//!
//! The file names no member crate: what is missing in a module of the facade does not compile here.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Response, StatusCode, request};
use palisade::{
    AllowedHosts, ApiKeyLayer, AuditLayer, Policy, Principal, RateLimitLayer, Routes, Rule, Shield,
    api_key::{KeyId, KeyRecord, KeyScheme, KeyStore, Pepper, StoreUnavailable},
    audit::{RequestRecord, Sink},
    core::{
        Authenticator, AuthenticatorId, Credential, CredentialSource, Guard, MaybeReady, Rejection,
        Renderer, SecurityContext, Verdict,
    },
    rate_limit::{
        BucketKey, Charge, ChargeOutcome, Limit, LimitState, LimitStore, StoreDecision, Subject,
    },
};

use crate::support::{request, send_to};

/// Counts the records that it gets.
#[derive(Debug)]
struct CountingSink(Arc<AtomicU32>);

impl Sink for CountingSink {
    fn record_request(&self, _: &Arc<RequestRecord>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

/// Admits a number of requests, then none.
#[derive(Debug)]
struct TotalStore(AtomicU32);

impl LimitStore for TotalStore {
    fn bucket_key(&self, _: &Subject<'_>) -> BucketKey {
        BucketKey::new(1, 1)
    }

    fn charge(&self, _: Duration, charges: &[Charge<'_>]) -> MaybeReady<StoreDecision> {
        let left = self.0.fetch_sub(1, Ordering::Relaxed);
        let (outcome, wait) = match left {
            0 => (ChargeOutcome::Refused, Duration::from_secs(60)),
            _ => (ChargeOutcome::Admitted, Duration::ZERO),
        };
        let states = charges.iter().map(|_| LimitState::new(wait, wait));
        MaybeReady::Ready(StoreDecision::new(outcome, states))
    }

    fn adjust(&self, _: Duration, _: &Arc<Limit>, _: BucketKey, _: i64) {}

    fn explain(&self) -> String {
        "a total".to_owned()
    }
}

/// A store of keys that cannot be reached.
#[derive(Debug)]
struct UnreachableKeys;

impl KeyStore for UnreachableKeys {
    fn find(&self, _: KeyId) -> MaybeReady<Result<Option<Arc<KeyRecord>>, StoreUnavailable>> {
        MaybeReady::pending(async { Err(StoreUnavailable::new("unreachable")) })
    }
}

/// Writes the code of a refusal and nothing else.
#[derive(Debug)]
struct CodeAlone;

impl Renderer for CodeAlone {
    fn render(&self, rejection: Rejection) -> Response<Bytes> {
        let mut response = Response::new(Bytes::from(rejection.code()));
        *response.status_mut() = rejection.status();
        response
    }
}

/// Accepts a client that names itself.
struct Names(AuthenticatorId);

const NAME: HeaderName = HeaderName::from_static("x-name");

impl Authenticator for Names {
    fn id(&self) -> AuthenticatorId {
        self.0
    }

    fn kind(&self) -> &'static str {
        "name"
    }

    fn sources(&self) -> Vec<CredentialSource> {
        vec![CredentialSource::header(NAME)]
    }

    fn authenticate(
        &self,
        _: &SecurityContext,
        _: &mut request::Parts,
        credential: &Credential,
    ) -> Verdict<Principal> {
        let name = credential.as_str().unwrap_or_default();
        Verdict::Admit(Principal::builder("name", name).build())
    }

    fn challenge(&self) -> HeaderValue {
        HeaderValue::from_static("Name")
    }
}

/// Remembers the principals that it has seen.
#[derive(Clone, Debug, Default)]
struct Visitors(Arc<Mutex<Vec<String>>>);

impl Guard for Visitors {
    type Pass = ();

    fn name(&self) -> &'static str {
        "visitors"
    }

    fn admit(&self, cx: &SecurityContext, _: &mut request::Parts) -> Verdict<()> {
        match cx.principal() {
            Some(who) => self.0.lock().unwrap().push(who.id().to_owned()),
            None => return Rejection::new(StatusCode::FORBIDDEN, "nameless", "Say who.").into(),
        }
        Verdict::Admit(())
    }
}

palisade::core::layer!(Visitors);

#[tokio::test]
async fn every_part_can_be_replaced_through_the_facade_alone() {
    let records = Arc::new(AtomicU32::new(0));
    let visitors = Visitors::default();
    let scheme = KeyScheme::new(Pepper::generate().unwrap());
    let presented = scheme.mint(
        palisade::api_key::Grant::new(palisade::api_key::Environment::Live),
        Duration::ZERO,
    );
    let key = presented.unwrap().key().to_owned();
    let total = Policy::named("total").rate("1/minute").unwrap();
    let limit = RateLimitLayer::by_client()
        .policy(total)
        .store(TotalStore(AtomicU32::new(3)));
    let app = Shield::builder()
        .hosts(AllowedHosts::parse(["service.test"]).unwrap())
        .audit(
            AuditLayer::builder()
                .sink(CountingSink(Arc::clone(&records)))
                .build()
                .unwrap(),
        )
        .authenticate(Names(AuthenticatorId::unique()))
        .authenticate(ApiKeyLayer::new(scheme, UnreachableKeys))
        .limit_clients(limit.build().unwrap())
        .guard(visitors.clone())
        .render(CodeAlone)
        .protect(Routes::new().get("/", Rule::authenticated(), async || "hello"))
        .unwrap();

    let mut named = request("GET", "/", None);
    named.headers_mut().insert(NAME, "ann".parse().unwrap());
    assert_eq!(send_to(&app, named).await.body, "hello", "`Names`");
    assert_eq!(*visitors.0.lock().unwrap(), ["ann"], "`Visitors`");

    let keyed = send_to(&app, request("GET", "/", Some(&key))).await;
    assert_eq!(keyed.status, 503, "`UnreachableKeys`");

    let anonymous = send_to(&app, request("GET", "/", None)).await;
    assert_eq!(anonymous.body, "unauthenticated", "`CodeAlone`");

    let fourth = send_to(&app, request("GET", "/", None)).await;
    assert_eq!(fourth.body, "quota_exceeded", "`TotalStore`");
    assert_eq!(records.load(Ordering::Relaxed), 4, "`CountingSink`");
}
