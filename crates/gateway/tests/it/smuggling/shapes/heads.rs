//! Request lines, fields, and switches to another protocol.

use super::{
    Outcome::{One, Refused},
    SECOND, Shape, shape,
};

/// Request lines, and the ends of lines.
pub(super) fn lines() -> Vec<Shape> {
    let get = |line: &str| format!("{line}\r\nHOST\r\n{SECOND}");
    let mut all = Vec::new();
    for line in [
        "GET CASE HTTP/1.1 HTTP/1.1",
        "GET CASE\0 HTTP/1.1",
        "GET CASE\tHTTP/1.1",
        "GET  CASE HTTP/1.1",
        "GET CASE  HTTP/1.1",
        "GET CASE http/1.1",
        "GET CASE HTTP/1.2",
        "GET CASE HTTP/11",
        "GET CASE HTTP/2.0",
        "GET CASE",
        "G\0ET CASE HTTP/1.1",
        " GET CASE HTTP/1.1",
        "GET CASE\r HTTP/1.1",
    ] {
        all.push(shape(format!("line {line:?}"), get(line), Refused(400)));
    }
    for (name, lines) in [
        ("a field without a colon", "X-No-Colon"),
        ("an empty name", ": y"),
        ("a NUL in a value", "X: a\0b"),
        ("a CR in a value", "X: a\rb"),
        ("a folded field", "X: a\r\n b"),
        ("a blank line of blanks", " \r\nX: y"),
        ("a blank before the colon", "X : y"),
        ("two hosts", "Host: other.example"),
        ("a host in a folded line", "X: y\r\n Host: other.example"),
    ] {
        let bytes = format!("GET CASE HTTP/1.1\r\nHOST{lines}\r\n\r\n{SECOND}");
        all.push(shape(name, bytes, Refused(400)));
    }
    let bytes = format!("GET CASE HTTP/1.1\r\nHOST\r\n{SECOND}").replace("\r\n", "\n");
    all.push(shape("LF alone everywhere", bytes, One(0)));
    all
}

/// Requests to speak another protocol, which the upstream does not accept.
pub(super) fn switches() -> Vec<Shape> {
    let get = |lines: &str| {
        format!("GET CASE HTTP/1.1\r\nHost: LOCAL\r\n{lines}\r\n\r\n{SECOND}\r\n\r\n")
    };
    let handshake = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
    vec![
        shape("a WebSocket that is not accepted", get(handshake), One(0)),
        shape(
            "a WebSocket of another version",
            get(&handshake.replace(": 13", ": 777")),
            Refused(426),
        ),
        shape(
            "a WebSocket without a key",
            get("Connection: Upgrade, close\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13"),
            Refused(400),
        ),
        shape(
            "a WebSocket with a body",
            get(&format!("{handshake}\r\nContent-Length: 5")),
            Refused(400),
        ),
        shape(
            "HTTP/2 in clear",
            get(
                "Connection: Upgrade, HTTP2-Settings, close\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAA",
            ),
            One(0),
        ),
        shape(
            "an unknown protocol",
            get("Connection: Upgrade, close\r\nUpgrade: other/1"),
            One(0),
        ),
        shape(
            "CONNECT",
            format!("CONNECT LOCAL HTTP/1.1\r\nHost: LOCAL\r\n\r\n{SECOND}\r\n\r\n"),
            Refused(404),
        ),
        shape(
            "CONNECT with a body",
            format!(
                "CONNECT LOCAL HTTP/1.1\r\nHost: LOCAL\r\nContent-Length: {}\r\n\r\n{SECOND}\r\n\r\n",
                SECOND.len() + 4
            ),
            Refused(404),
        ),
        shape(
            "TRACE with a body",
            format!("TRACE CASE HTTP/1.1\r\nHOSTContent-Length: 5\r\n\r\nabcde{SECOND}"),
            Refused(405),
        ),
    ]
}
