//! The head of a response tells the truth about its body, and what cannot be read is refused.

use http::{HeaderMap, HeaderValue, Request};
use http_body::Frame;
use palisade_core::testing::TestBody;
use palisade_sanitize::{Field, ResponseRules, SanitizeLayer, Sanitizer};

use super::{Sent, ask, ask_with, layer, masking};
use crate::support::json;

fn plain() -> palisade_sanitize::SanitizeLayerBuilder {
    layer(ResponseRules::new())
}

#[tokio::test]
async fn length_ranges_and_digests_of_the_old_body_are_removed() {
    let sent = Sent::new("application/json", &[r#"{"a":"b\u202ec"}"#])
        .with("content-length", "16")
        .with("accept-ranges", "bytes")
        .with("etag", "\"abc\"")
        .with("content-digest", "sha-256=:eA==:")
        .with("x-other", "stays");
    let got = ask(plain(), "hello", sent).await;
    assert_eq!(got.text(), r#"{"a":"bc"}"#);
    assert_eq!(got.headers["etag"], "W/\"abc\"");
    assert_eq!(got.headers["x-other"], "stays");
    for gone in ["content-length", "accept-ranges", "content-digest"] {
        assert!(!got.headers.contains_key(gone), "{gone}");
    }
}

#[tokio::test]
async fn other_types_and_routes_without_text_keep_their_bytes_and_their_head() {
    let image = || Sent::new("image/png", &["\u{202e}\u{1b}"]).with("content-length", "4");
    let got = ask(masking(), "hello", image()).await;
    assert_eq!(
        (&*got.text(), &got.headers["content-length"]),
        ("\u{202e}\u{1b}", &HeaderValue::from(4))
    );
    let no_fields = || SanitizeLayer::builder().responses(ResponseRules::new());
    let sent = || Sent::new("text/plain", &["a\u{202e}b"]).with("content-length", "5");
    let got = ask(no_fields(), "hello", sent()).await;
    assert_eq!(got.text(), "a\u{202e}b");
    assert_eq!(got.headers["content-length"], "5");
    assert!(!got.asked.0.contains_key("accept-encoding"));
    let every = SanitizeLayer::builder().responses(ResponseRules::new().every_route());
    assert_eq!(ask(every, "hello", sent()).await.text(), "ab");
}

#[tokio::test]
async fn the_handler_is_asked_for_a_response_that_can_be_read() {
    let mut request = json(r#"{"text":"hello"}"#);
    for (name, value) in [
        ("accept-encoding", "gzip, br"),
        ("range", "bytes=2-"),
        ("if-range", "\"a\""),
    ] {
        request
            .headers_mut()
            .insert(name, HeaderValue::from_static(value));
    }
    let got = ask_with(plain(), request, Sent::new("text/plain", &["ok"])).await;
    assert_eq!(got.asked.0["accept-encoding"], "identity");
    assert!(!got.asked.0.contains_key("range") && !got.asked.0.contains_key("if-range"));
}

#[tokio::test]
async fn a_text_that_cannot_be_read_is_refused_or_passes_by_its_loud_name() {
    for (name, value) in [
        ("content-encoding", "gzip"),
        ("content-range", "bytes 1-2/3"),
        ("content-type", "text/plain; charset=utf-16"),
        ("content-type", "image/png"),
    ] {
        let sent = || Sent::new("text/plain", &["a\u{202e}b"]).with(name, value);
        let got = ask(masking(), "hello", sent()).await;
        assert_eq!(got.status, 502, "{name}: {value}");
        assert!(got.text().contains("response_unreadable") && !got.text().contains('\u{202e}'));
        let rules = ResponseRules::new().dangerously_pass_unreadable();
        let got = ask(layer(rules), "hello", sent()).await;
        assert_eq!((got.status, &*got.text()), (200, "a\u{202e}b"));
        assert!(got.note().unwrap().starts_with("passed: "));
    }
}

#[tokio::test]
async fn trailers_come_after_the_last_text_and_errors_end_it() {
    let mut trailers = HeaderMap::new();
    trailers.insert("x-cost", HeaderValue::from_static("3"));
    trailers.insert("content-digest", HeaderValue::from_static("sha-256=:eA==:"));
    let mut sent = Sent::new("text/plain", &["held bac", "k"]);
    sent.frames.push(Ok(Frame::trailers(trailers)));
    let got = ask(plain(), "hello", sent).await;
    assert_eq!(got.text(), "held back");
    let trailers = got.trailers.unwrap();
    assert_eq!(trailers["x-cost"], "3");
    assert!(!trailers.contains_key("content-digest"));

    let mut sent = Sent::new("text/plain", &["a\u{202e}b"]);
    sent.frames.push(Err("broken"));
    let got = ask(plain(), "hello", sent).await;
    assert_eq!(
        (got.error, got.note().as_deref()),
        (Some("broken"), Some("removed (1)"))
    );
}

#[tokio::test]
async fn an_answer_to_head_does_not_tell_the_length_of_another_body() {
    let layer = SanitizeLayer::builder()
        .field(Field::optional("text", Sanitizer::prompt()))
        .responses(ResponseRules::new());
    let request = Request::head("/tts").body(TestBody::default()).unwrap();
    let sent = Sent::new("text/plain", &[]).with("content-length", "100");
    let got = ask_with(layer, request, sent).await;
    assert_eq!(got.status, 200);
    assert!(!got.headers.contains_key("content-length"));
}
