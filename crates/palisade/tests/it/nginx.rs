//! The nginx configuration of the book, run in front of a shield.

use std::{
    fs,
    io::{BufRead as _, BufReader},
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use palisade::server::Server;
use palisade::transport::ForwardedHeader;
use palisade::{AllowedHosts, ClientInfoLayer, ClientIp, Routes, Rule, Shield, TrustedProxies};
use palisade_internal::free_port;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::{TlsConnector, rustls};

pub(crate) const NAME: &str = "tts.example";

/// nginx with the configuration of the book, between a client and a shield. Ended with the test.
struct Front {
    nginx: Child,
    https: [SocketAddr; 2],
    http: [SocketAddr; 2],
    folder: tempfile::TempDir,
    trust: rustls::RootCertStore,
}

/// The places of IPv4 and of IPv6 in pairs of addresses.
const BOTH: [usize; 2] = [0, 1];

impl Drop for Front {
    fn drop(&mut self) {
        let _ = self.nginx.kill();
        let _ = self.nginx.wait();
    }
}

/// `None`, with a message, where nginx is not installed; a failure where it must be.
#[allow(clippy::disallowed_methods, clippy::print_stderr)] // Whether this is CI is the environment's to say.
fn installed() -> Option<&'static str> {
    let places = ["/usr/sbin/nginx", "/usr/bin/nginx", "/usr/local/bin/nginx"];
    let found = places.into_iter().find(|path| Path::new(path).exists());
    if found.is_none() {
        assert!(
            std::env::var("CI").as_deref() != Ok("true"),
            "nginx is not installed"
        );
        eprintln!("SKIPPED: nginx is not installed (apt-get install nginx-light)");
    }
    found
}

/// Finds a free port of each loopback address.
fn free() -> [SocketAddr; 2] {
    [
        IpAddr::from(Ipv4Addr::LOCALHOST),
        IpAddr::from(Ipv6Addr::LOCALHOST),
    ]
    .map(|ip| SocketAddr::new(ip, free_port::choose(ip).unwrap()))
}

/// Puts addresses and paths of this test in place of those in the book. Each of them must be there.
fn configuration(
    here: &Path,
    service: SocketAddr,
    https: [SocketAddr; 2],
    http: [SocketAddr; 2],
) -> String {
    let book = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/src/deploy/nginx.conf");
    let here = here.display();
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
    let temporary = temporary
        .map(|what| format!("{what}_temp_path {here}/{what};"))
        .join(" ");
    let changes = [
        ("/etc/nginx/tls", format!("{here}")),
        ("/var/log/nginx", format!("{here}")),
        ("/run/nginx.pid", format!("{here}/pid")),
        ("listen 443", format!("listen {}", https[0])),
        ("listen [::]:443", format!("listen {}", https[1])),
        ("listen 80", format!("listen {}", http[0])),
        ("listen [::]:80", format!("listen {}", http[1])),
        ("server 127.0.0.1:8080", format!("server {service}")),
        ("http {", format!("http {{ {temporary}")),
    ];
    changes
        .into_iter()
        .fold(fs::read_to_string(book).unwrap(), |text, (book, test)| {
            assert!(text.contains(book), "{book}");
            text.replacen(book, &test, if book == "http {" { 1 } else { usize::MAX })
        })
}

/// Serves a shield that names the client. Only proxies of this machine are trusted.
pub(crate) fn serve() -> SocketAddr {
    let routes = Routes::new().get("/who", Rule::public(), async |ClientIp(ip): ClientIp| {
        ip.to_string()
    });
    let app = Shield::builder()
        .client(ClientInfoLayer::behind(
            TrustedProxies::loopback(),
            ForwardedHeader::XForwardedFor,
        ))
        .hosts(AllowedHosts::parse([NAME]).unwrap())
        .protect(routes)
        .unwrap();
    let server = Server::builder().listen("127.0.0.1:0".parse().unwrap());
    let server = server.build().unwrap();
    let address = server.local_addr();
    tokio::spawn(server.serve(app.into_inner(), std::future::pending()));
    address
}

/// Writes a certificate and its key into a folder, and returns what trusts it.
pub(crate) fn certificate(folder: &Path) -> rustls::RootCertStore {
    let made = rcgen::generate_simple_self_signed([NAME.to_owned()]).unwrap();
    fs::write(folder.join("fullchain.pem"), made.cert.pem()).unwrap();
    let key = made.signing_key.serialize_pem();
    fs::write(folder.join("privkey.pem"), key).unwrap();
    let mut trust = rustls::RootCertStore::empty();
    trust.add(made.cert.der().clone()).unwrap();
    trust
}

async fn front() -> Option<Front> {
    let nginx = installed()?;
    let (service, https, http) = (serve(), free(), free());
    let folder = tempfile::tempdir().unwrap();
    let trust = certificate(folder.path());
    let file = folder.path().join("nginx.conf");
    fs::write(&file, configuration(folder.path(), service, https, http)).unwrap();
    let options = "daemon off; master_process off; error_log stderr notice;";
    let mut nginx = Command::new(nginx)
        .args(["-g", options, "-p"])
        .arg(folder.path())
        .arg("-c")
        .arg(&file)
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The last line of its start, written when its sockets are open.
    wait_for_line(&mut nginx, "getrlimit(RLIMIT_NOFILE)");
    Some(Front {
        nginx,
        https,
        http,
        folder,
        trust,
    })
}

/// Waits until a program has written a line, for a minute at most. What it writes later is read and
/// dropped, so that it never waits for a reader.
fn wait_for_line(child: &mut Child, expected: &'static str) {
    let output = BufReader::new(child.stderr.take().unwrap());
    let (found, waiting) = mpsc::channel();
    thread::spawn(move || {
        for line in output.lines().map_while(Result::ok) {
            if line.contains(expected) {
                let _ = found.send(());
            }
        }
    });
    let found = waiting.recv_timeout(Duration::from_secs(60));
    assert!(found.is_ok(), "the program did not write `{expected}`");
}

impl Front {
    async fn secure(&self, name: &'static str, request: &str) -> std::io::Result<String> {
        self.secure_by(0, name, request).await
    }

    async fn secure_by(
        &self,
        family: usize,
        name: &'static str,
        request: &str,
    ) -> std::io::Result<String> {
        let config = rustls::ClientConfig::builder()
            .with_root_certificates(self.trust.clone())
            .with_no_client_auth();
        let socket = TcpStream::connect(self.https[family]).await?;
        let connector = TlsConnector::from(Arc::new(config));
        ask(
            connector.connect(name.try_into().unwrap(), socket).await?,
            request,
        )
        .await
    }

    async fn clear(&self, family: usize, request: &str) -> std::io::Result<String> {
        ask(TcpStream::connect(self.http[family]).await?, request).await
    }
}

/// Sends a request and reads until the end; nothing is a response too.
pub(crate) async fn ask(
    mut to: impl AsyncRead + AsyncWrite + Unpin,
    request: &str,
) -> std::io::Result<String> {
    to.write_all(request.as_bytes()).await?;
    let mut response = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(10), to.read_to_end(&mut response)).await;
    // Who is cut off learns so without a farewell of TLS.
    let _ = read.expect("an end");
    Ok(String::from_utf8(response).unwrap())
}

pub(crate) fn get(path: &str, host: &str, more: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n{more}\r\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_configuration_of_the_book_names_the_right_client_and_keeps_texts_out_of_its_log() {
    let Some(front) = front().await else { return };
    let spoofed = "X-Forwarded-For: 6.6.6.6\r\nForwarded: for=6.6.6.6\r\nX-Real-IP: 6.6.6.6\r\nX-Forwarded-Proto: http\r\n";
    let response = front
        .secure(NAME, &get("/who?text=canary", NAME, spoofed))
        .await
        .unwrap();
    let (head, body) = response.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert_eq!(body, "127.0.0.1");
    assert_eq!(
        head.to_lowercase()
            .matches("strict-transport-security: ")
            .count(),
        1,
        "{head}"
    );

    let refusal = front
        .secure(NAME, &get("/nowhere?text=canary", NAME, ""))
        .await
        .unwrap();
    assert!(
        refusal.starts_with("HTTP/1.1 404") && refusal.contains("x-content-type-options: nosniff"),
        "{refusal}"
    );

    let log = fs::read_to_string(front.folder.path().join("access.log")).unwrap();
    let errors = fs::read_to_string(front.folder.path().join("error.log")).unwrap();
    assert!(log.contains("GET /who"), "{log}");
    assert!(
        !log.contains("canary") && !errors.contains("canary"),
        "{log}{errors}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_configuration_of_the_book_serves_its_name_alone_and_redirects_clear_text() {
    let Some(front) = front().await else { return };
    for family in BOTH {
        let moved = get("/who?a=b", NAME, "");
        let moved = front.clear(family, &moved).await.unwrap();
        assert!(moved.starts_with("HTTP/1.1 308"), "{moved}");
        assert!(
            moved.contains("Location: https://tts.example/who?a=b\r\n"),
            "{moved}"
        );
        let foreign = get("/who", "evil.example", "");
        assert_eq!(front.clear(family, &foreign).await.unwrap(), "");
        assert!(
            front
                .secure_by(family, "evil.example", &get("/who", NAME, ""))
                .await
                .is_err()
        );
        assert_eq!(front.secure_by(family, NAME, &foreign).await.unwrap(), "");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_configuration_of_the_book_serves_clients_of_ipv6() {
    let Some(front) = front().await else { return };
    for (family, client) in BOTH.into_iter().zip(["127.0.0.1", "::1"]) {
        let asked = get("/who", NAME, "");
        let response = front.secure_by(family, NAME, &asked).await.unwrap();
        assert!(response.starts_with("HTTP/1.1 200"), "{response}");
        assert!(response.ends_with(client), "{response}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_configuration_of_the_book_redirects_no_credential_in_clear() {
    let Some(front) = front().await else { return };
    for credential in [
        "X-API-Key: secret\r\n",
        "Authorization: Bearer secret\r\n",
        "Proxy-Authorization: Basic c2VjcmV0\r\n",
    ] {
        for family in BOTH {
            let shown = get("/who", NAME, credential);
            let refused = front.clear(family, &shown).await.unwrap();
            assert!(refused.starts_with("HTTP/1.1 403"), "{refused}");
            assert!(!refused.contains("Location"), "{refused}");
        }
    }
}
