//! Text: bytes a second through a sanitizer, and a JSON body through the layer.
//!
//! Beside the recipe that most services have (a regular expression for control characters, then the
//! first 500 characters), beside a copy of the bytes, and beside parsing the same JSON.
#![allow(missing_docs)]

use std::hint::black_box;

use benches::{Body, Floor, both_regimes, chat_body, settings};
use bytes::Bytes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use http::{Method, Request, header::CONTENT_TYPE};
use palisade::SanitizeLayer;
use palisade::sanitize::{Field, Sanitizer};
use regex::Regex;
use tower::Layer as _;

/// Texts of about a kilobyte each: a name, and the text.
fn texts() -> [(&'static str, String); 4] {
    [
        (
            "clean ASCII",
            "The train to the coast leaves at nine. ".repeat(26),
        ),
        ("clean Chinese", "今天天气很好，我们去公园玩吧。".repeat(22)),
        (
            "mixed",
            "会议 meeting 在 3 点 starts, 请 bring 你的 laptop. ".repeat(18),
        ),
        (
            "hostile",
            "a\u{0301}\u{0301}\u{0301}\u{202e}b\u{200b}\u{e0041}c\u{0007}".repeat(40),
        ),
    ]
}

fn text(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("sanitize");
    // No bound on length that these texts reach: each byte is looked at.
    let sanitizer = Sanitizer::builder()
        .max_graphemes(100_000)
        .max_input_graphemes(100_000)
        .build()
        .expect("a sanitizer");
    let control = Regex::new(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]").expect("a pattern");
    for (name, text) in texts() {
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(format!("{name}: palisade"), |bencher| {
            bencher.iter(|| black_box(sanitizer.clean(black_box(&text)).is_ok()));
        });
        group.bench_function(format!("{name}: recipe"), |bencher| {
            bencher.iter(|| {
                let without = control.replace_all(black_box(&text), "");
                black_box(without.chars().take(100_000).collect::<String>())
            });
        });
        group.bench_function(format!("{name}: copy"), |bencher| {
            bencher.iter(|| black_box(black_box(&text).clone()));
        });
    }
    group.finish();
}

fn json(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("json body");
    let body = chat_body();
    let post = |body: Bytes| {
        move |_, _| {
            let mut request = Request::new(Body::new(body.clone()));
            *request.method_mut() = Method::POST;
            *request.uri_mut() = http::Uri::from_static("/speak");
            let json = http::HeaderValue::from_static("application/json");
            request.headers_mut().insert(CONTENT_TYPE, json);
            request
        }
    };
    both_regimes(&mut group, "floor", Floor, post(body.clone()));
    let field = Field::required("/input", Sanitizer::prompt());
    let layer = SanitizeLayer::builder()
        .field(field)
        .build()
        .expect("a layer");
    both_regimes(
        &mut group,
        "palisade's layer",
        layer.layer(Floor),
        post(body.clone()),
    );
    group.bench_function("serde_json", |bencher| {
        bencher.iter(|| black_box(serde_json::from_slice::<serde_json::Value>(&body)).is_ok());
    });
    group.finish();
}

criterion_group!(name = benches; config = settings(); targets = text, json);
criterion_main!(benches);
