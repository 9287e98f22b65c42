//! One event for every request, however it ends.

use std::{
    convert::Infallible,
    future::pending,
    io,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body::Frame;
use http_body_util::BodyExt;
use palisade_core::{GuardLayer, Layer, Rejection, SecurityContext, testing};
use tower::{ServiceExt, service_fn};

use crate::support::{Body, Does, Trail, get, hello, send};

/// A body that gives these frames and then the last word.
struct Frames(Vec<Result<Frame<Bytes>, io::Error>>);

impl http_body::Body for Frames {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        Poll::Ready((!self.0.is_empty()).then(|| self.0.remove(0)))
    }
}

fn data(text: &'static str) -> Result<Frame<Bytes>, io::Error> {
    Ok(Frame::data(Bytes::from_static(text.as_bytes())))
}

#[tokio::test]
async fn a_response_that_was_sent_is_complete() {
    let trail = Trail::new();
    send(trail.layer(), service_fn(hello), get("/")).await;
    let record = trail.only();
    assert_eq!(record["how"], "complete");
    assert_eq!(record["status"], 200);
    assert_eq!(record["bytes"], 5);
}

#[tokio::test]
async fn a_refusal_is_recorded_with_its_private_reason() {
    let trail = Trail::new();
    let refuse = Does(|_: &SecurityContext, _: &mut _| {
        let refusal = Rejection::new(StatusCode::FORBIDDEN, "closed", "Closed.");
        refusal.with_reason("it is Sunday").into()
    });
    let stack = GuardLayer((trail.layer(), refuse));
    let (status, body) = send(stack, service_fn(hello), get("/")).await;
    assert_eq!(status, 403);
    assert!(!String::from_utf8_lossy(&body).contains("Sunday"));
    let record = trail.only();
    let refused = &record["refused"][0];
    assert_eq!(refused["guard"], "does");
    assert_eq!(refused["code"], "closed");
    assert_eq!(refused["reason"], "it is Sunday");
    assert_eq!(
        (&record["status"], &record["how"]),
        (&403.into(), &"complete".into())
    );
}

#[tokio::test]
async fn an_error_of_the_service_is_an_ending() {
    let trail = Trail::new();
    let fails = service_fn(async |_: Request<Body>| {
        Err::<Response<Body>, _>(io::Error::other("the secret table is gone"))
    });
    let response = trail.layer().layer(fails).oneshot(get("/")).await;
    assert!(response.is_err());
    let record = trail.only();
    assert_eq!(record["how"], "service_failed");
    assert!(!record.to_string().contains("secret table"));
}

#[tokio::test]
async fn a_panic_is_an_ending() {
    let trail = Trail::new();
    let panics = service_fn(
        async |_: Request<Body>| -> Result<Response<Body>, Infallible> { panic!("as a test must") },
    );
    let service = trail.layer().layer(panics);
    assert!(tokio::spawn(service.oneshot(get("/"))).await.is_err());
    assert_eq!(trail.only()["how"], "panicked");
}

#[tokio::test]
async fn a_client_that_disconnects_before_the_response_is_recorded_as_cancelled() {
    let trail = Trail::new();
    let waits = service_fn(async |_: Request<Body>| {
        pending::<()>().await;
        Ok::<Response<Body>, Infallible>(Response::default())
    });
    let mut response = Box::pin(trail.layer().layer(waits).oneshot(get("/")));
    assert!(futures(&mut response).is_pending());
    assert!(trail.memory.requests().is_empty());
    drop(response);
    assert_eq!(trail.only()["how"], "cancelled");
}

fn futures<F: Future>(future: &mut Pin<Box<F>>) -> Poll<F::Output> {
    let mut task = Context::from_waker(std::task::Waker::noop());
    future.as_mut().poll(&mut task)
}

#[tokio::test]
async fn a_client_that_leaves_in_the_middle_is_an_ending() {
    let trail = Trail::new();
    let streams = service_fn(async |_: Request<Body>| {
        Ok::<_, Infallible>(Response::new(Frames(vec![data("ab"), data("cd")])))
    });
    let response = trail
        .layer()
        .layer(streams)
        .oneshot(get("/"))
        .await
        .unwrap();
    let mut body = response.into_body();
    body.frame().await.unwrap().unwrap();
    drop(body);
    let record = trail.only();
    assert_eq!(
        (&record["how"], &record["bytes"]),
        (&"body_dropped".into(), &2.into())
    );
}

#[tokio::test]
async fn a_body_that_fails_is_an_ending() {
    let trail = Trail::new();
    let fails = service_fn(async |_: Request<Body>| {
        let frames = vec![data("ab"), Err(io::Error::other("gone"))];
        Ok::<_, Infallible>(Response::new(Frames(frames)))
    });
    let response = trail.layer().layer(fails).oneshot(get("/")).await.unwrap();
    assert!(response.into_body().collect().await.is_err());
    assert_eq!(trail.only()["how"], "body_failed");
}

#[tokio::test]
async fn the_status_of_a_grpc_call_is_read_from_its_trailers() {
    let trail = Trail::new();
    let call = service_fn(async |_: Request<Body>| {
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", "5".parse().unwrap());
        let frames = vec![data("ab"), Ok(Frame::trailers(trailers))];
        let mut response = Response::new(Frames(frames));
        let kind = "application/grpc".parse().unwrap();
        response.headers_mut().insert("content-type", kind);
        Ok::<_, Infallible>(response)
    });
    let mut request = get("/voice.Voice/Speak");
    let kind = "application/grpc".parse().unwrap();
    request.headers_mut().insert("content-type", kind);
    let response = trail.layer().layer(call).oneshot(request).await.unwrap();
    response.into_body().collect().await.unwrap();
    let record = trail.only();
    assert_eq!(
        (&record["grpc_status"], &record["how"]),
        (&5.into(), &"complete".into())
    );
}

#[tokio::test]
async fn an_upgraded_connection_is_recorded_when_it_is_over() {
    let trail = Trail::new();
    let (give, mut take) = tokio::sync::mpsc::unbounded_channel();
    let upgrades = service_fn(move |request: Request<Body>| {
        let lease = SecurityContext::of(request.extensions()).unwrap().lease();
        give.send(lease).unwrap();
        let mut response = Response::new(Body::default());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        std::future::ready(Ok::<_, Infallible>(response))
    });
    send(trail.layer(), upgrades, get("/socket")).await;
    let lease = take.recv().await.unwrap();
    assert!(trail.memory.requests().is_empty());
    drop(lease);
    assert_eq!(trail.only()["how"], "upgraded");
}

#[tokio::test]
async fn a_layer_that_is_applied_twice_records_once() {
    let trail = Trail::new();
    let layer = trail.layer();
    let inner = layer.layer(service_fn(hello));
    send(layer, inner, get("/")).await;
    trail.only();
}

#[test]
fn a_request_may_end_outside_of_any_runtime() {
    let trail = Trail::new();
    let service = trail.layer().layer(service_fn(hello));
    let mut response = Box::pin(service.oneshot(get("/")));
    let Poll::Ready(Ok(response)) = futures(&mut response) else {
        panic!("it waits");
    };
    drop(response);
    trail.only();
}

#[test]
fn the_layer_keeps_the_contract_of_poll_ready() {
    testing::poll_ready_contract(Trail::new().layer(), || get("/"));
}
