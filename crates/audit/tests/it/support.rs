//! What the tests share.

use std::{
    convert::Infallible,
    net::{IpAddr, Ipv4Addr},
    path::Path,
    time::Duration,
};

use bytes::Bytes;
use http::{Request, Response, request};
use http_body_util::{BodyExt, Full};
use palisade_audit::{AuditLayer, AuditLayerBuilder, FileSink, MemorySink};
use palisade_core::{
    ClientInfo, Guard, Layer, ManualClock, Principal, Scheme, SecurityContext, Verdict,
};
use serde_json::Value;
use tower::{BoxError, Service, ServiceExt};

use crate::schema::assert_fits;

pub(crate) type Body = Full<Bytes>;

/// 2023-11-14T22:13:20Z.
pub(crate) const NOW: Duration = Duration::from_secs(1_700_000_000);

/// An audit layer over memory, on a clock that stands still.
pub(crate) struct Trail {
    pub(crate) memory: MemorySink,
    pub(crate) clock: ManualClock,
}

impl Trail {
    pub(crate) fn new() -> Self {
        Self {
            memory: MemorySink::new(),
            clock: ManualClock::new(NOW),
        }
    }

    pub(crate) fn layer(&self) -> AuditLayer {
        self.layer_with(|builder| builder)
    }

    pub(crate) fn layer_with(
        &self,
        change: impl FnOnce(AuditLayerBuilder) -> AuditLayerBuilder,
    ) -> AuditLayer {
        let builder = AuditLayer::builder().sink(self.memory.clone());
        change(builder.clock(self.clock.shared())).build().unwrap()
    }

    /// The one record of a request that there must be.
    pub(crate) fn only(&self) -> Value {
        let mut requests = self.requests();
        assert_eq!(requests.len(), 1, "{requests:#?}");
        requests.remove(0)
    }

    /// The records of requests.
    pub(crate) fn requests(&self) -> Vec<Value> {
        self.of_type(|kind| kind != "event")
    }

    /// The records of events.
    pub(crate) fn events(&self) -> Vec<Value> {
        self.of_type(|kind| kind == "event")
    }

    fn of_type(&self, wanted: impl Fn(&str) -> bool) -> Vec<Value> {
        let lines = self.memory.lines().into_iter();
        let records = lines.map(|line| serde_json::from_str::<Value>(&line).unwrap());
        records
            .inspect(assert_fits)
            .filter(|record| wanted(record["type"].as_str().unwrap()))
            .collect()
    }
}

/// A guard made of a function.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Does<F>(pub(crate) F);

impl<F> Guard for Does<F>
where
    F: Fn(&SecurityContext, &mut request::Parts) -> Verdict<()> + Send + Sync + 'static,
{
    type Pass = ();

    fn name(&self) -> &'static str {
        "does"
    }

    fn admit(&self, cx: &SecurityContext, head: &mut request::Parts) -> Verdict<()> {
        self.0(cx, head)
    }
}

/// Stands for transport and authentication.
pub(crate) fn known(cx: &SecurityContext) {
    let ip = IpAddr::V4(Ipv4Addr::new(203, 0, 113, 7));
    cx.set_client(ClientInfo::new(ip, Scheme::Https));
    let who = Principal::builder("api_key", "team-voice").credential("k7Gh2");
    cx.set_principal(who.build()).unwrap();
}

pub(crate) fn get(uri: &str) -> Request<Body> {
    Request::get(uri).body(Body::default()).unwrap()
}

pub(crate) async fn hello(_: Request<Body>) -> Result<Response<Body>, Infallible> {
    Ok(Response::new(Body::from("hello")))
}

/// Sends a request and reads the response to its end.
pub(crate) async fn send<L, S, B>(layer: L, service: S, request: Request<Body>) -> (u16, Bytes)
where
    L: Layer<S>,
    L::Service: Service<Request<Body>, Response = Response<B>>,
    <L::Service as Service<Request<Body>>>::Error: Into<BoxError>,
    B: http_body::Body<Data = Bytes>,
    B::Error: std::fmt::Debug,
{
    let service = layer.layer(service);
    let response = service.oneshot(request).await.map_err(Into::into).unwrap();
    let status = response.status().as_u16();
    (
        status,
        response.into_body().collect().await.unwrap().to_bytes(),
    )
}

/// The records of a file.
pub(crate) fn records(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
    lines.inspect(assert_fits_if_record).collect()
}

/// Checkpoint files have lines of another form.
fn assert_fits_if_record(line: &Value) {
    if line.get("hash").is_some() && line.get("signature").is_none() {
        assert_fits(line);
    }
}

/// The records of a file that have a type.
pub(crate) fn of_type(path: &Path, kind: &str) -> Vec<Value> {
    let all = records(path).into_iter();
    all.filter(|record| record["type"] == kind).collect()
}

/// A folder with a trail in it of so many requests, closed in order.
pub(crate) async fn written(path: &Path, requests: usize) {
    let clock = ManualClock::new(NOW).shared();
    let sink = FileSink::builder(path).clock(clock).open().unwrap();
    serve(&sink, requests).await;
    close(&sink).await;
}

pub(crate) async fn serve(sink: &FileSink, requests: usize) {
    let layer = AuditLayer::builder().sink(sink.clone()).build().unwrap();
    for _ in 0..requests {
        send(layer.clone(), tower::service_fn(hello), get("/hello")).await;
    }
}

pub(crate) async fn close(sink: &FileSink) {
    palisade_audit::Sink::close(sink).get().await.unwrap();
}

/// Whether the bytes of a request have its whole body.
pub(crate) fn is_whole_request(bytes: &[u8]) -> bool {
    let text = String::from_utf8_lossy(bytes);
    let Some((head, body)) = text.split_once("\r\n\r\n") else {
        return false;
    };
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "));
    length.is_some_and(|length| body.len() >= length.parse::<usize>().unwrap())
}
