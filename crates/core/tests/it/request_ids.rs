//! The identifier of a request: one for the response, the handler and the record, whatever a client sends.

use std::sync::Arc;

use allocation_counter::measure;
use http::{HeaderName, Request, Response};
use palisade_core::{Guard as _, GuardService, Guards, RequestIdLayer, SecurityContext};
use tower::ServiceExt as _;

use crate::support::*;

/// The identifiers of one request, wherever they can be observed.
struct ObservedIds {
    response: Vec<String>,
    handler: Option<String>,
    header_of_handler: bool,
    record: String,
}

async fn send(layer: RequestIdLayer, through_proxy: bool, values: &[&[u8]]) -> ObservedIds {
    send_as(layer, "x-request-id", through_proxy, values).await
}

async fn send_as(
    layer: RequestIdLayer,
    name: &'static str,
    through_proxy: bool,
    values: &[&[u8]],
) -> ObservedIds {
    let client = ClientGuard::new(through_proxy);
    let ids = Arc::clone(&client.ids);
    let handler = tower::service_fn(move |request: Request<TestBody>| async move {
        let id = SecurityContext::of(request.extensions())
            .unwrap()
            .request_id();
        let has = request.headers().contains_key(name);
        let response = Response::builder().header("seen", id.to_string());
        let response = response.header("had", has.to_string());
        // A handler that sets the header itself does not send a second identifier.
        let response = response.header(name, "of-the-handler");
        Ok::<_, std::convert::Infallible>(response.body(TestBody::default()).unwrap())
    });
    let service = GuardService::new((layer, client), handler);
    let mut request = get("/");
    for value in values {
        let value = http::HeaderValue::from_bytes(value).unwrap();
        request.headers_mut().append(name, value);
    }
    let (head, body) = service.oneshot(request).await.unwrap().into_parts();
    drop(body);
    let text = |value: &http::HeaderValue| value.to_str().unwrap().to_owned();
    ObservedIds {
        response: head.headers.get_all(name).iter().map(text).collect(),
        handler: head.headers.get("seen").map(text),
        header_of_handler: head.headers["had"] == "true",
        record: ids.lock().unwrap().remove(0),
    }
}

fn accepting() -> RequestIdLayer {
    RequestIdLayer::builder().accept_from_proxies().build()
}

/// Checks that the request had an identifier of its own, the same everywhere, and returns it.
fn own(ids: &ObservedIds) -> String {
    let record = ids.record.clone();
    assert_eq!(ids.response, std::slice::from_ref(&record));
    assert_eq!(ids.handler.as_ref(), Some(&record));
    assert!(!ids.header_of_handler, "the header reached the handler");
    assert_eq!(record.len(), 32, "{record}");
    record
}

#[tokio::test]
async fn response_handler_and_record_show_the_same_identifier() {
    let one = own(&send(RequestIdLayer::new(), false, &[]).await);
    let two = own(&send(RequestIdLayer::new(), false, &[]).await);
    assert_ne!(one, two);
}

#[tokio::test]
async fn an_inbound_identifier_is_accepted_from_a_trusted_proxy_and_not_from_a_client() {
    let ids = send(accepting(), true, &[b"req-1.A_b"]).await;
    assert_eq!(ids.response, ["req-1.A_b"]);
    assert_eq!(ids.handler.as_deref(), Some("req-1.A_b"));
    assert_eq!(ids.record, "req-1.A_b");
    assert!(!ids.header_of_handler);

    own(&send(accepting(), false, &[b"chosen-by-the-client"]).await);
    own(&send(RequestIdLayer::new(), true, &[b"passed-on-by-the-proxy"]).await);
}

#[tokio::test]
async fn an_identifier_in_another_form_is_ignored_even_from_a_trusted_proxy() {
    let (longest, too_long) = ([b'a'; 64], [b'a'; 65]);
    let ids = send(accepting(), true, &[&longest]).await;
    assert_eq!(ids.record.len(), 64);
    for values in [
        &[&too_long[..]][..],
        &[b""],
        &[b"a b"],
        &[b"a,b"],
        &[b"a\"b"],
        &[b"<script>"],
        &[b"\xe9"],
        &[b"one", b"two"],
        &[b"same", b"same"],
    ] {
        own(&send(accepting(), true, values).await);
    }
}

#[tokio::test]
async fn the_header_can_have_another_name() {
    let name = "x-correlation-id";
    let renamed = RequestIdLayer::builder().header(HeaderName::from_static(name));
    own(&send_as(renamed.clone().build(), name, false, &[b"chosen"]).await);
    let accepting = renamed.accept_from_proxies().build();
    let ids = send_as(accepting, name, true, &[b"proxy"]).await;
    assert_eq!(ids.response, ["proxy"]);
}

async fn refused(guards: impl Guards + Clone) -> http::HeaderMap {
    let service = GuardService::new((RequestIdLayer::new(), guards), responds_with("hello"));
    let response = service.catch_panics().oneshot(get("/")).await.unwrap();
    assert!(!response.status().is_success());
    response.headers().clone()
}

#[tokio::test]
async fn refusals_and_panics_carry_the_identifier_too() {
    for behavior in [
        Behavior::Refuse,
        Behavior::RefuseLater,
        Behavior::FinishRefuses,
        Behavior::PanicInAdmit,
        Behavior::PanicInFinish,
    ] {
        let headers = refused(LoggingGuard::new("g", behavior, &log())).await;
        assert_eq!(headers["x-request-id"].len(), 32, "{behavior:?}");
    }
}

#[test]
fn the_identifiers_of_many_responses_share_an_allocation() {
    let layer = RequestIdLayer::new();
    let allocations = || {
        let (mut head, ()) = Request::new(()).into_parts();
        let cx = SecurityContext::find_or_create(&mut head);
        let (mut response, ()) = Response::new(()).into_parts();
        response.headers.reserve(8);
        let counted = measure(|| {
            let _ = layer.admit(&cx, &mut head);
            let _ = layer.finish(&cx, &mut (), &mut response);
        });
        assert!(response.headers.contains_key("x-request-id"));
        counted.count_total
    };
    assert!((0..100).map(|_| allocations()).sum::<u64>() < 10);
}
