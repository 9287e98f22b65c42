//! The framing by itself, without hyper.

use super::*;

const BOTH: &str =
    "POST / HTTP/1.1\r\nContent-Length: 5\r\nX: y\r\nTransfer-Encoding: chunked\r\n\r\n";

/// Returns whether the bytes were changed, sent whole and byte by byte.
fn is_refused(text: &str) -> bool {
    let mut whole = text.as_bytes().to_vec();
    RequestFraming::default().receive(&mut whole);
    let mut single = text.as_bytes().to_vec();
    let mut framing = RequestFraming::default();
    for byte in single.chunks_mut(1) {
        framing.receive(byte);
    }
    assert_eq!(whole, single, "{text}");
    whole != text.as_bytes()
}

#[test]
fn both_lengths_are_found_in_either_order_and_any_case() {
    for head in [
        BOTH,
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n",
        "POST / HTTP/1.1\nTRANSFER-ENCODING:chunked\ncontent-length:5\n\n",
        "\r\n\r\nPOST / HTTP/1.1\r\ncontent-LENGTH: 0\r\ntransfer-encoding: identity\r\n\r\n",
    ] {
        assert!(is_refused(head), "{head}");
    }
}

#[test]
fn they_are_found_in_each_later_request_too() {
    for first in [
        "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
        "POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc",
        "POST / HTTP/1.1\r\nContent-Length: 3\r\nContent-Length: 3 \r\n\r\n\n\n\n",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3;x=\"y\"\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nGrpc-Status: 0\r\n\r\n",
    ] {
        assert!(is_refused(&format!("{first}{BOTH}")), "{first}");
        assert!(is_refused(&format!("{first}{first}{BOTH}")), "{first}");
    }
}

#[test]
fn an_encoding_that_is_not_chunked_once_is_invalid() {
    let with = |fields: &str| format!("POST / HTTP/1.1\r\n{fields}\r\n\r\n5\r\nhello\r\n0\r\n\r\n");
    for fields in [
        "Transfer-Encoding: gzip, chunked",
        "Transfer-Encoding: identity, chunked",
        "Transfer-Encoding: , chunked",
        "Transfer-Encoding: chunked,",
        "Transfer-Encoding: chunked, chunked",
        "Transfer-Encoding: chunked chunked",
        "Transfer-Encoding: xchunked",
        "Transfer-Encoding: chunkedx",
        "Transfer-Encoding: chunk",
        "Transfer-Encoding: chun ked",
        "Transfer-Encoding: \"chunked\"",
        "Transfer-Encoding:",
        "Transfer-Encoding:\r\n chunked",
        "Transfer-Encoding: identity",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        "Transfer-Encoding: chunked\r\nX: y\r\ntransfer-encoding: identity",
    ] {
        assert!(is_refused(&with(fields)), "{fields:?}");
    }
    for fields in [
        "Transfer-Encoding: chunked",
        "transfer-encoding:CHUNKED",
        "Transfer-Encoding: \t Chunked \t",
        "TE: gzip, chunked",
        "X-Transfer-Encoding: gzip",
    ] {
        assert!(!is_refused(&with(fields)), "{fields:?}");
    }
}

#[test]
fn a_body_that_looks_like_a_head_is_left_alone() {
    let length = BOTH.len();
    for request in [
        format!("POST / HTTP/1.1\r\nContent-Length: {length}\r\n\r\n{BOTH}"),
        format!(
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n{length:x}\r\n{BOTH}\r\n0\r\n\r\n"
        ),
        "GET / HTTP/1.1\r\nX-Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned(),
        "GET /content-length: HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned(),
        "GET / HTTP/1.1\r\nX: content-length: 5\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned(),
        // In the trailer section a length frames nothing.
        "GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nContent-Length: 5\r\n\r\n"
            .to_owned(),
    ] {
        assert!(!is_refused(&request), "{request}");
    }
}

/// hyper takes LF alone for a part of a trailer, others for its end.
#[test]
fn a_trailer_that_ends_with_lf_alone_is_invalid() {
    let head = "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n";
    for body in [
        "0\r\n\nX / HTTP/1.1\nContent-Length: 9999\n\n\r\n\r\n",
        "0\r\nX: y\n\r\n",
        "3\r\nabc\r\n0;x\r\nX: y\r\n\n",
    ] {
        assert!(is_refused(&format!("{head}{body}")), "{body:?}");
    }
}

#[test]
fn after_an_invalid_head_nothing_is_changed() {
    for head in [
        "POST / HTTP/1.1\r\nContent-Length: +5\r\n\r\n",
        "POST / HTTP/1.1\r\nContent-Length: 5, 5\r\n\r\n",
        "POST / HTTP/1.1\r\nContent-Length:\r\n\r\n",
        "POST / HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n\r\n",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\n\r\n",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0;x\n\r\n",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n\r\n0\r\n\r\n",
    ] {
        assert!(!is_refused(&format!("{head}{BOTH}")), "{head}");
    }
}
