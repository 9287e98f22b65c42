//! No record, no response.

use std::{
    convert::Infallible,
    fs,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use http::{Request, Response};
use http_body_util::BodyExt;
use palisade_audit::{
    AuditGate, AuditHandle, AuditLayer, FileSink, MemorySink, RequestRecord, Sink, SinkUnavailable,
    VerifyOptions, VerifyReport, verify_file,
};
use palisade_core::{GuardLayer, Layer, SecurityContext, Verdict};
use tempfile::{TempDir, tempdir};
use tower::{ServiceExt, service_fn};

use crate::support::{Body, Does, get, hello, known, of_type, records, send};

struct Stand {
    folder: TempDir,
    layer: AuditLayer,
    memory: MemorySink,
}

impl Stand {
    fn new() -> Self {
        let folder = tempdir().unwrap();
        let path = folder.path().join("audit.jsonl");
        let memory = MemorySink::new();
        let layer = AuditLayer::builder()
            .sink(FileSink::builder(path).fail_closed().open().unwrap())
            .sink(memory.clone())
            .build()
            .unwrap();
        Self {
            folder,
            layer,
            memory,
        }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("audit.jsonl")
    }

    fn handle(&self) -> AuditHandle {
        self.layer.handle()
    }

    async fn closed(&self) -> VerifyReport {
        self.handle().close().await.unwrap();
        verify_file(self.path(), &VerifyOptions::new()).unwrap()
    }
}

#[tokio::test]
async fn the_head_record_is_on_disk_before_the_response_starts() {
    let stand = Stand::new();
    let who = Does(|cx: &SecurityContext, _: &mut _| {
        known(cx);
        Verdict::Admit(())
    });
    let stack = GuardLayer((stand.layer.clone(), who));
    let response = stack
        .layer(service_fn(hello))
        .oneshot(get("/tts"))
        .await
        .unwrap();
    let head = &of_type(&stand.path(), "head")[0];
    assert_eq!(head["principal"]["id"], "team-voice");
    assert_eq!(
        (&head["status"], &head["path_length"]),
        (&200.into(), &4.into())
    );
    assert!(of_type(&stand.path(), "end").is_empty());
    response.into_body().collect().await.unwrap();
    let report = stand.closed().await;
    assert_eq!((report.requests, report.unfinished), (1, 0));
    let end = &of_type(&stand.path(), "end")[0];
    assert_eq!(end["id"], head["id"], "the end refers to its head");
    assert_eq!(
        (&end["how"], &end["bytes"]),
        (&"complete".into(), &5.into())
    );
    assert_eq!(
        stand.memory.lines().len(),
        1,
        "other sinks get one whole event"
    );
    assert!(stand.memory.lines()[0].contains("team-voice"));
}

#[tokio::test]
async fn without_a_working_sink_every_request_is_refused() {
    let stand = Stand::new();
    stand.handle().close().await.unwrap();
    let untouched = service_fn(
        async |_: Request<Body>| -> Result<Response<Body>, Infallible> {
            panic!("the handler is not reached")
        },
    );
    let response = stand
        .layer
        .layer(untouched)
        .oneshot(get("/"))
        .await
        .unwrap();
    assert_eq!(response.status(), 503);
    assert_eq!(response.headers()["retry-after"], "1");
    let body = response.into_body().collect().await.unwrap().to_bytes();
    let body = String::from_utf8(body.to_vec()).unwrap();
    assert!(body.contains(r#""code":"unavailable""#), "{body}");
    assert!(
        !body.contains("audit"),
        "what is wrong is not the client's business: {body}"
    );
    assert_eq!(stand.handle().lost_records(), 1);
}

#[tokio::test]
async fn a_sink_that_fails_while_a_request_runs_turns_its_response_into_503() {
    let stand = Stand::new();
    let handle = stand.handle();
    let closes = service_fn(move |_: Request<Body>| {
        let handle = handle.clone();
        async move {
            handle.close_within(Duration::ZERO).await.unwrap();
            Ok::<_, Infallible>(Response::new(Body::from("secret result")))
        }
    });
    let (status, body) = send(stand.layer.clone(), closes, get("/")).await;
    assert_eq!(status, 503);
    assert!(!String::from_utf8_lossy(&body).contains("secret result"));
    let events = stand.memory.requests();
    assert!(events[0].to_json().contains("\"status\":503"));
}

#[tokio::test]
async fn a_client_that_leaves_while_the_record_is_written_is_recorded_once() {
    let stand = Stand::new();
    for _ in 0..50 {
        let service = stand.layer.layer(service_fn(hello));
        let mut response = Box::pin(service.oneshot(get("/")));
        let mut task = std::task::Context::from_waker(std::task::Waker::noop());
        drop(response.as_mut().poll(&mut task));
        drop(response);
    }
    let report = stand.closed().await;
    assert_eq!(
        (report.requests, report.unfinished, report.lost),
        (50, 0, 0)
    );
    assert_eq!(stand.memory.lines().len(), 50);
}

#[tokio::test]
async fn requests_without_a_response_have_one_record() {
    let stand = Stand::new();
    let fails =
        service_fn(async |_: Request<Body>| Err::<Response<Body>, _>(std::io::Error::other("no")));
    assert!(stand.layer.layer(fails).oneshot(get("/")).await.is_err());
    let report = stand.closed().await;
    assert_eq!((report.requests, report.unfinished), (1, 0));
    assert_eq!(
        of_type(&stand.path(), "request")[0]["how"],
        "service_failed"
    );
}

#[tokio::test]
async fn the_gate_records_before_the_handler_starts() {
    let stand = Stand::new();
    let path = stand.path();
    let who = Does(|cx: &SecurityContext, _: &mut _| {
        known(cx);
        Verdict::Admit(())
    });
    let stack = GuardLayer((stand.layer.clone(), who, stand.layer.gate()));
    let looks = service_fn(move |_: Request<Body>| {
        let gates = of_type(&path, "gate");
        assert_eq!(gates[0]["principal"]["id"], "team-voice");
        std::future::ready(Ok::<_, Infallible>(Response::new(Body::default())))
    });
    let (status, _) = send(stack, looks, get("/")).await;
    assert_eq!(status, 200);
    let report = stand.closed().await;
    assert_eq!(
        (report.requests, report.unfinished),
        (1, 0),
        "the gate is no second request"
    );
}

#[tokio::test]
async fn a_gate_over_a_sink_that_promises_nothing_is_closed() {
    let layer = AuditLayer::builder()
        .sink(MemorySink::new())
        .build()
        .unwrap();
    let gate: AuditGate = layer.gate();
    let (status, _) = send(GuardLayer((layer, gate)), service_fn(hello), get("/")).await;
    assert_eq!(status, 500);
}

/// Refuses some requests, and then none.
#[derive(Debug)]
struct Hesitant(AtomicU32);

impl Sink for Hesitant {
    fn record_request(&self, _: &Arc<RequestRecord>) {}

    fn reserve(&self) -> Result<(), SinkUnavailable> {
        let left = self
            .0
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| {
                left.checked_sub(1)
            });
        if left.is_ok() {
            Err(SinkUnavailable::Full)
        } else {
            Ok(())
        }
    }
}

#[tokio::test]
async fn a_reservation_is_released_when_another_sink_refuses() {
    let folder = tempdir().unwrap();
    let file = FileSink::builder(folder.path().join("audit.jsonl"))
        .fail_closed()
        .capacity(2);
    let layer = AuditLayer::builder()
        .sink(file.open().unwrap())
        .sink(Hesitant(AtomicU32::new(5)))
        .build()
        .unwrap();
    for expected in [503, 503, 503, 503, 503, 200] {
        let (status, _) = send(layer.clone(), service_fn(hello), get("/")).await;
        assert_eq!(status, expected);
    }
}

#[test]
fn a_layer_knows_whether_it_is_fail_closed() {
    assert!(Stand::new().layer.is_fail_closed());
    let open = AuditLayer::builder()
        .sink(MemorySink::new())
        .build()
        .unwrap();
    assert!(!open.is_fail_closed());
}

#[tokio::test]
async fn a_flush_makes_ends_safe_too() {
    let stand = Stand::new();
    send(stand.layer.clone(), service_fn(hello), get("/")).await;
    stand.handle().flush().await.unwrap();
    assert_eq!(of_type(&stand.path(), "end").len(), 1);
    let anchor = stand.handle().anchor().unwrap();
    assert_eq!(
        anchor.sequence(),
        u64::try_from(records(&stand.path()).len()).unwrap()
    );
}

#[test]
fn a_close_needs_no_runtime() {
    let stand = Stand::new();
    stand.handle().close_blocking().unwrap();
    assert_eq!(of_type(&stand.path(), "closed").len(), 1);
    assert!(fs::metadata(stand.path()).unwrap().len() > 0);
}
