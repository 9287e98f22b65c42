//! How a request ended, known without a server that polls the body to its end.

use std::{
    convert::Infallible,
    pin::pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode, header::CONTENT_LENGTH};
use http_body::{Body as _, Frame};
use http_body_util::BodyExt as _;
use palisade_core::{Guard, GuardService, SecurityContext, Verdict};
use tower::{Service, ServiceExt as _};

use crate::support::*;

fn data(text: &'static str) -> Result<Frame<Bytes>, &'static str> {
    Ok(Frame::data(Bytes::from_static(text.as_bytes())))
}

/// Sends a request to a service behind one logging guard, polls `frames` frames of the response, and drops it.
async fn check(
    method: Method,
    response: impl Fn() -> Response<Frames> + Clone + Send + 'static,
    frames: usize,
    ending: &str,
) {
    let log = log();
    let inner = tower::service_fn(move |_: Request<TestBody>| {
        let response = response.clone();
        async move { Ok::<_, Infallible>(response()) }
    });
    let service = GuardService::new(LoggingGuard::new("g", Behavior::Admit, &log), inner);
    let request = Request::builder()
        .method(method)
        .body(TestBody::default())
        .unwrap();
    let mut body = service.oneshot(request).await.unwrap().into_body();
    for _ in 0..frames {
        let _ = body.frame().await;
    }
    drop(body);
    assert_eq!(take_events(&log)[2], format!("g:close {ending}"));
}

fn two_frames() -> Response<Frames> {
    Response::new(Frames::of([data("ab"), data("cd")]))
}

#[tokio::test]
async fn a_body_polled_to_its_end_is_complete() {
    check(Method::GET, two_frames, 3, "complete 4").await;
}

#[tokio::test]
async fn a_body_dropped_half_way_is_dropped() {
    check(Method::GET, two_frames, 1, "body_dropped 2").await;
    check(Method::GET, two_frames, 0, "body_dropped 0").await;
}

#[tokio::test]
async fn a_body_dropped_after_its_content_length_is_complete() {
    let response = || {
        let mut response = two_frames();
        response.headers_mut().insert(CONTENT_LENGTH, 4.into());
        response
    };
    check(Method::GET, response, 2, "complete 4").await;
    check(Method::GET, response, 1, "body_dropped 2").await;
}

#[tokio::test]
async fn a_body_dropped_after_its_trailers_is_complete() {
    let response = || {
        Response::new(Frames::of([
            data("ab"),
            Ok(Frame::trailers(HeaderMap::new())),
        ]))
    };
    check(Method::GET, response, 2, "complete 2").await;
}

#[tokio::test]
async fn a_response_without_a_body_is_complete_when_dropped_at_once() {
    check(Method::HEAD, two_frames, 0, "complete 0").await;
    for status in [StatusCode::NO_CONTENT, StatusCode::NOT_MODIFIED] {
        let response = move || {
            let mut response = two_frames();
            *response.status_mut() = status;
            response
        };
        check(Method::GET, response, 0, "complete 0").await;
    }
}

#[tokio::test]
async fn a_body_that_fails_is_failed() {
    let response = || Response::new(Frames::of([data("ab"), Err("gone")]));
    check(Method::GET, response, 2, "body_failed 2").await;
}

#[tokio::test]
async fn an_upgrade_is_an_upgrade() {
    let response = || {
        let mut response = Response::new(Frames::default());
        *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
        response
    };
    check(Method::GET, response, 1, "upgraded 0").await;
    check(
        Method::CONNECT,
        || Response::new(Frames::default()),
        1,
        "upgraded 0",
    )
    .await;
}

#[tokio::test]
async fn a_failing_service_is_failed_and_its_error_passes_through() {
    let log = log();
    let inner =
        tower::service_fn(async |_: Request<TestBody>| Err::<Response<TestBody>, _>("broken"));
    let service = GuardService::new(LoggingGuard::new("g", Behavior::Admit, &log), inner);
    assert_eq!(service.oneshot(get("/")).await.unwrap_err(), "broken");
    assert_eq!(take_events(&log), ["g:admit", "g:close service_failed 0"]);
}

#[tokio::test]
async fn an_error_from_poll_ready_passes_through() {
    #[derive(Clone)]
    struct NeverReady;
    impl Service<Request<TestBody>> for NeverReady {
        type Response = Response<TestBody>;
        type Error = &'static str;
        type Future = std::future::Pending<Result<Self::Response, Self::Error>>;
        fn poll_ready(
            &mut self,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Result<(), Self::Error>> {
            std::task::Poll::Ready(Err("closed"))
        }
        fn call(&mut self, _: Request<TestBody>) -> Self::Future {
            std::future::pending()
        }
    }
    let log = log();
    let service = GuardService::new(LoggingGuard::new("g", Behavior::Admit, &log), NeverReady);
    assert_eq!(service.oneshot(get("/")).await.unwrap_err(), "closed");
    assert!(take_events(&log).is_empty());
}

#[tokio::test]
async fn a_request_dropped_before_its_response_is_cancelled() {
    let log = log();
    let inner = tower::service_fn(|_: Request<TestBody>| {
        std::future::pending::<Result<Response<TestBody>, Infallible>>()
    });
    let service = GuardService::new(LoggingGuard::new("g", Behavior::Admit, &log), inner);
    let mut future = Box::pin(service.oneshot(get("/")));
    assert!(futures_util::poll!(&mut future).is_pending());
    drop(future);
    assert_eq!(take_events(&log), ["g:admit", "g:close cancelled 0"]);
}

#[tokio::test]
async fn a_handler_that_panics_in_call_or_in_poll_is_panicked() {
    type Answering =
        futures_util::future::BoxFuture<'static, Result<Response<TestBody>, Infallible>>;
    let in_poll = |_: Request<TestBody>| -> Answering { Box::pin(async { panic!("poll") }) };
    let in_call = |_: Request<TestBody>| -> Answering { panic!("call") };
    let log = log();
    let guard = LoggingGuard::new("g", Behavior::Admit, &log);
    let poll = GuardService::new(guard.clone(), tower::service_fn(in_poll));
    let call = GuardService::new(guard, tower::service_fn(in_call));
    assert!(
        tokio::spawn(poll.oneshot(get("/")))
            .await
            .unwrap_err()
            .is_panic()
    );
    assert!(
        tokio::spawn(call.oneshot(get("/")))
            .await
            .unwrap_err()
            .is_panic()
    );
    let one = ["g:admit", "g:close panicked 0"];
    assert_eq!(take_events(&log), [one, one].concat());
}

#[tokio::test]
async fn a_panicking_body_is_panicked_even_if_the_panic_is_caught() {
    let log = log();
    let inner = tower::service_fn(async |_: Request<TestBody>| {
        let mut frames = Frames::of([data("ab")]);
        frames.panics = true;
        Ok::<_, Infallible>(Response::new(frames))
    });
    let service = GuardService::new(LoggingGuard::new("g", Behavior::Admit, &log), inner);
    let body = service.oneshot(get("/")).await.unwrap().into_body();
    assert!(tokio::spawn(body.collect()).await.unwrap_err().is_panic());
    assert_eq!(take_events(&log)[2], "g:close panicked 0");
}

#[tokio::test]
async fn a_request_dropped_during_the_panic_of_another_is_not_panicked() {
    let log = log();
    let service = GuardService::new(
        LoggingGuard::new("g", Behavior::Admit, &log),
        responds_with("hello"),
    );
    let body = service.oneshot(get("/")).await.unwrap().into_body();
    let panicked = tokio::spawn(async move {
        let _held = body;
        panic!("another request");
    });
    assert!(panicked.await.unwrap_err().is_panic());
    assert_eq!(take_events(&log)[2], "g:close body_dropped 0");
}

#[tokio::test]
async fn size_and_end_are_those_of_the_inner_body() {
    let log = log();
    let service = GuardService::new(
        LoggingGuard::new("g", Behavior::Admit, &log),
        responds_with("hello"),
    );
    let body = service.oneshot(get("/")).await.unwrap().into_body();
    assert_eq!(body.size_hint().exact(), Some(5));
    assert!(!body.is_end_stream());
}

#[tokio::test]
async fn a_handler_that_panics_gets_500_where_panics_are_caught() {
    let panics_in_poll = tower::service_fn(async |_: http::Request<TestBody>| {
        if true {
            panic!("the handler's private text");
        }
        Ok::<_, std::convert::Infallible>(http::Response::new(TestBody::default()))
    });
    let panics_in_call = tower::service_fn(|_: http::Request<TestBody>| {
        if true {
            panic!("the handler's private text");
        }
        std::future::ready(Ok::<_, std::convert::Infallible>(http::Response::new(
            TestBody::default(),
        )))
    });
    let log = log();
    let guard = || LoggingGuard::new("a", Behavior::Admit, &log);
    let in_poll = palisade_core::GuardService::new(guard(), panics_in_poll).catch_panics();
    let in_call = palisade_core::GuardService::new(guard(), panics_in_call).catch_panics();
    let responses = [
        in_poll.oneshot(get("/")).await.unwrap(),
        in_call.oneshot(get("/")).await.unwrap(),
    ];
    for response in responses {
        let (status, body) = text(response).await;
        assert_eq!(status, 500);
        assert!(body.contains("internal_error"), "{body}");
        assert!(!body.contains("private text"), "{body}");
    }
}

#[tokio::test]
async fn a_caught_panic_ends_every_guard_once_as_panicked() {
    let panics = tower::service_fn(async |_: http::Request<TestBody>| {
        if true {
            panic!("handler");
        }
        Ok::<_, std::convert::Infallible>(http::Response::new(TestBody::default()))
    });
    let log = log();
    let guard = LoggingGuard::new("a", Behavior::Admit, &log);
    let service = palisade_core::GuardService::new(guard, panics).catch_panics();
    let response = service.oneshot(get("/")).await.unwrap();
    let length = text(response).await.1.len();
    let closed = format!("a:close panicked {length}");
    assert_eq!(take_events(&log), ["a:admit", "a:finish 500", &closed]);
}

/// Notes for each head that it sees whether the length of the body is known.
#[derive(Clone)]
struct SeesLength(Log);

impl Guard for SeesLength {
    type Pass = ();
    fn name(&self) -> &'static str {
        "sees_length"
    }
    fn admit(&self, _: &SecurityContext, _: &mut http::request::Parts) -> Verdict<()> {
        Verdict::Admit(())
    }
    fn finish(
        &self,
        cx: &SecurityContext,
        (): &mut (),
        _: &mut http::response::Parts,
    ) -> Verdict<()> {
        let is_known = cx.is_response_length_known();
        self.0.lock().unwrap().push(is_known.to_string());
        Verdict::Admit(())
    }
}

#[tokio::test]
async fn guards_know_at_the_head_whether_the_length_is_known() {
    let log = log();
    let sees = SeesLength(log.clone());
    let stream = tower::service_fn(async |_: Request<TestBody>| Ok::<_, Infallible>(two_frames()));
    let streams = GuardService::new(sees.clone(), stream);
    drop(streams.oneshot(get("/")).await);
    let head = Request::head("/").body(TestBody::default()).unwrap();
    drop(GuardService::new(sees.clone(), stream).oneshot(head).await);
    drop(
        GuardService::new(sees.clone(), responds_with("text"))
            .oneshot(get("/"))
            .await,
    );
    // The refusal that replaces a stream has a length.
    let refuses = LoggingGuard::new("refuses", Behavior::FinishRefuses, &Log::default());
    let guards = (sees.clone(), refuses, sees);
    drop(GuardService::new(guards, stream).oneshot(get("/")).await);
    assert_eq!(
        take_events(&log),
        ["false", "true", "true", "false", "true"]
    );
}

#[tokio::test]
async fn a_future_that_is_polled_after_its_response_admits_nothing() {
    let log = log();
    let called = Arc::new(AtomicUsize::new(0));
    let calls = Arc::clone(&called);
    let handler = tower::service_fn(move |_: Request<TestBody>| {
        calls.fetch_add(1, Ordering::Relaxed);
        async { Ok::<_, Infallible>(Response::new(TestBody::from("hello"))) }
    });
    let guard = LoggingGuard::new("a", Behavior::Admit, &log);
    let mut service = GuardService::new(guard, handler);
    let mut future = pin!(service.call(get("/")));
    let first = future.as_mut().await.unwrap();
    assert_eq!(first.status(), 200);
    drop(first);
    let events = take_events(&log);
    assert!(events.iter().any(|event| event.starts_with("a:close")));

    let again = future.as_mut().await.unwrap();
    assert_eq!(again.status(), 500);
    assert!(again.headers().is_empty());
    assert_eq!(called.load(Ordering::Relaxed), 1, "the handler ran once");
    assert!(
        take_events(&log).is_empty(),
        "no guard saw a second request"
    );
}
