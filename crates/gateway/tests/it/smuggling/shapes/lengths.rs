//! Heads that do not tell clearly how long the body is.

use super::{
    Outcome::{One, Refused},
    SECOND, Shape, post, shape,
};

/// `Content-Length` and `Transfer-Encoding` in one head (RFC 9112 section 6.3, item 3).
pub(super) fn two_lengths() -> Vec<Shape> {
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
pub(super) fn codings() -> Vec<Shape> {
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
pub(super) fn names_of_the_coding() -> Vec<Shape> {
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
pub(super) fn lengths() -> Vec<Shape> {
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
