//! What the layer costs in allocations, over the same stack without it.

use std::{
    pin::pin,
    task::{Context, Poll, Waker},
};

use http_body_util::BodyExt;
use palisade_core::{GuardLayer, testing::EmptyOk};
use palisade_rate_limit::{Policy, RateLimitLayer};
use tower::{Layer, ServiceExt};

use crate::support::*;

/// Counts the allocations of one request with these policies, the request itself not included.
fn count(policies: Option<Vec<Policy>>, status: u16) -> u64 {
    let limit = policies.map(|policies| {
        RateLimitLayer::by_client()
            .policies(policies)
            .build()
            .unwrap()
    });
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
fn a_refusal_costs_its_response_alone() {
    let bare = count(None, 200);
    let minutes = count(Some(vec![policy("a", "1/minute")]), 429) - bare;
    let days = count(Some(vec![policy("a", "1/day")]), 429) - bare;
    // The refusal and its list of fields, `RateLimit` (two, for it is cloned into the response), the map (two), the fact.
    // A wait of more than two minutes is not ready-made and costs two more.
    assert!(minutes <= 8 && days <= 10, "{minutes} {days}");
}
