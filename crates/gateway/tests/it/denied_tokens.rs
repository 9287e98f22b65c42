//! What a token opened ends when the token is put on the list of denied ones.

use std::{fs, path::Path};

use palisade::{
    core::SystemClock,
    jwt::{
        Algorithm,
        mint::{SigningKey, Token},
        revocation::{RevocationError, RevokedTokensFile},
    },
};
use tokio::net::TcpListener;

use crate::{
    client::{Running, start_file},
    revoked::{HANDSHAKE, STREAM, SWITCHED, ended, open, read_until, record},
};

const FILE: &str = "[server]\nhosts = ['localhost:*']\nhttps = '127.0.0.1:0'\n\
    [[tokens]]\nissuer = 'https://id.example'\naudience = 'tts'\njwks_file = 'issuer.jwks'\n\
    [revoked_tokens]\nfile = 'revoked.json'\n[audit]\nfile = 'audit.jsonl'\n\
    [[routes]]\npath = '/{*path}'\naccess = 'authenticated'\n\
    [[upstreams]]\nurl = 'http://UPSTREAM'\nupgrade = ['websocket']\ncredential_check_seconds = 1\n";

/// A gateway that accepts tokens, the listener of its upstream, and a token.
async fn gateway() -> (Running, TcpListener, String) {
    let folder = tempfile::tempdir().unwrap();
    let key = SigningKey::generate(Algorithm::Es256).unwrap();
    let jwks = serde_json::json!({ "keys": [key.public_jwk().unwrap()] }).to_string();
    fs::write(folder.path().join("issuer.jwks"), jwks).unwrap();
    RevokedTokensFile::create(folder.path().join("revoked.json")).unwrap();
    let token = Token::new("https://id.example", "tts", "lin");
    let token = token.sign(&key, &*SystemClock::shared()).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let gateway = start_file(folder, &FILE.replace("UPSTREAM", &address)).await;
    (
        gateway,
        listener,
        format!("Authorization: Bearer {token}\r\n"),
    )
}

/// Denies all tokens so far, as `palisade token revoke --all` does in its own process.
fn deny(folder: &Path) {
    let list = RevokedTokensFile::builder(folder.join("revoked.json"));
    let list = list.unwatched().open().unwrap();
    let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap();
    // The token may have been issued in this second.
    let denied = list.update(|entries| {
        entries.revoke_all(now + std::time::Duration::from_secs(1));
        Ok::<_, RevocationError>(())
    });
    denied.unwrap();
}

/// Checks the record of what was open.
async fn check_record(gateway: Running, also: &str) {
    let record = record(gateway).await;
    assert!(
        record.contains("\"key\":\"credential_ended\",\"value\":\"revoked\"")
            && record.contains(also),
        "{record}"
    );
}

#[tokio::test]
async fn a_websocket_ends_when_its_token_is_denied() {
    let (gateway, listener, token) = gateway().await;
    let request = HANDSHAKE.replace("KEY", &token);
    let (mut client, mut upstream) = open(&gateway, &listener, &request, SWITCHED).await;
    read_until(&mut client, "\r\n\r\n").await;
    deny(gateway.folder.path());
    ended(&mut client).await;
    ended(&mut upstream).await;
    check_record(gateway, "\"upgraded\"").await;
}

#[tokio::test]
async fn a_stream_ends_when_its_token_is_denied() {
    let (gateway, listener, token) = gateway().await;
    let request = format!("GET /events HTTP/1.1\r\nHost: localhost:PORT\r\n{token}\r\n");
    let (mut client, mut upstream) = open(&gateway, &listener, &request, STREAM).await;
    read_until(&mut client, "begin").await;
    deny(gateway.folder.path());
    ended(&mut client).await;
    ended(&mut upstream).await;
    check_record(gateway, "credential_ended").await;
}
