//! Places are held until the response is over, and come back however it ends.

use std::{convert::Infallible, future::pending, num::NonZeroU32, sync::Arc, time::Duration};

use bytes::Bytes;
use http::Response;
use http_body_util::{BodyExt, Full};
use palisade_core::{GuardLayer, MaybeReady, testing};
use palisade_rate_limit::{
    BucketKey, Charge, ConcurrencyLayer, ConcurrencyLayerBuilder, Key, Limit, LimitStore,
    MemoryStore, StoreDecision, Subject,
};
use tower::{Layer, ServiceExt, service_fn};

use crate::support::*;

fn two(key: Key) -> ConcurrencyLayer {
    ConcurrencyLayer::builder("voices", NonZeroU32::new(2).unwrap())
        .key(key)
        .build()
        .unwrap()
}

async fn respond(_: TestRequest) -> Result<Response<Full<Bytes>>, Infallible> {
    Ok(Response::new(Full::from("audio")))
}

#[tokio::test]
async fn a_place_is_held_until_the_body_is_over() {
    let layer = two(Key::client());
    let service = GuardLayer((Clients, layer.clone())).layer(service_fn(respond));
    let send = async |client: &str| service.clone().oneshot(from(client)).await.unwrap();
    let (one, two) = (send("203.0.113.7").await, send("203.0.113.7").await);
    let refused = send("203.0.113.7").await;
    assert_eq!(refused.status(), 429);
    assert_eq!(refused.headers()["retry-after"], "1");
    assert_eq!(
        refused.headers()["ratelimit-policy"],
        "\"voices\";q=2;qu=\"concurrent-requests\""
    );
    let body = refused.into_body().collect().await.unwrap().to_bytes();
    let problem: serde_json::Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(
        (&problem["code"], &problem["violated-policies"]),
        (&"too_many_at_once".into(), &serde_json::json!(["voices"]))
    );
    assert_eq!(send("203.0.113.8").await.status(), 200);

    one.into_body().collect().await.unwrap();
    let three = send("203.0.113.7").await;
    assert_eq!(three.status(), 200);
    // A client that leaves in the middle gives his place back too.
    drop(two);
    drop(three);
    assert_eq!(layer.clients(), 0);
}

#[tokio::test]
async fn a_place_comes_back_from_a_cancelled_request_and_from_a_panic() {
    let layer = two(Key::client());
    let hangs = GuardLayer((Clients, layer.clone())).layer(service_fn(|_: TestRequest| {
        pending::<Result<Response<Full<Bytes>>, Infallible>>()
    }));
    for _ in 0..10 {
        let call = hangs.clone().oneshot(from("203.0.113.7"));
        assert!(tokio::time::timeout(Duration::ZERO, call).await.is_err());
    }
    let panics = GuardLayer((Clients, layer.clone())).layer(service_fn(async |_: TestRequest| {
        if true {
            panic!("the model fell over");
        }
        Ok::<_, Infallible>(Response::new(Full::<Bytes>::default()))
    }));
    for _ in 0..10 {
        assert!(
            tokio::spawn(panics.clone().oneshot(from("203.0.113.7")))
                .await
                .unwrap_err()
                .is_panic()
        );
    }
    assert_eq!(layer.clients(), 0);
}

#[tokio::test]
async fn a_layer_applied_twice_takes_one_place() {
    let layer = ConcurrencyLayer::builder("one", NonZeroU32::MIN)
        .build()
        .unwrap();
    let service = GuardLayer(Clients).layer(layer.layer(layer.layer(service_fn(respond))));
    assert_eq!(
        service.oneshot(from("203.0.113.7")).await.unwrap().status(),
        200
    );
}

#[tokio::test]
async fn without_a_client_or_a_principal_it_is_misconfigured() {
    let by_client = two(Key::client()).layer(service_fn(respond));
    assert_eq!(
        by_client
            .oneshot(from("203.0.113.7"))
            .await
            .unwrap()
            .status(),
        500
    );
    let by_principal = GuardLayer((Clients, two(Key::principal()))).layer(service_fn(respond));
    assert_eq!(
        by_principal
            .oneshot(from("203.0.113.7"))
            .await
            .unwrap()
            .status(),
        500
    );
}

#[test]
fn its_name_must_fit_a_header() {
    assert!(
        ConcurrencyLayer::builder("a\"b", NonZeroU32::MIN)
            .build()
            .is_err()
    );
}

#[test]
fn it_keeps_the_contract_of_poll_ready() {
    testing::poll_ready_contract(GuardLayer((Clients, two(Key::client()))), || {
        from("203.0.113.7")
    });
}

#[tokio::test]
async fn over_a_store_requests_in_progress_stay_counted_when_the_layer_is_built_again() {
    let store = Arc::new(MemoryStore::default());
    let two = NonZeroU32::new(2).unwrap();
    let build = |name: &str| {
        let layer = ConcurrencyLayer::builder(name, two).store(Arc::clone(&store));
        GuardLayer((Clients, layer.build().unwrap())).layer(service_fn(respond))
    };
    let (first, other) = (build("voices"), build("images"));
    let one = first.oneshot(from("203.0.113.7")).await.unwrap();
    let again = build("voices");
    let two = again.clone().oneshot(from("203.0.113.7")).await.unwrap();
    assert_eq!((one.status().as_u16(), two.status().as_u16()), (200, 200));
    let status = async || {
        again
            .clone()
            .oneshot(from("203.0.113.7"))
            .await
            .unwrap()
            .status()
    };
    assert_eq!(status().await, 429);
    // Another name counts on its own.
    assert_eq!(
        other.oneshot(from("203.0.113.7")).await.unwrap().status(),
        200
    );
    drop(one);
    assert_eq!(status().await, 200);
}

#[test]
fn an_expiry_out_of_range_and_a_store_without_permits_are_told_at_build() {
    let error = |builder: ConcurrencyLayerBuilder| builder.build().unwrap_err().to_string();
    let builder = || ConcurrencyLayer::builder("voices", NonZeroU32::MIN);
    for expiry in [999, 600_001] {
        let text = error(builder().expiry(Duration::from_millis(expiry)));
        assert!(text.contains("1 second to 10 minutes"), "{text}");
    }
    for expiry in [1_000, 600_000] {
        assert!(
            builder()
                .expiry(Duration::from_millis(expiry))
                .build()
                .is_ok()
        );
    }
    let text = error(builder().store(NoPermits(MemoryStore::default())));
    assert!(text.contains("`LimitStore::permits`"), "{text}");
}

/// A store of buckets alone.
#[derive(Debug)]
struct NoPermits(MemoryStore);

impl LimitStore for NoPermits {
    fn bucket_key(&self, subject: &Subject<'_>) -> BucketKey {
        self.0.bucket_key(subject)
    }

    fn charge(&self, now: Duration, charges: &[Charge<'_>]) -> MaybeReady<StoreDecision> {
        self.0.charge(now, charges)
    }

    fn adjust(&self, now: Duration, limit: &Arc<Limit>, bucket: BucketKey, units: i64) {
        self.0.adjust(now, limit, bucket, units);
    }

    fn explain(&self) -> String {
        self.0.explain()
    }
}

#[tokio::test]
async fn a_household_of_ipv6_has_four_times_the_places() {
    let layer = two(Key::client());
    let service = GuardLayer((Clients, layer.clone())).layer(service_fn(respond));
    let mut admitted = Vec::new();
    for subnet in 0..256 {
        let client = from(&format!("2001:db8:1:{subnet:x}::1"));
        let response = service.clone().oneshot(client).await.unwrap();
        if response.status() == 200 {
            admitted.push(response);
        }
    }
    assert_eq!(admitted.len(), 8);
    let other = service.clone().oneshot(from("2001:db8:1:100::1"));
    assert_eq!(other.await.unwrap().status(), 200);
    drop(admitted);
    assert_eq!(layer.clients(), 0);
}

#[tokio::test]
async fn an_unlimited_route_takes_no_place() {
    let layer = two(Key::client());
    let guards = (table(), Clients, layer.clone());
    let service = GuardLayer(std::sync::Arc::new(guards)).layer(service_fn(respond));
    let mut open = Vec::new();
    for _ in 0..5 {
        let health = from_path("203.0.113.7", "/health");
        open.push(service.clone().oneshot(health).await.unwrap());
    }
    assert!(open.iter().all(|response| response.status() == 200));
    assert_eq!(layer.clients(), 0);
}
