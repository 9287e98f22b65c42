//! Load shedding: all requests of a process together, and which are refused first.

use std::{num::NonZeroU32, sync::Arc, time::Duration};

use bytes::Bytes;
use http::Response;
use http_body_util::{BodyExt as _, Full};
use palisade_core::{GuardBody, GuardLayer, ManualClock, Priority, RouteLayer, RouteTable, Rule};
use palisade_rate_limit::{Adaptation, ConcurrencyLayer, LoadShedLayer, LoadShedLayerBuilder};
use tower::{Layer, ServiceExt, service_fn};

use crate::support::*;

/// A response that holds its place until it is dropped.
type Held = Response<GuardBody<Full<Bytes>>>;

fn builder(most: u32) -> LoadShedLayerBuilder {
    LoadShedLayer::builder(NonZeroU32::new(most).unwrap())
}

fn routes() -> RouteLayer {
    let table = RouteTable::builder()
        .any("/", Rule::public())
        .any("/export", Rule::public().priority(Priority::Sheddable))
        .any("/pay", Rule::public().priority(Priority::Critical))
        .any("/health", Rule::public().unlimited())
        .build();
    RouteLayer::new(Arc::new(table.unwrap()))
}

fn request(path: &str, user: &str) -> TestRequest {
    let request = get(path).header("x-client", "203.0.113.7");
    let request = match user {
        "" => request,
        user => request.header("x-user", user),
    };
    request.body(Full::default()).unwrap()
}

/// Sends a request. The response holds its place until it is dropped.
async fn send(layer: &LoadShedLayer, path: &str, user: &str) -> Held {
    let guards = (routes(), Clients, Users, layer.clone());
    let inner = service_fn(async |_: TestRequest| {
        Ok::<_, std::convert::Infallible>(Response::new(Full::new(Bytes::from_static(b"ok"))))
    });
    let service = GuardLayer(Arc::new(guards)).layer(inner);
    service.oneshot(request(path, user)).await.unwrap()
}

/// Sends requests until one is refused, and keeps them. Returns how many were admitted.
async fn fill(layer: &LoadShedLayer, path: &str, user: &str, kept: &mut Vec<Held>) -> usize {
    let before = kept.len();
    loop {
        let response = send(layer, path, user).await;
        if response.status() != 200 {
            assert_eq!(response.status(), 503);
            assert_eq!(response.headers()["retry-after"], "1");
            return kept.len() - before;
        }
        kept.push(response);
    }
}

#[tokio::test]
async fn the_least_important_are_refused_first_and_places_come_back() {
    let layer = builder(20).build().unwrap();
    let mut kept = Vec::new();
    assert_eq!(fill(&layer, "/export", "", &mut kept).await, 10);
    assert_eq!(fill(&layer, "/", "", &mut kept).await, 8);
    assert_eq!(fill(&layer, "/pay", "", &mut kept).await, 2);
    assert_eq!(
        send(&layer, "/health", "").await.status(),
        200,
        "not counted"
    );
    assert_eq!(layer.in_progress(), 20);
    kept.truncate(18);
    assert_eq!(send(&layer, "/", "").await.status(), 503);
    assert_eq!(send(&layer, "/pay", "").await.status(), 200);
    kept.clear();
    assert_eq!(layer.in_progress(), 0);
    assert_eq!(send(&layer, "/export", "").await.status(), 200);
}

#[tokio::test]
async fn the_priority_is_that_of_the_route_then_of_the_tier() {
    let layer = builder(20)
        .tier("gold", Priority::Critical)
        .tier("free", Priority::Sheddable)
        .build()
        .unwrap();
    let mut kept = Vec::new();
    assert_eq!(fill(&layer, "/", "anna+free", &mut kept).await, 10);
    assert_eq!(fill(&layer, "/export", "bert+gold", &mut kept).await, 0);
    assert_eq!(fill(&layer, "/", "carl+silver", &mut kept).await, 8);
    assert_eq!(fill(&layer, "/", "bert+gold", &mut kept).await, 2);
}

#[tokio::test]
async fn a_layer_that_is_applied_twice_takes_one_place() {
    let layer = builder(9).build().unwrap();
    let guards = (Clients, layer.clone(), layer.clone());
    let inner = service_fn(async |_: TestRequest| {
        Ok::<_, std::convert::Infallible>(Response::new(Full::<Bytes>::default()))
    });
    let service = GuardLayer(Arc::new(guards)).layer(inner);
    let response = service.oneshot(request("/", "")).await.unwrap();
    assert_eq!(layer.in_progress(), 1);
    drop(response);
    assert_eq!(layer.in_progress(), 0);
}

#[tokio::test]
async fn a_cancelled_request_frees_its_place() {
    let layer = builder(9).build().unwrap();
    let guards = (Clients, layer.clone());
    let inner = service_fn(async |_: TestRequest| {
        std::future::pending::<()>().await;
        Ok::<_, std::convert::Infallible>(Response::new(Full::<Bytes>::default()))
    });
    let service = GuardLayer(Arc::new(guards)).layer(inner);
    let mut sending = Box::pin(service.oneshot(request("/", "")));
    let polled =
        std::future::poll_fn(|cx| std::task::Poll::Ready(sending.as_mut().poll(cx).is_pending()));
    assert!(polled.await);
    assert_eq!(layer.in_progress(), 1);
    drop(sending);
    assert_eq!(layer.in_progress(), 0);
}

#[tokio::test]
async fn the_limit_follows_the_latency_of_what_reached_the_handler() {
    let clock = ManualClock::new(Duration::from_secs(1_800_000_000));
    let least = NonZeroU32::new(5).unwrap();
    let adaptation = Adaptation::new(least, Duration::from_millis(100));
    let layer = builder(40).adaptive(adaptation).clock(clock.shared());
    let layer = layer.build().unwrap();
    let slow = async |millis: u64| {
        let time = clock.clone();
        let inner = service_fn(move |_: TestRequest| {
            time.advance(Duration::from_millis(millis));
            std::future::ready(Ok::<_, std::convert::Infallible>(Response::new(Full::<
                Bytes,
            >::default(
            ))))
        });
        let service = GuardLayer(Arc::new((Clients, layer.clone()))).layer(inner);
        service.oneshot(request("/", "")).await.unwrap();
    };
    for _ in 0..12 {
        slow(250).await;
    }
    assert_eq!(layer.limit(), 36, "one window with late responses");
    for _ in 0..400 {
        slow(250).await;
    }
    assert_eq!(layer.limit(), 5);
    for _ in 0..40 {
        slow(50).await;
    }
    assert_eq!(layer.limit(), 5, "it is not used");
}

/// Begins a request that the handler does not answer, and cancels it after some time.
async fn cancel_after(layer: &LoadShedLayer, clock: &ManualClock, millis: u64) {
    let inner = service_fn(async |_: TestRequest| {
        std::future::pending::<()>().await;
        Ok::<_, std::convert::Infallible>(Response::new(Full::<Bytes>::default()))
    });
    let service = GuardLayer(Arc::new((Clients, layer.clone()))).layer(inner);
    let mut sending = Box::pin(service.oneshot(request("/", "")));
    let polled =
        std::future::poll_fn(|cx| std::task::Poll::Ready(sending.as_mut().poll(cx).is_pending()));
    assert!(polled.await);
    clock.advance(Duration::from_millis(millis));
}

#[tokio::test]
async fn requests_that_are_cancelled_after_the_target_lower_the_limit() {
    let clock = ManualClock::new(Duration::from_secs(1_800_000_000));
    let adaptation = Adaptation::new(NonZeroU32::new(5).unwrap(), Duration::from_millis(100));
    let layer = builder(40).adaptive(adaptation).clock(clock.shared());
    let layer = layer.build().unwrap();
    for _ in 0..200 {
        cancel_after(&layer, &clock, 100).await;
    }
    assert_eq!(layer.limit(), 40, "within the target it says nothing");
    for _ in 0..200 {
        cancel_after(&layer, &clock, 250).await;
    }
    assert_eq!((layer.limit(), layer.in_progress()), (5, 0));
}

#[test]
fn an_adaptation_that_cannot_be_is_refused_at_build() {
    let ten = NonZeroU32::new(10).unwrap();
    for (most, target) in [(9, 100), (10, 0)] {
        let adaptation = Adaptation::new(ten, Duration::from_millis(target));
        let error = builder(most).adaptive(adaptation).build().unwrap_err();
        assert!(
            error.to_string().contains("an adaptive limit from 10"),
            "{error}"
        );
    }
}

/// What is documented: the wait for the body is a part of the latency.
#[tokio::test]
async fn a_body_that_arrives_slowly_counts_as_a_late_response() {
    let clock = ManualClock::new(Duration::from_secs(1_800_000_000));
    let adaptation = Adaptation::new(NonZeroU32::new(5).unwrap(), Duration::from_millis(100));
    let layer = builder(40).adaptive(adaptation).clock(clock.shared());
    let layer = layer.build().unwrap();
    let inner = service_fn(async |request: http::Request<SlowBody>| {
        let body = request.into_body().collect().await.unwrap().to_bytes();
        Ok::<_, std::convert::Infallible>(Response::new(Full::new(body)))
    });
    let service = GuardLayer(Arc::new((Clients, layer.clone()))).layer(inner);
    for _ in 0..200 {
        let body = SlowBody(Some(clock.clone()));
        let request = request("/", "").map(|_| body);
        assert_eq!(
            service.clone().oneshot(request).await.unwrap().status(),
            200
        );
    }
    assert_eq!(layer.limit(), 5);
}

/// A body whose only part arrives after a quarter of a second.
struct SlowBody(Option<ManualClock>);

impl http_body::Body for SlowBody {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<http_body::Frame<Bytes>, Self::Error>>> {
        let part = self.0.take().map(|clock| {
            clock.advance(Duration::from_millis(250));
            Ok(http_body::Frame::data(Bytes::from_static(b"text")))
        });
        std::task::Poll::Ready(part)
    }
}

/// What is documented: the layer has no share for each client, and a limit of concurrent requests outside gives one.
#[tokio::test]
async fn one_client_can_take_all_places_unless_its_requests_are_limited_outside() {
    let load = builder(10).build().unwrap();
    let mut kept = Vec::new();
    assert_eq!(fill(&load, "/", "", &mut kept).await, 9);
    drop(kept);
    let two = ConcurrencyLayer::builder("client", NonZeroU32::new(2).unwrap());
    let guards = (routes(), Clients, two.build().unwrap(), load.clone());
    let inner = service_fn(async |_: TestRequest| {
        Ok::<_, std::convert::Infallible>(Response::new(Full::<Bytes>::default()))
    });
    let service = GuardLayer(Arc::new(guards)).layer(inner);
    let mut open = Vec::new();
    let mut statuses = Vec::new();
    for client in ["203.0.113.7", "203.0.113.7", "203.0.113.7", "203.0.113.8"] {
        let response = service.clone().oneshot(from(client)).await.unwrap();
        statuses.push(response.status().as_u16());
        open.push(response);
    }
    assert_eq!(statuses, [200, 200, 429, 200]);
    assert_eq!(load.in_progress(), 3);
}

#[tokio::test]
async fn in_shadow_nothing_is_refused() {
    let load = builder(1).dangerously_only_shadow().build().unwrap();
    let voices = ConcurrencyLayer::builder("voices", NonZeroU32::MIN);
    let voices = voices.dangerously_only_shadow().build().unwrap();
    let inner = service_fn(async |_: TestRequest| {
        Ok::<_, std::convert::Infallible>(Response::new(Full::<Bytes>::default()))
    });
    let service = GuardLayer(Arc::new((Clients, voices.clone(), load.clone()))).layer(inner);
    let mut open = Vec::new();
    for _ in 0..5 {
        let response = service.clone().oneshot(request("/", "")).await.unwrap();
        assert_eq!(response.status(), 200);
        open.push(response);
    }
    assert_eq!((voices.clients(), load.in_progress()), (1, 1));
}
