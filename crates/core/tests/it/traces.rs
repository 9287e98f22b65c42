//! The trace of a request: whose `traceparent` is continued, and what a handler can pass on.

use std::{convert::Infallible, num::NonZeroU32};

use http::{HeaderMap, Request, Response};
use palisade_core::{GuardService, SecurityContext, TraceContext, TraceLayer};
use tower::ServiceExt as _;

use crate::support::*;

const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const SPAN: &str = "b7ad6b7169203331";

/// What a handler sees: the trace, and the headers that it would pass on by itself.
async fn send(layer: TraceLayer, through_proxy: bool, flags: &str) -> (TraceContext, HeaderMap) {
    let handler = tower::service_fn(async |request: Request<TestBody>| {
        let cx = SecurityContext::of(request.extensions()).unwrap();
        let trace = cx.trace().unwrap().clone();
        assert_eq!(cx.trace(), Some(&trace), "it is decided once");
        let mut response = Response::new(TestBody::default());
        *response.headers_mut() = request.headers().clone();
        response.extensions_mut().insert(trace);
        response.extensions_mut().insert(cx.request_id());
        Ok::<_, Infallible>(response)
    });
    let service = GuardService::new((layer, ClientGuard::new(through_proxy)), handler);
    let mut request = get("/");
    if !flags.is_empty() {
        let parent = format!("00-{TRACE}-{SPAN}-{flags}");
        let headers = request.headers_mut();
        headers.insert("traceparent", parent.parse().unwrap());
        headers.insert("tracestate", "vendor=1".parse().unwrap());
    }
    let response = service.oneshot(request).await.unwrap();
    let trace: &TraceContext = response.extensions().get().unwrap();
    if trace.parent_id().is_none() {
        let id: &palisade_core::RequestId = response.extensions().get().unwrap();
        assert_eq!(trace.trace_id(), id.to_string());
    }
    (trace.clone(), response.headers().clone())
}

fn accepting() -> TraceLayer {
    TraceLayer::builder().accept_from_proxies().build()
}

fn passed_on(trace: &TraceContext) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("tracestate", "of-the-client=1".parse().unwrap());
    trace.set_headers(&mut headers);
    headers
}

#[tokio::test]
async fn a_client_cannot_name_its_trace_nor_have_it_recorded() {
    for layer in [TraceLayer::new(), accepting()] {
        let (trace, seen) = send(layer, false, "00").await;
        assert_ne!(trace.trace_id(), TRACE);
        assert_eq!(trace.parent_id(), None);
        assert_eq!(trace.link(), Some((TRACE.to_owned(), SPAN.to_owned())));
        assert!(trace.is_sampled(), "the client decides nothing");
        assert!(
            seen.is_empty(),
            "the headers of the client are removed: {seen:?}"
        );
        let headers = passed_on(&trace);
        let parent = format!("00-{}-{}-01", trace.trace_id(), trace.span_id());
        assert_eq!(headers["traceparent"], parent.as_str());
        assert!(!headers.contains_key("tracestate"));
    }
}

#[tokio::test]
async fn the_trace_of_a_trusted_proxy_goes_on() {
    for (flags, sampled) in [("01", true), ("00", false)] {
        let (trace, seen) = send(accepting(), true, flags).await;
        assert_eq!(trace.trace_id(), TRACE);
        assert_eq!(trace.parent_id().as_deref(), Some(SPAN));
        assert_ne!(trace.span_id(), SPAN);
        assert_eq!((trace.link(), trace.is_sampled()), (None, sampled));
        assert!(seen.is_empty());
        let headers = passed_on(&trace);
        let parent = format!("00-{TRACE}-{}-{flags}", trace.span_id());
        assert_eq!(headers["traceparent"], parent.as_str());
        assert_eq!(headers["tracestate"], "vendor=1");
    }
    let (trace, _) = send(TraceLayer::new(), true, "01").await;
    assert_ne!(trace.trace_id(), TRACE, "by default no proxy is believed");
}

#[tokio::test]
async fn two_requests_have_two_traces_and_two_spans() {
    let (one, _) = send(accepting(), true, "").await;
    let (two, _) = send(accepting(), true, "").await;
    assert_ne!(one.trace_id(), two.trace_id());
    assert_ne!(one.span_id(), two.span_id());
    assert_eq!((one.parent_id(), one.link()), (None, None));
}

#[tokio::test]
async fn one_of_so_many_traces_is_recorded() {
    let four = NonZeroU32::new(4).unwrap();
    let mut recorded = 0;
    for _ in 0..400 {
        let layer = TraceLayer::builder().record_one_of(four).build();
        let (trace, _) = send(layer, false, "01").await;
        recorded += u32::from(trace.is_sampled());
    }
    assert!((40..=160).contains(&recorded), "{recorded}");
}

#[tokio::test]
async fn without_the_layer_there_is_no_trace_and_the_headers_stay() {
    let handler = tower::service_fn(async |request: Request<TestBody>| {
        let cx = SecurityContext::of(request.extensions()).unwrap();
        assert_eq!(cx.trace(), None);
        assert_eq!(request.headers()["traceparent"], "any");
        Ok::<_, Infallible>(Response::new(TestBody::default()))
    });
    let service = GuardService::new(ClientGuard::new(true), handler);
    let mut request = get("/");
    request
        .headers_mut()
        .insert("traceparent", "any".parse().unwrap());
    service.oneshot(request).await.unwrap();
}
