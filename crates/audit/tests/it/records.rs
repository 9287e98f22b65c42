//! What stands in a record.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use http::{Method, Request, Response, StatusCode};
use palisade_audit::{AuditBuildError, AuditLayer};
use palisade_core::{
    CredentialFailure, Fact, GuardLayer, Mode, Rejection, RouteLayer, RouteTable, Rule,
    SecurityContext, Verdict,
};
use serde_json::{Value, json};
use tower::service_fn;

use crate::support::{Body, Does, Trail, get, hello, known, send};

/// Sends a request through an audit layer and a guard that does something, and returns the record.
async fn check(
    uri: &str,
    does: impl Fn(&SecurityContext) + Send + Sync + Clone + 'static,
) -> Value {
    let trail = Trail::new();
    let guard = Does(move |cx: &SecurityContext, _: &mut _| {
        does(cx);
        Verdict::Admit(())
    });
    let stack = GuardLayer((trail.layer(), guard));
    send(stack, service_fn(hello), get(uri)).await;
    trail.only()
}

#[tokio::test]
async fn a_record_says_who_what_when_and_from_where() {
    let trail = Trail::new();
    let clock = trail.clock.clone();
    let slow = Does(move |cx: &SecurityContext, _: &mut _| {
        known(cx);
        clock.advance(Duration::from_micros(1234));
        Verdict::Admit(())
    });
    let stack = GuardLayer((trail.layer(), slow));
    send(stack, service_fn(hello), get("/tts")).await;
    let mut record = trail.only();
    let code = record["path_code"].take();
    assert!(code.as_str().unwrap().starts_with("hmac:"));
    let id = record["id"].take();
    assert_eq!(id.as_str().unwrap().len(), 32);
    assert_eq!(
        record,
        json!({
            "v": 2, "type": "request", "time": "2023-11-14T22:13:20.000000Z", "id": null,
            "method": "GET", "path_length": 4, "path_code": null,
            "http": "1.1", "client": "203.0.113.7", "client_from": "peer", "scheme": "https",
            "principal": {"kind": "api_key", "id": "team-voice", "credential": "k7Gh2"},
            "status": 200, "how": "complete", "bytes": 5, "head_us": 1234, "duration_us": 1234,
        })
    );
}

#[tokio::test]
async fn an_anonymous_request_differs_from_one_without_authentication() {
    assert_eq!(check("/", |_| ()).await["identity"], "unknown");
    assert_eq!(
        check("/", SecurityContext::mark_authentication_attempted).await["identity"],
        "anonymous"
    );
}

#[tokio::test]
async fn a_path_is_recorded_as_the_template_of_its_route() {
    let trail = Trail::new();
    let table = RouteTable::builder().route("/voices/{name}", Method::GET, Rule::public());
    let routes = RouteLayer::new(Arc::new(table.build().unwrap()));
    // Whichever of the two stands outside.
    let stack = GuardLayer((trail.layer(), routes.clone()));
    send(stack, service_fn(hello), get("/voices/zhang-san")).await;
    let stack = GuardLayer((routes, trail.layer()));
    send(stack, service_fn(hello), get("/voices/zhang-san")).await;
    for line in trail.memory.lines() {
        assert!(line.contains(r#""route":"/voices/{name}""#), "{line}");
        assert!(!line.contains("zhang-san"), "{line}");
    }
}

#[tokio::test]
async fn cleaned_fields_and_costs_are_recorded() {
    let record = check("/", |cx| {
        cx.record(Fact::Cleaned {
            field: "text".into(),
            removed: 3,
        });
        cx.settle("characters", 21);
    })
    .await;
    assert_eq!(record["cleaned"], json!([{"field": "text", "removed": 3}]));
    assert_eq!(record["settled"], json!({"characters": 21}));
}

#[tokio::test]
async fn every_kind_of_fact_has_a_place() {
    let record = check("/", |cx| {
        let expired = Rejection::new(StatusCode::UNAUTHORIZED, "expired", "No.")
            .with_credential_failure(CredentialFailure::Expired);
        cx.credential_failed("jwt", &expired);
        cx.record(Fact::Degraded {
            guard: "limit",
            what: "redis cannot be reached",
        });
        cx.record(Fact::Noted {
            key: "voice",
            value: "zhiyan".into(),
        });
        cx.record(Fact::ClosePanicked { guard: "permit" });
        for id in [Some("4fT0aXb93Kqz".into()), None] {
            let kind = "api_key".into();
            cx.record(Fact::CredentialExposed { kind, id });
        }
    })
    .await;
    assert_eq!(
        record["credential_failed"],
        json!([{"kind": "jwt", "code": "expired", "failure": "expired"}])
    );
    assert_eq!(
        record["degraded"],
        json!([{"guard": "limit", "what": "redis cannot be reached"}])
    );
    assert_eq!(
        record["noted"],
        json!([{"key": "voice", "value": "zhiyan"}])
    );
    assert_eq!(record["close_panicked"], json!([{"guard": "permit"}]));
    assert_eq!(
        record["credential_exposed"],
        json!([{"kind": "api_key", "id": "4fT0aXb93Kqz"}, {"kind": "api_key"}])
    );
}

#[tokio::test]
async fn facts_beyond_the_limit_are_counted() {
    let record = check("/", |cx| {
        for number in 0..20 {
            let field = number.to_string().into();
            cx.record(Fact::Cleaned { field, removed: 1 });
        }
    })
    .await;
    assert_eq!(record["cleaned"].as_array().unwrap().len(), 16);
    assert_eq!(record["facts_lost"], 4);
}

#[tokio::test]
async fn equal_facts_are_recorded_once_with_a_count() {
    let record = check("/", |cx| {
        for _ in 0..1000 {
            cx.record(Fact::Cleaned {
                field: "text".into(),
                removed: 3,
            });
        }
    })
    .await;
    let cleaned = json!([{"field": "text", "removed": 3000, "count": 1000}]);
    assert_eq!(record["cleaned"], cleaned);
    assert_eq!(record.get("facts_lost"), None);
}

#[derive(Clone, Debug)]
pub(crate) struct Shadowed;

impl palisade_core::Guard for Shadowed {
    type Pass = ();
    fn name(&self) -> &'static str {
        "shadowed"
    }
    fn mode(&self) -> Mode {
        Mode::Shadow
    }
    fn admit(&self, _: &SecurityContext, _: &mut http::request::Parts) -> Verdict<()> {
        let refusal = Rejection::new(StatusCode::FORBIDDEN, "closed", "Closed.");
        refusal.with_reason("still painting").into()
    }
}

#[tokio::test]
async fn refusals_of_a_guard_in_shadow_mode_are_recorded() {
    let trail = Trail::new();
    let stack = GuardLayer((trail.layer(), Shadowed));
    let (status, _) = send(stack, service_fn(hello), get("/")).await;
    assert_eq!(status, 200);
    let record = trail.only();
    let expected = json!([{"guard": "shadowed", "code": "closed", "reason": "still painting"}]);
    assert_eq!(record["would_refuse"], expected);
    assert_eq!(record["refused"], Value::Null);
}

#[tokio::test]
async fn several_sinks_get_every_event() {
    let trail = Trail::new();
    let second = palisade_audit::MemorySink::with_capacity(2);
    let layer = trail.layer_with(|builder| builder.sink(second.clone()));
    for _ in 0..3 {
        send(layer.clone(), service_fn(hello), get("/")).await;
    }
    assert_eq!(trail.memory.lines().len(), 3);
    assert_eq!(second.lines(), trail.memory.lines()[1..]);
}

#[tokio::test]
async fn costs_settled_while_a_body_streams_are_recorded() {
    let trail = Trail::new();
    let settles = service_fn(async |request: Request<Body>| {
        let cx = SecurityContext::of(request.extensions()).unwrap();
        cx.settle("audio_ms", 2500);
        Ok::<_, std::convert::Infallible>(Response::new(Body::default()))
    });
    send(trail.layer(), settles, get("/")).await;
    assert_eq!(trail.only()["settled"], json!({"audio_ms": 2500}));
}

/// Collects what a subscriber of `tracing` writes.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl std::io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Collects the log lines of this thread, until the guard is dropped.
fn collect_lines(written: &Written) -> tracing::subscriber::DefaultGuard {
    let writer = written.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .finish();
    tracing::subscriber::set_default(subscriber)
}

#[tokio::test]
async fn tracing_counts_the_refusals_of_a_client_by_the_clock_that_it_was_given() {
    let (written, trail) = (Written::default(), Trail::new());
    let _default = collect_lines(&written);
    let refuse = Does(|cx: &SecurityContext, _: &mut _| {
        known(cx);
        Rejection::new(StatusCode::FORBIDDEN, "closed", "Closed.").into()
    });
    let sink = palisade_audit::TracingSink::new().clock(trail.clock.shared());
    let stack = GuardLayer((trail.layer_with(|it| it.sink(sink)), refuse));
    let lines = || String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
    for expected in [1, 1] {
        send(stack.clone(), service_fn(hello), get("/")).await;
        assert_eq!(lines().lines().count(), expected, "{}", lines());
    }
    trail.clock.advance(Duration::from_secs(60));
    send(stack, service_fn(hello), get("/")).await;
    assert_eq!(lines().lines().count(), 3, "{}", lines());
    assert!(lines().contains("held_back=1"), "{}", lines());
}

#[tokio::test]
async fn tracing_gets_one_event_with_the_fields_that_filters_need() {
    let written = Written::default();
    let _default = collect_lines(&written);
    let trail = Trail::new();
    let refuse = Does(|cx: &SecurityContext, _: &mut _| {
        cx.record(Fact::Noted {
            key: "note",
            value: "a\nb".into(),
        });
        Rejection::new(StatusCode::FORBIDDEN, "closed", "Closed.").into()
    });
    let layer = trail.layer_with(|it| it.sink(palisade_audit::TracingSink::new()));
    let stack = GuardLayer((layer, refuse));
    send(stack, service_fn(hello), get("/")).await;
    let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
    assert_eq!(text.lines().count(), 1, "{text}");
    for part in [
        "palisade::audit",
        "status=403",
        "how=\"complete\"",
        "refused=\"closed\"",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
}

#[test]
fn a_layer_without_a_sink_is_refused() {
    assert!(matches!(
        AuditLayer::builder().build(),
        Err(AuditBuildError::NoSink)
    ));
}
