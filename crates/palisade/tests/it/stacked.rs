//! Authenticating layers inside each other are *and*: a nested router may ask for more than the
//! router around it, and a credential that only the outer layer accepts never opens it.
//!
//! The same claims on the core alone: `core/tests/it/stacked_authentication.rs`. Here they are made
//! with the layers and routers that applications use.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use axum::{Router, routing::get};
use palisade::{
    AllowedHosts, ApiKeyLayer, JwtLayer, Principal, Rule, Rules, Shield,
    api_key::{
        Environment, Grant, KeyId, KeyRecord, KeyScheme, KeyStore, MemoryKeyStore, Pepper,
        StoreUnavailable,
    },
    core::{MaybeReady, SystemClock},
    jwt::{
        Algorithm, Issuer, Verifier,
        mint::{SigningKey, Token},
        revocation::{ListUnavailable, RevocationList, RevokedToken},
    },
};
use tower::ServiceExt as _;

use crate::support::*;

const CUSTOMERS: &str = "https://customers.example";
const STAFF: &str = "https://staff.example";

/// An issuer of tokens with its key.
struct TokenIssuer {
    name: &'static str,
    key: SigningKey,
}

impl TokenIssuer {
    fn new(name: &'static str) -> Self {
        let key = SigningKey::generate(Algorithm::EdDsa).unwrap();
        Self { name, key }
    }

    /// A layer that accepts its tokens for one audience.
    fn layer(&self, audience: &str) -> JwtLayer {
        let issuer = Issuer::new(self.name, audience, self.key.verifying_key());
        JwtLayer::new(Verifier::builder().issuer(issuer).build().unwrap())
    }

    /// A token for some audiences, as the value of `Authorization`.
    fn token(&self, audiences: &[&str]) -> String {
        let token = Token::new(self.name, "", "ann").claim("aud", audiences.to_vec());
        let signed = token.sign(&self.key, SystemClock::shared().as_ref());
        format!("Bearer {}", signed.unwrap())
    }
}

/// Says who the handler was called by.
async fn who(who: Principal) -> String {
    who.id().to_owned()
}

/// `/shop` behind an outer layer alone, `/admin` in a nested router with a layer of its own.
macro_rules! nested {
    ($outer:expr, $inner:expr) => {
        Router::new()
            .route("/shop", get(who))
            .nest("/admin", Router::new().route("/", get(who)).layer($inner))
            .layer($outer)
    };
}

/// The same behind a shield, of which `authenticate` is the outer layer.
fn shielded(shield: palisade::shield::ShieldBuilder, inner: Router) -> palisade::ProtectedRouter {
    let rules = Rules::new()
        .get("/shop", Rule::authenticated())
        .get("/admin", Rule::authenticated());
    let router = Router::new().route("/shop", get(who)).nest("/admin", inner);
    let hosts = AllowedHosts::parse(["service.test"]).unwrap();
    shield.hosts(hosts).rules(rules).protect(router).unwrap()
}

/// Sends a request with one header, and returns the status and what the handler said, or the code.
async fn send(app: &Router, path: &str, name: &'static str, value: &str) -> (u16, String) {
    let mut request = request("GET", path, None);
    request.headers_mut().insert(name, value.parse().unwrap());
    told(read_response(app.clone().oneshot(request).await.unwrap()).await)
}

/// The same through a shield.
async fn send_through(
    app: &palisade::ProtectedRouter,
    path: &str,
    name: &'static str,
    value: &str,
) -> (u16, String) {
    let mut request = request("GET", path, None);
    request.headers_mut().insert(name, value.parse().unwrap());
    told(send_to(app, request).await)
}

fn told(seen: TestResponse) -> (u16, String) {
    match seen.code.is_empty() {
        true => (seen.status, seen.body),
        false => (seen.status, seen.code),
    }
}

fn refused() -> (u16, String) {
    (401, "unauthenticated".into())
}

#[tokio::test]
async fn a_token_of_customers_opens_no_nested_router_of_staff() {
    let (customers, staff) = (TokenIssuer::new(CUSTOMERS), TokenIssuer::new(STAFF));
    let app = nested!(customers.layer("shop"), staff.layer("admin"));
    for audiences in [&["shop"][..], &["shop", "admin"]] {
        let token = customers.token(audiences);
        let (status, body) = send(&app, "/shop", "authorization", &token).await;
        assert_eq!((status, body.contains("ann")), (200, true), "{body}");
        assert_eq!(
            send(&app, "/admin", "authorization", &token).await,
            refused()
        );
    }
    // Both layers must accept the token, so that of another issuer opens neither.
    let token = staff.token(&["shop", "admin"]);
    for path in ["/shop", "/admin"] {
        assert_eq!(send(&app, path, "authorization", &token).await, refused());
    }
}

#[tokio::test]
async fn a_nested_router_of_another_audience_needs_a_token_for_both() {
    let issuer = TokenIssuer::new(CUSTOMERS);
    let app = nested!(issuer.layer("shop"), issuer.layer("admin"));
    let one = issuer.token(&["shop"]);
    assert_eq!(send(&app, "/admin", "authorization", &one).await, refused());
    let both = issuer.token(&["shop", "admin"]);
    let (status, body) = send(&app, "/admin", "authorization", &both).await;
    assert_eq!((status, body.contains("ann")), (200, true), "{body}");
}

#[tokio::test]
async fn a_stricter_token_layer_inside_a_shield_verifies_the_token_again() {
    let issuer = TokenIssuer::new(CUSTOMERS);
    let inner = Router::new().route("/", get(who));
    let app = shielded(
        Shield::builder().authenticate(issuer.layer("shop")),
        inner.layer(issuer.layer("admin")),
    );
    let one = issuer.token(&["shop"]);
    assert_eq!(
        send_through(&app, "/shop", "authorization", &one).await.0,
        200
    );
    let seen = send_through(&app, "/admin", "authorization", &one).await;
    assert_eq!(seen, refused());
    let both = issuer.token(&["shop", "admin"]);
    let seen = send_through(&app, "/admin", "authorization", &both).await;
    assert_eq!(seen.0, 200, "{}", seen.1);
}

/// A scheme, a store, and the key of a client that is in the store.
struct Keys {
    scheme: KeyScheme,
    store: MemoryKeyStore,
    record: KeyRecord,
    key: String,
}

impl Keys {
    fn new(scheme: &KeyScheme) -> Self {
        let grant = Grant::new(Environment::Live);
        let minted = scheme.mint(grant, Duration::ZERO).unwrap();
        let store = MemoryKeyStore::new();
        store.insert(minted.record().clone()).unwrap();
        Self {
            scheme: scheme.clone(),
            store,
            record: minted.record().clone(),
            key: minted.key().to_owned(),
        }
    }

    fn layer(&self) -> ApiKeyLayer {
        ApiKeyLayer::new(self.scheme.clone(), self.store.clone())
    }
}

#[tokio::test]
async fn a_key_of_one_store_opens_no_nested_router_of_another_store() {
    let scheme = KeyScheme::new(Pepper::generate().unwrap());
    let (customers, staff) = (Keys::new(&scheme), Keys::new(&scheme));
    let app = nested!(customers.layer(), staff.layer());
    let (status, id) = send(&app, "/shop", "x-api-key", &customers.key).await;
    assert_eq!(status, 200, "{id}");
    let seen = send(&app, "/admin", "x-api-key", &customers.key).await;
    assert_eq!(seen, refused());
    for path in ["/shop", "/admin"] {
        assert_eq!(send(&app, path, "x-api-key", &staff.key).await, refused());
    }
    staff.store.insert(customers.record.clone()).unwrap();
    let seen = send(&app, "/admin", "x-api-key", &customers.key).await;
    assert_eq!(seen, (200, id), "a key that is in both stores");
}

#[tokio::test]
async fn a_key_layer_of_another_store_inside_a_shield_verifies_the_key_again() {
    let scheme = KeyScheme::new(Pepper::generate().unwrap());
    let (customers, staff) = (Keys::new(&scheme), Keys::new(&scheme));
    let inner = Router::new().route("/", get(who)).layer(staff.layer());
    let app = shielded(Shield::builder().authenticate(customers.layer()), inner);
    let key = &customers.key;
    assert_eq!(send_through(&app, "/shop", "x-api-key", key).await.0, 200);
    assert_eq!(
        send_through(&app, "/admin", "x-api-key", key).await,
        refused()
    );
    staff.store.insert(customers.record.clone()).unwrap();
    assert_eq!(send_through(&app, "/admin", "x-api-key", key).await.0, 200);
}

/// Counts how often the record of a key is looked up.
#[derive(Clone, Debug)]
struct CountingStore(MemoryKeyStore, Arc<AtomicU32>);

impl KeyStore for CountingStore {
    fn find(&self, id: KeyId) -> MaybeReady<Result<Option<Arc<KeyRecord>>, StoreUnavailable>> {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.find(id)
    }
}

/// Counts how often a token is verified to its end, and revokes none.
#[derive(Debug)]
struct CountingList(Arc<AtomicU32>);

impl RevocationList for CountingList {
    fn is_revoked(&self, _: &RevokedToken<'_>) -> Result<bool, ListUnavailable> {
        self.0.fetch_add(1, Ordering::Relaxed);
        Ok(false)
    }
}

#[tokio::test]
async fn the_same_layer_twice_decides_once() {
    let count = Arc::new(AtomicU32::new(0));
    let keys = Keys::new(&KeyScheme::new(Pepper::generate().unwrap()));
    let counting = CountingStore(keys.store.clone(), Arc::clone(&count));
    let layer = ApiKeyLayer::new(keys.scheme.clone(), counting);
    let app = nested!(layer.clone(), layer.clone());
    assert_eq!(send(&app, "/admin", "x-api-key", &keys.key).await.0, 200);
    assert_eq!(count.swap(0, Ordering::Relaxed), 1, "the key");

    let issuer = TokenIssuer::new(CUSTOMERS);
    let trusted = Issuer::new(CUSTOMERS, "shop", issuer.key.verifying_key());
    let verifier = Verifier::builder().issuer(trusted).build().unwrap();
    let layer = JwtLayer::builder(verifier).revocation_list(CountingList(Arc::clone(&count)));
    let layer = layer.build().unwrap();
    let token = issuer.token(&["shop"]);
    let app = nested!(layer.clone(), layer.clone());
    assert_eq!(send(&app, "/admin", "authorization", &token).await.0, 200);
    assert_eq!(count.swap(0, Ordering::Relaxed), 1, "the token");

    let inner = Router::new().route("/", get(who)).layer(layer.clone());
    let app = shielded(Shield::builder().authenticate(layer), inner);
    let seen = send_through(&app, "/admin", "authorization", &token).await;
    assert_eq!((seen.0, count.load(Ordering::Relaxed)), (200, 1));
}
