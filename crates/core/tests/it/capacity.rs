//! The service that was polled for readiness is the one that is called, and a refusal never waits.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use http::StatusCode;
use palisade_core::{GuardService, testing};
use tower::{Service as _, ServiceBuilder, ServiceExt as _, limit::ConcurrencyLimit};

use crate::support::*;

#[test]
fn every_kind_of_admission_keeps_the_contract_of_poll_ready() {
    for behavior in [Behavior::Admit, Behavior::AdmitLater, Behavior::FinishLater] {
        testing::poll_ready_contract(LoggingGuard::new("g", behavior, &log()), || get("/"));
    }
}

#[tokio::test]
async fn a_refusal_does_not_wait_for_a_full_service() {
    let full = Arc::new(tokio::sync::Semaphore::new(0));
    let inner = ConcurrencyLimit::with_semaphore(responds_with("hello"), Arc::clone(&full));
    let log = log();
    let mut refusing = GuardService::new(
        LoggingGuard::new("no", Behavior::Refuse, &log),
        inner.clone(),
    );
    let response = refusing
        .ready()
        .await
        .unwrap()
        .call(get("/"))
        .await
        .unwrap();
    assert_eq!(response.status(), StatusCode::IM_A_TEAPOT);

    let mut admitting = GuardService::new(LoggingGuard::new("yes", Behavior::Admit, &log), inner);
    let waiting = admitting.ready().await.unwrap().call(get("/"));
    let mut waiting = Box::pin(waiting);
    assert!(
        futures_util::poll!(&mut waiting).is_pending(),
        "the admitted one waits"
    );
    full.add_permits(1);
    let response = tokio::time::timeout(Duration::from_secs(5), waiting)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(response.status(), StatusCode::OK);
}

#[tokio::test]
async fn an_admitted_request_goes_through_a_buffer() {
    let log = log();
    let service = ServiceBuilder::new()
        .layer(LoggingGuard::new("g", Behavior::AdmitLater, &log))
        .buffer(1)
        .service(responds_with("hello"));
    for _ in 0..3 {
        let response = service.clone().oneshot(get("/")).await.unwrap();
        assert_eq!(text(response).await.1, "hello");
    }
}

#[tokio::test]
async fn load_shed_works_inside_the_layer() {
    let full = Arc::new(tokio::sync::Semaphore::new(0));
    let log = log();
    let service = ServiceBuilder::new()
        .layer(LoggingGuard::new("g", Behavior::Admit, &log))
        .load_shed()
        .service(ConcurrencyLimit::with_semaphore(
            responds_with("hello"),
            full,
        ));
    let shed = service.oneshot(get("/")).await.unwrap_err();
    assert!(shed.is::<tower::load_shed::error::Overloaded>());
    assert_eq!(take_events(&log), ["g:admit", "g:close service_failed 0"]);
}

#[tokio::test]
async fn one_layer_value_serves_under_cors_and_timeout() {
    let log = log();
    let service = ServiceBuilder::new()
        .layer(tower_http::cors::CorsLayer::permissive())
        .layer(tower_http::timeout::TimeoutLayer::with_status_code(
            StatusCode::REQUEST_TIMEOUT,
            Duration::from_secs(5),
        ))
        .layer(LoggingGuard::new("g", Behavior::Admit, &log))
        .service(responds_with("hello"));
    let response = service.oneshot(get("/")).await.unwrap();
    assert_eq!(response.headers()["access-control-allow-origin"], "*");
}

/// Counts how often it is cloned.
struct Cloned(Service, Arc<AtomicUsize>);

impl Clone for Cloned {
    fn clone(&self) -> Self {
        self.1.fetch_add(1, Ordering::SeqCst);
        Self(self.0.clone(), Arc::clone(&self.1))
    }
}

impl tower::Service<http::Request<TestBody>> for Cloned {
    type Response = http::Response<TestBody>;
    type Error = std::convert::Infallible;
    type Future = <Service as tower::Service<http::Request<TestBody>>>::Future;

    fn poll_ready(&mut self, task: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.0.poll_ready(task)
    }

    fn call(&mut self, request: http::Request<TestBody>) -> Self::Future {
        self.0.call(request)
    }
}

#[tokio::test]
async fn the_inner_service_is_cloned_only_by_a_request_that_waits() {
    for (behavior, clones) in [
        (Behavior::Admit, 0),
        (Behavior::Refuse, 0),
        (Behavior::AdmitLater, 1),
    ] {
        let count = Arc::new(AtomicUsize::new(0));
        let inner = Cloned(responds_with("hello"), Arc::clone(&count));
        let mut service = GuardService::new(LoggingGuard::new("g", behavior, &log()), inner);
        drop(service.ready().await.unwrap().call(get("/")).await.unwrap());
        assert_eq!(count.load(Ordering::SeqCst), clones, "{behavior:?}");
    }
}
