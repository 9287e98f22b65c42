//! How much of a response the rules see, decided from its head.

use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Method, StatusCode, request, response};
use http_body::Body;

/// How much of a response the rules see.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Coverage {
    /// The head and the start of the body.
    Body,
    /// Only the head. The reason is for the record, if the body could have been text.
    Head(Option<&'static str>),
}

/// Types of text beside `text/…`, `…+json` and `…+xml`.
const TEXTS: [&str; 5] = [
    "application/json",
    "application/problem+json",
    "application/xml",
    "application/javascript",
    "application/xhtml+xml",
];

/// How the media types of streams start: events, gRPC and gRPC-Web, Connect, JSON one by one.
const STREAMS: [&str; 4] = [
    "text/event-stream",
    "application/grpc",
    "application/connect",
    "application/stream+json",
];

/// Decides how much of a response the rules see.
///
/// Streams are not waited for: messages of [`STREAMS`], and plain text whose length is not known, which
/// programs send word by word.
pub(super) fn of<B: Body>(request: &request::Parts, head: &response::Parts, body: &B) -> Coverage {
    let has_body = request.method != Method::HEAD
        && request.method != Method::CONNECT
        && head.status != StatusCode::SWITCHING_PROTOCOLS
        && !body.is_end_stream();
    if !has_body {
        return Coverage::Head(None);
    }
    let media_type = media_type(value(head, &CONTENT_TYPE));
    if STREAMS.iter().any(|start| media_type.starts_with(start)) {
        return Coverage::Head(Some("stream"));
    }
    let is_text = media_type.starts_with("text/")
        || media_type.ends_with("+json")
        || media_type.ends_with("+xml")
        || TEXTS.contains(&media_type.as_str());
    if !is_text {
        return Coverage::Head(None);
    }
    let encoding = value(head, &CONTENT_ENCODING);
    if !encoding.is_empty() && !encoding.eq_ignore_ascii_case("identity") {
        return Coverage::Head(Some("encoded"));
    }
    if media_type == "text/plain" && body.size_hint().exact().is_none() {
        return Coverage::Head(Some("stream"));
    }
    Coverage::Body
}

/// The first value of a header. Empty if it is missing or no text.
fn value<'h>(head: &'h response::Parts, name: &HeaderName) -> &'h str {
    let value = head.headers.get(name).map(HeaderValue::to_str);
    value.and_then(Result::ok).unwrap_or_default().trim()
}

/// The media type without its parameters, in lower case.
fn media_type(content_type: &str) -> String {
    let media_type = content_type.split(';').next().unwrap_or_default();
    media_type.trim().to_ascii_lowercase()
}
