//! What is open ends when its credential ends.

use std::{fs, path::Path};

use palisade::api_key::FileKeyStore;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};

use crate::{
    client::{Running, start, start_file, status},
    upstream::{OK, answering, field, read_request},
};

pub(crate) const HANDSHAKE: &str = "GET /chat HTTP/1.1\r\nHost: localhost:PORT\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nKEY\r\n";
pub(crate) const SWITCHED: &str = "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
pub(crate) const STREAM: &str =
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nbegin\r\n";

/// Everything needs a key, which is checked again every second.
const FILE: &str = "[server]\nhosts = ['localhost:*']\nhttps = '127.0.0.1:0'\n\
    [keys]\nfile = 'data/keys.toml'\npepper = 'data/pepper'\n[audit]\nfile = 'audit.jsonl'\n\
    [[routes]]\npath = '/{*path}'\naccess = 'authenticated'\n\
    [[upstreams]]\nurl = 'http://UPSTREAM'\nupgrade = ['websocket']\ncredential_check_seconds = 1\n";

/// A gateway with a key of a first start, and the listener of its upstream.
async fn gateway() -> (Running, TcpListener) {
    let first = start(answering(OK).await.address, |start| start).await;
    let key = first.key.clone();
    let folder = first.stop().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let mut gateway = start_file(folder, &FILE.replace("UPSTREAM", &address)).await;
    gateway.key = key;
    (gateway, listener)
}

/// Sends a request to the gateway, and responds to it as the upstream.
pub(crate) async fn open(
    gateway: &Running,
    listener: &TcpListener,
    request: &str,
    response: &str,
) -> (impl AsyncRead + Unpin + use<>, TcpStream) {
    let port = gateway.address.port().to_string();
    let mut client = gateway.connect().await;
    let request = gateway.fill(request).replace("PORT", &port);
    client.write_all(request.as_bytes()).await.unwrap();
    let (mut upstream, _) = listener.accept().await.unwrap();
    read_request(&mut upstream).await;
    upstream.write_all(response.as_bytes()).await.unwrap();
    (client, upstream)
}

/// Reads until these bytes.
pub(crate) async fn read_until(stream: &mut (impl AsyncRead + Unpin), end: &str) {
    let mut bytes = Vec::new();
    while !bytes.ends_with(end.as_bytes()) {
        bytes.push(stream.read_u8().await.unwrap());
    }
}

/// Revokes all keys, as `palisade key revoke` does in its own process.
fn revoke(folder: &Path) {
    let store = FileKeyStore::open(folder.join("data/keys.toml")).unwrap();
    let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap();
    store
        .update(|table| {
            let all = table.records();
            all.iter()
                .try_for_each(|record| table.revoke(record.id(), now))
        })
        .unwrap();
}

/// Waits until the connection ends, by a close or a reset.
pub(crate) async fn ended(stream: &mut (impl AsyncRead + Unpin)) {
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest).await;
}

/// Stops the gateway, and returns the record that says why a credential ended.
pub(crate) async fn record(gateway: Running) -> String {
    let folder = gateway.stop().await;
    let trail = fs::read_to_string(folder.path().join("audit.jsonl")).unwrap();
    let mut ended = trail
        .lines()
        .filter(|line| line.contains("credential_ended"));
    ended.next().unwrap_or(&trail).to_owned()
}

/// Stops the gateway and checks that its record has the revocation, and this too.
async fn check_revoked(gateway: Running, also: &str) {
    let record = record(gateway).await;
    let reason = "\"key\":\"credential_ended\",\"value\":\"revoked\"";
    assert!(record.contains(reason) && record.contains(also), "{record}");
}

#[tokio::test]
async fn a_websocket_ends_when_its_key_is_revoked() {
    let (gateway, listener) = gateway().await;
    let (mut client, mut upstream) = open(&gateway, &listener, HANDSHAKE, SWITCHED).await;
    read_until(&mut client, "\r\n\r\n").await;
    revoke(gateway.folder.path());
    ended(&mut client).await;
    ended(&mut upstream).await;
    check_revoked(gateway, "\"upgraded\"").await;
}

#[tokio::test]
async fn a_stream_ends_when_its_key_is_revoked_though_it_is_never_silent() {
    let (gateway, listener) = gateway().await;
    let request = "GET /events HTTP/1.1\r\nHost: localhost:PORT\r\nKEY\r\n";
    let (mut client, mut upstream) = open(&gateway, &listener, request, STREAM).await;
    read_until(&mut client, "begin").await;
    revoke(gateway.folder.path());
    // Until the gateway closes the connection, to a client that reads.
    let written = async {
        while upstream.write_all(b"1\r\na\r\n").await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    tokio::join!(written, ended(&mut client));
    check_revoked(gateway, "body_failed").await;
}

#[tokio::test]
async fn a_silent_stream_ends_when_its_key_is_revoked() {
    let (gateway, listener) = gateway().await;
    let request = "GET /events HTTP/1.1\r\nHost: localhost:PORT\r\nKEY\r\n";
    let (mut client, mut upstream) = open(&gateway, &listener, request, STREAM).await;
    read_until(&mut client, "begin").await;
    revoke(gateway.folder.path());
    ended(&mut client).await;
    ended(&mut upstream).await;
    check_revoked(gateway, "credential_ended").await;
}

#[tokio::test]
async fn a_request_that_waits_for_its_response_is_401_when_its_key_is_revoked() {
    let (gateway, listener) = gateway().await;
    let request = "GET /slow HTTP/1.1\r\nHost: localhost:PORT\r\nConnection: close\r\nKEY\r\n";
    let (mut client, mut upstream) = open(&gateway, &listener, request, "").await;
    revoke(gateway.folder.path());
    let mut response = String::new();
    let _ = client.read_to_string(&mut response).await;
    assert_eq!(status(&response), 401, "{response}");
    let challenge = field(&response, "www-authenticate").unwrap();
    assert!(challenge.starts_with("ApiKey"), "{response}");
    ended(&mut upstream).await;
}

/// The authenticators of the new file decide, and not those that admitted the request.
#[tokio::test]
async fn a_websocket_ends_when_a_reload_takes_its_kind_of_credential_away() {
    let (gateway, listener) = gateway().await;
    let (mut client, _upstream) = open(&gateway, &listener, HANDSHAKE, SWITCHED).await;
    read_until(&mut client, "\r\n\r\n").await;
    let file = gateway.folder.path().join("gateway.toml");
    let text = fs::read_to_string(&file).unwrap();
    let keys = "[keys]\nfile = 'data/keys.toml'\npepper = 'data/pepper'\n";
    let text = text
        .replace(keys, "")
        .replace("'authenticated'", "'public'");
    fs::write(&file, text).unwrap();
    gateway.reloader.reload().await.unwrap();
    ended(&mut client).await;
    let record = record(gateway).await;
    assert!(
        record.contains("\"key\":\"credential_ended\",\"value\":\"not_allowed_here\""),
        "{record}"
    );
}
