//! A real gRPC client over TLS: answers, and refusals as statuses.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use grpc::{EchoClient, Words};
use palisade::api_key::{Environment, Grant, KeyScheme, MemoryKeyStore, Pepper};
use palisade::audit::MemorySink;
use palisade::server::{DevAuthority, Server};
use tonic::{
    Code, Request,
    transport::{Certificate, Channel, ClientTlsConfig, Endpoint},
};

struct House {
    client: EchoClient<Channel>,
    record: MemorySink,
    key: String,
    narrow: String,
}

async fn house() -> House {
    let folder = tempfile::tempdir().unwrap();
    let scheme = KeyScheme::new(Pepper::generate().unwrap());
    let keys = MemoryKeyStore::new();
    let mint = |scopes: &[&str]| {
        let grant = Grant::new(Environment::Live)
            .owner("ann")
            .scopes(scopes.iter().copied());
        let minted = scheme
            .mint(grant, Duration::from_secs(1_700_000_000))
            .unwrap();
        keys.insert(minted.record().clone()).unwrap();
        minted.key().to_owned()
    };
    let (key, narrow) = (mint(&["echo:say"]), mint(&[]));
    let record = MemorySink::new();
    let service = grpc::service(scheme.clone(), keys.clone(), record.clone()).unwrap();
    let authority = DevAuthority::open_or_create(folder.path()).unwrap();
    let server = Server::builder().listen("127.0.0.1:0".parse().unwrap());
    let server = server.tls(authority.certificates().unwrap());
    let server = server.build().unwrap();
    let address = server.local_addr();
    let trusted = std::fs::read(authority.certificate_path()).unwrap();
    tokio::spawn(server.serve(service, std::future::pending()));
    let tls = ClientTlsConfig::new()
        .ca_certificate(Certificate::from_pem(trusted))
        .domain_name("localhost");
    let endpoint = Endpoint::from_shared(format!("https://{address}"))
        .unwrap()
        .tls_config(tls)
        .unwrap();
    let endpoint = endpoint.origin(
        format!("https://localhost:{}", address.port())
            .parse()
            .unwrap(),
    );
    let client = EchoClient::new(endpoint.connect().await.unwrap());
    House {
        client,
        record,
        key,
        narrow,
    }
}

fn say(text: &str, key: Option<&str>) -> Request<Words> {
    let mut request = Request::new(Words {
        text: text.to_owned(),
    });
    if let Some(key) = key {
        request
            .metadata_mut()
            .insert("x-api-key", key.parse().unwrap());
    }
    request
}

#[tokio::test]
async fn a_client_with_a_key_gets_a_reply_and_one_without_gets_a_status() {
    let House {
        mut client,
        record,
        key,
        narrow,
    } = house().await;
    let response = client.say(say("hello", Some(&key))).await.unwrap();
    assert_eq!(response.get_ref().text, "ann says: hello");

    let code = |outcome: Result<_, tonic::Status>| {
        outcome
            .map(|_: tonic::Response<Words>| ())
            .unwrap_err()
            .code()
    };
    assert_eq!(
        code(client.say(say("hello", None)).await),
        Code::Unauthenticated
    );
    assert_eq!(
        code(client.say(say("hello", Some("psk_wrong"))).await),
        Code::Unauthenticated
    );
    assert_eq!(
        code(client.say(say("hello", Some(&narrow))).await),
        Code::PermissionDenied
    );

    for _ in 0..2 {
        client.say(say("again", Some(&key))).await.unwrap();
    }
    let refused = client.say(say("too much", Some(&key))).await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted);
    let wait: u64 = refused
        .metadata()
        .get("retry-after")
        .unwrap()
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((1..=20).contains(&wait), "{wait}");

    let lines = record.lines();
    assert_eq!(lines.len(), 7, "one record a call: {lines:#?}");
    let trail = lines.join("\n");
    for hidden in ["hello", "too much", &key, &narrow] {
        assert!(!trail.contains(hidden), "{hidden} is in the trail");
    }
    assert!(
        trail.contains("\"grpc_status\":16") || trail.contains("\"grpc\":16"),
        "{trail}"
    );
}
