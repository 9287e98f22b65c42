//! nginx in front, as it comes and as it should be.

use std::{
    fs,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::Path,
    process::{Child, Command, Stdio},
};

use palisade_core::{GuardLayer, Layer};
use palisade_transport::{ClientInfoLayer, ForwardedHeader, TrustedProxies};
use tokio::{
    io::AsyncWriteExt,
    net::{TcpSocket, TcpStream},
};

use crate::support::{Door, app, bind, eventually, read_all, start, start_with, within};

/// A proxy of our own, ended with the test.
struct Nginx {
    process: Child,
    address: SocketAddr,
    _folder: tempfile::TempDir,
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// `None`, with a message, where nginx is not installed; a failure where it must be.
#[allow(clippy::disallowed_methods)] // Whether this is CI is the environment's to say.
fn nginx(upstream: SocketAddr, location: &str) -> Option<Nginx> {
    let path = ["/usr/sbin/nginx", "/usr/bin/nginx", "/usr/local/bin/nginx"]
        .into_iter()
        .find(|path| Path::new(path).exists());
    let Some(path) = path else {
        assert!(
            std::env::var("CI").as_deref() != Ok("true"),
            "nginx is not installed"
        );
        eprintln!("SKIPPED: nginx is not installed (apt-get install nginx-light)");
        return None;
    };
    let folder = tempfile::tempdir().unwrap();
    let ip = IpAddr::from(Ipv4Addr::LOCALHOST);
    let address = SocketAddr::new(ip, palisade_internal::free_port::choose(ip).unwrap());
    let here = folder.path().display();
    let configuration = format!(
        "daemon off; master_process off; worker_processes 1; worker_rlimit_nofile 4096; error_log {here}/error.log; pid {here}/pid;
         events {{ worker_connections 2048; }}
         http {{
             access_log off;
             client_body_temp_path {here}/b; proxy_temp_path {here}/p; fastcgi_temp_path {here}/f;
             uwsgi_temp_path {here}/u; scgi_temp_path {here}/s;
             server {{ listen {address}; location / {{ proxy_pass http://{upstream}; {location} }} }}
         }}"
    );
    let file = folder.path().join("nginx.conf");
    fs::write(&file, configuration).unwrap();
    let process = Command::new(path)
        .arg("-p")
        .arg(folder.path())
        .arg("-c")
        .arg(&file)
        .arg("-e")
        .arg(folder.path().join("error.log"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    Some(Nginx {
        process,
        address,
        _folder: folder,
    })
}

/// Asks through nginx from 127.0.0.2, and returns who the client is said to be. Only 127.0.0.1,
/// where nginx calls from, is a proxy.
async fn asked(layer: ClientInfoLayer, location: &str) -> Option<String> {
    let service = GuardLayer(layer).layer(app(Door::default()));
    let running = start_with(bind(), service);
    let proxy = nginx(running.address, location)?;
    let address = proxy.address;
    eventually("nginx listens", || {
        std::net::TcpStream::connect(address).is_ok()
    })
    .await;
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(([127, 0, 0, 2], 0).into()).unwrap();
    let mut socket = within(socket.connect(address)).await.unwrap();
    let request = format!("GET /client HTTP/1.1\r\nhost: a\r\n{SPOOF}connection: close\r\n\r\n");
    socket.write_all(request.as_bytes()).await.unwrap();
    let response = read_all(&mut socket).await;
    assert!(response.starts_with("HTTP/1.1 200"), "{response}");
    response.lines().last().map(str::to_owned)
}

const SPOOF: &str = "x-forwarded-for: 198.51.100.66\r\nforwarded: for=198.51.100.66;proto=https\r\n\
                     x-real-ip: 198.51.100.66\r\nx-forwarded-proto: https\r\n";

fn behind(header: ForwardedHeader) -> ClientInfoLayer {
    ClientInfoLayer::behind(TrustedProxies::parse("127.0.0.1").unwrap(), header)
}

#[tokio::test]
async fn nginx_that_appends_names_the_right_client() {
    let append = "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; \
                  proxy_set_header X-Forwarded-Proto $scheme;";
    let asked = asked(behind(ForwardedHeader::XForwardedFor), append).await;
    assert_eq!(asked.unwrap_or(RIGHT.to_owned()), RIGHT);
}

#[tokio::test]
async fn nginx_that_overwrites_names_the_right_client() {
    let overwrite = "proxy_set_header X-Real-IP $remote_addr; \
                     proxy_set_header X-Forwarded-Proto $scheme;";
    let layer = behind(ForwardedHeader::named("X-Real-IP").unwrap());
    assert_eq!(
        asked(layer, overwrite).await.unwrap_or(RIGHT.to_owned()),
        RIGHT
    );
}

#[tokio::test]
async fn nginx_that_writes_forwarded_names_the_right_client() {
    let forwarded =
        "proxy_set_header Forwarded \"$http_forwarded, for=$remote_addr;proto=$scheme\";";
    let asked = asked(behind(ForwardedHeader::Forwarded), forwarded).await;
    assert_eq!(asked.unwrap_or(RIGHT.to_owned()), RIGHT);
}

/// `proxy_pass` alone passes on what the client sent, and names no client. A stack that is recorded of no proxy
/// takes nginx for the client; it never takes the client's word.
#[tokio::test]
async fn nginx_as_it_comes_makes_no_one_believe_a_spoofed_header() {
    let asked = asked(ClientInfoLayer::direct(), "").await;
    assert_eq!(asked.unwrap_or(PROXY.to_owned()), PROXY);
}

/// All clients of nginx come from its address. Counted by it, all but 512 would get a 502.
#[tokio::test]
async fn six_hundred_requests_through_nginx_are_served_at_once() {
    let running = start(bind().trusted_proxies(TrustedProxies::loopback()));
    let Some(proxy) = nginx(running.address, "proxy_set_header Host $host;") else {
        return;
    };
    eventually("nginx listens", || {
        std::net::TcpStream::connect(proxy.address).is_ok()
    })
    .await;
    let mut sockets = Vec::new();
    for _ in 0..600 {
        let mut socket = within(TcpStream::connect(proxy.address)).await.unwrap();
        let request = b"GET /wait HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n";
        socket.write_all(request).await.unwrap();
        sockets.push(socket);
    }
    running.waiting(600).await;
    running.door.notify_waiters();
    for mut socket in sockets {
        let response = read_all(&mut socket).await;
        assert!(response.starts_with("HTTP/1.1 200"), "{response}");
    }
}

const RIGHT: &str = "127.0.0.2 http";
const PROXY: &str = "127.0.0.1 http";
