//! Budgets that no noise of a machine can blur: allocations over those of the bare service.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use benches::{Body, Floor, audit, client, limit, request, run, shield};
use http::Request;
use palisade::core::GuardLayer;
use tower::{Layer as _, Service};

/// Counts the allocations of one request when everything is warm.
fn allocations<S, B>(service: &mut S, request: impl Fn() -> Request<Body>) -> u64
where
    S: Service<Request<Body>, Response = http::Response<B>>,
    S::Error: std::fmt::Debug,
    B: http_body::Body + Unpin,
{
    for _ in 0..8 {
        run(service, request());
    }
    let (mut fewest, request) = (u64::MAX, &request);
    for _ in 0..8 {
        let ready = request();
        let counted = allocation_counter::measure(|| {
            run(service, ready);
        });
        fewest = fewest.min(counted.count_total);
    }
    fewest
}

fn check(name: &str, counted: u64, budget: u64) {
    println!("{name}: {counted} allocations (budget {budget})");
    assert!(
        counted <= budget,
        "{name}: {counted} allocations, budget {budget}"
    );
}

/// What the bare service allocates: the map of its one header.
const FLOOR: u64 = 2;

#[test]
fn the_bare_service_allocates_its_own_header() {
    check("floor", allocations(&mut Floor, || request(None)), FLOOR);
}

#[test]
fn the_whole_stack_stays_within_its_budget() {
    let folder = tempfile::tempdir().unwrap();
    let often = "1000000000/minute";
    let (bare, key) = shield(often, None);
    let admit = allocations(&mut bare.wrap(Floor), || request(Some(&key)));
    // The context, the state of the guards, the entry in the extensions, and the map with the security headers: its
    // table and its entries, those of the service and of the limits among them.
    check("stack admits, no audit", admit - FLOOR, 5);
    let (audited, key) = shield(often, Some(audit(&folder.path().join("audit.jsonl"))));
    let admit = allocations(&mut audited.wrap(Floor), || request(Some(&key)));
    // The record too.
    check("stack admits, with audit", admit - FLOOR, 6);
    check(
        "stack refuses a guest",
        allocations(&mut audited.wrap(Floor), || request(None)),
        11,
    );
}

#[test]
fn a_refusal_by_the_limit_stays_within_its_budget() {
    let mut service = GuardLayer((client(), limit("1/day"))).layer(Floor);
    check(
        "limit refuses",
        allocations(&mut service, || request(None)),
        8,
    );
}
