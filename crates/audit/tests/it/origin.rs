//! What a record has of the connection: addresses and how they were decided, versions, host, lengths.

use std::net::SocketAddr;

use http::{Request, Version};
use palisade_audit::AuditLayerBuilder;
use palisade_core::{ClientInfo, GuardLayer, Peer, Scheme, SecurityContext, TlsVersion, Verdict};
use serde_json::Value;
use tower::service_fn;

use crate::support::{Body, Does, Trail, hello, known, send};

const PROXY: &str = "198.51.100.9:4711";

/// The record of a request from a connection, whose client is decided by the function.
async fn record(
    settings: impl FnOnce(AuditLayerBuilder) -> AuditLayerBuilder,
    client: impl Fn(&SecurityContext) + Clone + Send + Sync + 'static,
    uri: &str,
) -> Value {
    let trail = Trail::new();
    let layer = trail.layer_with(settings);
    let address: SocketAddr = PROXY.parse().unwrap();
    let peer = Peer::new(address, Scheme::Https).with_tls(Some(TlsVersion::Tls13));
    let request = Request::post(uri).version(Version::HTTP_2).extension(peer);
    let request = request.header("content-length", "7");
    let decided = Does(move |cx: &SecurityContext, _: &mut _| {
        client(cx);
        Verdict::Admit(())
    });
    let stack = GuardLayer((layer, decided));
    send(
        stack,
        service_fn(hello),
        request.body(Body::from("a body.")).unwrap(),
    )
    .await;
    trail.only()
}

fn through_proxy(cx: &SecurityContext) {
    let client = ClientInfo::new([203, 0, 113, 7].into(), Scheme::Https).with_proxy();
    cx.set_client(client.with_forwarded_host("api.example".parse().unwrap()));
}

#[tokio::test]
async fn a_record_says_how_the_request_came_and_how_the_address_was_decided() {
    let of_proxy = record(|it| it, through_proxy, "http://anna:secret@inner.example/a").await;
    let expected = [
        ("host", "api.example"),
        ("http", "2"),
        ("tls", "1.3"),
        ("client", "203.0.113.7"),
        ("client_from", "proxy"),
        ("peer", "198.51.100.9"),
        ("scheme", "https"),
    ];
    for (member, value) in expected {
        assert_eq!(of_proxy[member], value, "{member}: {of_proxy}");
    }
    assert_eq!(of_proxy["request_bytes"], 7);
    let (head, whole) = (
        of_proxy["head_us"].as_u64(),
        of_proxy["duration_us"].as_u64(),
    );
    assert!(head.is_some() && head <= whole, "{of_proxy}");
    let direct = |cx: &SecurityContext| {
        cx.set_client(ClientInfo::new([198, 51, 100, 9].into(), Scheme::Https));
    };
    let direct = record(|it| it, direct, "http://anna:secret@inner.example/a").await;
    assert_eq!(direct["client_from"], "peer");
    assert!(direct.get("peer").is_none(), "it is the client: {direct}");
    assert_eq!(direct["host"], "inner.example");
    assert!(!direct.to_string().contains("secret"), "{direct}");
}

#[tokio::test]
async fn addresses_of_proxies_are_masked_as_those_of_clients() {
    let masked = record(
        AuditLayerBuilder::mask_client_address,
        through_proxy,
        "http://a.example/",
    )
    .await;
    assert_eq!(masked["peer"], "198.51.100.0");
}

#[tokio::test]
async fn a_pseudonymous_record_has_no_host() {
    let key = palisade_audit::AuditKey::generate().unwrap();
    let pseudonyms = |it: AuditLayerBuilder| it.correlation_key(key).pseudonymize_principals();
    let record = record(pseudonyms, known, "http://anna.example/").await;
    assert!(!record.to_string().contains("example"), "{record}");
}
