//! A real HTTP server on loopback that does what an endpoint should not.

use std::{
    convert::Infallible,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use palisade_jwt::mint::SigningKey;
use rustls_pki_types::PrivatePkcs8KeyDer;
use tokio::{io::AsyncWriteExt as _, net::TcpListener};

#[derive(Clone)]
pub(crate) enum ServedResponse {
    Hang,
    /// A body for each of these paths; 404 for others.
    Paths(Vec<(&'static str, String)>),
    Say(StatusCode, Vec<(&'static str, String)>, String),
}

/// Serves until it is dropped; counts what it was asked.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    response: Arc<Mutex<ServedResponse>>,
    hits: Arc<AtomicUsize>,
    target: Arc<Mutex<Option<String>>>,
    task: tokio::task::JoinHandle<()>,
}

impl Server {
    pub(crate) async fn start(response: ServedResponse) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (response, hits) = (
            Arc::new(Mutex::new(response)),
            Arc::new(AtomicUsize::new(0)),
        );
        let (script, count) = (Arc::clone(&response), Arc::clone(&hits));
        let target = Arc::new(Mutex::default());
        let asked = Arc::clone(&target);
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (script, count) = (Arc::clone(&script), Arc::clone(&count));
                let asked: Arc<Mutex<Option<String>>> = Arc::clone(&asked);
                let service = service_fn(move |request: Request<Incoming>| {
                    *asked.lock().unwrap() = Some(request.uri().to_string());
                    count.fetch_add(1, Ordering::SeqCst);
                    let response = script.lock().unwrap().clone();
                    let response = of_path(response, request.uri().path());
                    async move { Ok::<_, Infallible>(say(response).await) }
                });
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
            }
        });
        Self {
            address,
            response,
            hits,
            target,
            task,
        }
    }

    pub(crate) fn now(&self, response: ServedResponse) {
        *self.response.lock().unwrap() = response;
    }

    pub(crate) fn hits(&self) -> usize {
        self.hits.load(Ordering::SeqCst)
    }

    /// The target of the last request.
    pub(crate) fn last_target(&self) -> Option<String> {
        self.target.lock().unwrap().clone()
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/jwks", self.address)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn of_path(response: ServedResponse, path: &str) -> ServedResponse {
    let ServedResponse::Paths(bodies) = response else {
        return response;
    };
    let found = bodies.into_iter().find(|(known, _)| *known == path);
    match found {
        Some((_, body)) => ServedResponse::Say(StatusCode::OK, vec![], body),
        None => ServedResponse::Say(StatusCode::NOT_FOUND, vec![], String::new()),
    }
}

async fn say(response: ServedResponse) -> Response<Full<Bytes>> {
    let ServedResponse::Say(status, headers, body) = response else {
        return std::future::pending().await;
    };
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(name, value);
    }
    response.body(Full::from(body)).unwrap()
}

/// A key set as an endpoint would publish it.
pub(crate) fn set(keys: &[&SigningKey]) -> String {
    let keys: Vec<_> = keys
        .iter()
        .map(|key| key.public_jwk().unwrap().to_string())
        .collect();
    format!(r#"{{"keys":[{}]}}"#, keys.join(","))
}

pub(crate) fn ok(keys: &[&SigningKey]) -> ServedResponse {
    ServedResponse::Say(StatusCode::OK, vec![], set(keys))
}

/// A listener that answers every connection with these bytes and then keeps it open.
pub(crate) async fn raw(bytes: &'static [u8]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let mut open = Vec::new();
        loop {
            let (mut stream, _) = listener.accept().await.unwrap();
            stream.write_all(bytes).await.unwrap();
            open.push(stream);
        }
    });
    address
}

/// The same server behind TLS, for `localhost`, with a self-signed certificate.
pub(crate) async fn secure(body: String) -> (SocketAddr, String) {
    let certified = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivatePkcs8KeyDer::from(certified.signing_key.serialize_der());
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certified.cert.der().clone()], key.into())
        .unwrap();
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let (acceptor, body) = (acceptor.clone(), body.clone());
            tokio::spawn(async move {
                let Ok(stream) = acceptor.accept(stream).await else {
                    return;
                };
                let service = service_fn(move |_: Request<Incoming>| {
                    let body = Full::<Bytes>::from(body.clone());
                    async move { Ok::<_, Infallible>(Response::new(body)) }
                });
                let _ = http1::Builder::new()
                    .serve_connection(TokioIo::new(stream), service)
                    .await;
            });
        }
    });
    (address, certified.cert.pem())
}
