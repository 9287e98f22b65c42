//! A server to talk to, and clients that may misbehave.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Extension, Request},
    http::{StatusCode, header::CONNECTION},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use http_body_util::BodyExt;
use hyper_util::rt::{TokioExecutor, TokioIo};
use palisade_core::{Peer, SecurityContext};
use palisade_transport::server::{
    Certificates, ConnectionEvent, ConnectionEventKind, DevAuthority, Limits, Server,
    ServerBuilder, ServerStats, Stopped,
};
use rustls::{ClientConfig, RootCertStore, pki_types::ServerName};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::{Notify, oneshot},
    task::JoinHandle,
};
use tokio_rustls::{TlsConnector, client::TlsStream};

/// Far longer than anything here takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Lets a test open the door that `/wait` stands at.
pub(crate) type Door = Arc<Notify>;

/// Counts the requests that arrived at `/wait`.
pub(crate) type Waiting = Arc<AtomicUsize>;

pub(crate) fn app(door: Door) -> Router {
    app_with(door, Waiting::default())
}

fn app_with(door: Door, waiting: Waiting) -> Router {
    let wait = async move |Extension(door): Extension<Door>,
                           Extension(waiting): Extension<Waiting>| {
        waiting.fetch_add(1, Ordering::SeqCst);
        door.notified().await;
        "waited"
    };
    Router::new()
        .route("/", get(async || "hello"))
        .route("/peer", get(peer))
        .route("/client", get(client))
        .route("/echo", post(async |body: Body| body))
        .route("/events", get(events))
        .route("/length", post(length))
        .route("/refuse", post(refuse))
        .route("/large", get(large))
        .route("/wait", get(wait))
        .layer(Extension(door))
        .layer(Extension(waiting))
}

/// One event at once, another when the door opens.
async fn events(Extension(door): Extension<Door>) -> Body {
    let events = futures_util::stream::unfold(0, move |count| {
        let door = Arc::clone(&door);
        async move {
            match count {
                0 => Some((Ok::<_, Infallible>("first"), 1)),
                1 => {
                    door.notified().await;
                    Some((Ok("last"), 2))
                }
                _ => None,
            }
        }
    });
    Body::from_stream(events)
}

async fn peer(Extension(peer): Extension<Peer>) -> String {
    format!("{} {}", peer.address.ip(), peer.scheme.as_str())
}

async fn client(request: Request) -> String {
    let client = SecurityContext::of(request.extensions()).and_then(SecurityContext::client);
    let client = client.expect("the layer has decided");
    format!("{} {}", client.ip(), client.scheme().as_str())
}

/// Four pieces of 8 MiB.
async fn large() -> Body {
    let piece = Bytes::from(vec![b'x'; 8 * 1024 * 1024]);
    let pieces = (0..4).map(move |_| Ok::<_, Infallible>(piece.clone()));
    Body::from_stream(futures_util::stream::iter(pieces))
}

async fn length(body: Body) -> Response {
    match body.collect().await {
        Ok(body) => body.to_bytes().len().to_string().into_response(),
        Err(error) => (StatusCode::REQUEST_TIMEOUT, error.to_string()).into_response(),
    }
}

/// Refuses without a look at the body, as a guard does.
async fn refuse() -> Response {
    (StatusCode::UNAUTHORIZED, [(CONNECTION, "close")], "no").into_response()
}

pub(crate) struct Running {
    pub(crate) address: SocketAddr,
    pub(crate) stats: ServerStats,
    pub(crate) door: Door,
    pub(crate) waiting: Waiting,
    stop: Option<oneshot::Sender<()>>,
    done: JoinHandle<std::io::Result<Stopped>>,
}

pub(crate) fn bind() -> ServerBuilder {
    Server::builder().listen(([127, 0, 0, 1], 0).into())
}

pub(crate) fn start(server: ServerBuilder) -> Running {
    start_built(server.build().unwrap())
}

pub(crate) fn start_built(server: Server) -> Running {
    let (door, waiting) = (Door::default(), Waiting::default());
    let app = app_with(Arc::clone(&door), Arc::clone(&waiting));
    let (stop, stopped) = oneshot::channel();
    Running {
        address: server.local_addr(),
        stats: server.stats(),
        door,
        waiting,
        stop: Some(stop),
        done: tokio::spawn(server.serve(app, async { drop(stopped.await) })),
    }
}

/// Starts a server with the given service in place of the usual application.
pub(crate) fn start_with<S, B>(server: ServerBuilder, service: S) -> Running
where
    S: tower::Service<
            axum::http::Request<palisade_transport::server::ReceivedBody>,
            Response = axum::http::Response<B>,
            Error = Infallible,
        > + Clone
        + Send
        + 'static,
    S::Future: Send,
    B: axum::body::HttpBody<Data = Bytes> + Send + 'static,
    B::Error: Into<axum::BoxError>,
{
    let server = server.build().unwrap();
    let (stop, stopped) = oneshot::channel();
    Running {
        address: server.local_addr(),
        stats: server.stats(),
        door: Door::default(),
        waiting: Waiting::default(),
        stop: Some(stop),
        done: tokio::spawn(server.serve(service, async { drop(stopped.await) })),
    }
}

impl Running {
    pub(crate) fn tell_to_stop(&mut self) {
        drop(self.stop.take());
    }

    pub(crate) async fn stopped(self) -> Stopped {
        within(self.done).await.unwrap().unwrap()
    }

    /// Waits until so many requests are at `/wait`.
    pub(crate) async fn waiting(&self, count: usize) {
        eventually("the requests arrive", || {
            self.waiting.load(Ordering::SeqCst) >= count
        })
        .await;
    }

    pub(crate) async fn connect(&self) -> TcpStream {
        within(TcpStream::connect(self.address)).await.unwrap()
    }

    /// Sends bytes and reads until the server closes.
    pub(crate) async fn talk(&self, sent: &[u8]) -> String {
        let mut socket = self.connect().await;
        socket.write_all(sent).await.unwrap();
        read_all(&mut socket).await
    }
}

pub(crate) async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future)
        .await
        .expect("nothing happens")
}

/// Reads until the other side closes; a reset counts as the end of what could be read.
pub(crate) async fn read_all(socket: &mut (impl AsyncRead + Unpin)) -> String {
    let mut bytes = Vec::new();
    let mut part = [0; 16 * 1024];
    within(async {
        while let Ok(count @ 1..) = socket.read(&mut part).await {
            bytes.extend_from_slice(&part[..count]);
        }
    })
    .await;
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Reads one response with `Content-Length` and leaves the connection open.
pub(crate) async fn read_response(socket: &mut (impl AsyncRead + Unpin)) -> String {
    let mut bytes = Vec::new();
    within(async {
        loop {
            bytes.push(socket.read_u8().await.expect("the response breaks off"));
            let text = String::from_utf8_lossy(&bytes);
            let Some((head, body)) = text.split_once("\r\n\r\n") else {
                continue;
            };
            let length = head.lines().find_map(|line| {
                let line = line.to_ascii_lowercase();
                line.strip_prefix("content-length: ")?.parse::<usize>().ok()
            });
            if body.len() == length.unwrap_or(0) {
                return text.into_owned();
            }
        }
    })
    .await
}

/// Waits until something has become true that cannot be awaited.
pub(crate) async fn eventually(what: &str, condition: impl Fn() -> bool) {
    let mut looks = tokio::time::interval(Duration::from_millis(2));
    let come_true = async {
        while !condition() {
            looks.tick().await;
        }
    };
    tokio::time::timeout(PATIENCE, come_true)
        .await
        .unwrap_or_else(|_| panic!("never: {what}"));
}

/// Limits that make a test short.
pub(crate) fn hasty() -> Limits {
    let moment = Duration::from_millis(200);
    Limits::default()
        .handshake_timeout(moment)
        .header_timeout(moment)
        .idle_timeout(moment)
        .body_timeout(moment)
        .write_timeout(moment)
}

/// The events that an observer was recorded.
#[derive(Clone, Default)]
pub(crate) struct RecordedEvents(Arc<Mutex<Vec<ConnectionEvent>>>);

impl RecordedEvents {
    /// Records the events of a server.
    pub(crate) fn observe(&self, server: ServerBuilder) -> ServerBuilder {
        let recorded = self.clone();
        server.on_connection_event(move |event| recorded.0.lock().unwrap().push(*event))
    }

    pub(crate) fn counts(&self, kind: ConnectionEventKind) -> Vec<u64> {
        let recorded = self.0.lock().unwrap();
        let of_kind = recorded.iter().filter(|event| event.kind == kind);
        of_kind.map(|event| event.count).collect()
    }

    pub(crate) async fn wait_for(&self, kind: ConnectionEventKind) {
        eventually(kind.as_str(), || !self.counts(kind).is_empty()).await;
    }
}

/// A server with TLS of a fresh authority, and what is needed to trust it.
pub(crate) struct Tls {
    pub(crate) authority: DevAuthority,
    pub(crate) certificates: Certificates,
    pub(crate) folder: tempfile::TempDir,
}

pub(crate) fn tls() -> Tls {
    let folder = tempfile::tempdir().unwrap();
    let authority = DevAuthority::open_or_create(folder.path().join("tls")).unwrap();
    Tls {
        certificates: authority.certificates().unwrap(),
        authority,
        folder,
    }
}

pub(crate) fn roots(pem: &[u8]) -> RootCertStore {
    use rustls::pki_types::{CertificateDer, pem::PemObject};

    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        roots.add(certificate.unwrap()).unwrap();
    }
    roots
}

pub(crate) fn client_config(
    roots: RootCertStore,
    versions: &[&'static rustls::SupportedProtocolVersion],
    alpn: &[&[u8]],
) -> ClientConfig {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    config
}

impl Tls {
    pub(crate) fn roots(&self) -> RootCertStore {
        roots(&std::fs::read(self.authority.certificate_path()).unwrap())
    }

    /// The folder with the files of the authority and of the server.
    pub(crate) fn files(&self) -> std::path::PathBuf {
        self.folder.path().join("tls")
    }

    pub(crate) async fn connect(
        &self,
        address: SocketAddr,
        name: &'static str,
        alpn: &[&[u8]],
    ) -> std::io::Result<TlsStream<TcpStream>> {
        let config = client_config(self.roots(), rustls::ALL_VERSIONS, alpn);
        handshake(config, address, name).await
    }
}

pub(crate) async fn handshake(
    config: ClientConfig,
    address: SocketAddr,
    name: &'static str,
) -> std::io::Result<TlsStream<TcpStream>> {
    let socket = TcpStream::connect(address).await?;
    handshake_on(config, socket, name).await
}

/// Does the handshake on a socket that may have sent something already.
pub(crate) async fn handshake_on(
    config: ClientConfig,
    socket: TcpStream,
    name: &'static str,
) -> std::io::Result<TlsStream<TcpStream>> {
    let name = ServerName::try_from(name).unwrap();
    within(TlsConnector::from(Arc::new(config)).connect(name, socket)).await
}

/// Speaks HTTP/2 on a stream.
pub(crate) async fn http2(
    stream: impl AsyncRead + tokio::io::AsyncWrite + Unpin + Send + 'static,
) -> hyper::client::conn::http2::SendRequest<http_body_util::Full<Bytes>> {
    let handshake =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(stream));
    let (sender, connection) = within(handshake).await.unwrap();
    tokio::spawn(async { drop(connection.await) });
    sender
}

pub(crate) async fn text<B>(response: http::Response<B>) -> String
where
    B: axum::body::HttpBody<Data = Bytes>,
    B::Error: std::fmt::Debug,
{
    let body = within(response.into_body().collect()).await.unwrap();
    String::from_utf8_lossy(&body.to_bytes()).into_owned()
}
