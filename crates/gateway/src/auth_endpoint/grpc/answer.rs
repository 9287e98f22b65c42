//! From the response of the stack to the decision for Envoy.
//!
//! | part of the decision | content |
//! |---|---|
//! | fields of the request | who the client is, in place of what it sent under these names |
//! | removed from the request | credentials, and other spellings of these names |
//! | fields of the response | what the stack adds to each response: identifier, limits, security headers |
//! | a refusal | status, fields and body, as the gateway would send them |

use std::collections::BTreeSet;

use bytes::{BufMut as _, Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header, response};
use prost::Message as _;

use super::messages::{
    AppendAction, CheckResponse, DeniedResponse, HeaderField, HeaderOption, HttpStatus, OkResponse,
    RpcStatus,
};
use crate::client_fields;

/// Codes of gRPC, by which Envoy tells a refusal from an admission.
const OK: i32 = 0;
/// The credential is valid and does not open the route; also every other refusal.
const PERMISSION_DENIED: i32 = 7;
/// There is no valid credential.
const UNAUTHENTICATED: i32 = 16;
/// Fields of a request that never reach the service.
const CREDENTIALS: [HeaderName; 3] = [
    header::AUTHORIZATION,
    header::PROXY_AUTHORIZATION,
    HeaderName::from_static("x-api-key"),
];
/// Fields of a response that Envoy writes by itself, or that are about one connection.
const OF_CONNECTION: [HeaderName; 6] = [
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::DATE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// Admits a request. `sent` are the fields of the request, `head` is the response of the stack.
pub(super) fn admit(sent: &HeaderMap, head: &response::Parts) -> CheckResponse {
    let fields = head.headers.iter();
    let (own, others): (Vec<_>, Vec<_>) =
        fields.partition(|(name, _)| name.as_str().starts_with(client_fields::PREFIX));
    let with = |action| move |(name, value)| option(name, value, action);
    let for_client = others.into_iter().filter(|(name, _)| is_for_client(name));
    CheckResponse {
        status: Some(RpcStatus { code: OK }),
        denied: None,
        admitted: Some(OkResponse {
            headers: own
                .iter()
                .copied()
                .filter_map(with(AppendAction::OverwriteOrAdd))
                .collect(),
            headers_to_remove: names_to_remove(sent, &head.headers),
            response_headers: for_client
                .filter_map(|(name, value)| option(name, value, action_of(name)))
                .collect(),
        }),
    }
}

/// Refuses a request with the response of the stack.
pub(super) fn refuse(head: &response::Parts, body: &[u8]) -> CheckResponse {
    let fields = head.headers.iter();
    let fields = fields.filter(|(name, _)| !OF_CONNECTION.contains(name));
    denied(
        head.status,
        fields
            .filter_map(|(name, value)| option(name, value, AppendAction::AppendOrAdd))
            .collect(),
        String::from_utf8_lossy(body).into_owned(),
    )
}

/// Refuses a question that describes no request.
///
/// An error of gRPC would be a failure of the endpoint, which Envoy may be told to admit.
pub(super) fn refuse_undescribed() -> CheckResponse {
    denied(StatusCode::BAD_REQUEST, Vec::new(), String::new())
}

/// Puts a message into the frame of gRPC.
pub(super) fn frame(message: &CheckResponse) -> Bytes {
    let length = message.encoded_len();
    let mut framed = BytesMut::with_capacity(length + 5);
    framed.put_u8(0);
    framed.put_u32(u32::try_from(length).unwrap_or(u32::MAX));
    framed.extend_from_slice(&message.encode_to_vec());
    framed.freeze()
}

/// Refuses with a status, headers and a body, which Envoy sends to the client as they are.
fn denied(status: StatusCode, headers: Vec<HeaderOption>, body: String) -> CheckResponse {
    let code = match status {
        StatusCode::UNAUTHORIZED => UNAUTHENTICATED,
        _ => PERMISSION_DENIED,
    };
    CheckResponse {
        status: Some(RpcStatus { code }),
        denied: Some(DeniedResponse {
            status: Some(HttpStatus {
                code: status.as_u16().into(),
            }),
            headers,
            body,
        }),
        admitted: None,
    }
}

/// Returns the names of credentials, and of what programs may read as the fields of the identity:
/// `X_Palisade_Principal` is `X-Palisade-Principal` for CGI and WSGI. These are named in any case: Envoy may be told to leave
/// fields out of its question that it forwards.
fn names_to_remove(sent: &HeaderMap, own: &HeaderMap) -> Vec<String> {
    let is_alike = |name: &&HeaderName| {
        let folded = name.as_str().replace('_', "-");
        folded.starts_with(client_fields::PREFIX) && !own.contains_key(*name)
    };
    let alike = sent.keys().filter(is_alike);
    let names = CREDENTIALS.into_iter().chain(alike.cloned());
    let names = names.map(|name| name.as_str().to_owned());
    let names: BTreeSet<String> = names.chain(client_fields::other_spellings()).collect();
    names.into_iter().collect()
}

/// Returns whether a field of an admission is for the response to the client. The body has no type: it is empty.
fn is_for_client(name: &HeaderName) -> bool {
    *name != header::CONTENT_TYPE && !OF_CONNECTION.contains(name)
}

/// What the service sent itself stays, except where several values are meant.
fn action_of(name: &HeaderName) -> AppendAction {
    match *name {
        header::SET_COOKIE | header::VARY => AppendAction::AppendOrAdd,
        _ => AppendAction::AddIfAbsent,
    }
}

/// Returns a field. `None`: its value is no text, which a message cannot have.
fn option(name: &HeaderName, value: &HeaderValue, action: AppendAction) -> Option<HeaderOption> {
    Some(HeaderOption {
        header: Some(HeaderField {
            key: name.as_str().to_owned(),
            value: value.to_str().ok()?.to_owned(),
            raw_value: Vec::new(),
        }),
        append_action: action.into(),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn head(fields: &[(&'static str, &str)]) -> response::Parts {
        let mut head = http::Response::new(()).into_parts().0;
        for (name, value) in fields {
            head.headers.append(*name, value.parse().unwrap());
        }
        head
    }

    fn names(options: &[HeaderOption]) -> Vec<&str> {
        let names = options
            .iter()
            .map(|it| it.header.as_ref().unwrap().key.as_str());
        names.collect()
    }

    #[test]
    fn what_could_be_taken_for_the_identity_is_removed() {
        let mut sent = HeaderMap::new();
        for name in [
            "x_palisade_principal",
            "x-palisade_kind",
            "x-palisade-admin",
            "x-other",
        ] {
            sent.insert(name, HeaderValue::from_static("admin"));
        }
        sent.insert("x-palisade-kind", HeaderValue::from_static("admin"));
        let response = head(&[
            ("x-palisade-kind", "guest"),
            ("x-request-id", "1"),
            ("date", "now"),
        ]);
        let admitted = admit(&sent, &response).admitted.unwrap();
        assert_eq!(names(&admitted.headers), ["x-palisade-kind"]);
        assert_eq!(names(&admitted.response_headers), ["x-request-id"]);
        let of_others = [
            "authorization",
            "proxy-authorization",
            "x-api-key",
            "x-palisade-admin",
        ];
        assert_eq!(admitted.headers_to_remove[..4], of_others);
        assert_eq!(admitted.headers_to_remove.len(), 4 + 9);
    }

    #[test]
    fn other_spellings_are_removed_that_were_not_in_the_question() {
        let response = head(&[("x-palisade-kind", "guest")]);
        let admitted = admit(&HeaderMap::new(), &response).admitted.unwrap();
        let removed = admitted.headers_to_remove;
        for name in [
            "x_palisade_principal",
            "x-palisade_kind",
            "x_palisade-scopes",
        ] {
            assert!(removed.iter().any(|it| it == name), "{name}: {removed:?}");
        }
        assert!(!removed.iter().any(|it| it == "x-palisade-kind"));
    }

    #[test]
    fn a_refusal_has_status_fields_and_body() {
        let mut response = head(&[
            ("retry-after", "5"),
            ("connection", "close"),
            ("content-length", "4"),
        ]);
        response.status = StatusCode::TOO_MANY_REQUESTS;
        let refused = refuse(&response, b"text");
        assert_eq!(refused.status.unwrap().code, PERMISSION_DENIED);
        let denied = refused.denied.unwrap();
        assert_eq!(
            (denied.status.unwrap().code, denied.body.as_str()),
            (429, "text")
        );
        assert_eq!(names(&denied.headers), ["retry-after"]);
    }
}
