//! What tower asks of a middleware.

use palisade_core::testing::poll_ready_contract;
use palisade_sanitize::SanitizeLayer;
use tower::limit::ConcurrencyLimitLayer;
use tower::{ServiceBuilder, ServiceExt};

use crate::support::{form, get, json, speech};

#[test]
fn the_inner_service_is_called_only_when_it_is_ready() {
    let layer = || speech().build().unwrap();
    poll_ready_contract(layer(), || get("/tts?text=a"));
    poll_ready_contract(layer(), || json(r#"{"text":"a\u0000"}"#));
    poll_ready_contract(layer(), || form("text=a"));
    poll_ready_contract(SanitizeLayer::new(), || get("/"));
}

#[tokio::test]
async fn a_concurrency_limit_and_a_buffer_may_stand_inside() {
    let service = ServiceBuilder::new()
        .layer(speech().build().unwrap())
        .buffer(4)
        .layer(ConcurrencyLimitLayer::new(1))
        .service(palisade_core::testing::EmptyOk::default());
    let asked = (0..16).map(|n| {
        let request = if n % 2 == 0 {
            json(r#"{"text":"a"}"#)
        } else {
            get("/tts?text=a")
        };
        tokio::spawn(service.clone().oneshot(request))
    });
    for response in asked.collect::<Vec<_>>() {
        assert_eq!(response.await.unwrap().unwrap().status(), 200);
    }
}

#[tokio::test]
async fn a_refusal_needs_no_capacity() {
    let busy = tower::service_fn(|_: http::Request<_>| async {
        std::future::pending::<()>().await;
        Ok::<_, std::convert::Infallible>(http::Response::new(
            palisade_core::testing::TestBody::default(),
        ))
    });
    let layers = ServiceBuilder::new()
        .layer(speech().build().unwrap())
        .layer(ConcurrencyLimitLayer::new(1));
    let service = layers.service(busy);
    let waiting = tokio::spawn(service.clone().oneshot(get("/tts?text=a")));
    tokio::task::yield_now().await;
    assert_eq!(service.oneshot(get("/tts")).await.unwrap().status(), 400);
    waiting.abort();
}
