//! Chunks, trailers, and bodies where few expect them.

use super::{
    Outcome::{One, Refused},
    SECOND, Shape, post, shape,
};

/// Lines before and after the data of a chunk.
pub(super) fn chunks() -> Vec<Shape> {
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
pub(super) fn trailers() -> Vec<Shape> {
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

/// Bodies where few expect them.
pub(super) fn bodies_of_other_methods() -> Vec<Shape> {
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
