//! Questions over gRPC, as they come over the wire.

use bytes::{BufMut as _, Bytes};
use http::Request;
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use prost::Message;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::{Endpoint, endpoint};

const PATH: &str = "/envoy.service.auth.v3.Authorization/Check";

/// The messages of Envoy, as far as they are needed here, with the numbers of its files.
#[derive(Clone, PartialEq, Message)]
struct Question {
    #[prost(message, optional, tag = "1")]
    attributes: Option<Attributes>,
}

#[derive(Clone, PartialEq, Message)]
struct Attributes {
    #[prost(message, optional, tag = "4")]
    request: Option<Asked>,
}

#[derive(Clone, PartialEq, Message)]
struct Asked {
    #[prost(message, optional, tag = "2")]
    http: Option<Http>,
}

#[derive(Clone, PartialEq, Message)]
struct Http {
    #[prost(string, tag = "2")]
    method: String,
    #[prost(btree_map = "string, string", tag = "3")]
    headers: std::collections::BTreeMap<String, String>,
    #[prost(string, tag = "4")]
    path: String,
    #[prost(string, tag = "5")]
    host: String,
}

#[derive(Clone, PartialEq, Message)]
struct Answer {
    #[prost(message, optional, tag = "1")]
    status: Option<Code>,
    #[prost(message, optional, tag = "2")]
    denied: Option<Denied>,
}

#[derive(Clone, PartialEq, Message)]
struct Code {
    #[prost(int32, tag = "1")]
    code: i32,
}

#[derive(Clone, PartialEq, Message)]
struct Denied {
    #[prost(message, optional, tag = "1")]
    status: Option<Code>,
    #[prost(string, tag = "3")]
    body: String,
}

fn framed(message: &[u8]) -> Bytes {
    let mut body = vec![0];
    body.put_u32(u32::try_from(message.len()).unwrap());
    body.extend_from_slice(message);
    body.into()
}

/// Asks with these bytes. Returns the status of HTTP, that of gRPC, and the answer.
async fn ask(endpoint: &Endpoint, path: &str, body: Bytes) -> (u16, String, Answer) {
    ask_as("application/grpc", endpoint, path, body).await
}

/// Asks with another content type than that of gRPC, too.
async fn ask_as(
    media_type: &str,
    endpoint: &Endpoint,
    path: &str,
    body: Bytes,
) -> (u16, String, Answer) {
    let stream = TcpStream::connect(endpoint.address).await.unwrap();
    let handshake =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
    let (mut sender, connection) = handshake.await.unwrap();
    tokio::spawn(connection);
    let request = Request::post(format!("http://{}{path}", endpoint.address))
        .header("content-type", media_type)
        .header("te", "trailers")
        .body(Full::new(body))
        .unwrap();
    let (head, body) = sender.send_request(request).await.unwrap().into_parts();
    let body = body.collect().await.unwrap();
    let trailers = body.trailers().cloned().unwrap_or_default();
    let status = trailers
        .get("grpc-status")
        .map(|value| value.to_str().unwrap().to_owned());
    let bytes = body.to_bytes();
    let answer = Answer::decode(bytes.get(5..).unwrap_or_default()).unwrap_or_default();
    (head.status.as_u16(), status.unwrap_or_default(), answer)
}

fn question(path: &str, host: &str, headers: &[(&str, &str)]) -> Bytes {
    let forwarded = [
        ("x-forwarded-for", "203.0.113.7"),
        ("x-forwarded-proto", "https"),
    ];
    let headers = headers.iter().chain(&forwarded);
    let http = Http {
        method: "GET".to_owned(),
        headers: headers
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        path: path.to_owned(),
        host: host.to_owned(),
    };
    let request = Some(Asked { http: Some(http) });
    let attributes = Some(Attributes { request });
    framed(&Question { attributes }.encode_to_vec())
}

/// Asks, and returns the status for the client: 200 if it is admitted.
async fn decided(endpoint: &Endpoint, body: Bytes) -> i32 {
    let (status, code, answer) = ask(endpoint, PATH, body).await;
    assert_eq!(
        (status, code.as_str()),
        (200, "0"),
        "it is no error of gRPC"
    );
    match answer.denied {
        None => {
            assert_eq!(answer.status.unwrap().code, 0);
            200
        }
        Some(denied) => {
            assert_ne!(answer.status.unwrap().code, 0);
            denied.status.unwrap().code
        }
    }
}

#[tokio::test]
async fn the_decisions_over_grpc_are_those_of_the_stack() {
    let endpoint = endpoint().await;
    let key = [("x-api-key", endpoint.key.as_str())];
    let twice = format!("{0},{0}", endpoint.key);
    let two = [("x-api-key", twice.as_str())];
    for (path, headers, expected) in [
        ("/voice", &key[..], 200),
        ("/open", &[], 200),
        ("/voice", &[], 401),
        ("/admin", &key, 403),
        ("/voice", &two, 401),
        ("/a/../admin", &key, 400),
        ("/%61dmin", &key, 400),
        ("/open?text=a%E2%80%8Bb", &[], 400),
    ] {
        let decision = decided(&endpoint, question(path, "tts.example", headers)).await;
        assert_eq!(decision, expected, "{path}");
    }
    assert_eq!(
        decided(&endpoint, question("/open", "other.example", &[])).await,
        421
    );
}

#[tokio::test]
async fn a_question_over_grpc_that_describes_no_request_is_a_refusal() {
    let endpoint = endpoint().await;
    let whole = question("/open", "tts.example", &[]);
    let long = question("/open", "tts.example", &[("x", &"a".repeat(300_000))]);
    for body in [
        Bytes::new(),
        framed(b""),
        framed(b"\xff\xff"),
        whole.slice(..whole.len() - 1),
        [whole.clone(), whole.clone()].concat().into(),
        question("/open#/../admin", "tts.example", &[]),
        question("open", "tts.example", &[]),
        question("/open", "tts.example", &[("host", "other.example")]),
        question("/open", "tts.example", &[(":authority", "other.example")]),
        question("/open", "tts.example", &[("x", "a\r\nb")]),
        long,
    ] {
        assert_eq!(decided(&endpoint, body).await, 400);
    }
    assert_eq!(decided(&endpoint, whole.clone()).await, 200);
    // Another method is none of this endpoint.
    let (status, ..) = ask(
        &endpoint,
        "/envoy.service.auth.v3.Authorization/Other",
        whole,
    )
    .await;
    assert_eq!(status, 404);
}

#[tokio::test]
async fn the_path_of_grpc_over_another_protocol_is_not_found() {
    let endpoint = endpoint().await;
    let whole = question("/", "tts.example", &[]);
    let (status, ..) = ask_as("application/json", &endpoint, PATH, whole).await;
    assert_eq!(status, 404);
    let mut stream = TcpStream::connect(endpoint.address).await.unwrap();
    let request = format!(
        "POST {PATH} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/grpc\r\n\
         Content-Length: 0\r\nConnection: close\r\n\r\n",
        endpoint.address
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).await.unwrap();
    assert!(response.starts_with("HTTP/1.1 404 "), "{response}");
}

#[tokio::test]
async fn a_refused_call_of_grpc_has_a_status_of_http_for_envoy() {
    let endpoint = endpoint().await;
    let typed = [("content-type", "application/grpc")];
    let (.., answer) = ask(&endpoint, PATH, question("/voice", "tts.example", &typed)).await;
    let denied = answer.denied.unwrap();
    assert_eq!(denied.status.unwrap().code, 401);
    assert!(denied.body.contains("unauthenticated"), "{}", denied.body);
}
