//! `palisade doctor` with the file of a gateway: each finding about an upstream.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener},
    sync::Arc,
    thread,
};

use rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};

use crate::{
    doctor::{add, check, findings, good},
    support::Folder,
};

/// Responds to each head with what the function makes of it.
fn service(respond: impl Fn(&str) -> String + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut bytes = [0; 4096];
            let length = stream.read(&mut bytes).unwrap_or_default();
            let response = respond(&String::from_utf8_lossy(&bytes[..length]));
            let _ = stream.write_all(response.as_bytes());
        }
    });
    address
}

fn status(line: &str) -> String {
    format!("HTTP/1.1 {line}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
}

fn answering(line: &'static str) -> SocketAddr {
    service(move |_| status(line))
}

fn upstream(folder: &Folder, keys: &str) {
    add(folder, &format!("[[upstreams]]\n{keys}"));
}

#[test]
fn an_upstream_that_fits_has_no_finding() {
    let folder = good(90);
    let service = service(|head| {
        assert!(head.starts_with("GET /health HTTP/1.1\r\n"), "{head}");
        assert!(head.contains("user-agent: palisade-doctor\r\n"), "{head}");
        status("204 No Content")
    });
    fs::write(folder.path("token"), "a-long-enough-token").unwrap();
    crate::doctor::mode(&folder, "token", 0o600);
    let keys = format!(
        "url = 'http://{service}'\n[upstreams.health]\npath = '/health'\n[upstreams.credential]\nfile = 'token'"
    );
    upstream(&folder, &keys);
    assert_eq!(findings(&folder), []);
}

#[test]
fn a_server_that_is_not_there_is_found_with_its_line() {
    let closed = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let keys = format!("url = 'http://{closed}'");
    check("PAL0026", "upstreams.url: no connection", |folder| {
        upstream(folder, &keys);
    });
}

#[test]
fn tls_that_fails_is_found() {
    let plain = answering("200 OK");
    check("PAL0027", "handshake", |folder| {
        upstream(folder, &format!("url = 'https://{plain}'"));
    });
    let private = tls();
    check("PAL0027", "UnknownIssuer", |folder| {
        upstream(folder, &format!("url = 'https://{private}'"));
    });
}

/// A server with TLS, whose certificate no one trusts.
fn tls() -> SocketAddr {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let chain = CertificateDer::from_pem_slice(made.cert.pem().as_bytes()).unwrap();
    let key = made.signing_key.serialize_pem();
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
    let config = rustls::ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![chain], key)
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut tls = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
            let _ = tls.complete_io(&mut stream);
        }
    });
    address
}

#[test]
fn the_other_version_of_http_is_found() {
    let service = answering("200 OK");
    check("PAL0028", "http = \"1\"", |folder| {
        upstream(folder, &format!("url = 'http://{service}'\nhttp = '2'"));
    });
}

#[test]
fn a_host_that_is_refused_is_found_with_the_one_that_is_not() {
    let own = service(|head| match head.contains("host: 127.0.0.1:") {
        true => status("200 OK"),
        false => status("403 Forbidden"),
    });
    check("PAL0029", "host = \"upstream\"", |folder| {
        upstream(folder, &format!("url = 'http://{own}'\nhost = 'as-sent'"));
    });
    let public = service(|head| match head.contains("host: localhost:8443\r\n") {
        true => status("404 Not Found"),
        false => status("400 Bad Request"),
    });
    check("PAL0029", "host = \"as-sent\"", |folder| {
        upstream(folder, &format!("url = 'http://{public}'"));
    });
}

#[test]
fn a_health_check_that_fails_is_found() {
    let service = answering("401 Unauthorized");
    check("PAL0030", "status 401", |folder| {
        let keys = format!("url = 'http://{service}'\n[upstreams.health]\npath = '/health'");
        upstream(folder, &keys);
    });
}

#[test]
fn timeouts_that_are_too_short_are_found() {
    let service = answering("200 OK");
    check("PAL0031", "`total_timeout_seconds`", |folder| {
        let keys = format!("url = 'http://{service}'\ntotal_timeout_seconds = 60");
        upstream(folder, &keys);
    });
    check("PAL0031", "`idle_timeout_seconds`", |folder| {
        let keys =
            format!("url = 'http://{service}'\nidle_timeout_seconds = 10\nupgrade = ['websocket']");
        upstream(folder, &keys);
    });
}

#[test]
fn files_of_the_section_are_found_before_anything_is_sent() {
    let service = service(|head| panic!("it was asked: {head}"));
    check("PAL0014", "credential.file", |folder| {
        let keys = format!("url = 'http://{service}'\n[upstreams.credential]\nfile = 'none'");
        upstream(folder, &keys);
    });
    let service = answering("200 OK");
    check("PAL0015", "identity.file", |folder| {
        fs::write(folder.path("identity"), "0123456789abcdef0123456789abcdef").unwrap();
        crate::doctor::mode(folder, "identity", 0o644);
        let keys = format!("url = 'http://{service}'\n[upstreams.identity]\nfile = 'identity'");
        upstream(folder, &keys);
    });
}
