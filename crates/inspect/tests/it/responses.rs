//! Responses, by option: what is read, what is refused, and what passes as it came.

use std::convert::Infallible;
use std::task::Poll;

use bytes::Bytes;
use futures_util::{Stream, stream};
use http::{HeaderMap, Request, Response, StatusCode};
use http_body::{Body, Frame};
use http_body_util::{BodyExt, Full, StreamBody};
use palisade_core::{BoxError, Fact, SecurityContext};
use palisade_inspect::{InspectLayer, InspectLayerBuilder, MatchedTextKey};
use tower::{ServiceBuilder, ServiceExt};

const TRACE: &str = "Traceback (most recent call last):\n  File \"/app/main.py\", line 7";

/// A layer that inspects responses with the shipped rules.
pub(crate) fn layer(
    change: impl FnOnce(InspectLayerBuilder) -> InspectLayerBuilder,
) -> InspectLayer {
    let builder = InspectLayer::builder().response(true);
    change(builder).build().expect("a layer")
}

/// What a client sees, and what the record says.
struct Seen {
    status: StatusCode,
    body: Bytes,
    trailers: Option<HeaderMap>,
    notes: Vec<(String, String)>,
    shadow: Vec<String>,
    refused_early: bool,
}

impl Seen {
    fn note(&self, key: &str) -> Option<&str> {
        let found = self.notes.iter().find(|(known, _)| known == key);
        found.map(|(_, value)| value.as_str())
    }
}

/// Sends `GET /` to a service with this response.
async fn send<B>(layer: &InspectLayer, response: Response<B>) -> Seen
where
    B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    let request = Request::get("/").header("host", "a.example");
    let (mut head, body) = request
        .body(Full::<Bytes>::default())
        .expect("a request")
        .into_parts();
    let cx = SecurityContext::find_or_create(&mut head);
    let slot = std::sync::Mutex::new(Some(response));
    let slot = std::sync::Arc::new(slot);
    let handler = move |_: Request<Full<Bytes>>| {
        let taken = slot.lock().expect("no panic").take();
        async move { Ok::<_, Infallible>(taken.expect("one request")) }
    };
    let service = ServiceBuilder::new()
        .layer(layer.clone())
        .service_fn(handler);
    let response = service
        .oneshot(Request::from_parts(head, body))
        .await
        .expect("a response");
    let status = response.status();
    let collected = response.into_body().collect().await;
    let collected = collected.map_err(Into::into).expect("a body");
    let note = |fact| match fact {
        Fact::Noted { key, value } => Some((key.to_owned(), value.into_owned())),
        _ => None,
    };
    Seen {
        status,
        trailers: collected.trailers().cloned(),
        body: collected.to_bytes(),
        notes: cx.facts().into_iter().filter_map(note).collect(),
        shadow: cx.with_observations(|seen| {
            let codes = seen.shadow_refusals().iter();
            codes.map(|refusal| refusal.value.code.to_owned()).collect()
        }),
        refused_early: cx.refused_before_handler(),
    }
}

fn response(status: u16, media_type: &str, body: &str) -> Response<Full<Bytes>> {
    Response::builder()
        .status(status)
        .header("content-type", media_type)
        .body(Full::from(body.to_owned()))
        .expect("a response")
}

#[tokio::test]
async fn a_response_with_a_stack_trace_is_refused() {
    let layer = layer(InspectLayerBuilder::enforce);
    let seen = send(&layer, response(500, "text/plain", TRACE)).await;
    assert_eq!(seen.status, StatusCode::BAD_GATEWAY);
    let body = String::from_utf8_lossy(&seen.body);
    assert!(
        body.contains("inspected") && !body.contains("Traceback"),
        "{body}"
    );
    assert_eq!(seen.note("inspect_response_rules"), Some("10101"));
    assert_eq!(seen.note("inspect_response_attacks"), Some("disclosure"));
    assert!(!seen.refused_early, "the handler ran, so its cost counts");
}

#[tokio::test]
async fn a_response_passes_while_the_layer_observes() {
    let seen = send(&layer(|builder| builder), response(500, "text/html", TRACE)).await;
    assert_eq!((seen.status.as_u16(), &*seen.body), (500, TRACE.as_bytes()));
    assert_eq!(seen.shadow, ["inspected"]);
}

#[tokio::test]
async fn responses_are_not_inspected_without_the_option() {
    let layer = layer(|builder| builder.response(false).enforce());
    let seen = send(&layer, response(500, "text/plain", TRACE)).await;
    assert_eq!((seen.status.as_u16(), seen.notes.len()), (500, 0));
}

#[tokio::test]
async fn a_clean_response_keeps_its_frames_and_trailers() {
    let mut trailers = HeaderMap::new();
    trailers.insert("x-sum", "7".parse().expect("a value"));
    let frames = [
        Ok::<_, Infallible>(Frame::data(Bytes::from("{\"a\":"))),
        Ok(Frame::data(Bytes::from("1}"))),
        Ok(Frame::trailers(trailers.clone())),
    ];
    let body = StreamBody::new(stream::iter(frames));
    let response = Response::builder().header("content-type", "application/json");
    let seen = send(
        &layer(InspectLayerBuilder::enforce),
        response.body(body).expect("a response"),
    )
    .await;
    assert_eq!(
        (&*seen.body, seen.trailers),
        (&b"{\"a\":1}"[..], Some(trailers))
    );
    assert_eq!(seen.notes, []);
}

#[tokio::test]
async fn only_the_start_of_a_long_response_is_read() {
    let layer = layer(|builder| builder.enforce().max_response(1000));
    let long = "x".repeat(5000);
    let behind = send(
        &layer,
        response(500, "text/plain", &format!("{long}{TRACE}")),
    )
    .await;
    assert_eq!(behind.status.as_u16(), 500);
    assert_eq!(behind.body.len(), 5000 + TRACE.len());
    assert_eq!(behind.note("inspect_response"), Some("cut"));
    let within = send(
        &layer,
        response(500, "text/plain", &format!("{TRACE}{long}")),
    )
    .await;
    assert_eq!(within.status, StatusCode::BAD_GATEWAY);
}

#[tokio::test]
async fn what_is_behind_the_limit_is_not_asked_for() {
    // The second frame never comes; the response starts all the same.
    let layer = layer(|builder| builder.max_response(1000));
    let body = StreamBody::new(one_part("y".repeat(2000)));
    check_start(&layer, "text/html", body, 2000).await;
}

#[tokio::test]
async fn a_stream_is_not_delayed() {
    for media_type in [
        "text/event-stream",
        "text/plain; charset=utf-8",
        "application/x-ndjson",
        "application/grpc-web+json",
        "application/connect+json",
        "application/stream+json",
        "application/json",
        "text/html",
        "application/atom+xml",
    ] {
        let layer = layer(|builder| builder);
        check_start(
            &layer,
            media_type,
            StreamBody::new(one_part("data: 1\n\n")),
            9,
        )
        .await;
    }
}

/// One part of a body, and then nothing more without an end.
fn one_part(part: impl Into<Bytes>) -> impl Stream<Item = Result<Frame<Bytes>, Infallible>> {
    let mut first = Some(part.into());
    stream::poll_fn(move |_| match first.take() {
        Some(bytes) => Poll::Ready(Some(Ok(Frame::data(bytes)))),
        None => Poll::Pending,
    })
}

#[tokio::test]
async fn what_comes_before_the_first_wait_is_inspected() {
    // One part, a wait, then the rest: the rules see the one part.
    let parts = |first: &'static str, rest: &'static str| {
        let mut parts = [Some(first), None, Some(rest)].into_iter();
        let parts = stream::poll_fn(move |task| match parts.next() {
            Some(Some(part)) => Poll::Ready(Some(Ok::<_, Infallible>(Frame::data(part.into())))),
            Some(None) => {
                task.waker().wake_by_ref();
                Poll::Pending
            }
            None => Poll::Ready(None),
        });
        let response = Response::builder().status(500);
        let response = response.header("content-type", "text/html");
        response.body(StreamBody::new(parts)).expect("a response")
    };
    let layer = layer(InspectLayerBuilder::enforce);
    let seen = send(&layer, parts(TRACE, "the rest")).await;
    assert_eq!(seen.status, StatusCode::BAD_GATEWAY);
    let seen = send(&layer, parts("a page", TRACE)).await;
    assert_eq!(seen.status.as_u16(), 500);
    assert_eq!(seen.body.len(), 6 + TRACE.len());
    assert_eq!(seen.note("inspect_response"), Some("cut"));
}

/// The response comes, and so does its first frame, though the body does not end.
async fn check_start<B>(layer: &InspectLayer, media_type: &'static str, body: B, length: usize)
where
    B: Body<Data = Bytes, Error = Infallible> + Send + Unpin + 'static,
{
    let slot = std::sync::Arc::new(std::sync::Mutex::new(Some(body)));
    let handler = move |_: Request<Full<Bytes>>| {
        let body = slot.lock().expect("no panic").take().expect("one request");
        async move {
            let response = Response::builder().header("content-type", media_type);
            Ok::<_, Infallible>(response.body(body).expect("a response"))
        }
    };
    let service = ServiceBuilder::new()
        .layer(layer.clone())
        .service_fn(handler);
    let response = service.oneshot(Request::new(Full::default())).await;
    let mut body = Box::pin(response.expect("a response").into_body());
    let frame = body.frame().await.expect("a frame").expect("no error");
    assert_eq!(
        frame.into_data().expect("data").len(),
        length,
        "{media_type}"
    );
}

#[tokio::test]
async fn streams_and_compressed_bodies_are_told() {
    let layer = layer(InspectLayerBuilder::enforce);
    let events = send(&layer, response(500, "text/event-stream", TRACE)).await;
    assert_eq!(events.status.as_u16(), 500);
    assert_eq!(events.note("inspect_response"), Some("stream"));
    for media_type in [
        "application/grpc-web+json",
        "application/connect+json",
        "application/stream+json",
    ] {
        let messages = send(&layer, response(500, media_type, TRACE)).await;
        assert_eq!(messages.note("inspect_response"), Some("stream"));
    }
    let mut encoded = response(500, "text/plain", TRACE);
    let value = "gzip".parse().expect("a value");
    encoded.headers_mut().insert("content-encoding", value);
    let encoded = send(&layer, encoded).await;
    assert_eq!(encoded.note("inspect_response"), Some("encoded"));
    let picture = send(&layer, response(200, "image/png", TRACE)).await;
    assert_eq!(picture.notes, []);
}

#[tokio::test]
async fn an_error_of_the_body_reaches_the_client() {
    let frames = [
        Ok(Frame::data(Bytes::from("{"))),
        Err(BoxError::from("the server broke off")),
    ];
    let slot = std::sync::Arc::new(std::sync::Mutex::new(Some(StreamBody::new(stream::iter(
        frames,
    )))));
    let handler = move |_: Request<Full<Bytes>>| {
        let body = slot.lock().expect("no panic").take().expect("one request");
        let response = Response::builder().header("content-type", "application/json");
        let response = response.body(body).expect("a response");
        async move { Ok::<_, Infallible>(response) }
    };
    let service = ServiceBuilder::new()
        .layer(layer(|builder| builder))
        .service_fn(handler);
    let response = service.oneshot(Request::new(Full::default())).await;
    let mut body = Box::pin(response.expect("a response").into_body());
    let frame = body.frame().await.expect("a frame").expect("data first");
    assert_eq!(frame.into_data().expect("data"), "{");
    assert!(body.frame().await.expect("a frame").is_err());
}

#[tokio::test]
async fn rules_on_responses_see_what_rules_on_the_request_set() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("rules")).expect("a folder");
    let rules = "SecAction \"id:1,phase:1,nolog,pass,setvar:tx.word=secret\"\n\
        SecRule REQUEST_HEADERS:Host \"@rx .\" \"id:2,phase:1,pass\"\n\
        SecRule RESPONSE_BODY \"@contains %{tx.word}\" \"id:3,phase:4,deny\"\n\
        SecRule RESPONSE_HEADERS:X-Debug \"@rx .\" \"id:4,phase:3,deny\"";
    std::fs::write(folder.path().join("rules/a.conf"), rules).expect("a file");
    let layer = layer(|builder| builder.rules(folder.path()).enforce());
    let seen = send(&layer, response(200, "text/html", "a secret")).await;
    assert_eq!(seen.status, StatusCode::BAD_GATEWAY);
    assert_eq!(seen.note("inspect_response_rules"), Some("3"));
    assert_eq!(seen.note("inspect_rules"), Some("2"));
    let mut picture = response(200, "image/png", "");
    let value = "1".parse().expect("a value");
    picture.headers_mut().insert("x-debug", value);
    assert_eq!(send(&layer, picture).await.status, StatusCode::BAD_GATEWAY);
}

#[tokio::test]
async fn equal_matches_have_equal_codes() {
    let key = || MatchedTextKey::from_bytes(*b"0123456789abcdef0123456789abcdef").expect("a key");
    let layer = layer(|builder| builder.matched_text_key(key()));
    let code = async |body: &str| {
        let seen = send(&layer, response(500, "text/plain", body)).await;
        seen.note("inspect_response_matched")
            .expect("a code")
            .to_owned()
    };
    let first = code(TRACE).await;
    assert_eq!(first, code(TRACE).await);
    assert_ne!(first, code(&format!("{TRACE}.")).await);
    let (rule, digits) = first.split_once('=').expect("a pair");
    assert_eq!((rule, digits.len()), ("10101", 32));
    assert!(!first.contains("Trace"));
}
