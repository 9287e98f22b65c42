//! Another proxy asks: `/auth/nginx`, `/auth/forward`, `/auth/envoy`, each with the real proxy and the
//! configuration of the book.

mod direct;
mod grpc;
mod proxies;

use std::net::SocketAddr;

use palisade_gateway::AuthEndpoint;
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::client::start;

/// An endpoint with a valid key, and a limit of five requests a minute.
struct Endpoint {
    address: SocketAddr,
    key: String,
    folder: TempDir,
}

const FILE: &str = "[server]\nhosts = ['tts.example']\n\
    [client]\nproxies = ['127.0.0.1/32']\nheader = 'x-forwarded-for'\n\
    [keys]\nfile = 'data/keys.toml'\npepper = 'data/pepper'\n[audit]\nfile = 'audit.jsonl'\n\
    [[limits]]\nname = 'key'\nrate = '5/minute'\nby = 'principal'\n\
    [[routes]]\npath = '/open'\nmethods = ['GET']\naccess = 'public'\ntext = ['text?']\n\
    [[routes]]\npath = '/admin'\naccess = ['admin']\n\
    [[routes]]\npath = '/{*path}'\naccess = 'authenticated'\n";

async fn endpoint() -> Endpoint {
    let first = start(([127, 0, 0, 1], 1).into(), |start| start).await;
    let key = first.key.clone();
    let folder = first.stop().await;
    let file = folder.path().join("gateway.toml");
    std::fs::write(&file, FILE).unwrap();
    let endpoint = AuthEndpoint::prepare(&file, ([127, 0, 0, 1], 0).into())
        .await
        .unwrap();
    let address = endpoint.address();
    tokio::spawn(async move { endpoint.serve(std::future::pending()).await.unwrap() });
    Endpoint {
        address,
        key,
        folder,
    }
}

impl Endpoint {
    /// Sends a request as a proxy would, with `KEY` replaced, and returns the response.
    async fn ask(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let request = request.replace("KEY", &format!("X-API-Key: {}\r\n", self.key));
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut response = Vec::new();
        stream.read_to_end(&mut response).await.unwrap();
        String::from_utf8(response).unwrap()
    }

    /// Asks as nginx does.
    async fn nginx(&self, method: &str, target: &str, fields: &str) -> String {
        self.ask(&format!(
            "GET /auth/nginx HTTP/1.1\r\nHost: tts.example\r\nConnection: close\r\nX-Forwarded-For: 203.0.113.7\r\n\
             X-Forwarded-Proto: https\r\nX-Original-Method: {method}\r\nX-Original-URI: {target}\r\n{fields}\r\n"
        ))
        .await
    }
}
