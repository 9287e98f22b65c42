//! The question of load balancers, answered outside everything else.

use palisade_transport::{
    TrustedProxies,
    server::{HealthLayer, Readiness},
};
use tower::Layer as _;

use crate::support::{Running, app, bind, start_with};

fn probed(from: &str, readiness: &Readiness) -> Running {
    let from = TrustedProxies::parse(from).unwrap();
    let layer = HealthLayer::builder("/health", from, readiness.clone());
    let layer = layer.build().unwrap();
    start_with(bind(), layer.layer(app(Default::default())))
}

#[tokio::test]
async fn a_probe_gets_a_response_for_any_host_or_none() {
    let running = probed("127.0.0.0/8", &Readiness::new());
    for head in [
        "GET /health HTTP/1.1\r\nhost: 10.0.0.5\r\n",
        "GET /health HTTP/1.1\r\nhost: a\r\nhost: b\r\n",
        "GET /health HTTP/1.1\r\n",
        "GET /health HTTP/1.0\r\n",
    ] {
        let response = running
            .talk(format!("{head}connection: close\r\n\r\n").as_bytes())
            .await;
        let (head_of_response, body) = response.split_once("\r\n\r\n").unwrap();
        assert!(head_of_response.contains(" 200 OK"), "{head}: {response}");
        assert!(
            head_of_response.contains("cache-control: no-store"),
            "{response}"
        );
        assert_eq!(body, "ok\n");
    }
    let head = running
        .talk(b"HEAD /health HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
        .await;
    assert!(
        head.contains(" 200 OK") && head.ends_with("\r\n\r\n"),
        "{head}"
    );
}

#[tokio::test]
async fn readiness_turns_503_while_the_rest_goes_on() {
    let readiness = Readiness::new();
    let running = probed("127.0.0.1", &readiness);
    readiness.drain();
    assert!(!readiness.is_ready());
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
    let probe = running.talk(get("/health").as_bytes()).await;
    assert!(
        probe.contains(" 503 ") && probe.ends_with("draining\n"),
        "{probe}"
    );
    assert!(running.talk(get("/").as_bytes()).await.ends_with("hello"));
}

#[tokio::test]
async fn a_stranger_and_another_path_or_method_reach_the_service() {
    let close = "HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    let elsewhere = probed("10.0.0.0/8", &Readiness::new());
    let stranger = elsewhere
        .talk(format!("GET /health {close}").as_bytes())
        .await;
    assert!(stranger.contains(" 404 "), "{stranger}");
    let here = probed("127.0.0.1", &Readiness::new());
    for start in [
        "GET /health/",
        "GET /Health",
        "GET //health",
        "POST /health",
    ] {
        let response = here.talk(format!("{start} {close}").as_bytes()).await;
        assert!(response.contains(" 404 "), "{start}: {response}");
    }
}

#[test]
fn what_is_no_path_is_refused_at_start() {
    for path in ["health", "/health?x", ""] {
        let layer = HealthLayer::builder(path, TrustedProxies::none(), Readiness::new()).build();
        assert!(layer.is_err(), "{path}");
    }
}
