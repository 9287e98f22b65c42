//! JSON through the layer: whatever passes, an ordinary reader takes it, finds every watched field clean, and
//! all else as it was sent.

#![no_main]

mod ask;

use std::sync::LazyLock;

use http::Request;
use http_body_util::Full;
use libfuzzer_sys::fuzz_target;
use palisade_sanitize::{Field, SanitizeLayer, Sanitizer};
use serde_json::Value;

static LAYER: LazyLock<SanitizeLayer> = LazyLock::new(|| {
    SanitizeLayer::builder()
        .field(Field::required("text", Sanitizer::speech()))
        .field(Field::optional("/list/*/text", Sanitizer::speech()))
        .build()
        .expect("a layer")
});

fuzz_target!(|sent: &[u8]| {
    let request = Request::post("/tts").header("content-type", "application/json");
    let request = request.body(Full::from(sent.to_vec())).expect("a request");
    let Some((_, seen)) = ask::ask(&LAYER, request) else {
        return;
    };
    // Numbers beyond what the reader can hold are the one thing that it refuses and the layer does not.
    let (sent, seen) = match (serde_json::from_slice(sent), serde_json::from_slice(&seen)) {
        (Ok(sent), Ok(seen)) => (sent, seen),
        (Err(problem), Err(_)) if problem.to_string().starts_with("number out of range") => return,
        (sent, seen) => panic!("sent {sent:?}, seen {seen:?}"),
    };
    check(sent, seen);
});

fn check(mut sent: Value, mut seen: Value) {
    assert!(matches!(seen["text"].take(), Value::String(text) if ask::is_clean(&text)));
    sent["text"].take();
    let list = |document: &mut Value| -> Vec<Value> {
        let list = document.get_mut("list").and_then(Value::as_array_mut);
        let texts = list
            .into_iter()
            .flatten()
            .filter_map(|one| one.get_mut("text"));
        texts.map(Value::take).collect()
    };
    list(&mut sent);
    for text in list(&mut seen) {
        assert!(
            text.is_null() || text.as_str().is_some_and(ask::is_clean),
            "{text}"
        );
    }
    assert_eq!(sent, seen);
}
