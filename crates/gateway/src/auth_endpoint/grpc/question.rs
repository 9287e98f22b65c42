//! From the question of Envoy to the request that it will forward.
//!
//! Envoy writes these attributes, but the client chooses most of their content. So what could be read
//! in two ways is not described, and not admitted:
//!
//! - a path that is not taken as it is written, such as one with `#`
//! - `Host` beside another `:authority`
//! - both forms of headers at once
//! - a name or value that is none of HTTP

use bytes::{Buf as _, Bytes};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Version, header, request::Parts};
use prost::Message as _;

use super::{
    super::original,
    messages::{CheckRequest, HttpRequest},
};

/// The longest message. Envoy takes heads of up to 60 KiB, unless it is told otherwise.
pub(super) const LONGEST: usize = 256 * 1024;
/// The bytes before each message: whether it is compressed, and its length.
const FRAME_HEAD: usize = 5;

/// Replaces the head of the question by that of the request that is asked about. `None`: the message is
/// damaged, or describes no request. Then the head is of no use.
pub(super) fn restore_request(head: &mut Parts, body: &Bytes) -> Option<()> {
    let question = CheckRequest::decode(unframe(body.clone())?).ok()?;
    let http = question.attributes?.request?.http?;
    let method = Method::from_bytes(http.method.as_bytes()).ok()?;
    head.headers = client_headers(&http)?;
    // As other proxies ask: the host is in `Host`, and not in the target.
    head.version = Version::HTTP_11;
    original::set_request(head, method, &http.path)
}

/// Returns the only message of a body. `None`: it is compressed, cut, or not the only one.
fn unframe(mut body: Bytes) -> Option<Bytes> {
    if body.len() < FRAME_HEAD {
        return None;
    }
    let is_compressed = body.get_u8() != 0;
    let length = body.get_u32();
    let is_whole = usize::try_from(length).is_ok_and(|length| length == body.len());
    (is_whole && !is_compressed).then_some(body)
}

/// Returns the fields that the client sent, with `Host` as Envoy routes it.
///
/// `None` if the fields could be read in two ways: both forms at once, a name or value that is none of HTTP, or another host
/// than the one by which Envoy routes. The request is then refused, and not decided about under a guess.
fn client_headers(http: &HttpRequest) -> Option<HeaderMap> {
    let listed = http.header_map.iter().flat_map(|list| &list.headers);
    if http.header_map.is_some() && !http.headers.is_empty() {
        return None;
    }
    let mut headers = HeaderMap::new();
    for (name, value) in &http.headers {
        add_field(&mut headers, http, name, value.as_bytes())?;
    }
    for field in listed {
        let value = match field.raw_value.is_empty() {
            true => field.value.as_bytes(),
            false => &field.raw_value,
        };
        add_field(&mut headers, http, &field.key, value)?;
    }
    if !http.host.is_empty() {
        headers.insert(header::HOST, HeaderValue::from_str(&http.host).ok()?);
    }
    Some(headers)
}

/// Adds a field of the client. `None`: it is none of HTTP, or names another host than Envoy.
fn add_field(headers: &mut HeaderMap, http: &HttpRequest, name: &str, value: &[u8]) -> Option<()> {
    let is_host = (value == http.host.as_bytes()).then_some(());
    if name.starts_with(':') {
        return match name.eq_ignore_ascii_case(":authority") {
            true => is_host,
            false => Some(()),
        };
    }
    let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
    if name == header::HOST {
        return is_host;
    }
    headers.append(name, HeaderValue::from_bytes(value).ok()?);
    Some(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use bytes::BufMut as _;

    use super::*;
    use crate::auth_endpoint::grpc::messages::{
        AttributeContext, AttributeRequest, HeaderField, HeaderList,
    };

    fn framed(message: &[u8]) -> Vec<u8> {
        let mut body = vec![0];
        body.put_u32(u32::try_from(message.len()).unwrap());
        body.extend_from_slice(message);
        body
    }

    fn question(http: HttpRequest) -> Vec<u8> {
        let request = Some(AttributeRequest { http: Some(http) });
        let attributes = Some(AttributeContext { request });
        framed(&CheckRequest { attributes }.encode_to_vec())
    }

    fn http(path: &str, headers: &[(&str, &str)]) -> HttpRequest {
        let headers = headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        HttpRequest {
            method: "POST".to_owned(),
            headers: headers.collect(),
            path: path.to_owned(),
            host: "tts.example".to_owned(),
            header_map: None,
        }
    }

    fn restored(body: Vec<u8>) -> Option<Parts> {
        let mut head = http::Request::new(()).into_parts().0;
        restore_request(&mut head, &body.into())?;
        Some(head)
    }

    #[test]
    fn the_request_is_the_one_that_envoy_will_forward() {
        let fields = [
            (":path", "/other"),
            (":authority", "tts.example"),
            ("x-api-key", "k"),
        ];
        let head = restored(question(http("/a/b?c=%20", &fields))).unwrap();
        assert_eq!(
            (head.method.as_str(), head.uri.to_string()),
            ("POST", "/a/b?c=%20".to_owned())
        );
        assert_eq!(head.headers.len(), 2);
        assert_eq!(head.headers["host"], "tts.example");
        assert_eq!(head.headers["x-api-key"], "k");
    }

    #[test]
    fn what_has_two_readings_is_not_described() {
        for path in ["", "*", "a", "/a#b", "https://a/b", "/a b"] {
            assert!(restored(question(http(path, &[]))).is_none(), "{path}");
        }
        for field in [
            ("host", "other.example"),
            ("Host", "other.example"),
            (":authority", "other.example"),
            (":Authority", "other.example"),
            ("x y", "value"),
            ("x", "a\r\nb: c"),
        ] {
            assert!(
                restored(question(http("/", &[field]))).is_none(),
                "{field:?}"
            );
        }
        let mut unnamed = http("/", &[("Host", "other.example")]);
        unnamed.host = String::new();
        assert!(restored(question(unnamed)).is_none());
        let mut both = http("/", &[("x-api-key", "k")]);
        both.header_map = Some(HeaderList::default());
        assert!(restored(question(both)).is_none());
    }

    #[test]
    fn each_value_of_the_other_form_stays_apart() {
        let field = |value: &str| HeaderField {
            key: "x-api-key".to_owned(),
            raw_value: value.as_bytes().to_vec(),
            ..HeaderField::default()
        };
        let mut listed = http("/", &[]);
        listed.header_map = Some(HeaderList {
            headers: vec![field("a"), field("b")],
        });
        let head = restored(question(listed)).unwrap();
        let values: Vec<_> = head.headers.get_all("x-api-key").iter().collect();
        assert_eq!(values, ["a", "b"]);
    }

    #[test]
    fn a_damaged_message_is_not_described() {
        let whole = question(http("/", &[]));
        assert!(restored(whole.clone()).is_some());
        let mut compressed = whole.clone();
        compressed[0] = 1;
        let twice = [whole.clone(), whole.clone()].concat();
        for damaged in [compressed, twice, framed(b""), framed(b"\xff"), vec![0; 4]] {
            assert!(restored(damaged.clone()).is_none(), "{damaged:?}");
        }
        for length in 0..whole.len() {
            assert!(restored(whole[..length].to_vec()).is_none(), "{length}");
        }
    }

    #[test]
    fn a_call_of_grpc_is_refused_by_status() {
        let typed = |value| {
            let head = restored(question(http("/", &[("content-type", value)]))).unwrap();
            head.headers.contains_key("content-type")
        };
        assert!(!typed("application/grpc"));
        assert!(!typed("Application/grpc+proto"));
        assert!(typed("application/json"));
    }
}
