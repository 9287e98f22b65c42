//! A client that speaks HTTP/1 over TLS, one connection for each request.

use std::{net::SocketAddr, path::Path, sync::Arc};

use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::{body::Incoming, client::conn::http1};
use hyper_util::rt::TokioIo;
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::{CertificateDer, ServerName, pem::PemObject};
use serde_json::Value;
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

pub(crate) struct Client {
    address: SocketAddr,
    /// The name that the certificate must have.
    name: ServerName<'static>,
    connector: TlsConnector,
}

/// A request in the making.
pub(crate) struct TestRequest(http::request::Builder, Bytes, bool);

/// A whole response.
#[derive(Debug)]
pub(crate) struct TestResponse {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    pub(crate) trailers: HeaderMap,
}

impl TestRequest {
    pub(crate) fn new(method: Method, path: &str) -> Self {
        Self(
            Request::builder().method(method).uri(path),
            Bytes::new(),
            false,
        )
    }

    pub(crate) fn get(path: &str) -> Self {
        Self::new(Method::GET, path)
    }

    /// Asks for a text by `GET`.
    pub(crate) fn speak(text: &str) -> Self {
        Self::get(&format!("/tts?text={}", encode(text)))
    }

    /// Adds to the query.
    pub(crate) fn and(self, more: &str) -> Self {
        let uri = self.0.uri_ref().unwrap();
        let uri = format!("{uri}&{more}");
        Self(self.0.uri(uri), self.1, self.2)
    }

    pub(crate) fn json(path: &str, body: impl Into<Bytes>) -> Self {
        Self::new(Method::POST, path)
            .header("content-type", "application/json")
            .body(body)
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.2 |= name == "host";
        self.0 = self.0.header(name, value);
        self
    }

    pub(crate) fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.1 = body.into();
        self
    }
}

impl TestResponse {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    pub(crate) fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    /// The name and value of the cookie that is set, as a browser would send it back.
    pub(crate) fn cookie(&self) -> String {
        self.header("set-cookie")
            .split(';')
            .next()
            .unwrap()
            .to_owned()
    }
}

impl Client {
    pub(crate) fn trusting(address: SocketAddr, authority: &Path) -> Self {
        let mut roots = RootCertStore::empty();
        roots
            .add(CertificateDer::from_pem_file(authority).unwrap())
            .unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap();
        let config = config.with_root_certificates(roots).with_no_client_auth();
        Self {
            address,
            name: ServerName::try_from("localhost").unwrap(),
            connector: TlsConnector::from(Arc::new(config)),
        }
    }

    /// Expects a certificate with another name than `localhost`.
    pub(crate) fn expecting(self, name: &'static str) -> Self {
        Self {
            name: ServerName::try_from(name).unwrap(),
            ..self
        }
    }

    pub(crate) async fn connect(&self) -> TlsStream<TcpStream> {
        let socket = TcpStream::connect(self.address).await.unwrap();
        self.connector
            .connect(self.name.clone(), socket)
            .await
            .unwrap()
    }

    pub(crate) async fn send(&self, ask: TestRequest) -> TestResponse {
        self.try_send(ask).await.expect("a response")
    }

    /// Asks, and returns as soon as the response begins.
    pub(crate) async fn begin(&self, ask: TestRequest) -> Response<Incoming> {
        let stream = self.connect().await;
        begin(stream, self.address, ask).await.expect("a response")
    }

    /// As [`send`](Self::send), where the server may die meanwhile.
    pub(crate) async fn try_send(&self, ask: TestRequest) -> Option<TestResponse> {
        let socket = TcpStream::connect(self.address).await.ok()?;
        let stream = self
            .connector
            .connect(self.name.clone(), socket)
            .await
            .ok()?;
        send(stream, self.address, ask).await
    }
}

/// Sends in clear.
pub(crate) async fn send_plain(address: SocketAddr, ask: TestRequest) -> TestResponse {
    let socket = TcpStream::connect(address).await.unwrap();
    send(socket, address, ask).await.expect("a response")
}

async fn send(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    address: SocketAddr,
    ask: TestRequest,
) -> Option<TestResponse> {
    let (head, body) = begin(stream, address, ask).await?.into_parts();
    let body = body.collect().await.ok()?;
    Some(TestResponse {
        status: head.status,
        headers: head.headers,
        trailers: body.trailers().cloned().unwrap_or_default(),
        body: body.to_bytes(),
    })
}

async fn begin(
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    address: SocketAddr,
    ask: TestRequest,
) -> Option<Response<Incoming>> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.ok()?;
    tokio::spawn(connection);
    let TestRequest(mut builder, body, has_host) = ask;
    if !has_host {
        builder = builder.header("host", format!("localhost:{}", address.port()));
    }
    let request = builder.body(Full::new(body)).unwrap();
    sender.send_request(request).await.ok()
}

/// Percent-encodes everything but letters and digits.
pub(crate) fn encode(text: &str) -> String {
    let encoded = text.bytes().map(|byte| match byte {
        b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => char::from(byte).to_string(),
        byte => format!("%{byte:02X}"),
    });
    encoded.collect()
}
