//! The PROXY protocol: a load balancer sends the address of the client before its first byte.

use std::{
    fs,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use axum::{Extension, Router, routing::get};
use palisade_core::Peer;
use palisade_transport::{
    TrustedProxies,
    server::{ConnectionEventKind, Limits, ProxyHeader},
};
use tokio::{
    io::AsyncWriteExt,
    net::{TcpSocket, TcpStream},
};

use crate::support::{
    Running, bind, client_config, eventually, handshake_on, read_all, roots, start, start_with,
    tls, within,
};

const REQUEST: &[u8] = b"GET /peer HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// A header of version 2 for 203.0.113.7, with fields.
fn version_2(command: u8, fields: &[u8]) -> Vec<u8> {
    let addresses = [203, 0, 113, 7, 192, 0, 2, 1, 0x12, 0x67, 0x01, 0xbb];
    let length = u16::try_from(addresses.len() + fields.len()).unwrap();
    [
        SIGNATURE,
        &[command, 0x11],
        &length.to_be_bytes(),
        &addresses,
        fields,
    ]
    .concat()
}

/// A server that reads headers from this machine.
fn with_headers() -> Running {
    start(bind().proxy_protocol(TrustedProxies::loopback()))
}

#[tokio::test]
async fn the_client_of_the_header_is_the_peer_of_the_request() {
    let running = with_headers();
    let tls = [0x20, 0, 5, 1, 0, 0, 0, 0];
    for (header, expected) in [
        (
            &b"PROXY TCP4 203.0.113.7 192.0.2.1 4711 443\r\n"[..],
            "203.0.113.7 http",
        ),
        (
            b"PROXY TCP6 2001:db8::7 ::1 4711 443\r\n",
            "2001:db8::7 http",
        ),
        (&version_2(0x21, &[]), "203.0.113.7 http"),
        (&version_2(0x21, &tls), "203.0.113.7 https"),
        // The proxy itself asks, or does not know who does.
        (b"PROXY UNKNOWN\r\n", "127.0.0.1 http"),
        (&version_2(0x20, &[]), "127.0.0.1 http"),
    ] {
        let response = running.talk(&[header, REQUEST].concat()).await;
        assert!(response.ends_with(expected), "{header:?}: {response}");
    }
}

#[tokio::test]
async fn a_header_in_single_bytes_is_read_and_nothing_after_it_is_lost() {
    let running = with_headers();
    let mut socket = running.connect().await;
    socket.set_nodelay(true).unwrap();
    for byte in version_2(0x21, &[]) {
        socket.write_all(&[byte]).await.unwrap();
    }
    socket.write_all(REQUEST).await.unwrap();
    assert!(read_all(&mut socket).await.ends_with("203.0.113.7 http"));
}

#[tokio::test]
async fn a_peer_that_must_send_a_header_is_closed_without_one() {
    let running = with_headers();
    for sent in [
        REQUEST,
        b"PROXY TCP4 203.0.113.7 192.0.2.1 4711\r\n",
        b"\x16\x03\x01\x02\x00\x01",
        &[SIGNATURE, &[0x21, 0x11, 0, 2, 0, 0]].concat(),
    ] {
        assert_eq!(running.talk(sent).await, "", "{sent:?}");
    }
    let invalid = running.stats.count(ConnectionEventKind::ProxyHeaderInvalid);
    assert_eq!(invalid, 4);
}

#[tokio::test]
async fn a_header_that_does_not_come_in_time_ends_the_connection() {
    let limits = Limits::default().proxy_header_timeout(Duration::from_millis(100));
    let running = start(
        bind()
            .limits(limits)
            .proxy_protocol(TrustedProxies::loopback()),
    );
    for sent in [&b""[..], b"PROXY TCP4 203.0.113.7", SIGNATURE] {
        assert_eq!(running.talk(sent).await, "", "{sent:?}");
    }
    let late = running.stats.count(ConnectionEventKind::ProxyHeaderTimeout);
    assert_eq!(late, 3);
}

/// A client that sends a header itself cannot choose its address.
#[tokio::test]
async fn a_header_of_a_stranger_is_not_read() {
    let proxies = TrustedProxies::parse("127.0.0.9").unwrap();
    let running = start(bind().proxy_protocol(proxies));
    let header = b"PROXY TCP4 203.0.113.7 192.0.2.1 4711 443\r\n";
    let response = running.talk(&[header, REQUEST].concat()).await;
    assert!(response.starts_with("HTTP/1.1 400"), "{response}");
    let without = running.talk(REQUEST).await;
    assert!(without.ends_with("127.0.0.1 http"), "{without}");
}

#[tokio::test]
async fn the_limit_of_connections_is_that_of_the_client() {
    let limits = Limits::default().connections_per_address(1);
    let proxies = TrustedProxies::loopback();
    let running = start(bind().limits(limits).proxy_protocol(proxies));
    let header = |last: u8| format!("PROXY TCP4 203.0.113.{last} 192.0.2.1 1 2\r\n").into_bytes();
    let wait = b"GET /wait HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
    let mut first = running.connect().await;
    first
        .write_all(&[&header(7), &wait[..]].concat())
        .await
        .unwrap();
    running.waiting(1).await;
    let second = running.talk(&[&header(7), REQUEST].concat()).await;
    assert_eq!(second, "", "its address has one connection already");
    assert_eq!(running.stats.refused_address(), 1);
    let other = running.talk(&[&header(8), REQUEST].concat()).await;
    assert!(other.ends_with("203.0.113.8 http"), "{other}");
    // Health checks of the proxy itself have no such limit.
    for _ in 0..3 {
        let local = running
            .talk(&[&version_2(0x20, &[]), REQUEST].concat())
            .await;
        assert!(local.ends_with("127.0.0.1 http"), "{local}");
    }
    running.door.notify_waiters();
    assert!(read_all(&mut first).await.ends_with("waited"));
}

#[tokio::test]
async fn the_header_comes_before_tls() {
    let tls = tls();
    let proxies = TrustedProxies::loopback();
    let running = start(bind().tls(tls.certificates.clone()).proxy_protocol(proxies));
    let mut socket = running.connect().await;
    socket.write_all(&version_2(0x21, &[])).await.unwrap();
    let config = client_config(tls.roots(), rustls::ALL_VERSIONS, &[b"http/1.1"]);
    let mut stream = handshake_on(config, socket, "localhost").await.unwrap();
    stream.write_all(REQUEST).await.unwrap();
    assert!(read_all(&mut stream).await.ends_with("203.0.113.7 https"));
}

/// A haproxy of the test, ended with it.
struct Haproxy {
    process: Child,
    address: SocketAddr,
    _folder: tempfile::TempDir,
}

impl Drop for Haproxy {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Starts haproxy with an option of its `server` line. `None` where it is not installed, except
/// in CI.
fn haproxy(upstream: SocketAddr, option: &str, bind_option: &str) -> Option<Haproxy> {
    haproxy_with(|address, folder| {
        let bind_option = bind_option.replace("FOLDER", folder);
        format!(
            "global\n  maxconn 100\ndefaults\n  mode tcp\n  timeout connect 5s\n  timeout client 20s\n  timeout server 20s\n\
             listen front\n  bind {address} {bind_option}\n  server back {upstream} {option}\n"
        )
    })
}

/// Starts haproxy with the configuration for an address and a folder. `None` where it is not installed, except in CI.
#[allow(clippy::disallowed_methods)] // The environment says whether this is CI.
fn haproxy_with(configuration: impl FnOnce(SocketAddr, &str) -> String) -> Option<Haproxy> {
    let path = ["/usr/sbin/haproxy", "/usr/local/sbin/haproxy"]
        .into_iter()
        .find(|path| Path::new(path).exists());
    let Some(path) = path else {
        let is_ci = std::env::var("CI").as_deref() == Ok("true");
        assert!(!is_ci, "haproxy is not installed");
        eprintln!("SKIPPED: haproxy is not installed (apt-get install haproxy)");
        return None;
    };
    let folder = tempfile::tempdir().unwrap();
    let ip = IpAddr::from(Ipv4Addr::LOCALHOST);
    let address = SocketAddr::new(ip, palisade_internal::free_port::choose(ip).unwrap());
    let file = folder.path().join("haproxy.cfg");
    let configuration = configuration(address, &folder.path().display().to_string());
    fs::write(&file, configuration).unwrap();
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let pem = made.cert.pem() + &made.signing_key.serialize_pem();
    fs::write(folder.path().join("front.pem"), pem).unwrap();
    let process = Command::new(path)
        .arg("-db")
        .arg("-f")
        .arg(&file)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    Some(Haproxy {
        process,
        address,
        _folder: folder,
    })
}

/// Connects to haproxy from an address that is not its own.
async fn connect_through(proxy: &Haproxy) -> TcpStream {
    eventually("haproxy listens", || {
        std::net::TcpStream::connect(proxy.address).is_ok()
    })
    .await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(([127, 0, 0, 2], 0).into()).unwrap();
    within(socket.connect(proxy.address)).await.unwrap()
}

#[tokio::test]
async fn haproxy_names_its_client_in_both_versions() {
    let from_haproxy = || TrustedProxies::parse("127.0.0.1").unwrap();
    for option in ["send-proxy", "send-proxy-v2"] {
        let running = start(bind().proxy_protocol(from_haproxy()));
        let Some(proxy) = haproxy(running.address, option, "") else {
            return;
        };
        let mut socket = connect_through(&proxy).await;
        socket.write_all(REQUEST).await.unwrap();
        let response = read_all(&mut socket).await;
        assert!(response.ends_with("127.0.0.2 http"), "{option}: {response}");
    }
}

/// Its health checks are connections of its own.
#[tokio::test]
async fn health_checks_of_haproxy_are_connections_of_its_own() {
    let running = with_headers();
    let option = "send-proxy-v2 check inter 100ms check-send-proxy";
    let Some(_proxy) = haproxy(running.address, option, "") else {
        return;
    };
    eventually("haproxy checks", || running.stats.accepted() >= 3).await;
    let invalid = running.stats.count(ConnectionEventKind::ProxyHeaderInvalid);
    assert_eq!(invalid, 0);
}

#[tokio::test]
async fn haproxy_that_ends_tls_tells_of_it_and_of_the_host() {
    let seen = async |Extension(peer): Extension<Peer>,
                      Extension(header): Extension<ProxyHeader>| {
        format!(
            "{} {} {} {}",
            peer.address.ip(),
            peer.scheme.as_str(),
            header.authority().unwrap_or("-"),
            header.tls_version().unwrap_or("-"),
        )
    };
    let running = start_with(
        bind().proxy_protocol(TrustedProxies::loopback()),
        Router::new().route("/peer", get(seen)),
    );
    let option = "send-proxy-v2-ssl proxy-v2-options ssl,authority,crc32c";
    let Some(proxy) = haproxy(running.address, option, "ssl crt FOLDER/front.pem") else {
        return;
    };
    let socket = connect_through(&proxy).await;
    let pem = fs::read(proxy._folder.path().join("front.pem")).unwrap();
    let config = client_config(roots(&pem), rustls::ALL_VERSIONS, &[]);
    let mut stream = handshake_on(config, socket, "localhost").await.unwrap();
    stream.write_all(REQUEST).await.unwrap();
    let response = read_all(&mut stream).await;
    let expected = "127.0.0.2 https localhost TLSv1.3";
    assert!(response.ends_with(expected), "{response}");
}

#[tokio::test]
async fn the_haproxy_configuration_of_the_book_names_the_client_and_passes_its_own_checks() {
    let running = with_headers();
    let page = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../docs/src/deploy/haproxy.cfg"
    );
    let text = fs::read_to_string(page).unwrap();
    let Some(proxy) = haproxy_with(|address, _| {
        let changed = text.replace("bind :443", &format!("bind {address}"));
        let changed = changed.replace("  bind :::443 v6only\n", "");
        let upstream = running.address.to_string();
        let changed = changed.replace("10.0.0.20:8443", &upstream);
        assert!(
            !changed.contains(":443\n") && !changed.contains("10.0.0.20"),
            "{changed}"
        );
        changed.replace(
            "check check-send-proxy",
            "check check-send-proxy inter 100ms",
        )
    }) else {
        return;
    };
    let mut socket = connect_through(&proxy).await;
    socket.write_all(REQUEST).await.unwrap();
    let response = read_all(&mut socket).await;
    assert!(response.ends_with("127.0.0.2 http"), "{response}");
    eventually("haproxy checks", || running.stats.accepted() >= 4).await;
    let invalid = running.stats.count(ConnectionEventKind::ProxyHeaderInvalid);
    assert_eq!(invalid, 0);
}
