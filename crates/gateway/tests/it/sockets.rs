//! Clients that take as many sockets as there are: files can still be opened, and no server is turned off.

use std::{net::SocketAddr, process::Command, sync::Arc};

use palisade_internal::open_sockets::set_descriptor_limit;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::watch,
};
use tokio_rustls::client::TlsStream;

use crate::{
    client::{Running, start, status},
    upstream::{OK, field, read_request},
};

/// Responds when it is told to. Returns its address, what tells it, and the number of requests that it got.
async fn slow_upstream() -> (SocketAddr, watch::Sender<bool>, watch::Receiver<usize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (sender, responds) = watch::channel(false);
    let (got, number) = watch::channel(0);
    let got = Arc::new(got);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let (mut responds, got) = (responds.clone(), Arc::clone(&got));
            tokio::spawn(async move {
                read_request(&mut stream).await;
                got.send_modify(|number| *number += 1);
                let _ = responds.wait_for(|responds| *responds).await;
                stream.write_all(OK.as_bytes()).await.unwrap();
            });
        }
    });
    (address, sender, number)
}

/// Sends a request, and leaves the connection open.
async fn send(gateway: &Running, stream: &mut TlsStream<TcpStream>) {
    let host = gateway.address.port();
    let request = format!("GET /open HTTP/1.1\r\nHost: localhost:{host}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
}

/// Reads a response with its body.
async fn read(stream: &mut TlsStream<TcpStream>) -> String {
    let mut response = String::new();
    while !is_whole(&response) {
        let mut buffer = [0; 4096];
        let read = stream.read(&mut buffer).await.unwrap();
        assert!(read > 0, "{response}");
        response += std::str::from_utf8(&buffer[..read]).unwrap();
    }
    response
}

fn is_whole(response: &str) -> bool {
    response.split_once("\r\n\r\n").is_some_and(|(head, body)| {
        let length = field(head, "content-length").unwrap();
        body.len() == length.parse::<usize>().unwrap()
    })
}

#[tokio::test]
#[ignore = "started by another test, in a process of its own"]
async fn with_few_sockets() {
    let (address, responds, mut at_upstream) = slow_upstream().await;
    let gateway = start(address, |start| start.public("/open")).await;
    // Each request has two sockets, and seven are allowed: the fourth finds none for the upstream.
    let mut open = Vec::new();
    for _ in 0..3 {
        let mut stream = gateway.connect().await;
        send(&gateway, &mut stream).await;
        at_upstream.changed().await.unwrap();
        open.push(stream);
        // After the server began, which sets the limit of the system.
        set_descriptor_limit(8);
    }
    let mut last = gateway.connect().await;
    send(&gateway, &mut last).await;
    let refused = read(&mut last).await;
    assert_eq!(status(&refused), 503, "{refused}");
    for _ in 0..4 {
        send(&gateway, &mut last).await;
        assert_eq!(status(&read(&mut last).await), 503);
    }
    responds.send_replace(true);
    for mut stream in open {
        assert_eq!(status(&read(&mut stream).await), 200);
    }
    // The breaker of the server did not open. Sockets that are being closed do not matter here.
    set_descriptor_limit(1_000_000);
    send(&gateway, &mut last).await;
    assert_eq!(status(&read(&mut last).await), 200);
}

/// In another process: the number of sockets is that of a whole process.
#[test]
fn clients_that_take_all_sockets_turn_off_no_server() {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--ignored", "sockets::with_few_sockets"])
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}");
    assert!(text.contains("1 passed"), "{text}");
}
