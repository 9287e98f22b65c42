//! What a request gets back that was refused before it reached the handler.

use std::{convert::Infallible, future::pending, sync::Arc, time::Duration};

use bytes::Bytes;
use http::{Response, StatusCode, request};
use http_body_util::Full;
use palisade_core::{Guard, GuardLayer, MaybeReady, Rejection, SecurityContext, Verdict};
use palisade_rate_limit::{
    BucketKey, Charge, ChargeOutcome, ChargeWhen, Limit, LimitState, LimitStore, RateLimitLayer,
    StoreDecision, Subject,
};
use tower::{Layer, ServiceExt, service_fn};

use crate::support::*;

/// Refuses texts with 422, as a sanitizer does.
#[derive(Clone)]
struct Texts;

impl Guard for Texts {
    type Pass = ();

    fn name(&self) -> &'static str {
        "texts"
    }

    fn admit(&self, _: &SecurityContext, head: &mut request::Parts) -> Verdict<()> {
        match head.headers.contains_key("x-bad-text") {
            true => Rejection::new(StatusCode::UNPROCESSABLE_ENTITY, "text_empty", "No.").into(),
            false => Verdict::Admit(()),
        }
    }
}

fn layer(when: ChargeWhen) -> RateLimitLayer {
    RateLimitLayer::by_principal()
        .policy(policy("a", "100/day").cost(10).charge_when(when))
        .clock(clock().shared())
        .build()
        .unwrap()
}

async fn send(layer: &RateLimitLayer, request: TestRequest) -> (u16, String) {
    let guards = (Clients, Users, layer.clone(), Texts);
    let service = GuardLayer(Arc::new(guards)).layer(service_fn(handle));
    let response = service.oneshot(request).await.unwrap();
    let limit_state = response.headers()["ratelimit"].to_str().unwrap().to_owned();
    (response.status().as_u16(), limit_state)
}

async fn handle(request: TestRequest) -> Result<Response<Full<Bytes>>, Infallible> {
    let failed = request.headers().contains_key("x-fail");
    let mut response = Response::new(Full::default());
    if failed {
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
    }
    Ok(response)
}

fn ask(mark: &'static str) -> TestRequest {
    let mut request = as_user("anna");
    request
        .headers_mut()
        .insert(mark, http::HeaderValue::from_static("1"));
    request
}

#[tokio::test]
async fn by_default_a_refusal_further_in_costs_as_much_as_a_response() {
    let layer = layer(ChargeWhen::Admitted);
    let refused = send(&layer, ask("x-bad-text")).await;
    assert_eq!(refused, (422, "\"a\";r=90;t=864".to_owned()));
    assert_eq!(send(&layer, ask("x-good")).await.1, "\"a\";r=80;t=864");
}

#[tokio::test]
async fn a_refusal_before_the_handler_costs_nothing_or_less_where_the_policy_says_so() {
    let free = layer(ChargeWhen::Handled { otherwise: 0 });
    for _ in 0..20 {
        let refused = send(&free, ask("x-bad-text")).await;
        assert_eq!(refused, (422, "\"a\";r=100".to_owned()));
    }
    let cheap = layer(ChargeWhen::Handled { otherwise: 2 });
    for left in [98, 96, 94] {
        let refused = send(&cheap, ask("x-bad-text")).await;
        assert_eq!(refused, (422, format!("\"a\";r={left};t=864")));
    }
    assert_eq!(send(&cheap, ask("x-good")).await.1, "\"a\";r=84;t=864");
}

#[tokio::test]
async fn what_the_handler_refuses_is_paid() {
    let layer = layer(ChargeWhen::Handled { otherwise: 0 });
    let refused = send(&layer, ask("x-fail")).await;
    assert_eq!(refused, (422, "\"a\";r=90;t=864".to_owned()));
    assert_eq!(send(&layer, ask("x-good")).await.1, "\"a\";r=80;t=864");
}

#[tokio::test]
async fn a_client_that_leaves_gets_nothing_back() {
    let layer = layer(ChargeWhen::Handled { otherwise: 0 });
    let guards = (Clients, Users, layer.clone());
    let service = GuardLayer(Arc::new(guards)).layer(service_fn(|_: TestRequest| {
        pending::<Result<Response<Full<Bytes>>, Infallible>>()
    }));
    for _ in 0..5 {
        let call = service.clone().oneshot(as_user("anna"));
        let left = tokio::time::timeout(Duration::ZERO, call).await;
        assert!(left.is_err(), "the handler never answers");
    }
    assert_eq!(send(&layer, ask("x-good")).await.1, "\"a\";r=40;t=864");
}

#[test]
fn refunds_before_authentication_are_refused_when_the_layer_is_built() {
    let when = ChargeWhen::Handled { otherwise: 0 };
    let layer = RateLimitLayer::by_client().policy(policy("a", "1/day").charge_when(when));
    let error = layer.build().unwrap_err().to_string();
    assert!(error.contains("by_principal()"), "{error}");
}

/// A store that cannot be reached: it admits, and notes what is given back where.
#[derive(Debug, Default)]
struct Away(std::sync::Mutex<Vec<(&'static str, i64)>>);

impl LimitStore for Away {
    fn bucket_key(&self, _: &Subject<'_>) -> BucketKey {
        BucketKey::new(0, 0)
    }

    fn charge(&self, _: Duration, charges: &[Charge<'_>]) -> MaybeReady<StoreDecision> {
        let limit_states = charges.iter().map(|_| LimitState::default());
        MaybeReady::Ready(StoreDecision::new(ChargeOutcome::Admitted, limit_states).degraded())
    }

    fn adjust(&self, _: Duration, _: &Arc<Limit>, _: BucketKey, units: i64) {
        self.0.lock().unwrap().push(("store", units));
    }

    fn adjust_degraded(&self, _: Duration, _: &Arc<Limit>, _: BucketKey, units: i64) {
        self.0.lock().unwrap().push(("node", units));
    }

    fn explain(&self) -> String {
        "away".to_owned()
    }
}

#[tokio::test]
async fn a_store_that_did_not_charge_gives_nothing_back() {
    let store = Arc::new(Away::default());
    let when = ChargeWhen::Handled { otherwise: 0 };
    let layer = RateLimitLayer::by_principal()
        .policy(policy("a", "100/day").cost(10).charge_when(when))
        .store(store.clone())
        .build()
        .unwrap();
    let guards = (Clients, Users, layer, Texts);
    let service = GuardLayer(Arc::new(guards)).layer(service_fn(handle));
    let response = service.oneshot(ask("x-bad-text")).await.unwrap();
    assert_eq!(response.status(), 422);
    assert_eq!(*store.0.lock().unwrap(), [("node", -10)]);
}
