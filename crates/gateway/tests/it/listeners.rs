//! Several listeners in the file: two addresses with TLS, and a Unix socket for a proxy.

use std::os::unix::fs::PermissionsExt as _;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::UnixStream,
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
