//! Policies that record what they would refuse, beside policies that refuse.

use std::sync::Arc;

use palisade_core::{Guard, GuardLayer, Outcome, SecurityContext, Verdict, testing::EmptyOk};
use palisade_rate_limit::{MemoryStore, RateLimitLayer, Subject};
use tower::{Layer as _, ServiceExt as _};

use crate::support::*;

fn layer() -> RateLimitLayer {
    let layer = RateLimitLayer::by_client()
        .policy(policy("all", "5/minute"))
        .policy(policy("strict", "2/minute").dangerously_only_shadow())
        .store(Arc::new(MemoryStore::default()));
    layer.clock(clock().shared()).build().unwrap()
}

/// Counts the shadow refusals of a request that ends.
#[derive(Clone, Default)]
struct Watcher(Arc<std::sync::Mutex<Vec<(u16, usize)>>>);

impl Guard for Watcher {
    type Pass = ();

    fn name(&self) -> &'static str {
        "watcher"
    }

    fn admit(&self, _: &SecurityContext, _: &mut http::request::Parts) -> Verdict<()> {
        Verdict::Admit(())
    }

    fn close(&self, cx: &SecurityContext, (): (), outcome: Outcome) {
        let status = outcome.status.map_or(0, |status| status.as_u16());
        let would = cx.with_observations(|seen| seen.shadow_refusals().len());
        self.0.lock().unwrap().push((status, would));
    }
}

#[tokio::test]
async fn a_policy_in_shadow_records_and_refuses_nothing() {
    let (layer, watcher) = (layer(), Watcher::default());
    let service = GuardLayer((watcher.clone(), Clients, layer.clone())).layer(EmptyOk::default());
    for _ in 0..7 {
        let response = service.clone().oneshot(from("203.0.113.7")).await.unwrap();
        drop(response);
    }
    let seen = watcher.0.lock().unwrap().clone();
    let expected = [
        (200, 0),
        (200, 0),
        (200, 1),
        (200, 1),
        (200, 1),
        (429, 0),
        (429, 0),
    ];
    assert_eq!(seen, expected);
    let states = layer
        .inspect_client("203.0.113.7".parse().unwrap())
        .get()
        .await;
    let left: Vec<(String, u32)> = states
        .unwrap()
        .into_iter()
        .map(|state| (state.limit.into(), state.remaining))
        .collect();
    assert_eq!(left, [("all".to_owned(), 0), ("strict".to_owned(), 0)]);
}

#[tokio::test]
async fn clients_are_told_of_the_policies_that_refuse_alone() {
    let stack = TestStack::by_client([
        policy("all", "5/minute"),
        policy("strict", "2/minute").dangerously_only_shadow(),
    ]);
    let response = stack.send(from("203.0.113.7")).await;
    assert_eq!(field(&response, "ratelimit-policy"), "\"all\";q=5;w=60");
    assert_eq!(stack.admitted(9, || from("203.0.113.7")).await, 4);
    assert_eq!(
        stack.layer.policies().collect::<Vec<_>>(),
        ["all", "strict"]
    );
    let text = stack.layer.explain();
    assert!(
        text.contains("strict: 2/minute, at once 2, by client"),
        "{text}"
    );
    assert!(text.contains("in shadow: it refuses nothing"), "{text}");
    stack
        .layer
        .reset_client("203.0.113.7".parse().unwrap())
        .get()
        .await
        .unwrap();
    assert_eq!(stack.admitted(9, || from("203.0.113.7")).await, 5);
}

#[tokio::test]
async fn a_layer_of_policies_in_shadow_alone_admits_everything_and_counts() {
    let shadow = policy("a", "2/day").dangerously_only_shadow();
    let stack = TestStack::by_principal([shadow.settled_by("characters")]);
    assert_eq!(stack.admitted(9, || as_user("anna")).await, 9);
    let mut costly = as_user("bert");
    costly
        .headers_mut()
        .insert("x-settle", "characters=2".parse().unwrap());
    assert_eq!(stack.status(costly).await, 200);
    let bert = Subject::Named {
        kind: "test",
        id: "bert",
        group: None,
    };
    let states = stack.layer.inspect(&bert).get().await.unwrap();
    assert_eq!(states[0].remaining, 0, "it was settled");
}
