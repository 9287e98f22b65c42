//! Queries and forms through the layer: whatever passes, an ordinary reader finds the watched field once and
//! clean, and all others as they were sent.

#![no_main]

mod ask;

use std::sync::LazyLock;

use http::Request;
use http_body_util::Full;
use libfuzzer_sys::fuzz_target;
use palisade_sanitize::{BodyKind, Field, SanitizeLayer, Sanitizer};

static LAYER: LazyLock<SanitizeLayer> = LazyLock::new(|| {
    let field = Field::required("text", Sanitizer::speech());
    SanitizeLayer::builder()
        .field(field)
        .body(BodyKind::Form)
        .build()
        .expect("a layer")
});

fuzz_target!(|sent: &[u8]| {
    if let Ok(text) = str::from_utf8(sent)
        && let Ok(request) = Request::get(format!("/tts?{text}")).body(Full::default())
    {
        // A fragment ends the query; it is not part of it.
        let query = request.uri().query().unwrap_or_default().to_owned();
        if let Some((seen, _)) = ask::ask(&LAYER, request) {
            check(query.as_bytes(), &seen);
        }
    }
    let form = Request::post("/tts").header("content-type", "application/x-www-form-urlencoded");
    let form = form.body(Full::from(sent.to_vec())).expect("a request");
    if let Some((_, seen)) = ask::ask(&LAYER, form) {
        check(sent, &seen);
    }
});

fn check(sent: &[u8], seen: &[u8]) {
    let read =
        |source| -> Vec<(String, String)> { form_urlencoded::parse(source).into_owned().collect() };
    let (sent, seen) = (read(sent), read(seen));
    let texts: Vec<_> = seen.iter().filter(|(name, _)| name == "text").collect();
    assert!(texts.len() == 1 && ask::is_clean(&texts[0].1), "{texts:?}");
    assert_eq!(sent.len(), seen.len());
    assert!(
        sent.iter()
            .zip(&seen)
            .all(|(sent, seen)| sent == seen || sent.0 == "text" && seen.0 == "text")
    );
}
