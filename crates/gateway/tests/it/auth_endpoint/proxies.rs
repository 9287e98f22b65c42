//! nginx, Caddy and Envoy with the configurations of the book; skipped where they are not installed.

use std::{
    fs,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::Path,
    process::{Child, Command, Stdio},
};

use palisade_internal::free_port;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::{Endpoint, endpoint};
use crate::{
    client::{status, trust_pem},
    upstream::{OK, Upstream, answering, field},
};

/// A proxy in front of a service, ended with the test.
struct Front {
    proxy: Child,
    address: SocketAddr,
    tls: tokio_rustls::TlsConnector,
}

impl Drop for Front {
    fn drop(&mut self) {
        let _ = self.proxy.kill();
        let _ = self.proxy.wait();
    }
}

impl Front {
    /// Waits until the proxy accepts connections. `None`, with a message, if the program is missing.
    async fn start(
        program: &str,
        arguments: &[&str],
        address: SocketAddr,
        pem: &Path,
    ) -> Option<Self> {
        let started = Command::new(program)
            .args(arguments)
            .env("HOME", pem.parent().unwrap())
            .env("XDG_DATA_HOME", pem.parent().unwrap())
            .stderr(Stdio::null())
            .stdout(Stdio::null())
            .spawn();
        let Ok(proxy) = started else {
            eprintln!("SKIPPED: {program} is not installed");
            return None;
        };
        let tls = trust_pem(pem, b"http/1.1");
        let mut front = Self {
            proxy,
            address,
            tls,
        };
        while TcpStream::connect(address).await.is_err() {
            assert!(front.proxy.try_wait().unwrap().is_none(), "{program} ended");
            tokio::task::yield_now().await;
        }
        Some(front)
    }

    async fn send(&self, request: &str) -> String {
        let stream = TcpStream::connect(self.address).await.unwrap();
        let name = "tts.example".try_into().unwrap();
        let mut stream = self.tls.connect(name, stream).await.unwrap();
        let request = request.replace("HOST", "Host: tts.example\r\nConnection: close\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut response = Vec::new();
        let _ = stream.read_to_end(&mut response).await;
        String::from_utf8_lossy(&response).into_owned()
    }
}

/// The same requests through either proxy: who passes, with which fields, and who does not.
///
/// `normalized` is the status of `/%61dmin`: a proxy that makes `/admin` of it asks about that.
async fn check(front: &Front, endpoint: &Endpoint, service: &mut Upstream, normalized: u16) {
    let key = format!("X-API-Key: {}\r\n", endpoint.key);
    // The key has no scopes, and a guest has nothing: what is forged must not fill the place.
    let forged = "X-Palisade-Principal: admin\r\nX-Palisade-Kind: admin\r\nX-Palisade-Scopes: admin\r\n\
        X_Palisade_Principal: admin\r\nX-Palisade_Scopes: admin\r\n\
        X-Original-URI: /open\r\nX-Forwarded-Uri: /open\r\n";
    let admitted = front
        .send(&format!(
            "POST /voice?a=b HTTP/1.1\r\nHOST{key}{forged}Content-Length: 4\r\n\r\ntext"
        ))
        .await;
    assert_eq!(status(&admitted), 200, "{admitted}");
    let got = service.request().await;
    assert!(
        got.starts_with("POST /voice?a=b ") && got.ends_with("text"),
        "{got}"
    );
    let principal = field(&got, "x-palisade-principal").unwrap();
    assert!(
        endpoint.key.contains(principal) && !principal.is_empty(),
        "{got}"
    );
    assert_eq!(field(&got, "x-palisade-kind"), Some("api_key"), "{got}");
    assert_eq!(field(&got, "x-palisade-scopes"), Some("-"), "{got}");
    assert!(!got.contains("admin"), "{got}");
    assert!(!got.contains(&endpoint.key), "{got}");

    let guest = front
        .send(&format!("GET /open HTTP/1.1\r\nHOST{forged}\r\n"))
        .await;
    assert_eq!(status(&guest), 200, "{guest}");
    let got = service.request().await;
    assert!(!got.contains("admin"), "{got}");
    assert_eq!(field(&got, "x-palisade-kind"), Some("guest"), "{got}");
    assert_eq!(field(&got, "x-palisade-principal"), Some("-"), "{got}");

    for (target, fields, expected) in [
        ("/voice", forged, 401),
        ("/admin", key.as_str(), 403),
        ("/%61dmin", key.as_str(), normalized),
    ] {
        let refused = front
            .send(&format!("GET {target} HTTP/1.1\r\nHOST{fields}\r\n"))
            .await;
        assert_eq!(status(&refused), expected, "{target}: {refused}");
    }
    let mut limited = String::new();
    for _ in 0..5 {
        limited = front
            .send(&format!("GET /voice HTTP/1.1\r\nHOST{key}\r\n"))
            .await;
    }
    assert_eq!(status(&limited), 429, "{limited}");
    assert!(field(&limited, "retry-after").is_some(), "{limited}");
    while service.got_more() {}
}

/// A file of the book, with the addresses and paths of this test. Each place must be there.
fn configuration(name: &str, changes: &[(&str, &str)]) -> String {
    let book = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/src/deploy");
    let text = fs::read_to_string(book.join(name)).unwrap();
    changes.iter().fold(text, |text, (book, test)| {
        assert!(text.contains(book), "{book}");
        text.replace(book, test)
    })
}

/// A free address, and a certificate for the name of the book in this folder.
fn prepare(folder: &Path) -> SocketAddr {
    let made = rcgen::generate_simple_self_signed(["tts.example".to_owned()]).unwrap();
    fs::write(folder.join("fullchain.pem"), made.cert.pem()).unwrap();
    fs::write(folder.join("privkey.pem"), made.signing_key.serialize_pem()).unwrap();
    let loopback = IpAddr::from(Ipv4Addr::LOCALHOST);
    SocketAddr::new(loopback, free_port::choose(loopback).unwrap())
}

#[tokio::test]
async fn nginx_asks_with_the_configuration_of_the_book() {
    let (endpoint, mut service) = (endpoint().await, answering(OK).await);
    let here = endpoint.folder.path();
    let address = prepare(here);
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let temporary = temporary.map(|what| format!("{what}_temp_path {}/{what};", here.display()));
    let here_text = here.display().to_string();
    let text = configuration(
        "nginx-auth.conf",
        &[
            ("/etc/nginx/tls", &here_text),
            ("/var/log/nginx", &here_text),
            ("/run/nginx.pid", &format!("{here_text}/pid")),
            ("listen 443", &format!("listen {address}")),
            (
                "server 127.0.0.1:5000",
                &format!("server {}", service.address),
            ),
            (
                "server 127.0.0.1:9091",
                &format!("server {}", endpoint.address),
            ),
            ("http {", &format!("http {{ {}", temporary.join(" "))),
        ],
    );
    let file = here.join("nginx.conf");
    fs::write(&file, text).unwrap();
    let options = "daemon off; master_process off;";
    let arguments = [
        "-g",
        options,
        "-p",
        &here_text,
        "-c",
        file.to_str().unwrap(),
    ];
    let places = ["/usr/sbin/nginx", "/usr/bin/nginx", "/usr/local/bin/nginx"];
    let program = places.into_iter().find(|path| Path::new(path).exists());
    let started = Front::start(
        program.unwrap_or("nginx"),
        &arguments,
        address,
        &here.join("fullchain.pem"),
    )
    .await;
    if let Some(front) = started {
        check(&front, &endpoint, &mut service, 400).await;
    }
}

#[tokio::test]
async fn caddy_asks_with_the_configuration_of_the_book() {
    let (endpoint, mut service) = (endpoint().await, answering(OK).await);
    let here = endpoint.folder.path();
    let address = prepare(here);
    let site = format!(
        "{{\n\tadmin off\n\tauto_https disable_redirects\n}}\nhttps://tts.example:{} {{\n\tbind 127.0.0.1\n\ttls {} {}",
        address.port(),
        here.join("fullchain.pem").display(),
        here.join("privkey.pem").display(),
    );
    let text = configuration(
        "Caddyfile",
        &[
            ("tts.example {", &site),
            ("127.0.0.1:9091 {", &format!("{} {{", endpoint.address)),
            ("127.0.0.1:5000", &service.address.to_string()),
        ],
    );
    let file = here.join("Caddyfile");
    fs::write(&file, text).unwrap();
    let arguments = [
        "run",
        "--adapter",
        "caddyfile",
        "--config",
        file.to_str().unwrap(),
    ];
    if let Some(front) =
        Front::start("caddy", &arguments, address, &here.join("fullchain.pem")).await
    {
        check(&front, &endpoint, &mut service, 400).await;
    }
}

#[tokio::test]
async fn envoy_asks_with_the_configuration_of_the_book() {
    let (endpoint, mut service) = (endpoint().await, answering(OK).await);
    if let Some(front) = start_envoy(&endpoint, &service, "envoy-auth.yaml").await {
        check(&front, &endpoint, &mut service, 403).await;
    }
}

#[tokio::test]
async fn envoy_asks_over_grpc_with_the_configuration_of_the_book() {
    let (endpoint, mut service) = (endpoint().await, answering(OK).await);
    let Some(front) = start_envoy(&endpoint, &service, "envoy-auth-grpc.yaml").await else {
        return;
    };
    check(&front, &endpoint, &mut service, 403).await;
    // What the stack adds to a response comes with the decision.
    let guest = front.send("GET /open HTTP/1.1\r\nHOST\r\n").await;
    assert_eq!(status(&guest), 200, "{guest}");
    assert!(field(&guest, "x-request-id").is_some(), "{guest}");
    assert_eq!(
        field(&guest, "x-content-type-options"),
        Some("nosniff"),
        "{guest}"
    );
    service.request().await;
    let refused = front.send("GET /voice HTTP/1.1\r\nHOST\r\n").await;
    assert!(field(&refused, "www-authenticate").is_some(), "{refused}");
    assert_eq!(
        field(&refused, "content-type"),
        Some("application/problem+json"),
        "{refused}"
    );
    assert!(
        refused.contains("\"code\":\"unauthenticated\""),
        "{refused}"
    );
    // Two credentials are none, in whatever order.
    let twice = format!("X-API-Key: {0}\r\nX-API-Key: {0}\r\n", endpoint.key);
    let twice = front
        .send(&format!("GET /voice HTTP/1.1\r\nHOST{twice}\r\n"))
        .await;
    assert!(matches!(status(&twice), 400 | 401), "{twice}");
    assert!(!service.got_more());
}

/// Starts Envoy with a file of the book. `None`, with a message, if it is missing.
async fn start_envoy(endpoint: &Endpoint, service: &Upstream, name: &str) -> Option<Front> {
    let here = endpoint.folder.path();
    let address = prepare(here);
    let port = |port: u16| format!("port_value: {port} }}");
    let text = configuration(
        name,
        &[
            ("/etc/envoy/tls", &here.display().to_string()),
            ("0.0.0.0", "127.0.0.1"),
            (&port(443), &port(address.port())),
            (&port(5000), &port(service.address.port())),
            (&port(9091), &port(endpoint.address.port())),
        ],
    );
    let file = here.join("envoy.yaml");
    fs::write(&file, text).unwrap();
    // Base id of its own: an Envoy that runs already is not disturbed.
    let arguments = [
        "--use-dynamic-base-id",
        "--concurrency",
        "1",
        "--config-path",
        file.to_str().unwrap(),
    ];
    let pem = here.join("fullchain.pem");
    Front::start("envoy", &arguments, address, &pem).await
}
