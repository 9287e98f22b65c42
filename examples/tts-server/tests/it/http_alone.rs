//! A file that names `http` alone: nothing has TLS.

use std::{fs, net::SocketAddr, sync::Arc};

use http::StatusCode;
use palisade::core::SystemClock;
use tempfile::TempDir;
use tts_server::{DataFolder, Server, ServerParts, Settings, StartError};

use crate::support::{TestRequest, TestVoice, send_plain};

/// A server without TLS, and what its operator sees.
struct Plain {
    address: SocketAddr,
    key: String,
    greeting: String,
    folder: TempDir,
}

async fn start(more: &str) -> Result<Plain, StartError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("server.toml");
    // Servers of other tests have metrics too.
    let file = format!(
        "[server]\nhosts = [\"localhost:*\"]\nhttp = \"127.0.0.1:0\"\n{more}\n[tts]\nmetrics = \"off\"\n"
    );
    fs::write(&path, file).unwrap();
    let with = ServerParts {
        voices: vec![Arc::new(TestVoice::default())],
        data: DataFolder::open(Some(folder.path().join("data"))).unwrap(),
        clock: SystemClock::shared(),
        another_key: "tts-server --new-key".into(),
    };
    let settings = Settings::read(Some(&path), &with.data)?;
    let mut server = Server::prepare(settings, with).await?;
    let [https, http, _] = server.addresses();
    assert_eq!(https, None);
    let plain = Plain {
        address: http.expect("the file names it"),
        key: server.first_key().expect("a first start").to_owned(),
        greeting: server.greeting(true)?,
        folder,
    };
    tokio::spawn(server.serve(std::future::pending()));
    Ok(plain)
}

impl Plain {
    /// Asks for speech with the key, and with these headers.
    async fn speak(&self, headers: &[(&str, &str)]) -> StatusCode {
        let mut ask = TestRequest::speak("你好").header("x-api-key", &self.key);
        for (name, value) in headers {
            ask = ask.header(name, value);
        }
        send_plain(self.address, ask).await.status
    }

    /// Checks what the operator sees, and that no authority was made.
    fn check(&self, parts: &[&str]) {
        for part in parts {
            assert!(self.greeting.contains(part), "{part}: {}", self.greeting);
        }
        for absent in ["Authority", "Redirect", "--cacert"] {
            assert!(!self.greeting.contains(absent), "{}", self.greeting);
        }
        assert!(!self.folder.path().join("data/tls").exists());
    }
}

#[tokio::test]
async fn every_client_is_served_without_tls_where_the_file_says_so() {
    let server = start("dangerously_accept_plain_http = true\n")
        .await
        .unwrap();
    assert_eq!(server.speak(&[]).await, StatusCode::OK);
    let page = format!("http://localhost:{}/", server.address.port());
    server.check(&[&page, "without TLS: others on the network"]);
}

#[tokio::test]
async fn behind_a_proxy_that_ends_tls_only_its_clients_with_tls_are_served() {
    let proxied = "[client]\nproxies = [\"127.0.0.1\"]\nheader = \"X-Forwarded-For\"\n";
    let server = start(proxied).await.unwrap();
    let client = ("x-forwarded-for", "203.0.113.7");
    let with_tls = [client, ("x-forwarded-proto", "https")];
    assert_eq!(server.speak(&with_tls).await, StatusCode::OK);
    let in_clear = [client, ("x-forwarded-proto", "http")];
    assert_eq!(server.speak(&in_clear).await, StatusCode::FORBIDDEN);
    server.check(&["https://localhost/", "for proxies in front that end it"]);
}

#[tokio::test]
async fn http_alone_that_would_serve_nothing_is_an_error() {
    let error = start("").await.err().expect("it is refused").to_string();
    assert!(
        error.contains("server.toml:3: server.http: no listener has TLS"),
        "{error}"
    );
}
