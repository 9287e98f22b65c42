//! Requests with two readings, through the gateway to three servers: none sees two requests for one.

mod http2;
mod shapes;
mod upstreams;

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use self::{
    shapes::{Outcome, Shape},
    upstreams::Recorder,
};
use crate::{
    client::{Running, status},
    transport::before,
};

/// How long the gateway may take to respond and to close the connection.
const PATIENCE: Duration = Duration::from_secs(5);

async fn gateway(recorder: &Recorder) -> Running {
    let keys = format!(
        "url = 'http://{}'\nupgrade = ['websocket']",
        recorder.address
    );
    before(tempfile::tempdir().unwrap(), &keys).await
}

/// Sends a shape and reads until the gateway closes.
async fn send(gateway: &Running, shape: &Shape, path: &str) -> String {
    let local = format!("localhost:{}", gateway.address.port());
    let close = format!("Host: {local}\r\nConnection: close\r\n");
    // In the shape with LF alone the lines of the host have it too.
    let close = match shape.bytes.contains('\r') {
        true => close,
        false => close.replace("\r\n", "\n"),
    };
    let bytes = shape
        .bytes
        .replace("HOST", &close)
        .replace("LOCAL", &local)
        .replace("CASE", path);
    let mut stream = gateway.connect().await;
    let _ = stream.write_all(bytes.as_bytes()).await;
    let mut response = Vec::new();
    let read = stream.read_to_end(&mut response);
    let read = tokio::time::timeout(PATIENCE, read).await;
    if read.is_err() {
        response.extend(b" (the connection stays open)");
    }
    String::from_utf8_lossy(&response).into_owned()
}

/// Sends all shapes, and after each a request of another client, which must get its own response.
async fn check(recorder: &Recorder) {
    let gateway = gateway(recorder).await;
    let mut problems = Vec::new();
    for (number, shape) in shapes::all().iter().enumerate() {
        let path = format!("/case-{number}");
        let response = send(&gateway, shape, &path).await;
        let other = gateway.get(&format!("/other-{number}")).await;
        let of_other = format!("GET /other-{number} 0");
        if !other.contains(&of_other) {
            problems.push(format!("{}: the other client got {other}", shape.name));
        }
        let seen = recorder.seen();
        let of_shape = |line: &&String| line.contains(&format!("{path} "));
        let of_shape: Vec<_> = seen.iter().filter(of_shape).collect();
        let expected = match shape.outcome {
            Outcome::Refused(expected) => {
                if status(&response) != expected {
                    problems.push(format!("{}: {response}", shape.name));
                }
                None
            }
            Outcome::One(length) => Some(length.to_string()),
        };
        let lengths: Vec<_> = of_shape
            .iter()
            .filter_map(|line| line.rsplit(' ').next())
            .collect();
        if lengths != expected.iter().map(String::as_str).collect::<Vec<_>>() {
            problems.push(format!("{}: {of_shape:?} {response}", shape.name));
        }
        if response.ends_with("(the connection stays open)") {
            problems.push(format!("{}: {response}", shape.name));
        }
        let interim = response.matches("HTTP/1.1 100 ").count();
        if response.matches("HTTP/1.1 ").count() - interim > 1 {
            problems.push(format!("{}: two responses: {response}", shape.name));
        }
    }
    let seen = recorder.seen();
    let smuggled = seen.iter().filter(|line| line.contains("smuggled"));
    problems.extend(smuggled.map(|line| format!("smuggled: {line}")));
    assert!(problems.is_empty(), "{}", problems.join("\n\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn hyper_never_sees_two_requests_for_one() {
    check(&Recorder::hyper().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn gunicorn_never_sees_two_requests_for_one() {
    if let Some(recorder) = Recorder::gunicorn().await {
        check(&recorder).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn node_never_sees_two_requests_for_one() {
    if let Some(recorder) = Recorder::node().await {
        check(&recorder).await;
    }
}
