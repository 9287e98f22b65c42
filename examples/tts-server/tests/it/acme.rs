//! The program with certificates of an authority, which is pebble: the first start, a reload, a
//! restart.

// Pebble is started as the tests of `palisade-transport` start it. They need more of it.
#[allow(dead_code, unreachable_pub)]
#[path = "../../../../crates/transport/tests/it/acme/client.rs"]
mod client;
#[allow(dead_code, unreachable_pub)]
#[path = "../../../../crates/transport/tests/it/acme/pebble.rs"]
mod pebble;

use std::{fs, net::SocketAddr, path::Path};

use http::StatusCode;
use tempfile::TempDir;

use self::pebble::{NAME, Pebble, Setup, free_port};
use crate::support::{Client, Started, TestRequest, Trail, program};

/// An authority, and the configuration of a server that orders from it.
struct Ordering {
    pebble: Pebble,
    folder: TempDir,
    config: String,
    client: Client,
}

impl Ordering {
    /// `None` where pebble is not installed.
    async fn by(challenge: &str) -> Option<Self> {
        let (https, http) = (free_port(), free_port());
        let pebble = Pebble::start(Setup {
            http_port: http,
            tls_port: https,
            ..Setup::default()
        });
        let pebble = pebble.await?;
        let folder = tempfile::tempdir().unwrap();
        let issuing = folder.path().join("issuing-root.pem");
        fs::write(&issuing, pebble.issuing_root().await).unwrap();
        fs::write(folder.path().join("interface-root.pem"), pebble.root()).unwrap();
        let address = SocketAddr::from(([127, 0, 0, 1], https));
        Some(Self {
            config: config(&pebble.directory(), challenge, (https, http)),
            client: Client::trusting(address, &issuing).expecting(NAME),
            pebble,
            folder,
        })
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    async fn start(&self) -> Started {
        Started::ready(program(self.path(), &self.config)).await
    }

    /// Sends a request to which everybody gets a response, and returns the certificate as well.
    async fn certificate(&self) -> Vec<u8> {
        let response = self.client.send(request()).await;
        assert_eq!(response.status, StatusCode::OK, "{:?}", response.body);
        let stream = self.client.connect().await;
        let (_, session) = stream.get_ref();
        session.peer_certificates().unwrap()[0].to_vec()
    }
}

fn request() -> TestRequest {
    TestRequest::get("/openapi.json").header("host", NAME)
}

/// The self-check is off: only the DNS of pebble has the name of the tests.
fn config(directory: &str, challenge: &str, (https, http): (u16, u16)) -> String {
    let port = match challenge {
        "http-01" => http,
        _ => https,
    };
    format!(
        r#"
[server]
hosts = ["{NAME}"]
https = "127.0.0.1:{https}"
http = "127.0.0.1:{http}"
[server.acme]
domains = ["{NAME}"]
terms = "accepted"
directory = "{directory}"
root = "interface-root.pem"
challenge = "{challenge}"
validation_port = {port}
self_check = false
[tts]
metrics = "off"
threads = 1
queue = 1
"#
    )
}

/// Starts without a certificate, gets one, and keeps it over a reload and a restart.
async fn check(challenge: &str) {
    let Some(ordering) = Ordering::by(challenge).await else {
        return;
    };
    let mut server = ordering.start().await;
    let ordered = format!("is ordered for {NAME}");
    assert!(server.greeting.contains(&ordered), "{}", server.greeting);
    server.logged("new certificate").await;
    let first = ordering.certificate().await;

    server.signal("-HUP");
    server.logged("reloaded: the file says the same").await;
    assert_eq!(ordering.certificate().await, first);
    let other = ordering.config.replace("self_check = false\n", "");
    fs::write(ordering.path().join("server.toml"), other).unwrap();
    server.signal("-HUP");
    let refused = server.logged("not reloaded").await;
    assert!(
        refused.contains("server.acme") && refused.contains("restart the server"),
        "{refused}"
    );

    server.stop().await;
    let trail = Trail::read(&ordering.path().join("data"));
    let issued = trail.text.matches("certificate.issued").count();
    assert_eq!(issued, 1, "{}", trail.text);
    let again = ordering.start().await;
    assert!(!again.greeting.contains("is ordered"), "{}", again.greeting);
    assert_eq!(ordering.certificate().await, first);
    assert_eq!(ordering.pebble.orders(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_by_tls_alpn_01_is_used_after_a_reload_and_a_restart() {
    check("tls-alpn-01").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_by_http_01_is_used_after_a_reload_and_a_restart() {
    check("http-01").await;
}
