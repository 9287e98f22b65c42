//! Rules that leave out successes, in a trail that fails closed: what is undecided at the head is recorded there.

use std::{
    collections::VecDeque,
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response, header::CONTENT_TYPE};
use http_body::Frame;
use http_body_util::{BodyExt as _, combinators::UnsyncBoxBody};
use palisade_audit::{
    AuditLayer, AuditLayerBuilder, AuditLevel, AuditRule, FileSink, VerifyOptions, verify_file,
};
use palisade_core::{GuardLayer, Layer as _};
use serde_json::Value;
use tempfile::TempDir;
use tower::{ServiceExt as _, service_fn};

use crate::{
    rules::{DEVICE, key, none, refuses_queries},
    support::{Body, Does, get, hello, of_type, records, send},
};

type Stream = UnsyncBoxBody<Bytes, &'static str>;

/// A trail that fails closed, with rules.
struct Stand {
    folder: TempDir,
    layer: AuditLayer,
}

impl Stand {
    fn new(change: impl FnOnce(AuditLayerBuilder) -> AuditLayerBuilder) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        // Few places: those of requests without a record must be free again.
        let sink = FileSink::builder(path).fail_closed().capacity(8);
        let layer = AuditLayer::builder().sink(sink.open().unwrap());
        let layer = change(layer).build().unwrap();
        Self { folder, layer }
    }

    fn path(&self) -> std::path::PathBuf {
        self.folder.path().join("audit.jsonl")
    }

    /// Sends a request. When the response has begun, returns the records of heads that are on the disk.
    async fn heads_of(
        &self,
        request: Request<Body>,
        response: fn() -> Response<Stream>,
    ) -> Vec<Value> {
        let service = service_fn(move |_| std::future::ready(Ok::<_, Infallible>(response())));
        let service = self.layer.layer(service);
        let response = service.oneshot(request).await.unwrap();
        let heads = of_type(&self.path(), "head");
        let _ = response.into_body().collect().await;
        heads
    }

    /// Closes the trail, which must be intact and have an end for each head. Returns the records of requests.
    async fn closed(&self) -> Vec<Value> {
        self.layer.handle().close().await.unwrap();
        let report = verify_file(self.path(), &VerifyOptions::new()).unwrap();
        assert!(report.is_intact() && report.unfinished == 0, "{report:?}");
        let mut all = records(&self.path());
        all.retain(|it| it.get("id").is_some());
        all
    }
}

/// A body without a known length.
struct Frames(VecDeque<Result<Frame<Bytes>, &'static str>>);

impl http_body::Body for Frames {
    type Data = Bytes;
    type Error = &'static str;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, &'static str>>> {
        Poll::Ready(self.0.pop_front())
    }
}

fn streamed(frames: Vec<Result<Frame<Bytes>, &'static str>>) -> Response<Stream> {
    Response::new(UnsyncBoxBody::new(Frames(frames.into())))
}

fn data(text: &'static str) -> Result<Frame<Bytes>, &'static str> {
    Ok(Frame::data(Bytes::from_static(text.as_bytes())))
}

fn grpc_trailers(status: &'static str) -> Result<Frame<Bytes>, &'static str> {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static(status));
    Ok(Frame::trailers(trailers))
}

fn grpc_call() -> Request<Body> {
    let mut request = get("/palisade.test.Echo/Say");
    let value = HeaderValue::from_static("application/grpc");
    request.headers_mut().insert(CONTENT_TYPE, value);
    request
}

/// A gRPC response without a body, with its status in the head.
fn trailers_only(status: &'static str) -> Response<Stream> {
    let mut response = streamed(Vec::new());
    *response.body_mut() = UnsyncBoxBody::new(Body::default().map_err(|never| match never {}));
    let status = HeaderValue::from_static(status);
    response.headers_mut().insert("grpc-status", status);
    response
}

#[tokio::test]
async fn a_fail_closed_trail_has_no_head_of_what_is_left_out_and_all_of_what_fails() {
    let stand = Stand::new(|it| it.rule(none()));
    for _ in 0..20 {
        let (status, _) = send(stand.layer.clone(), service_fn(hello), get("/")).await;
        assert_eq!(status, 200);
    }
    // Its head says that the service did all that it does; the client leaves.
    let service = stand.layer.layer(service_fn(hello));
    drop(service.oneshot(get("/")).await.unwrap());
    let stack = GuardLayer((stand.layer.clone(), Does(refuses_queries)));
    send(stack, service_fn(hello), get("/?refused")).await;
    let all = stand.closed().await;
    let kinds: Vec<_> = all.iter().map(|it| (&it["type"], &it["how"])).collect();
    assert_eq!(kinds.len(), 3, "{kinds:?}");
    assert_eq!(kinds[0], (&"request".into(), &"body_dropped".into()));
    assert_eq!((kinds[1].0, kinds[2].0), (&"head".into(), &"end".into()));
}

#[tokio::test]
async fn a_stream_has_its_head_on_the_disk_before_it_can_fail() {
    let stand = Stand::new(|it| it.rule(none()));
    let fails = || streamed(vec![data("a"), Err("the source is gone")]);
    assert_eq!(stand.heads_of(get("/"), fails).await.len(), 1);
    let succeeds = || streamed(vec![data("a")]);
    assert_eq!(stand.heads_of(get("/"), succeeds).await.len(), 2);
    let ends = stand.closed().await.into_iter();
    let ends: Vec<_> = ends.filter(|it| it["type"] == "end").collect();
    assert_eq!(
        (&ends[0]["how"], &ends[1]["how"]),
        (&"body_failed".into(), &"complete".into())
    );
}

#[tokio::test]
async fn a_grpc_call_is_decided_by_its_status_and_not_by_its_head() {
    let stand = Stand::new(|it| it.rule(none()));
    let internal = || streamed(vec![data("a"), grpc_trailers("13")]);
    assert_eq!(stand.heads_of(grpc_call(), internal).await.len(), 1);
    let ok = || trailers_only("0");
    assert_eq!(stand.heads_of(grpc_call(), ok).await.len(), 1);
    for refused in [|| trailers_only("16"), || trailers_only("none")] {
        stand.heads_of(grpc_call(), refused).await;
    }
    assert_eq!(of_type(&stand.path(), "head").len(), 3);
    // Without a status a client takes it for a failure.
    let without = || streamed(vec![data("a")]);
    assert_eq!(stand.heads_of(grpc_call(), without).await.len(), 4);
    stand.closed().await;
}

#[tokio::test]
async fn a_websocket_is_undecided_as_long_as_it_is_open() {
    let stand = Stand::new(|it| it.rule(none()));
    let switches = || {
        let mut response = trailers_only("0");
        *response.status_mut() = http::StatusCode::SWITCHING_PROTOCOLS;
        response
    };
    assert_eq!(stand.heads_of(get("/ws"), switches).await.len(), 1);
    stand.closed().await;
}

#[tokio::test]
async fn the_end_of_a_failure_has_the_fields_that_its_head_lacks() {
    let stand = Stand::new(|it| {
        let rule = AuditRule::any_route().successes(AuditLevel::Metadata);
        it.correlation_key(key())
            .correlate_header(DEVICE)
            .rule(rule)
    });
    let request = || {
        let request = Request::get("/").header(DEVICE, "one");
        request.body(Body::default()).unwrap()
    };
    let heads = stand
        .heads_of(request(), || streamed(vec![Err("gone")]))
        .await;
    assert!(heads[0].get("fields").is_none(), "{}", heads[0]);
    stand
        .heads_of(request(), || streamed(vec![data("a")]))
        .await;
    let ends = stand.closed().await.into_iter();
    let ends: Vec<_> = ends.filter(|it| it["type"] == "end").collect();
    assert!(
        ends[0]["fields"]["header.x-device"].is_string(),
        "{}",
        ends[0]
    );
    assert!(ends[1].get("fields").is_none(), "{}", ends[1]);
}

#[tokio::test]
async fn what_is_undecided_is_no_sample() {
    let sampled = |it: AuditLayerBuilder| it.rule(AuditRule::any_route().sample_successes(2));
    let stand = Stand::new(sampled);
    for _ in 0..30 {
        stand.heads_of(get("/"), || streamed(vec![data("a")])).await;
    }
    let all = stand.closed().await;
    assert_eq!(all.len(), 60, "each has a head and an end");
    assert!(all.iter().all(|it| it.get("sampled").is_none()));
}
