//! Upstreams that speak HTTP/2 or TLS, or listen on a Unix socket.

use std::{convert::Infallible, net::SocketAddr, sync::Arc};

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt, Full, StreamBody, combinators::BoxBody};
use hyper::{body::Incoming, server::conn, service::service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::{
    RootCertStore, ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    server::WebPkiClientVerifier,
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, UnixListener},
};
use tokio_rustls::TlsAcceptor;

/// Says what it got: the version, target and fields, then the body. Ends with two trailers. `/bytes/9` has 9 bytes.
async fn echo(
    request: Request<Incoming>,
) -> Result<Response<BoxBody<Bytes, Infallible>>, Infallible> {
    let (head, body) = request.into_parts();
    if let Some(bytes) = head.uri.path().strip_prefix("/bytes/") {
        let bytes = vec![b'x'; bytes.parse().unwrap()];
        return Ok(Response::new(BodyExt::boxed(Full::from(bytes))));
    }
    let mut text = format!("{:?} {} {}\n", head.version, head.method, head.uri);
    for (name, value) in &head.headers {
        text.push_str(&format!("{name}: {}\n", value.to_str().unwrap()));
    }
    let body = body.collect().await.unwrap();
    for name in body.trailers().into_iter().flat_map(HeaderMap::keys) {
        text.push_str(&format!("trailer {name}\n"));
    }
    text.push_str(&String::from_utf8_lossy(&body.to_bytes()));
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", "0".parse().unwrap());
    trailers.insert("x-inner", "secret".parse().unwrap());
    let frames = [Frame::data(Bytes::from(text)), Frame::trailers(trailers)];
    let frames = frames.map(Ok::<_, Infallible>);
    let body = StreamBody::new(futures_util::stream::iter(frames));
    let response = Response::builder().header("content-type", "application/grpc");
    Ok(response.body(BodyExt::boxed(body)).unwrap())
}

/// Speaks HTTP/2, or HTTP/1.1.
async fn serve<S>(stream: S, is_http2: bool)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let stream = TokioIo::new(stream);
    let _ = match is_http2 {
        true => {
            conn::http2::Builder::new(TokioExecutor::new())
                .serve_connection(stream, service_fn(echo))
                .await
        }
        false => {
            conn::http1::Builder::new()
                .serve_connection(stream, service_fn(echo))
                .await
        }
    };
}

/// Starts an upstream with HTTP/2 in clear.
pub(crate) async fn h2c() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, true));
        }
    });
    address
}

/// Starts an upstream on a Unix socket.
pub(crate) fn unix(path: &std::path::Path) {
    let listener = UnixListener::bind(path).unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream, false));
        }
    });
}

/// Starts an upstream with TLS for `upstream.test`, which demands a certificate of the same
/// authority if `demands_client`.
pub(crate) async fn tls(
    authority: &Authority,
    protocol: &[u8],
    demands_client: bool,
) -> SocketAddr {
    let (chain, key) = authority.issue("upstream.test");
    let chain = vec![CertificateDer::from_pem_slice(chain.as_bytes()).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
    let config = ServerConfig::builder();
    let config = match demands_client {
        true => {
            let mut roots = RootCertStore::empty();
            roots
                .add(CertificateDer::from_pem_slice(authority.pem.as_bytes()).unwrap())
                .unwrap();
            config.with_client_cert_verifier(
                WebPkiClientVerifier::builder(Arc::new(roots))
                    .build()
                    .unwrap(),
            )
        }
        false => config.with_no_client_auth(),
    };
    let mut config = config.with_single_cert(chain, key).unwrap();
    config.alpn_protocols = vec![protocol.to_vec()];
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let is_http2 = protocol == b"h2";
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                if let Ok(stream) = acceptor.accept(stream).await {
                    serve(stream, is_http2).await;
                }
            });
        }
    });
    address
}

/// A certificate authority of the test.
pub(crate) struct Authority {
    pub(crate) pem: String,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    pub(crate) fn new() -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).unwrap().pem();
        Self {
            pem,
            issuer: Issuer::new(params, key),
        }
    }

    /// Returns a certificate for a name, and its key, both PEM.
    pub(crate) fn issue(&self, name: &str) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new([name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        (certificate.pem(), key.serialize_pem())
    }
}
