//! Which responses are cleaned, decided from their head.

use http::header::{CONTENT_ENCODING, CONTENT_RANGE, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, Method, StatusCode, response};

use super::format::Format;

/// What happens with a response.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Coverage {
    /// Its text is cleaned.
    Clean(Format),
    /// It has no body, but its head describes one that would be cleaned.
    Described,
    /// It passes: it has no text of these formats.
    Pass,
    /// It has text that cannot be read. The reason is for the record.
    Unreadable(&'static str),
}

/// Decides about a response to a request with this method.
pub(super) fn of(method: &Method, head: &response::Parts, is_empty: bool) -> Coverage {
    let status = head.status;
    let is_tunnel = status == StatusCode::SWITCHING_PROTOCOLS
        || *method == Method::CONNECT && status.is_success();
    let Some(format) = format(&head.headers).filter(|_| !is_tunnel) else {
        return match is_partial_list(&head.headers) && !is_tunnel {
            true => Coverage::Unreadable("partial"),
            false => Coverage::Pass,
        };
    };
    if *method == Method::HEAD || status == StatusCode::NOT_MODIFIED {
        return Coverage::Described;
    }
    if is_empty {
        return Coverage::Pass;
    }
    match flaw(head) {
        Some(flaw) => Coverage::Unreadable(flaw),
        None => Coverage::Clean(format),
    }
}

/// Returns why a text cannot be read.
fn flaw(head: &response::Parts) -> Option<&'static str> {
    let headers = &head.headers;
    if !all(headers, &CONTENT_ENCODING, |coding| {
        coding.is_empty() || coding.eq_ignore_ascii_case("identity")
    }) {
        return Some("compressed");
    }
    if head.status == StatusCode::PARTIAL_CONTENT || headers.contains_key(CONTENT_RANGE) {
        return Some("partial");
    }
    if !all(headers, &CONTENT_TYPE, is_utf8) {
        return Some("not UTF-8");
    }
    (headers.get_all(CONTENT_TYPE).iter().count() > 1).then_some("two types")
}

/// Returns the format of the first type that is cleaned. A client may use any of several.
fn format(headers: &HeaderMap) -> Option<Format> {
    let lines = headers.get_all(CONTENT_TYPE).iter();
    let mut types = lines.filter_map(|line| line.to_str().ok());
    types.find_map(|line| format_of(&media_type(line)))
}

/// Returns the format of a media type in lower case.
fn format_of(media_type: &str) -> Option<Format> {
    match media_type {
        "text/event-stream" => Some(Format::Events),
        "text/plain" | "text/markdown" | "text/x-markdown" => Some(Format::Text),
        "application/x-ndjson"
        | "application/ndjson"
        | "application/jsonl"
        | "application/x-jsonlines"
        | "application/jsonlines"
        | "application/json-seq"
        | "application/stream+json" => Some(Format::Lines),
        "application/json" | "text/json" => Some(Format::Json),
        other => other.ends_with("+json").then_some(Format::Json),
    }
}

/// Tells whether a body has several parts of a text.
fn is_partial_list(headers: &HeaderMap) -> bool {
    !all(headers, &CONTENT_TYPE, |line| {
        media_type(line) != "multipart/byteranges"
    })
}

/// The media type without its parameters, in lower case.
fn media_type(line: &str) -> String {
    let (media_type, _) = line.split_once(';').unwrap_or((line, ""));
    media_type.trim().to_ascii_lowercase()
}

/// Tells whether the parameters of a type name no other character set.
fn is_utf8(line: &str) -> bool {
    let parameters = line.split(';').skip(1);
    let mut named = parameters.filter_map(|parameter| parameter.split_once('='));
    named.all(|(name, value)| {
        let value = value.trim().trim_matches('"').to_ascii_lowercase();
        !name.trim().eq_ignore_ascii_case("charset")
            || matches!(&*value, "utf-8" | "utf8" | "us-ascii")
    })
}

/// Tells whether all lines of a header are text and pass a check.
fn all(headers: &HeaderMap, name: &HeaderName, check: impl Fn(&str) -> bool) -> bool {
    let mut lines = headers.get_all(name).iter();
    lines.all(|line| line.to_str().is_ok_and(|line| check(line.trim())))
}

#[cfg(test)]
mod tests {
    use http::Response;

    use super::*;

    fn check(headers: &[(&str, &str)], expected: Coverage) {
        let mut response = Response::builder();
        for (name, value) in headers {
            response = response.header(*name, *value);
        }
        let (head, ()) = response.body(()).unwrap().into_parts();
        assert_eq!(of(&Method::GET, &head, false), expected, "{headers:?}");
    }

    #[test]
    fn text_is_cleaned_or_cannot_be_read_and_all_else_passes() {
        let json = ("content-type", "Application/JSON; charset=\"UTF-8\"");
        check(&[json], Coverage::Clean(Format::Json));
        check(
            &[("content-type", "text/event-stream")],
            Coverage::Clean(Format::Events),
        );
        check(
            &[("content-type", "application/x-ndjson")],
            Coverage::Clean(Format::Lines),
        );
        check(
            &[("content-type", "application/problem+json")],
            Coverage::Clean(Format::Json),
        );
        check(
            &[("content-type", "text/plain;charset=utf-8")],
            Coverage::Clean(Format::Text),
        );
        check(
            &[json, ("content-encoding", "identity")],
            Coverage::Clean(Format::Json),
        );
        check(
            &[json, ("content-encoding", "gzip")],
            Coverage::Unreadable("compressed"),
        );
        check(
            &[json, ("content-encoding", "identity, br")],
            Coverage::Unreadable("compressed"),
        );
        check(
            &[json, ("content-range", "bytes 0-4/9")],
            Coverage::Unreadable("partial"),
        );
        check(
            &[json, ("content-type", "image/png")],
            Coverage::Unreadable("two types"),
        );
        check(
            &[("content-type", "image/png"), json],
            Coverage::Unreadable("two types"),
        );
        check(
            &[("content-type", "text/plain; charset=gb18030")],
            Coverage::Unreadable("not UTF-8"),
        );
        check(
            &[("content-type", "multipart/byteranges; boundary=x")],
            Coverage::Unreadable("partial"),
        );
        for other in [
            "text/html",
            "image/png",
            "application/octet-stream",
            "application/grpc+proto",
        ] {
            check(
                &[("content-type", other), ("content-encoding", "gzip")],
                Coverage::Pass,
            );
        }
        check(&[], Coverage::Pass);
    }

    #[test]
    fn what_has_no_body_is_described_or_passes() {
        let json = || Response::builder().header("content-type", "application/json");
        let (head, ()) = json().body(()).unwrap().into_parts();
        assert_eq!(of(&Method::HEAD, &head, true), Coverage::Described);
        assert_eq!(of(&Method::CONNECT, &head, false), Coverage::Pass);
        assert_eq!(of(&Method::GET, &head, true), Coverage::Pass);
        let (head, ()) = json().status(304).body(()).unwrap().into_parts();
        assert_eq!(of(&Method::GET, &head, true), Coverage::Described);
        let (head, ()) = json().status(101).body(()).unwrap().into_parts();
        assert_eq!(of(&Method::GET, &head, false), Coverage::Pass);
    }
}
