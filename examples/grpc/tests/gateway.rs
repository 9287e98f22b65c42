//! A server of tonic without any layer, behind the gateway, and tonic's own client.
#![allow(clippy::unwrap_used)]

use grpc::{Echo, EchoClient, EchoServer, Words};
use palisade_gateway::{Gateway, Preset, Settings};
use tonic::{
    Code, Request, Response, Status,
    transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Server, server::TcpIncoming},
};

/// A service that knows nothing of Palisade.
struct Plain;

#[tonic::async_trait]
impl Echo for Plain {
    async fn say(&self, request: Request<Words>) -> Result<Response<Words>, Status> {
        let has_key = request.metadata().contains_key("x-api-key");
        match request.into_inner().text.as_str() {
            _ if has_key => Err(Status::internal("the key of the client came up")),
            "wrong" => Err(Status::failed_precondition("a status of the service")),
            text => Ok(Response::new(Words {
                text: format!("plain: {text}"),
            })),
        }
    }
}

/// Starts the service and the gateway before it. Returns a client, and the key.
async fn start(folder: &std::path::Path) -> (EchoClient<Channel>, String) {
    let incoming = TcpIncoming::bind(([127, 0, 0, 1], 0).into()).unwrap();
    let upstream = incoming.local_addr().unwrap();
    let server = Server::builder().add_service(EchoServer::new(Plain));
    tokio::spawn(server.serve_with_incoming(incoming));
    let settings = Settings::quick_start(format!("http://{upstream}"))
        .preset(Preset::named("grpc").unwrap())
        .listen(([127, 0, 0, 1], 0).into())
        .data(folder.join("data"))
        .settings()
        .unwrap();
    let gateway = Gateway::prepare(settings).await.unwrap();
    let (address, key) = (gateway.address(), gateway.first_key().unwrap().to_owned());
    tokio::spawn(gateway.serve(std::future::pending()));
    let trusted = std::fs::read(folder.join("data/tls/ca.pem")).unwrap();
    let tls = ClientTlsConfig::new()
        .ca_certificate(Certificate::from_pem(trusted))
        .domain_name("localhost");
    let origin = format!("https://localhost:{}", address.port());
    let endpoint = Endpoint::from_shared(format!("https://{address}")).unwrap();
    let endpoint = endpoint.tls_config(tls).unwrap();
    let endpoint = endpoint.origin(origin.parse().unwrap());
    (EchoClient::new(endpoint.connect().await.unwrap()), key)
}

fn say(text: &str, key: &str) -> Request<Words> {
    let mut request = Request::new(Words {
        text: text.to_owned(),
    });
    if !key.is_empty() {
        let key = key.parse().unwrap();
        request.metadata_mut().insert("x-api-key", key);
    }
    request
}

#[tokio::test]
async fn a_server_of_tonic_is_protected_unchanged_and_its_statuses_pass() {
    let folder = tempfile::tempdir().unwrap();
    let (mut client, key) = start(folder.path()).await;
    let reply = client.say(say("hello", &key)).await.unwrap();
    assert_eq!(reply.into_inner().text, "plain: hello");
    let own = client.say(say("wrong", &key)).await.unwrap_err();
    assert_eq!(
        (own.code(), own.message()),
        (Code::FailedPrecondition, "a status of the service")
    );
    for wrong in ["", "psk_wrong"] {
        let refused = client.say(say("hello", wrong)).await.unwrap_err();
        assert_eq!(refused.code(), Code::Unauthenticated, "{refused:?}");
    }
}
