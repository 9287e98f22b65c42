//! Listeners in the file: several addresses, a Unix socket for a proxy, and `http` alone.

use std::os::unix::fs::PermissionsExt as _;

use palisade_gateway::{Gateway, Settings};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpStream, UnixStream},
};

use crate::{
    client::{start_file, status},
    upstream::{OK, answering},
};

/// A proxy of the same machine ends TLS, and sends the address of its client.
#[tokio::test]
async fn a_proxy_reaches_the_gateway_by_a_unix_socket_and_clients_by_an_address() {
    let upstream = answering(OK).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("http.sock");
    let file = format!(
        "[server]\nhosts = ['localhost:*', 'localhost']\nhttps = ['127.0.0.1:0', '[::1]:0']\n\
         http = 'unix:http.sock'\nunix_mode = '0660'\n\
         [client]\nproxies = ['127.0.0.1']\nheader = 'X-Forwarded-For'\n\
         [[routes]]\npath = '/'\naccess = 'public'\n[[upstreams]]\nurl = 'http://{}'\n",
        upstream.address
    );
    let gateway = start_file(folder, &file).await;
    assert_eq!(status(&gateway.get("/").await), 200);
    let mode = std::fs::metadata(&path).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o660);
    for (scheme, expected) in [("https", 200), ("http", 403)] {
        let mut socket = UnixStream::connect(&path).await.unwrap();
        let request = format!(
            "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
             X-Forwarded-For: 203.0.113.7\r\nX-Forwarded-Proto: {scheme}\r\n\r\n"
        );
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut response = String::new();
        socket.read_to_string(&mut response).await.unwrap();
        assert_eq!(status(&response), expected, "{response}");
    }
}

/// Another program orders the certificate, and writes responses for the authority into a folder.
#[tokio::test]
async fn challenges_of_another_program_are_served_from_the_folder_of_the_file() {
    let upstream = answering(OK).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("http.sock");
    let challenges = folder.path().join("www/.well-known/acme-challenge");
    std::fs::create_dir_all(&challenges).unwrap();
    let token = "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ";
    std::fs::write(challenges.join(token), format!("{token}.thumbprint")).unwrap();
    let file = format!(
        "[server]\nhosts = ['localhost:*']\nhttps = '127.0.0.1:0'\nhttp = 'unix:http.sock'\n\
         acme_webroot = 'www'\n[[routes]]\npath = '/'\naccess = 'public'\n\
         [[upstreams]]\nurl = 'http://{}'\n",
        upstream.address
    );
    let _gateway = start_file(folder, &file).await;
    for (name, expected) in [(token, 200), ("evaGxfADs6pSRb2LAv9IZf17Dt3juxGK", 404)] {
        let mut socket = UnixStream::connect(&path).await.unwrap();
        let request = format!(
            "GET /.well-known/acme-challenge/{name} HTTP/1.1\r\nHost: other.example\r\n\
             Connection: close\r\n\r\n"
        );
        socket.write_all(request.as_bytes()).await.unwrap();
        let mut response = String::new();
        socket.read_to_string(&mut response).await.unwrap();
        assert_eq!(status(&response), expected, "{response}");
        assert_eq!(response.ends_with(".thumbprint"), expected == 200);
    }
}

/// Starts a gateway whose file names `http` alone, and sends one request there with these headers.
/// Returns the response and what the operator sees.
async fn without_tls(section: &str, headers: &str) -> (String, String) {
    let upstream = answering(OK).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("gateway.toml");
    let file = format!(
        "[server]\nhosts = ['localhost:*']\nhttp = '127.0.0.1:0'\n{section}\n\
         [[routes]]\npath = '/'\naccess = 'public'\n[[upstreams]]\nurl = 'http://{}'\n",
        upstream.address
    );
    std::fs::write(&path, file).unwrap();
    let mut gateway = Gateway::prepare(Settings::read(path).unwrap())
        .await
        .unwrap();
    let address = gateway.address();
    let greeting = gateway.greeting(true).unwrap();
    tokio::spawn(gateway.serve(std::future::pending()));
    let mut socket = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "GET / HTTP/1.1\r\nHost: localhost:{}\r\nConnection: close\r\n{headers}\r\n",
        address.port()
    );
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut response = String::new();
    socket.read_to_string(&mut response).await.unwrap();
    assert!(!folder.path().join("tls").exists(), "an authority was made");
    (response, greeting.replace(&address.to_string(), "ADDRESS"))
}

#[tokio::test]
async fn with_http_alone_nothing_has_tls_and_every_client_is_served_where_the_file_says_so() {
    let (response, greeting) = without_tls("dangerously_accept_plain_http = true", "").await;
    assert_eq!(status(&response), 200, "{response}");
    assert!(
        greeting.contains("Address    http://localhost:"),
        "{greeting}"
    );
    assert!(
        greeting.contains("ADDRESS without TLS: others"),
        "{greeting}"
    );
    assert!(!greeting.contains("Authority"), "{greeting}");
}

#[tokio::test]
async fn with_http_alone_behind_a_proxy_only_clients_with_tls_are_served() {
    let proxies = "[client]\nproxies = ['127.0.0.1']\nheader = 'X-Forwarded-For'";
    for (scheme, expected) in [("https", 200), ("http", 403)] {
        let headers = format!("X-Forwarded-For: 203.0.113.7\r\nX-Forwarded-Proto: {scheme}\r\n");
        let (response, greeting) = without_tls(proxies, &headers).await;
        assert_eq!(status(&response), expected, "{response}");
        assert!(
            greeting.contains("Address    https://localhost/"),
            "{greeting}"
        );
        assert!(
            greeting.contains("ADDRESS without TLS, for proxies in front"),
            "{greeting}"
        );
    }
}
