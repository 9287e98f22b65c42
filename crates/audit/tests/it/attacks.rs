//! Attacks on the trail that come through requests. Those on the file are in `verification` and `file`.

use http::{Method, Request};
use palisade_audit::{AuditLayer, FileSink, VerifyOptions, verify_file};
use palisade_core::{Fact, GuardLayer, Principal, SecurityContext, Verdict};
use proptest::prelude::*;
use tempfile::tempdir;
use tower::service_fn;

use crate::support::{Body, Does, Trail, close, hello, of_type, send};

/// Lets a text into every place where one can get, and returns the trail's bytes.
async fn written_with(text: &str) -> (Vec<u8>, serde_json::Value) {
    let folder = tempdir().unwrap();
    let path = folder.path().join("audit.jsonl");
    let sink = FileSink::builder(&path).open().unwrap();
    let layer = AuditLayer::builder().sink(sink.clone()).build().unwrap();
    let hostile = text.to_owned();
    let guard = Does(move |cx: &SecurityContext, _: &mut _| {
        let who = Principal::builder("jwt", hostile.as_str()).credential(hostile.as_str());
        cx.set_principal(who.owner(hostile.as_str()).build())
            .unwrap();
        cx.record(Fact::Noted {
            key: "note",
            value: hostile.clone().into(),
        });
        cx.record(Fact::Cleaned {
            field: hostile.as_str().into(),
            removed: 1,
        });
        Verdict::Admit(())
    });
    let stack = GuardLayer((layer, guard));
    send(stack, service_fn(hello), crate::support::get("/")).await;
    close(&sink).await;
    verify_file(&path, &VerifyOptions::new()).unwrap();
    let record = of_type(&path, "request").remove(0);
    (std::fs::read(path).unwrap(), record)
}

#[tokio::test]
async fn line_ends_escapes_and_direction_marks_stay_inside_their_record() {
    let text = "a\r\nb\u{1b}[2J\u{7}\0\"\\\u{85}\u{2028}\u{2029}\u{202e}\u{feff}\u{e0041}";
    let (bytes, record) = written_with(text).await;
    assert_eq!(bytes.iter().filter(|byte| **byte == b'\n').count(), 3);
    assert!(bytes.iter().all(|byte| *byte == b'\n' || *byte >= b' '));
    let written = String::from_utf8(bytes).unwrap();
    assert!(!written.contains(['\u{85}', '\u{2028}', '\u{202e}', '\u{feff}', '\u{e0041}']));
    for value in [&record["noted"][0]["value"], &record["principal"]["id"]] {
        assert_eq!(value, text, "and it parses back");
    }
}

#[tokio::test]
async fn a_text_that_looks_like_the_end_of_a_record_is_a_text() {
    let text = format!(
        "\"}},\"seq\":7,\"hash\":\"{}\"}}\n{{\"v\":1}}\n",
        "a".repeat(64)
    );
    let (bytes, record) = written_with(&text).await;
    assert_eq!(bytes.iter().filter(|byte| **byte == b'\n').count(), 3);
    assert_eq!(record["noted"][0]["value"], *text);
}

#[tokio::test]
async fn a_long_text_does_not_make_a_long_record() {
    let (bytes, _) = written_with(&"\u{1b}".repeat(1 << 20)).await;
    assert!(bytes.len() < 16 * 1024, "{}", bytes.len());
}

#[tokio::test]
async fn a_long_method_and_a_long_path_do_not_make_a_long_record() {
    let trail = Trail::new();
    let method = Method::from_bytes(&[b'A'; 8000]).unwrap();
    let path = format!("/{}", "%0d%0aX".repeat(1000));
    let request = Request::builder().method(method).uri(path);
    let layer =
        trail.layer_with(palisade_audit::AuditLayerBuilder::dangerously_record_unknown_paths);
    send(
        layer,
        service_fn(hello),
        request.body(Body::default()).unwrap(),
    )
    .await;
    let record = trail.only();
    assert_eq!(record["method"], "OVERLONG");
    assert_eq!(record["path"], "/%0d%0aX%…");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn every_text_is_one_line_and_parses_back(text in "\\PC{0,40}|[\\x00-\\u{2fff}]{0,40}") {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (bytes, record) = runtime.block_on(written_with(&text));
        prop_assert_eq!(bytes.iter().filter(|byte| **byte == b'\n').count(), 3);
        prop_assert_eq!(&record["noted"][0]["value"], &*text);
    }
}
