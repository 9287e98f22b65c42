//! The same over HTTP/2: lengths and fields that would mean something in the HTTP/1.1 of the upstream.
//!
//! The frames are written by hand, since no client library sends such requests.

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::{PATIENCE, gateway, upstreams::Recorder};
use crate::client::Running;

/// Types of frames (RFC 9113 section 6).
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
/// The last frame of a stream.
const END_STREAM: u8 = 1;
/// The last frame of a head.
const END_HEADERS: u8 = 4;

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut frame = length[1..].to_vec();
    frame.extend([kind, flags]);
    frame.extend(stream.to_be_bytes());
    frame.extend(payload);
    frame
}

/// A field as a literal without Huffman code (RFC 7541 section 6.2.2). Both parts are shorter than 127.
fn field(name: &str, value: &str) -> Vec<u8> {
    let mut bytes = vec![0];
    for part in [name, value] {
        bytes.push(u8::try_from(part.len()).unwrap());
        bytes.extend(part.as_bytes());
    }
    bytes
}

/// Sends one request, and returns its status. `None`: the stream or the connection was ended.
async fn send(gateway: &Running, fields: &[(&str, &str)], body: &str) -> Option<u16> {
    let mut stream = gateway.connect_http2().await;
    let head: Vec<u8> = fields
        .iter()
        .flat_map(|(name, value)| field(name, value))
        .collect();
    let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
    bytes.extend(frame(SETTINGS, 0, 0, &[]));
    bytes.extend(frame(HEADERS, END_HEADERS, 1, &head));
    bytes.extend(frame(DATA, END_STREAM, 1, body.as_bytes()));
    let _ = stream.write_all(&bytes).await;
    let response = async {
        let mut status = None;
        loop {
            let mut head = [0; 9];
            stream.read_exact(&mut head).await.ok()?;
            let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
            let mut payload = vec![0; length as usize];
            stream.read_exact(&mut payload).await.ok()?;
            match (head[3], head[4] & END_STREAM) {
                (GOAWAY | RST_STREAM, _) => return None,
                (HEADERS, end) => {
                    status = status.or_else(|| read_status(&payload));
                    if end == END_STREAM {
                        return status;
                    }
                }
                (DATA, END_STREAM) => return status,
                _ => {}
            }
        }
    };
    tokio::time::timeout(PATIENCE, response)
        .await
        .expect("the gateway responds or ends the stream")
}

/// The status at the begin of a head: an index of the static table, or a literal of three digits.
fn read_status(block: &[u8]) -> Option<u16> {
    match block {
        [0x88, ..] => Some(200),
        [0x8c, ..] => Some(400),
        [0x8d, ..] => Some(404),
        [_, 3, digits @ ..] => std::str::from_utf8(digits.get(..3)?).ok()?.parse().ok(),
        _ => Some(0),
    }
}

/// Sends each shape. No response may be that of the upstream, and the upstream sees nothing.
async fn check(recorder: &Recorder) {
    const SECOND: &str = "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n";
    let gateway = gateway(recorder).await;
    let authority = format!("localhost:{}", gateway.address.port());
    let plain: [(&str, &str); 4] = [
        (":method", "POST"),
        (":scheme", "https"),
        (":authority", &authority),
        (":path", "/case"),
    ];
    let status = send(&gateway, &plain, "abcde").await;
    assert_eq!(status, Some(200), "an ordinary request passes");
    assert_eq!(recorder.seen(), ["POST /case 5"]);
    let second = format!("/case HTTP/1.1\r\nHost: x\r\n\r\n{SECOND}");
    let foreign = format!("x@{authority}");
    for (replaced, added, body) in [
        (None, vec![("content-length", "0")], SECOND),
        (None, vec![("content-length", "99")], SECOND),
        (
            None,
            vec![("content-length", "5"), ("content-length", "6")],
            "abcde",
        ),
        (None, vec![("content-length", "+5")], "abcde"),
        (None, vec![("transfer-encoding", "chunked")], SECOND),
        (None, vec![("transfer-encoding", "identity")], SECOND),
        (None, vec![("connection", "close")], SECOND),
        (None, vec![("x", "y\r\ntransfer-encoding: chunked")], SECOND),
        (None, vec![("x", "y\ntransfer-encoding: chunked")], SECOND),
        (None, vec![("x", "y\0")], SECOND),
        (None, vec![("x: y\r\ntransfer-encoding", "chunked")], SECOND),
        (None, vec![("transfer-encoding ", "chunked")], SECOND),
        (None, vec![("Transfer-Encoding", "chunked")], SECOND),
        (None, vec![("", "x")], SECOND),
        (None, vec![("te", "chunked")], SECOND),
        (None, vec![(":path", "/other")], SECOND),
        (None, vec![("host", "other.example")], SECOND),
        (Some((":path", second.as_str())), vec![], ""),
        (Some((":path", "/case HTTP/1.1")), vec![], ""),
        (Some((":path", "")), vec![], ""),
        (Some((":path", "case")), vec![], ""),
        (
            Some((":method", "GET /smuggled HTTP/1.1\r\nX:")),
            vec![],
            "",
        ),
        (Some((":method", "GET /smuggled")), vec![], ""),
        (Some((":authority", foreign.as_str())), vec![], ""),
        (Some((":authority", "other.example")), vec![], ""),
        (Some((":scheme", "https://x/smuggled?")), vec![], ""),
    ] {
        let replace = |(name, value)| match replaced {
            Some((other, new)) if other == name => (name, new),
            _ => (name, value),
        };
        let fields: Vec<_> = plain.into_iter().map(replace).chain(added).collect();
        let status = send(&gateway, &fields, body).await;
        assert_ne!(status, Some(200), "{fields:?}");
        let seen = recorder.seen();
        let of_shape = seen.iter().filter(|line| !line.contains("/other"));
        assert_eq!(of_shape.count(), 1, "{fields:?}: {seen:?}");
        let other = gateway.get("/other").await;
        assert!(other.contains("GET /other 0"), "{fields:?}: {other}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_shape_of_http2_becomes_two_requests() {
    check(&Recorder::hyper().await).await;
}
