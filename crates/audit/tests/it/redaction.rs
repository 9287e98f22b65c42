//! What does not stand in a record.

use http::{HeaderName, Request, header};
use palisade_audit::{AuditBuildError, AuditKey, AuditLayer, MemorySink};
use palisade_core::{GuardLayer, SecurityContext, Verdict};
use serde_json::Value;
use tower::service_fn;

use crate::support::{Body, Does, Trail, get, hello, known, send};

const CANARY: &str = "canary7f3a9b";
const DEVICE: HeaderName = HeaderName::from_static("x-device");

fn key() -> AuditKey {
    AuditKey::from_bytes(*b"0123456789abcdef0123456789abcdef").unwrap()
}

fn full_of_secrets() -> Request<Body> {
    let uri = format!("/a/{CANARY}{CANARY}{CANARY}?text={CANARY}&api_key={CANARY}");
    Request::post(uri)
        .header("authorization", format!("Bearer {CANARY}"))
        .header("cookie", format!("__Host-session={CANARY}"))
        .header("x-api-key", CANARY)
        .header("user-agent", CANARY)
        .header("referer", format!("https://example.org/{CANARY}"))
        .header(DEVICE, CANARY)
        .body(Body::from(CANARY))
        .unwrap()
}

#[tokio::test]
async fn no_secret_is_in_a_record_or_in_debug_output() {
    let trail = Trail::new();
    let layer = trail.layer_with(|builder| {
        let builder = builder.correlation_key(key()).correlate_query("text");
        builder.correlate_header(DEVICE)
    });
    let watched = layer.clone();
    let debug = Does(move |cx: &SecurityContext, _: &mut _| {
        known(cx);
        assert!(!format!("{watched:?}").contains("0123456789abcdef"));
        Verdict::Admit(())
    });
    send(
        GuardLayer((layer, debug)),
        service_fn(hello),
        full_of_secrets(),
    )
    .await;
    for shown in [
        format!("{:?}", trail.memory.requests()),
        trail.memory.lines().concat(),
    ] {
        assert!(!shown.contains(&CANARY[..6]), "{shown}");
    }
}

#[tokio::test]
async fn correlated_values_are_equal_where_the_values_are() {
    let code = async |device: &str| -> Value {
        let trail = Trail::new();
        let layer = trail.layer_with(|it| it.correlation_key(key()).correlate_header(DEVICE));
        let request = Request::get("/").header(DEVICE, device);
        send(
            layer,
            service_fn(hello),
            request.body(Body::default()).unwrap(),
        )
        .await;
        trail.only()["fields"]["header.x-device"].clone()
    };
    assert_eq!(code("one").await, code("one").await);
    assert_ne!(code("one").await, code("two").await);
    assert!(code("one").await.as_str().unwrap().starts_with("hmac:"));
}

#[tokio::test]
async fn values_in_clear_need_a_dangerous_option_and_are_cut() {
    let trail = Trail::new();
    let layer = trail.layer_with(|it| {
        let it = it.dangerously_record_query("format");
        it.dangerously_record_header(header::USER_AGENT)
    });
    let request = Request::get("/?format=wav&text=no").header("user-agent", "x".repeat(5000));
    send(
        layer,
        service_fn(hello),
        request.body(Body::default()).unwrap(),
    )
    .await;
    let record = trail.only();
    assert_eq!(record["fields"]["query.format"], "wav");
    let agent = record["fields"]["header.user-agent"].as_str().unwrap();
    assert_eq!(agent.len(), 256);
}

#[test]
fn credentials_in_clear_are_refused_even_with_the_dangerous_option() {
    let builder = || AuditLayer::builder().sink(MemorySink::new());
    for name in [header::AUTHORIZATION, header::COOKIE] {
        let built = builder().dangerously_record_header(name).build();
        assert!(matches!(built, Err(AuditBuildError::SecretInClear { .. })));
    }
    let built = builder().correlate_query("user").build();
    assert!(matches!(built, Err(AuditBuildError::NoCorrelationKey)));
}

#[tokio::test]
async fn a_client_can_be_recorded_as_its_network() {
    let trail = Trail::new();
    let layer = trail.layer_with(palisade_audit::AuditLayerBuilder::mask_client_address);
    let guard = Does(|cx: &SecurityContext, _: &mut _| {
        known(cx);
        Verdict::Admit(())
    });
    send(GuardLayer((layer, guard)), service_fn(hello), get("/")).await;
    assert_eq!(trail.only()["client"], "203.0.113.0");
}

#[tokio::test]
async fn raw_paths_need_a_dangerous_option() {
    let path = format!("/reset/{}", "t".repeat(40));
    let trail = Trail::new();
    let layer =
        trail.layer_with(palisade_audit::AuditLayerBuilder::dangerously_record_unknown_paths);
    send(layer, service_fn(hello), get(&path)).await;
    assert_eq!(trail.only()["path"], "/reset/tttttttt…");
    let trail = Trail::new();
    let layer = trail.layer_with(palisade_audit::AuditLayerBuilder::dangerously_record_raw_paths);
    send(layer, service_fn(hello), get(&path)).await;
    assert_eq!(trail.only()["path"], *path);
}

#[tokio::test]
async fn a_short_code_in_an_unknown_path_is_not_there_and_equal_paths_have_equal_codes() {
    let trail = Trail::new();
    let layer = trail.layer_with(|it| it.correlation_key(key()));
    for path in ["/otp/493817", "/call/+8613800138000", "/otp/493817"] {
        send(layer.clone(), service_fn(hello), get(path)).await;
    }
    let lines = trail.memory.lines();
    for secret in ["493817", "138001", "otp", "call"] {
        assert!(!lines.concat().contains(secret), "{lines:#?}");
    }
    let requests = trail.requests();
    let record = |index: usize| &requests[index];
    assert_eq!(record(0)["path_length"], 11);
    assert_eq!(record(0)["path_code"], record(2)["path_code"]);
    assert_ne!(record(0)["path_code"], record(1)["path_code"]);
}
