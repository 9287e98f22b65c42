//! What the layer costs in allocations, over the same stack without it.

use std::{
    net::Ipv6Addr,
    num::NonZeroU32,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
    time::Duration,
};

use http_body_util::BodyExt;
use palisade_core::{GuardLayer, MaybeReady, testing::EmptyOk};
use palisade_rate_limit::{
    Charge, ChargeOutcome, LimitOverride, LimitStore, MemoryStore, Policy, RateLimitLayer, Subject,
};
use tower::{Layer, ServiceExt};

use crate::support::*;

/// Counts the allocations of one request with these policies, the request itself not included.
fn count(policies: Option<Vec<Policy>>, status: u16) -> u64 {
    count_in(policies.map(layer), status)
}

fn layer(policies: Vec<Policy>) -> RateLimitLayer {
    let layer = RateLimitLayer::by_client().policies(policies);
    layer.build().unwrap()
}

/// The same for a layer.
fn count_in(limit: Option<RateLimitLayer>, status: u16) -> u64 {
    let service = GuardLayer((Clients, limit)).layer(EmptyOk::default());
    let send = |request: TestRequest| {
        let mut call = pin!(async {
            let response = service.clone().oneshot(request).await.unwrap();
            let status = response.status();
            response.into_body().collect().await.unwrap();
            status
        });
        match call.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(status) => status,
            Poll::Pending => panic!("it waits"),
        }
    };
    // The first of its kind renders what later ones clone.
    send(from("203.0.113.7"));
    send(from("203.0.113.7"));
    let request = from("203.0.113.7");
    let mut found = None;
    let counted = allocation_counter::measure(|| found = Some(send(request)));
    assert_eq!(found.unwrap(), status);
    counted.count_total
}

#[test]
fn an_admission_costs_its_fields_alone() {
    let bare = count(None, 200);
    let one = count(Some(vec![policy("a", "100/minute")]), 200) - bare;
    let three = count(
        Some(vec![
            policy("a", "100/minute;1000/day"),
            policy("login", "5/minute").penalty(),
        ]),
        200,
    ) - bare;
    // The map that the fields are put into: a response nearly always has one already. Their values share an allocation.
    assert_eq!((one, three), (2, 2));
}

#[test]
fn overrides_of_other_clients_cost_no_allocation() {
    let policies = || vec![policy("a", "100/minute;1000/day")];
    let without = count(Some(policies()), 200);
    let layer = layer(policies());
    let value = LimitOverride::new(NonZeroU32::new(7).unwrap());
    let other = "198.51.100.1".parse().unwrap();
    let run = tokio::runtime::Builder::new_current_thread().build();
    let set = layer.set_client_override(other, "a-day", Some(value));
    assert_eq!(run.unwrap().block_on(set), Ok(()));
    assert_eq!(count_in(Some(layer), 200), without);
}

#[test]
fn a_refusal_costs_its_response_alone() {
    let bare = count(None, 200);
    let minutes = count(Some(vec![policy("a", "1/minute")]), 429) - bare;
    let days = count(Some(vec![policy("a", "1/day")]), 429) - bare;
    // The refusal and its list of fields, `RateLimit` (two, for it is cloned into the response), the map (two), the fact.
    // A wait of more than two minutes is not ready-made and costs two more.
    assert!(minutes <= 8 && days <= 10, "{minutes} {days}");
}

/// A client whose /64 is in a network (/32) of its own, so that no network has more than its share.
fn client(number: u64) -> Subject<'static> {
    let ip = Ipv6Addr::from_bits(u128::from(number + 0x2000_0000) << 96);
    Subject::network(ip.into(), 32, 64)
}

/// Returns a store of this size, the bytes that it allocated, and those of so many new clients.
fn measured(buckets: usize, clients: u64) -> (MemoryStore, u64, u64) {
    let mut store = None;
    let built = allocation_counter::measure(|| store = Some(MemoryStore::with_capacity(buckets)));
    let store = store.unwrap();
    let limit = Arc::new(policy("a", "2/day").limits().unwrap().remove(0));
    let charged = allocation_counter::measure(|| {
        for number in 0..clients {
            let bucket = store.bucket_key(&client(number));
            let charge = Charge::new(&limit, bucket, 1);
            let decision = store.charge(Duration::from_secs(1), &[charge]);
            assert!(matches!(decision, MaybeReady::Ready(_)));
        }
    });
    let left = u64::try_from(charged.bytes_current).unwrap();
    (store, u64::try_from(built.bytes_current).unwrap(), left)
}

#[test]
fn a_store_takes_the_memory_that_it_states_and_no_more_for_ten_times_its_clients() {
    let (store, built, charged) = measured(5_000, 50_000);
    let stated = u64::try_from(store.memory()).unwrap();
    assert!(
        built.abs_diff(stated) < stated / 10,
        "{built} bytes, {stated} stated"
    );
    assert!(charged < 1024, "{charged} bytes for clients");
}

/// Takes a minute in a debug build. `cargo test --release -- --ignored --nocapture ten_million`
#[test]
#[ignore = "ten million clients"]
fn ten_million_clients_take_the_memory_that_is_stated() {
    const CLIENTS: u64 = 10_000_000;
    let (store, built, charged) = measured(10_000_000, CLIENTS);
    let buckets = store.len() as u64;
    println!(
        "{buckets} buckets of {} in {built} bytes: {} bytes a bucket, {} stated",
        store.capacity(),
        built / buckets,
        store.memory()
    );
    let stated = u64::try_from(store.memory()).unwrap();
    assert!(
        built.abs_diff(stated) < stated / 10,
        "{built} bytes, {stated} stated"
    );
    assert!(charged < 1024, "{charged} bytes for clients");
    assert_eq!(buckets, CLIENTS, "each has a bucket of its own");
    assert!(
        built <= 90 * CLIENTS,
        "{built} bytes; 90 for each are stated"
    );
    // No one was forgotten: each of these used one of two.
    let limit = Arc::new(policy("a", "2/day").limits().unwrap().remove(0));
    let admits = |number, units| {
        let charge = Charge::new(&limit, store.bucket_key(&client(number)), units);
        match store.charge(Duration::from_secs(2), &[charge]) {
            MaybeReady::Ready(decision) => decision.outcome() == ChargeOutcome::Admitted,
            MaybeReady::Pending(_) => panic!("memory decides at once"),
        }
    };
    for number in (0..CLIENTS).step_by(997) {
        assert!(
            !admits(number, 2) && admits(number, 1) && !admits(number, 1),
            "{number}"
        );
    }
}
