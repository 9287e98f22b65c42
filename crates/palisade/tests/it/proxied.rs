//! Real proxies that carry the requests of many clients: their connections are not counted by address.

use std::{
    fs,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use palisade::{
    Routes, Rule,
    config::Config,
    server::{Server, ServerStats},
};
use palisade_internal::free_port;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::Semaphore,
};

/// More than the 512 connections of one address.
const IN_FLIGHT: usize = 600;
const FILE: &str = "[server]\nhosts = [\"voice.example\"]\n[client]\nproxies = [\"127.0.0.0/8\"]\n\
    header = \"X-Forwarded-For\"\n";

struct Proxy(Child);

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// `None`, with a message, where the program is not installed or the system allows too few sockets.
#[allow(clippy::print_stderr)]
fn program(name: &str) -> Option<String> {
    let sh = |script: &str| {
        let output = Command::new("sh").arg("-c").arg(script).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    let files = sh("ulimit -n");
    if files.parse::<usize>().is_ok_and(|files| files < 4096) {
        eprintln!("SKIPPED: `ulimit -n` is {files}, and 4096 are needed");
        return None;
    }
    let found = sh(&format!("PATH=\"$PATH:/usr/sbin\" command -v {name}"));
    if found.is_empty() {
        eprintln!("SKIPPED: {name} is not installed (apt-get install {name})");
        return None;
    }
    Some(found)
}

fn free() -> SocketAddr {
    let ip = IpAddr::from(Ipv4Addr::LOCALHOST);
    SocketAddr::new(ip, free_port::choose(ip).unwrap())
}

/// Serves a route that waits until the test lets it go on, and one that does not.
fn serve() -> (SocketAddr, ServerStats, Arc<Semaphore>) {
    let go_on = Arc::new(Semaphore::new(0));
    let waiting = Arc::clone(&go_on);
    let wait = move || {
        let waiting = Arc::clone(&waiting);
        async move {
            drop(waiting.acquire().await);
            "waited"
        }
    };
    let routes = Routes::new().get("/wait", Rule::public(), wait).get(
        "/quick",
        Rule::public(),
        async || "quick",
    );
    let config = Config::parse(FILE).unwrap();
    let app = config.assemble().unwrap().shield.protect(routes).unwrap();
    let server = Server::builder().listen("127.0.0.1:0".parse().unwrap());
    let server = config.configure(server).unwrap().build().unwrap();
    let (address, stats) = (server.local_addr(), server.stats());
    tokio::spawn(server.serve(app.into_inner(), std::future::pending()));
    (address, stats, go_on)
}

async fn send(front: SocketAddr, path: &str) -> TcpStream {
    let mut socket = TcpStream::connect(front).await.unwrap();
    let request =
        format!("GET {path} HTTP/1.1\r\nHost: voice.example\r\nConnection: close\r\n\r\n");
    socket.write_all(request.as_bytes()).await.unwrap();
    socket
}

async fn response(mut socket: TcpStream) -> String {
    let mut response = String::new();
    socket.read_to_string(&mut response).await.unwrap();
    response
}

async fn until(what: &str, condition: impl Fn() -> bool) {
    let mut looks = tokio::time::interval(Duration::from_millis(5));
    let come_true = async {
        while !condition() {
            looks.tick().await;
        }
    };
    let limit = Duration::from_secs(60);
    tokio::time::timeout(limit, come_true)
        .await
        .unwrap_or_else(|_| panic!("never: {what}"));
}

async fn start(mut command: Command, front: SocketAddr) -> Proxy {
    let quiet = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let mut proxy = Proxy(quiet.spawn().unwrap());
    let mut looks = tokio::time::interval(Duration::from_millis(10));
    for _ in 0..1000 {
        if let Some(status) = proxy.0.try_wait().unwrap() {
            panic!("the proxy ended: {status}");
        }
        if TcpStream::connect(front).await.is_ok() {
            return proxy;
        }
        looks.tick().await;
    }
    panic!("the proxy does not listen");
}

/// Holds more requests in flight than one address may have connections, and sends another.
async fn check(front: SocketAddr, stats: &ServerStats, go_on: &Semaphore) {
    let mut waiting = Vec::new();
    for _ in 0..IN_FLIGHT {
        waiting.push(send(front, "/wait").await);
    }
    until("all are in flight", || stats.open() >= IN_FLIGHT).await;
    let another = response(send(front, "/quick").await).await;
    assert!(
        another.starts_with("HTTP/1.1 200") && another.ends_with("quick"),
        "{another}"
    );
    go_on.add_permits(1);
    for socket in waiting {
        let response = response(socket).await;
        assert!(response.starts_with("HTTP/1.1 200"), "{response}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn six_hundred_requests_in_flight_behind_nginx_do_not_block_another() {
    let Some(nginx) = program("nginx") else {
        return;
    };
    let (service, stats, go_on) = serve();
    let (front, folder) = (free(), tempfile::tempdir().unwrap());
    let here = folder.path().display();
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|what| format!("{what}_temp_path {here}/{what};"))
        .join(" ");
    let file = write(
        folder.path(),
        &format!(
            "pid {here}/pid; error_log {here}/error.log; events {{ worker_connections 4096; }}\n\
            http {{ access_log off; {temporary} server {{ listen {front}; location / {{\n\
            proxy_pass http://{service}; proxy_http_version 1.1; proxy_set_header Host $host;\n\
            proxy_set_header X-Forwarded-For $remote_addr; proxy_set_header X-Forwarded-Proto https;\n\
            }} }} }}\n"
        ),
    );
    let mut command = Command::new(nginx);
    command
        .args(["-g", "daemon off; master_process off;", "-p"])
        .arg(folder.path())
        .arg("-c")
        .arg(file);
    let _proxy = start(command, front).await;
    check(front, &stats, &go_on).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn six_hundred_requests_in_flight_behind_haproxy_do_not_block_another() {
    let Some(haproxy) = program("haproxy") else {
        return;
    };
    let (service, stats, go_on) = serve();
    let (front, folder) = (free(), tempfile::tempdir().unwrap());
    let file = write(
        folder.path(),
        &format!(
            "global\n  maxconn 2000\ndefaults\n  mode http\n  timeout connect 60s\n  timeout client 120s\n\
            \x20 timeout server 120s\n  option forwardfor\nfrontend front\n  bind {front}\n\
            \x20 http-request set-header X-Forwarded-Proto https\n  default_backend service\n\
            backend service\n  server one {service}\n"
        ),
    );
    let mut command = Command::new(haproxy);
    command.arg("-db").arg("-f").arg(file);
    let _proxy = start(command, front).await;
    check(front, &stats, &go_on).await;
}

fn write(folder: &Path, text: &str) -> std::path::PathBuf {
    let path = folder.join("proxy.conf");
    fs::write(&path, text).unwrap();
    path
}
