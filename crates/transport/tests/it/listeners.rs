//! Where a server listens: several addresses, Unix sockets, sockets of a service manager.

use std::{
    net::{TcpListener as StdListener, TcpStream as StdStream},
    os::unix::net::UnixDatagram,
    process::{Command, Stdio},
    time::Duration,
};

use palisade_transport::{
    TrustedProxies,
    server::{Limits, Listener, Server, ServerBuildError},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::UnixStream,
};

use crate::support::{bind, eventually, read_all, read_response, start, start_built, within};

const REQUEST: &[u8] = b"GET /peer HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";

#[tokio::test]
async fn one_server_listens_on_several_addresses() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("http.sock");
    let server = bind()
        .listen("[::1]:0".parse().unwrap())
        .listen_unix(&path)
        .build()
        .unwrap();
    let addresses: Vec<_> = server.addresses().cloned().collect();
    assert_eq!(addresses[2].to_string(), format!("unix:{}", path.display()));
    let mut running = start_built(server);
    for (address, expected) in addresses.iter().zip(["127.0.0.1 http", "::1 http"]) {
        let mut socket = tokio::net::TcpStream::connect(address.as_tcp().unwrap())
            .await
            .unwrap();
        socket.write_all(REQUEST).await.unwrap();
        assert!(read_all(&mut socket).await.ends_with(expected), "{address}");
    }
    let mut socket = UnixStream::connect(&path).await.unwrap();
    socket.write_all(REQUEST).await.unwrap();
    assert!(read_all(&mut socket).await.ends_with("127.0.0.1 http"));
    running.tell_to_stop();
    running.stopped().await;
    assert!(UnixStream::connect(&path).await.is_err(), "it is closed");
}

/// A proxy on the same machine sends the address of the client over a Unix socket.
#[tokio::test]
async fn a_unix_socket_speaks_the_proxy_protocol() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("http.sock");
    let server = Server::builder()
        .listen_unix(&path)
        .proxy_protocol(TrustedProxies::loopback());
    let _running = start(server);
    let mut socket = UnixStream::connect(&path).await.unwrap();
    let header = b"PROXY TCP4 203.0.113.7 192.0.2.1 4711 443\r\n";
    socket
        .write_all(&[&header[..], REQUEST].concat())
        .await
        .unwrap();
    assert!(read_all(&mut socket).await.ends_with("203.0.113.7 http"));
}

#[test]
fn a_server_needs_an_address() {
    let error = Server::builder().build().unwrap_err();
    assert!(matches!(error, ServerBuildError::NoListener), "{error}");
}

/// Runs an ignored test of this file in a process of its own.
fn run_alone(test: &str, prepare: &str) {
    let program = std::env::current_exe().unwrap();
    let output = Command::new("sh")
        .args([
            "-c",
            &format!("{prepare} exec \"$0\" --exact --ignored --nocapture {test}"),
        ])
        .arg(program)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("1 passed"), "{text}");
}

/// `systemd-socket-activate` opens the socket, waits for a connection, and starts the program.
#[test]
fn sockets_of_systemd_are_served() {
    let activate = "/usr/bin/systemd-socket-activate";
    if !std::path::Path::new(activate).exists() {
        eprintln!("SKIPPED: systemd-socket-activate is not installed (apt-get install systemd)");
        return;
    }
    let ip = std::net::Ipv4Addr::LOCALHOST.into();
    let port = palisade_internal::free_port::choose(ip).unwrap();
    let test = "listeners::with_a_socket_of_systemd";
    let mut process = Command::new(activate)
        .args(["-l", &format!("127.0.0.1:{port}")])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "--ignored", test])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let response = ask(port);
    let _ = process.kill();
    let _ = process.wait();
    assert!(response.ends_with("127.0.0.1 http"), "{response}");
}

/// Connects until something listens, and asks for the peer.
fn ask(port: u16) -> String {
    use std::io::{Read as _, Write as _};

    for _ in 0..2000 {
        if let Ok(mut socket) = StdStream::connect(("127.0.0.1", port)) {
            socket.write_all(REQUEST).unwrap();
            let mut response = String::new();
            socket.read_to_string(&mut response).unwrap();
            return response;
        }
        std::thread::yield_now();
        std::thread::park_timeout(Duration::from_millis(5));
    }
    panic!("nothing listens on {port}");
}

#[tokio::test]
#[ignore = "runs in a process of its own"]
async fn with_a_socket_of_systemd() {
    let mut inherited = Listener::inherited().unwrap();
    assert!(Listener::inherited().unwrap().is_empty(), "taken once");
    let running = start(Server::builder().listener(inherited.remove(0)));
    eventually("the request is over", || {
        running.stats.accepted() > 0 && running.stats.open() == 0
    })
    .await;
}

#[test]
fn a_process_that_was_started_otherwise_inherits_nothing() {
    run_alone("listeners::with_no_socket", "LISTEN_FDS=1 LISTEN_PID=1");
}

#[test]
#[ignore = "runs in a process of its own"]
fn with_no_socket() {
    assert!(Listener::inherited().unwrap().is_empty());
}

#[test]
fn systemd_is_told_of_start_reload_watchdog_and_end() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notify.sock");
    let socket = UnixDatagram::bind(&path).unwrap();
    socket
        .set_read_timeout(Some(Duration::from_secs(20)))
        .unwrap();
    let mut process = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--ignored", "listeners::with_a_service_manager"])
        .env("NOTIFY_SOCKET", &path)
        .env("WATCHDOG_USEC", "20000")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    let mut messages = Vec::<String>::new();
    let mut receive_all = |expected: &[&str]| {
        let is_there = |messages: &[String], start: &&str| {
            messages.iter().any(|message| message.starts_with(start))
        };
        while !expected.iter().all(|start| is_there(&messages, start)) {
            let mut bytes = [0; 256];
            let length = socket.recv(&mut bytes).unwrap();
            let message = String::from_utf8_lossy(&bytes[..length]);
            messages.push(message.trim_end().to_owned());
        }
    };
    receive_all(&["READY=1", "RELOADING=1\nMONOTONIC_USEC=", "WATCHDOG=1"]);
    drop(process.stdin.take());
    receive_all(&["STOPPING=1"]);
    assert!(process.wait().unwrap().success());
    let position = |start: &str| {
        let found = messages
            .iter()
            .position(|message| message.starts_with(start));
        found.unwrap_or_else(|| panic!("{start}: {messages:?}"))
    };
    assert!(position("READY=1") < position("WATCHDOG=1"), "{messages:?}");
    assert!(
        position("READY=1") < position("RELOADING=1"),
        "{messages:?}"
    );
}

#[tokio::test]
#[ignore = "runs in a process of its own"]
async fn with_a_service_manager() {
    use palisade_transport::server::ServiceManager;

    let mut running = start(bind().notify_service_manager());
    assert!(running.talk(REQUEST).await.ends_with("127.0.0.1 http"));
    ServiceManager::reloading();
    ServiceManager::ready();
    // The test closes the input when it has seen enough.
    within(tokio::task::spawn_blocking(|| {
        std::io::copy(&mut std::io::stdin(), &mut std::io::sink())
    }))
    .await
    .unwrap()
    .unwrap();
    running.tell_to_stop();
    running.stopped().await;
}

#[tokio::test]
async fn a_handle_counts_connections_and_stops_the_server() {
    let server = bind().build().unwrap();
    let handle = server.handle();
    let running = start_built(server);
    let mut socket = running.connect().await;
    socket
        .write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
        .await
        .unwrap();
    assert!(read_response(&mut socket).await.ends_with("hello"));
    assert_eq!((handle.connections(), handle.is_stopping()), (1, false));
    assert!(!handle.reload().unwrap(), "there is no certificate");
    handle.shutdown();
    assert_eq!(within(socket.read(&mut [0; 8])).await.unwrap(), 0);
    assert!(handle.is_stopping());
}

#[tokio::test]
async fn an_old_connection_is_closed_between_two_requests() {
    let age = Duration::from_millis(300);
    let running = start(bind().limits(Limits::default().connection_age(age)));
    let mut socket = running.connect().await;
    socket
        .write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
        .await
        .unwrap();
    assert!(read_response(&mut socket).await.ends_with("hello"));
    assert_eq!(within(socket.read(&mut [0; 8])).await.unwrap(), 0);
}

#[tokio::test]
async fn a_request_on_an_old_connection_is_finished() {
    let age = Duration::from_secs(1);
    let running = start(bind().limits(Limits::default().connection_age(age)));
    let started = tokio::time::Instant::now();
    let mut socket = running.connect().await;
    socket
        .write_all(b"GET /wait HTTP/1.1\r\nhost: a\r\n\r\n")
        .await
        .unwrap();
    running.waiting(1).await;
    eventually("the connection is old", || started.elapsed() > 2 * age).await;
    running.door.notify_waiters();
    let response = read_all(&mut socket).await;
    assert!(response.contains("connection: close"), "{response}");
    assert!(response.ends_with("waited"), "{response}");
}

#[test]
fn a_socket_of_the_application_keeps_its_address() {
    let socket = StdListener::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    let server = Server::builder().listener(socket).build().unwrap();
    assert_eq!(server.local_addr(), address);
}

#[test]
fn the_mode_of_a_unix_socket_says_who_may_connect() {
    use std::os::unix::fs::PermissionsExt as _;

    let folder = tempfile::tempdir().unwrap();
    for mode in [0o600, 0o660, 0o666] {
        let path = folder.path().join(format!("{mode:o}.sock"));
        let _listener = Listener::bind_unix_with_mode(&path, mode).unwrap();
        let found = std::fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(found & 0o777, mode);
    }
    let nowhere = folder.path().join("none/http.sock");
    let error = Listener::bind_unix_with_mode(nowhere, 0o600).unwrap_err();
    assert!(matches!(error, ServerBuildError::Bind { .. }), "{error}");
}

#[test]
fn sockets_of_systemd_have_the_names_of_the_unit() {
    let activate = "/usr/bin/systemd-socket-activate";
    if !std::path::Path::new(activate).exists() {
        eprintln!("SKIPPED: systemd-socket-activate is not installed (apt-get install systemd)");
        return;
    }
    let ip = std::net::Ipv4Addr::LOCALHOST.into();
    let ports = [(); 2].map(|()| palisade_internal::free_port::choose(ip).unwrap());
    let test = "listeners::with_two_names";
    let mut process = Command::new(activate)
        .args(["-l", &format!("127.0.0.1:{}", ports[0])])
        .args(["-l", &format!("127.0.0.1:{}", ports[1])])
        .args(["--fdname", "https:http"])
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "--ignored", test])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // Only the second socket is served.
    let response = ask(ports[1]);
    let _ = process.kill();
    let _ = process.wait();
    assert!(response.ends_with("127.0.0.1 http"), "{response}");
}

#[tokio::test]
#[ignore = "runs in a process of its own"]
async fn with_two_names() {
    let inherited = Listener::inherited_with_names().unwrap();
    let named = inherited
        .into_iter()
        .find(|(name, _)| name.as_deref() == Some("http"));
    let (_, listener) = named.expect("the unit names it");
    let running = start(Server::builder().listener(listener));
    eventually("the request is over", || {
        running.stats.accepted() > 0 && running.stats.open() == 0
    })
    .await;
}
