//! How a server stops.

use std::time::Duration;

use http::Request;
use http_body_util::Full;
use palisade_transport::server::{Limits, Listener, Server};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::{bind, eventually, http2, read_all, read_response, start, text, within};

const WAIT: &[u8] = b"GET /wait HTTP/1.1\r\nhost: a\r\n\r\n";

#[tokio::test]
async fn open_requests_are_finished_and_new_ones_are_not_taken() {
    let mut running = start(bind().http2_in_clear());
    let mut socket = running.connect().await;
    socket.write_all(WAIT).await.unwrap();
    let mut sender = http2(running.connect().await).await;
    let request = Request::get("http://a/wait").body(Full::default()).unwrap();
    let second = tokio::spawn(sender.send_request(request));
    // A third request shows that the first two are in.
    running
        .talk(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
        .await;
    eventually("two are open", || running.stats.open() == 2).await;

    running.tell_to_stop();
    let address = running.address;
    within(async { while TcpStream::connect(address).await.is_ok() {} }).await;
    running.door.notify_waiters();
    running.door.notify_one();
    running.door.notify_one();
    let response = read_response(&mut socket).await;
    assert!(response.ends_with("waited"), "{response}");
    assert!(response.contains("connection: close"), "{response}");
    assert_eq!(text(within(second).await.unwrap().unwrap()).await, "waited");
    assert_eq!(running.stopped().await.cut, 0);
}

#[tokio::test]
async fn who_does_not_finish_in_time_is_cut() {
    let limits = Limits::default().grace(Duration::from_millis(100));
    let mut running = start(bind().limits(limits));
    let mut socket = running.connect().await;
    socket.write_all(WAIT).await.unwrap();
    eventually("it is open", || running.stats.open() == 1).await;
    // The request must have reached the handler: a connection without one is closed at once.
    let mut probe = running.connect().await;
    probe
        .write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
        .await
        .unwrap();
    read_response(&mut probe).await;
    running.tell_to_stop();
    assert_eq!(running.stopped().await.cut, 1);
    assert_eq!(read_all(&mut socket).await, "");
    assert_eq!(read_all(&mut probe).await, "");
}

#[tokio::test]
async fn connections_that_rest_do_not_hold_a_server_up() {
    let limits = Limits::default().grace(Duration::from_secs(3600));
    let mut running = start(bind().limits(limits).http2_in_clear());
    let silent = running.connect().await;
    let mut rested = running.connect().await;
    rested
        .write_all(b"GET / HTTP/1.1\r\nhost: a\r\n\r\n")
        .await
        .unwrap();
    read_response(&mut rested).await;
    let mut sender = http2(running.connect().await).await;
    let request = Request::get("http://a/").body(Full::default()).unwrap();
    within(sender.send_request(request)).await.unwrap();
    running.tell_to_stop();
    assert_eq!(running.stopped().await.cut, 0);
    drop((silent, rested));
}

#[tokio::test]
async fn a_port_is_free_again_after_the_server() {
    let mut running = start(bind());
    let address = running.address;
    running
        .talk(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
        .await;
    running.tell_to_stop();
    running.stopped().await;
    assert!(Listener::bind(address).is_ok());
}

/// The body of the response is over long before a slow reader has it.
#[tokio::test]
async fn the_end_of_a_response_is_not_cut_by_a_stop() {
    let mut running = start(bind());
    let mut socket = running.connect().await;
    socket
        .write_all(b"GET /large HTTP/1.1\r\nhost: a\r\n\r\n")
        .await
        .unwrap();
    let mut part = vec![0; 512 * 1024];
    let mut seen = within(socket.read(&mut part)).await.unwrap();
    running.tell_to_stop();
    let mut beat = tokio::time::interval(Duration::from_millis(40));
    within(async {
        while let Ok(count @ 1..) = socket.read(&mut part).await {
            seen += count;
            beat.tick().await;
        }
    })
    .await;
    assert!(seen > 32 * 1024 * 1024, "{seen}");
    assert_eq!(running.stopped().await.cut, 0);
}

#[tokio::test]
async fn a_socket_that_was_handed_over_is_served() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let running = start(Server::builder().listener(listener));
    let response = running
        .talk(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
        .await;
    assert!(response.ends_with("hello"), "{response}");
}
