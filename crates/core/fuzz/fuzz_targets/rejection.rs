//! Refusals on the wire: the sentence arrives as it is in every form, and the private reason in none.

#![no_main]

use std::sync::LazyLock;

use futures_util::FutureExt;
use http::{HeaderValue, Request, Response, StatusCode, header::CONTENT_TYPE};
use http_body_util::BodyExt;
use libfuzzer_sys::fuzz_target;
use palisade_core::{
    EmptyBody, PlainText, ProblemJson, Rejection, Renderer, SecurityContext, refuse, testing::TestBody,
};
use serde_json::Value;

const REASON: &str = "why it really was";

static FORMS: LazyLock<[Box<dyn Renderer>; 3]> = LazyLock::new(|| {
    [
        Box::new(ProblemJson::default()),
        Box::new(PlainText::default()),
        Box::new(EmptyBody::default()),
    ]
});

// The first letter chooses the status, the first line is a content type, all of it is the sentence.
fuzz_target!(|text: &str| {
    let status = text
        .chars()
        .next()
        .map_or(400, |first| 400 + first as u16 % 200);
    let status = StatusCode::from_u16(status).expect("400 to 599");
    let rejection = Rejection::new(status, "fuzzed", "")
        .with_detail(text.to_owned())
        .with_member("member", text)
        .with_reason(REASON);
    for form in &*FORMS {
        let response = form.render(rejection.clone());
        assert_eq!(response.status(), status);
        assert!(text.contains(REASON) || !String::from_utf8_lossy(response.body()).contains(REASON));
    }
    let document: Value = serde_json::from_slice(&rejection.problem()).expect("JSON");
    assert_eq!(
        (&document["detail"], &document["member"]),
        (&text.into(), &text.into())
    );
    assert_eq!(
        (&document["code"], &document["status"]),
        (&"fuzzed".into(), &status.as_u16().into())
    );
    let kind = text.lines().next().unwrap_or_default();
    for kind in ["application/grpc", &format!("application/grpc{kind}"), kind] {
        if let Ok(kind) = HeaderValue::from_str(kind) {
            send(text, &rejection, kind);
        }
    }
});

fn send(text: &str, rejection: &Rejection, kind: HeaderValue) {
    let mut head = Request::new(()).into_parts().0;
    head.headers.insert(CONTENT_TYPE, kind);
    let cx = SecurityContext::find_or_create(&mut head);
    let (head, body) = refuse::<TestBody>(&cx, "fuzz", rejection.clone()).into_parts();
    let body = body
        .collect()
        .now_or_never()
        .expect("nothing is waited for")
        .expect("whole")
        .to_bytes();
    assert!(text.contains(REASON) || !format!("{head:?}{body:?}").contains(REASON));
    assert!(head.headers.values().all(|value| {
        value
            .as_bytes()
            .iter()
            .all(|byte| *byte >= b' ' || *byte == b'\t')
    }));
    let head = Response::from_parts(head, ());
    if !cx.is_grpc() {
        return assert_eq!(head.status(), rejection.status());
    }
    assert_eq!((head.status(), body.len()), (StatusCode::OK, 0));
    assert!(
        head.headers()[CONTENT_TYPE]
            .as_bytes()
            .starts_with(b"application/grpc")
    );
    let status = head.headers()["grpc-status"].to_str().expect("a number");
    assert!((1..=16).contains(&status.parse::<u8>().expect("a number")));
    let message = head.headers()["grpc-message"]
        .to_str()
        .expect("printable ASCII");
    assert_eq!(decode(message), text.as_bytes());
}

/// Undoes percent-encoding.
fn decode(message: &str) -> Vec<u8> {
    let mut pieces = message.split('%');
    let mut decoded = pieces.next().unwrap_or_default().as_bytes().to_vec();
    for piece in pieces {
        decoded.push(u8::from_str_radix(&piece[..2], 16).expect("two digits"));
        decoded.extend(piece[2..].bytes());
    }
    decoded
}
