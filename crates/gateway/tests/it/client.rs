//! A gateway that serves, and a client that sends bytes as they are.

use std::{convert::Infallible, net::SocketAddr, path::Path, sync::Arc};

use bytes::Bytes;
use http::{HeaderMap, Request};
use http_body::Frame;
use http_body_util::{BodyExt, Collected, StreamBody};
use hyper_util::rt::{TokioExecutor, TokioIo};
use palisade_gateway::{Gateway, QuickStart, Reloader, Settings, ShadowReport};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject as _},
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    sync::oneshot,
    task::JoinHandle,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

/// A gateway that serves until it is dropped.
pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) key: String,
    pub(crate) folder: TempDir,
    pub(crate) reloader: Arc<Reloader>,
    pub(crate) report: ShadowReport,
    /// Of the status page.
    pub(crate) page: Option<SocketAddr>,
    pub(crate) tls: TlsConnector,
    http2: TlsConnector,
    stop: oneshot::Sender<()>,
    served: JoinHandle<()>,
}

/// Starts a gateway with a folder of its own before an upstream.
pub(crate) async fn start(
    upstream: SocketAddr,
    change: impl FnOnce(QuickStart) -> QuickStart,
) -> Running {
    start_with(upstream, change, |settings| settings).await
}

/// Does the same, and changes the settings.
pub(crate) async fn start_with(
    upstream: SocketAddr,
    change: impl FnOnce(QuickStart) -> QuickStart,
    then: impl FnOnce(Settings) -> Settings,
) -> Running {
    let folder = tempfile::tempdir().unwrap();
    let start = Settings::quick_start(format!("http://{upstream}"))
        .listen(([127, 0, 0, 1], 0).into())
        .data(folder.path().join("data"));
    let settings = then(change(start).settings().unwrap());
    run(folder, settings, "data/tls").await
}

/// Starts a gateway with a configuration file. Its keys are those of a quick start.
pub(crate) async fn start_file(folder: TempDir, file: &str) -> Running {
    let path = folder.path().join("gateway.toml");
    std::fs::write(&path, file).unwrap();
    run(folder, Settings::read(path).unwrap(), "tls").await
}

/// Starts a gateway whose authority is in this folder.
pub(crate) async fn run(folder: TempDir, settings: Settings, authority: &str) -> Running {
    serve(folder, Gateway::prepare(settings).await.unwrap(), authority)
}

/// Serves with a gateway that is prepared.
pub(crate) fn serve(folder: TempDir, gateway: Gateway, authority: &str) -> Running {
    let address = gateway.address();
    let key = gateway.first_key().unwrap_or_default().to_owned();
    let reloader = gateway.reloader();
    let report = gateway.shadow_report();
    let page = gateway.page_address();
    let tls = trust(&folder.path().join(authority), b"http/1.1");
    let http2 = trust(&folder.path().join(authority), b"h2");
    let (stop, stopped) = oneshot::channel::<()>();
    let served = tokio::spawn(async move {
        let stop = async {
            let _ = stopped.await;
        };
        gateway.serve(stop).await.unwrap();
    });
    Running {
        address,
        key,
        folder,
        reloader,
        report,
        page,
        tls,
        http2,
        stop,
        served,
    }
}

fn trust(authority: &Path, protocol: &[u8]) -> TlsConnector {
    trust_pem(&authority.join("ca.pem"), protocol)
}

/// Trusts the certificate of a file, and no other.
pub(crate) fn trust_pem(file: &Path, protocol: &[u8]) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    let certificate = CertificateDer::from_pem_file(file).unwrap();
    roots.add(certificate).unwrap();
    let mut config = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![protocol.to_vec()];
    TlsConnector::from(Arc::new(config))
}

impl Running {
    /// Opens a connection.
    pub(crate) async fn connect(&self) -> TlsStream<TcpStream> {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        self.tls.connect(name, stream).await.unwrap()
    }

    /// Opens a connection for HTTP/2.
    pub(crate) async fn connect_http2(&self) -> TlsStream<TcpStream> {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        self.http2.connect(name, stream).await.unwrap()
    }

    /// Posts an empty body with trailers over HTTP/2, as a client of gRPC does. Returns the body and
    /// the trailers of the response.
    pub(crate) async fn call_http2(&self, path: &str, sent: HeaderMap) -> (String, HeaderMap) {
        let stream = TokioIo::new(self.connect_http2().await);
        let handshake = hyper::client::conn::http2::handshake(TokioExecutor::new(), stream);
        let (mut sender, connection) = handshake.await.unwrap();
        tokio::spawn(connection);
        let frames = [Ok::<Frame<Bytes>, Infallible>(Frame::trailers(sent))];
        let body = StreamBody::new(futures_util::stream::iter(frames));
        let request = Request::post(format!("https://localhost:{}{path}", self.address.port()))
            .header("x-api-key", &self.key)
            .header("te", "trailers")
            .header("content-type", "application/grpc")
            .body(BodyExt::boxed(body))
            .unwrap();
        let body = sender.send_request(request).await.unwrap().into_body();
        let body: Collected<Bytes> = body.collect().await.unwrap();
        let trailers = body.trailers().cloned().unwrap_or_default();
        (
            String::from_utf8_lossy(&body.to_bytes()).into_owned(),
            trailers,
        )
    }

    /// Sends bytes and reads until the server closes. `KEY` and `HOST` stand for header lines.
    pub(crate) async fn send(&self, request: &str) -> String {
        let mut stream = self.connect().await;
        stream
            .write_all(self.fill(request).as_bytes())
            .await
            .unwrap();
        let mut response = Vec::new();
        let _ = stream.read_to_end(&mut response).await;
        String::from_utf8_lossy(&response).into_owned()
    }

    /// Replaces the words that stand for header lines.
    pub(crate) fn fill(&self, request: &str) -> String {
        let host = format!(
            "Host: localhost:{}\r\nConnection: close\r\n",
            self.address.port()
        );
        request
            .replace("KEY", &format!("X-API-Key: {}\r\n", self.key))
            .replace("HOST", &host)
    }

    /// Sends a GET with the key.
    pub(crate) async fn get(&self, path: &str) -> String {
        self.send(&format!("GET {path} HTTP/1.1\r\nHOSTKEY\r\n"))
            .await
    }

    /// Waits until the gateway has ended by itself.
    pub(crate) async fn ended(self) -> TempDir {
        let Self {
            stop,
            served,
            folder,
            ..
        } = self;
        served.await.unwrap();
        drop(stop); // Until here: it would end the gateway.
        folder
    }

    /// Stops the gateway and waits for its end.
    pub(crate) async fn stop(self) -> TempDir {
        let _ = self.stop.send(());
        self.served.await.unwrap();
        self.folder
    }
}

/// The status line's number.
pub(crate) fn status(response: &str) -> u16 {
    let number = response.split(' ').nth(1);
    number
        .and_then(|number| number.parse().ok())
        .unwrap_or_default()
}
