//! Networks of IPv6: many addresses of one household, or of one provider, are not many clients.

use std::num::NonZeroU32;

use palisade_rate_limit::{Key, Policy};

use crate::support::*;

/// Sends from each /64 of a /56 in turn and counts those that were let in.
async fn admitted_of_household(stack: &TestStack, rounds: u32) -> usize {
    let mut admitted = 0;
    for _ in 0..rounds {
        for subnet in 0..256 {
            let client = format!("2001:db8:1:{subnet:x}::1");
            admitted += usize::from(stack.status(from(&client)).await == 200);
        }
    }
    admitted
}

fn times(multiple: u32) -> NonZeroU32 {
    NonZeroU32::new(multiple).unwrap()
}

#[tokio::test]
async fn a_household_of_ipv6_has_four_quotas_and_not_256() {
    let stack = TestStack::by_client([policy("a", "10/minute")]);
    assert_eq!(admitted_of_household(&stack, 12).await, 40);
    // Its neighbours, and IPv4, are other clients.
    assert_eq!(stack.admitted(20, || from("2001:db8:1:100::1")).await, 10);
    assert_eq!(stack.admitted(20, || from("203.0.113.7")).await, 10);
}

#[tokio::test]
async fn one_client_of_a_household_does_not_use_up_what_the_others_have() {
    let stack = TestStack::by_client([policy("a", "10/minute")]);
    assert_eq!(stack.admitted(100, || from("2001:db8:1:1::1")).await, 10);
    assert_eq!(stack.admitted(100, || from("2001:db8:1:2::1")).await, 10);
}

#[tokio::test]
async fn a_network_that_refuses_is_named_and_obeying_it_suffices() {
    let stack = TestStack::by_client([policy("a", "10/minute")]);
    admitted_of_household(&stack, 1).await;
    let refused = stack.send(from("2001:db8:1:ff::2")).await;
    assert_eq!(
        problem(&refused)["violated-policies"],
        serde_json::json!(["a-network"])
    );
    assert_eq!(
        field(&refused, "ratelimit-policy"),
        "\"a-network\";q=40;w=60"
    );
    assert_eq!(retry_after(&refused), 2);
    stack.wait(2.0);
    assert_eq!(stack.status(from("2001:db8:1:ff::2")).await, 200);
    // Before it refuses, clients are told of their own limit alone.
    let admitted = stack.send(from("2001:db8:2:1::1")).await;
    assert_eq!(field(&admitted, "ratelimit"), "\"a\";r=9;t=6");
}

#[tokio::test]
async fn failed_credentials_count_against_the_household_too() {
    let stack = TestStack::by_client([policy("login", "5/minute").penalty()]);
    let mut reached = 0;
    for subnet in 0..256 {
        let guess = get("/")
            .header("x-client", format!("2001:db8:1:{subnet:x}::1"))
            .header("x-user", "wrong");
        let guess = guess.body(Default::default()).unwrap();
        reached += usize::from(stack.status(guess).await == 401);
    }
    assert_eq!(reached, 20);
}

#[tokio::test]
async fn guests_are_counted_by_their_household_and_principals_are_not() {
    let stack = TestStack::by_principal([policy("a", "10/minute")]);
    assert_eq!(admitted_of_household(&stack, 1).await, 40);
    let mut admitted = 0;
    for user in 0..100 {
        let request = get("/")
            .header("x-client", "2001:db8:1:7::1")
            .header("x-user", format!("user{user}"));
        let request = request.body(Default::default()).unwrap();
        admitted += usize::from(stack.status(request).await == 200);
    }
    assert_eq!(admitted, 100);
}

#[tokio::test]
async fn the_network_can_be_wider_or_left_out() {
    let with = |key: Key| -> Policy { policy("a", "10/minute").key(key) };
    let wider = TestStack::by_client([with(Key::client().ipv6_network(48, times(16)))]);
    assert_eq!(admitted_of_household(&wider, 1).await, 160);
    let none = TestStack::by_client([with(Key::client().without_ipv6_network())]);
    assert_eq!(admitted_of_household(&none, 1).await, 256);
    // Clients that are as wide as the network need none.
    let wide = TestStack::by_client([with(Key::client().prefixes(24, 56))]);
    assert_eq!(admitted_of_household(&wide, 1).await, 10);
    assert!(
        wide.layer
            .explain()
            .contains("by client (IPv4 /24, IPv6 /56)")
    );
}

#[tokio::test]
async fn eight_limits_of_clients_count_their_networks_too() {
    let policies = (0..8).map(|n| policy(&format!("p{n}"), "10/minute"));
    let stack = TestStack::by_client(policies);
    assert_eq!(admitted_of_household(&stack, 12).await, 40);
    let refused = stack.send(from("2001:db8:1:ff::2")).await;
    let violated = problem(&refused)["violated-policies"].clone();
    assert_eq!(violated.as_array().unwrap().len(), 8);
}
