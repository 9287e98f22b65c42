//! Requests that two servers may read differently, each with a second request inside.
//!
//! The families are those of public test suites for request smuggling; the bytes are written here anew.

/// A second request that must never be one. It begins where another reading of the first one ends.
pub(super) const SECOND: &str = "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n";

/// What may become of a shape.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Outcome {
    /// The gateway responds with this status, and the upstream sees nothing.
    Refused(u16),
    /// The upstream sees one request with a body of this length.
    One(usize),
}

use Outcome::{One, Refused};

/// A request as bytes. `CASE` stands for its path, `HOST` for the line with the host and
/// `Connection: close`.
pub(super) struct Shape {
    pub(super) name: String,
    pub(super) bytes: String,
    pub(super) outcome: Outcome,
}

fn shape(name: impl Into<String>, bytes: impl Into<String>, outcome: Outcome) -> Shape {
    let (name, bytes) = (name.into(), bytes.into());
    Shape {
        name,
        bytes,
        outcome,
    }
}

/// A `POST` with these lines beside the host, and this after the head.
fn post(lines: &str, rest: &str) -> String {
    format!("POST CASE HTTP/1.1\r\nHOST{lines}\r\n\r\n{rest}")
}

/// All shapes.
pub(super) fn all() -> Vec<Shape> {
    let families = [
        two_lengths(),
        codings(),
        names_of_the_coding(),
        lengths(),
        chunks(),
        trailers(),
        lines(),
        switches(),
        bodies_of_other_methods(),
    ];
    families.into_iter().flatten().collect()
}

/// `Content-Length` and `Transfer-Encoding` in one head (RFC 9112 section 6.3, item 3).
fn two_lengths() -> Vec<Shape> {
    let empty = format!("0\r\n\r\n{SECOND}");
    let inside = format!("{:x}\r\n{SECOND}\r\n0\r\n\r\n", SECOND.len());
    let short = "Content-Length: 4\r\nTransfer-Encoding: chunked";
    let long = format!(
        "Content-Length: {}\r\nTransfer-Encoding: chunked",
        empty.len()
    );
    let turned = format!(
        "Transfer-Encoding: chunked\r\nContent-Length: {}",
        empty.len()
    );
    vec![
        shape("CL.TE", post(&long, &empty), Refused(400)),
        shape(
            "CL.TE, the coding first",
            post(&turned, &empty),
            Refused(400),
        ),
        shape("TE.CL", post(short, &inside), Refused(400)),
        shape(
            "CL of zero and TE",
            post("Content-Length: 0\r\nTransfer-Encoding: chunked", &empty),
            Refused(400),
        ),
        shape(
            "both, and an unknown coding",
            post("Content-Length: 4\r\nTransfer-Encoding: x", &inside),
            Refused(400),
        ),
        shape(
            "both in HTTP/1.0",
            post(&long, &empty).replace("HTTP/1.1\r\nHOST", "HTTP/1.0\r\nHOST"),
            Refused(400),
        ),
    ]
}

/// Values of `Transfer-Encoding` that are not `chunked` once, alone and last.
fn codings() -> Vec<Shape> {
    let rest = format!("0\r\n\r\n{SECOND}");
    let refused = [
        "x",
        "",
        "\"chunked\"",
        "chunked;q=1",
        "chunked, identity",
        "chunked, gzip",
        "identity",
        "chun ked",
        "chunked\u{b}",
        "\u{b}chunked",
        "chunked\0",
        "chun\u{212a}ed",
        "chunked x",
        "'chunked'",
        "chunkedchunked",
    ];
    let doubled = [
        "chunked\r\nTransfer-Encoding: identity",
        "chunked\r\nTransfer-Encoding: x",
        "chunked\r\n\tidentity",
    ];
    let all = refused.into_iter().chain(doubled);
    let mut all: Vec<_> = all
        .map(|value| {
            let name = format!("coding {value:?}");
            let lines = format!("Transfer-Encoding: {value}");
            shape(name, post(&lines, &rest), Refused(400))
        })
        .collect();
    for value in ["Chunked", "CHUNKED", "\tchunked", "chunked \t"] {
        let lines = format!("Transfer-Encoding: {value}");
        all.push(shape(
            format!("coding {value:?}"),
            post(&lines, &rest),
            One(0),
        ));
    }
    all.push(shape(
        "chunks in HTTP/1.0",
        post("Transfer-Encoding: chunked", &rest).replace("HTTP/1.1\r\nHOST", "HTTP/1.0\r\nHOST"),
        Refused(400),
    ));
    all
}

/// Names that some servers take for `Transfer-Encoding`.
fn names_of_the_coding() -> Vec<Shape> {
    let rest = format!("0\r\n\r\n{SECOND}");
    let length = format!("Content-Length: {}\r\n", rest.len());
    let refused = [
        "Transfer-Encoding : chunked",
        "Transfer-Encoding\t: chunked",
        "Transfer-Encoding\0: chunked",
        "\0Transfer-Encoding: chunked",
        "\u{7f}Transfer-Encoding: chunked",
        "Transfer-Encoding\r\n: chunked",
        "Transfer-\r\n Encoding: chunked",
        "X: y\r\n Transfer-Encoding: chunked",
        "X: y\r\n\tTransfer-Encoding: chunked",
        "X: y\rTransfer-Encoding: chunked",
        "Transfer Encoding: chunked",
        "\"Transfer-Encoding\": chunked",
        "X: y\nTransfer-Encoding: chunked",
    ];
    let mut all: Vec<_> = refused
        .into_iter()
        .map(|line| {
            let lines = format!("{length}{line}");
            shape(format!("name {line:?}"), post(&lines, &rest), Refused(400))
        })
        .collect();
    // Another name: the length counts, and the field is not passed on.
    for line in ["Transfer_Encoding: chunked", "X-Transfer-Encoding: chunked"] {
        let lines = format!("{length}{line}");
        let whole = One(rest.len());
        all.push(shape(format!("name {line:?}"), post(&lines, &rest), whole));
    }
    all
}

/// Lengths that are not one decimal number.
fn lengths() -> Vec<Shape> {
    let values = [
        "+5",
        "-5",
        "-0",
        "0x5",
        "5;",
        "5,5",
        "5, 6",
        "1e1",
        "5.0",
        "",
        "5 5",
        "0 5",
        "\u{b}5",
        "18446744073709551621",
        "5\r\nContent-Length: 6",
        "5\r\n\t0",
    ];
    let mut all: Vec<_> = values
        .into_iter()
        .map(|value| {
            let lines = format!("Content-Length: {value}");
            let rest = format!("abcde{SECOND}");
            shape(
                format!("length {value:?}"),
                post(&lines, &rest),
                Refused(400),
            )
        })
        .collect();
    for (value, length) in [("5", 5), ("05", 5), (" 5 ", 5), ("0", 0)] {
        let lines = format!("Content-Length: {value}");
        let rest = format!("abcde{SECOND}");
        all.push(shape(
            format!("length {value:?}"),
            post(&lines, &rest),
            One(length),
        ));
    }
    all
}

/// Lines before and after the data of a chunk.
fn chunks() -> Vec<Shape> {
    let chunked = |rest: String| post("Transfer-Encoding: chunked", &rest);
    let refused = [
        "0x5\r\nabcde\r\n0\r\n\r\n",
        "+5\r\nabcde\r\n0\r\n\r\n",
        "-5\r\nabcde\r\n0\r\n\r\n",
        "\r\nabcde\r\n0\r\n\r\n",
        "5_0\r\nabcde\r\n0\r\n\r\n",
        "g\r\nabcde\r\n0\r\n\r\n",
        "5\r\nabcdeX\r\n0\r\n\r\n",
        "5\r\nabcde0\r\n\r\n",
        "5\nabcde\n0\n\n",
        "5\rabcde\r\n0\r\n\r\n",
        "5\r\nabcde\n0\r\n\r\n",
        "10000000000000005\r\nabcde\r\n0\r\n\r\n",
        "5;a\nb\r\nabcde\r\n0\r\n\r\n",
    ];
    let mut all: Vec<_> = refused
        .into_iter()
        .map(|body| {
            let name = format!("chunk {body:?}");
            shape(name, chunked(format!("{body}{SECOND}")), Refused(400))
        })
        .collect();
    for body in [
        "5\r\nabcde\r\n0\r\n\r\n",
        "5;a=b\r\nabcde\r\n0;c\r\n\r\n",
        "00000005\r\nabcde\r\n000\r\n\r\n",
        "5 \t\r\nabcde\r\n0\r\n\r\n",
        "2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n",
        // A line ends inside quotes too.
        "5;a=\"\r\nabcde\r\n0\r\n\r\n\"\r\n",
    ] {
        let name = format!("chunk {body:?}");
        all.push(shape(name, chunked(format!("{body}{SECOND}")), One(5)));
    }
    all
}

/// Fields after the last chunk.
fn trailers() -> Vec<Shape> {
    let with = |lines: &str| {
        let rest = format!("5\r\nabcde\r\n0\r\n{lines}\r\n{SECOND}");
        post("Transfer-Encoding: chunked", &rest)
    };
    let mut all = Vec::new();
    for lines in [
        "Content-Length: 99\r\n",
        "Transfer-Encoding: chunked\r\n",
        "Host: other.example\r\n",
        "Authorization: Bearer other\r\n",
        "X-Forwarded-For: 1.2.3.4\r\nX-Palisade-Principal: admin\r\n",
        "Content-Type: text/html\r\n",
    ] {
        all.push(shape(format!("trailer {lines:?}"), with(lines), One(5)));
    }
    for lines in [
        "X: y\n",
        "X: y\r\n Content-Length: 99\r\n",
        "X : y\r\n",
        "X\0: y\r\n",
        "\0",
    ] {
        all.push(shape(
            format!("trailer {lines:?}"),
            with(lines),
            Refused(400),
        ));
    }
    all
}

/// Request lines, and the ends of lines.
fn lines() -> Vec<Shape> {
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
fn switches() -> Vec<Shape> {
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

/// Bodies where few expect them.
fn bodies_of_other_methods() -> Vec<Shape> {
    let mut all = Vec::new();
    let inner = format!("{SECOND}\r\n\r\n");
    for method in ["GET", "HEAD", "DELETE", "OPTIONS", "PATCH"] {
        let length = format!(
            "{method} CASE HTTP/1.1\r\nHOSTContent-Length: {}\r\n\r\n{inner}",
            inner.len()
        );
        all.push(shape(
            format!("{method} with a length"),
            length,
            One(inner.len()),
        ));
        let chunked = format!(
            "{method} CASE HTTP/1.1\r\nHOSTTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{inner}\r\n0\r\n\r\n",
            inner.len()
        );
        all.push(shape(
            format!("{method} in chunks"),
            chunked,
            One(inner.len()),
        ));
    }
    for name in ["Content-Length", "Transfer-Encoding", "Host"] {
        let bytes = format!(
            "POST CASE HTTP/1.1\r\nHost: LOCAL\r\nConnection: close, {name}\r\nContent-Length: 5\r\n\r\nabcde{SECOND}"
        );
        let outcome = match name {
            "Transfer-Encoding" => One(5),
            _ => Refused(400),
        };
        all.push(shape(format!("Connection names {name}"), bytes, outcome));
    }
    all.push(shape(
        "Expect with a body",
        post(
            &format!("Expect: 100-continue\r\nContent-Length: {}", inner.len()),
            &inner,
        ),
        One(inner.len()),
    ));
    all
}
