//! Compares with hyper itself where requests begin.
//!
//! A request with two lengths comes after every short sequence of line parts. Whatever hyper makes of
//! the sequence, the request must not reach the service: then both found its head at the same byte.

use std::{
    convert::Infallible,
    sync::atomic::{AtomicUsize, Ordering},
};

use http::{Request, Response};
use http_body_util::{BodyExt as _, Empty};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;

use super::RequestFraming;

const CHUNKED: &str = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
const BOTH: &str =
    "POST /both HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
/// How a chunked body begins.
const STARTS: [&str; 5] = ["0\r\n", "0", "0;x", "0 ", "1\r\nA"];
/// What may follow, in every order, up to four of them.
const PARTS: [&str; 7] = [
    "\n",
    "\r",
    "\r\n",
    "A\n",
    "A\r\n",
    "Content-Length: 9999\n",
    "0\r\n",
];

/// Returns how many requests for `/both` hyper passes on.
async fn served(bytes: &[u8]) -> usize {
    let count = AtomicUsize::new(0);
    let service = service_fn(|request: Request<Incoming>| {
        let is_both = request.uri().path() == "/both";
        count.fetch_add(usize::from(is_both), Ordering::Relaxed);
        async {
            let _ = request.into_body().collect().await;
            Ok::<_, Infallible>(Response::new(Empty::<&[u8]>::new()))
        }
    });
    let socket = TokioIo::new(tokio::io::join(bytes, tokio::io::sink()));
    let _ = http1::Builder::new()
        .serve_connection(socket, service)
        .await;
    count.load(Ordering::Relaxed)
}

/// All sequences of up to `most` parts.
fn sequences(most: u32) -> Vec<String> {
    let mut all = vec![String::new()];
    let mut longest = all.clone();
    for _ in 0..most {
        let longer = |text: &String| PARTS.map(|part| format!("{text}{part}"));
        longest = longest.iter().flat_map(longer).collect();
        all.extend(longest.iter().cloned());
    }
    all
}

#[tokio::test]
async fn after_every_body_a_request_with_two_lengths_is_found_where_hyper_finds_it() {
    let mut found_by_hyper = 0;
    for start in STARTS {
        for sequence in sequences(4) {
            let text = format!("{CHUNKED}{start}{sequence}\r\n\r\n{BOTH}");
            found_by_hyper += served(text.as_bytes()).await;
            let mut watched = text.into_bytes();
            RequestFraming::default().receive(&mut watched);
            assert_eq!(served(&watched).await, 0, "{start:?} {sequence:?}");
        }
    }
    assert!(
        found_by_hyper > 100,
        "{found_by_hyper} reach hyper's service"
    );
}
