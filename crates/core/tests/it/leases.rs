//! The passes of an upgraded request live as long as its socket.

use std::sync::{Arc, Mutex};

use http::{Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use palisade_core::{GuardLayer, Lease, SecurityContext};
use tower::{Layer as _, ServiceBuilder, ServiceExt as _};

use crate::support::*;

type Socket = Arc<Mutex<Vec<Lease>>>;

fn upgrading(socket: &Socket, leases: usize, status: StatusCode) -> Service {
    let socket = Arc::clone(socket);
    Service::new(tower::service_fn(move |request: Request<TestBody>| {
        let cx = SecurityContext::of(request.extensions()).unwrap();
        socket
            .lock()
            .unwrap()
            .extend((0..leases).map(|_| cx.lease()));
        let mut response = Response::new(TestBody::default());
        *response.status_mut() = status;
        std::future::ready(Ok(response))
    }))
}

#[tokio::test]
async fn a_pass_is_closed_when_the_last_lease_is_dropped() {
    let (log, socket) = (log(), Socket::default());
    let inner = upgrading(&socket, 2, StatusCode::SWITCHING_PROTOCOLS);
    let service = GuardLayer(LoggingGuard::new("g", Behavior::Admit, &log)).layer(inner);
    service
        .oneshot(get("/"))
        .await
        .unwrap()
        .into_body()
        .collect()
        .await
        .unwrap();
    assert_eq!(take_events(&log).len(), 2, "not closed yet");
    let one = socket.lock().unwrap().pop();
    drop(one);
    assert!(take_events(&log).is_empty());
    socket.lock().unwrap().clear();
    assert_eq!(take_events(&log), ["g:close upgraded 0"]);
}

#[tokio::test]
async fn nested_services_are_closed_inner_first() {
    let (log, socket) = (log(), Socket::default());
    let service = ServiceBuilder::new()
        .layer(LoggingGuard::new("outer", Behavior::Admit, &log))
        .layer(LoggingGuard::new("inner", Behavior::Admit, &log))
        .service(upgrading(&socket, 1, StatusCode::SWITCHING_PROTOCOLS));
    drop(service.oneshot(get("/")).await.unwrap());
    take_events(&log);
    socket.lock().unwrap().clear();
    assert_eq!(
        take_events(&log),
        ["inner:close upgraded 0", "outer:close upgraded 0"]
    );
}

#[tokio::test]
async fn a_lease_has_no_effect_on_an_ordinary_response() {
    let (log, socket) = (log(), Socket::default());
    let service = GuardLayer(LoggingGuard::new("g", Behavior::Admit, &log)).layer(upgrading(
        &socket,
        1,
        StatusCode::OK,
    ));
    drop(service.oneshot(get("/")).await.unwrap());
    assert_eq!(take_events(&log)[2], "g:close complete 0");
}

#[tokio::test]
async fn an_upgrade_without_a_lease_is_closed_at_once() {
    let (log, socket) = (log(), Socket::default());
    let inner = upgrading(&socket, 0, StatusCode::SWITCHING_PROTOCOLS);
    let service = GuardLayer(LoggingGuard::new("g", Behavior::Admit, &log)).layer(inner);
    drop(service.oneshot(get("/")).await.unwrap());
    assert_eq!(take_events(&log)[2], "g:close upgraded 0");
}
