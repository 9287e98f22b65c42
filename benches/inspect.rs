//! Firewall rules: what one request costs, for the rules that are shipped and for a folder.
//!
//! `PALISADE_CRS_FOLDER` names a folder with the OWASP Core Rule Set; it is measured at each paranoia level.
//! Without it only the shipped rules are measured.
#![allow(missing_docs)]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use palisade::inspect::{RequestView, RuleSet};

/// A body with this many bytes of JSON or a little more, such as a client sends.
fn json(bytes: usize) -> Vec<u8> {
    let entry = r#"{"id":17,"name":"A train to the coast","tags":["north","slow"],"price":12.5}"#;
    let entries = vec![entry; bytes.div_ceil(entry.len())];
    format!("[{}]", entries.join(",")).into_bytes()
}

/// The headers of a browser, with the media type of a body if there is one.
fn headers(content_type: Option<&'static [u8]>) -> Vec<(&'static [u8], &'static [u8])> {
    let mut headers: Vec<(&[u8], &[u8])> = vec![
        (b"host", b"shop.example"),
        (
            b"user-agent",
            b"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
        ),
        (b"accept", b"text/html,application/json"),
        (b"accept-language", b"en,de;q=0.7"),
        (b"cookie", b"session=0f3a9c; theme=dark"),
    ];
    headers.extend(content_type.map(|kind| (&b"content-type"[..], kind)));
    headers
}

/// Measures the four kinds of requests with one set of rules.
fn measure(criterion: &mut Criterion, name: &str, rules: &RuleSet) {
    let (small, large) = (json(1024), json(64 * 1024 - 128));
    let get = RequestView {
        target: b"/search?q=train+to+the+coast&page=2",
        headers: headers(None),
        ..RequestView::default()
    };
    let attack = RequestView {
        target: b"/search?q=1'%20OR%20'1'='1&file=..%2f..%2fetc%2fpasswd",
        ..get.clone()
    };
    let post = |body| RequestView {
        method: b"POST",
        headers: headers(Some(b"application/json")),
        body,
        ..get.clone()
    };
    let requests = [
        ("clean GET", get.clone()),
        ("clean JSON of 1 KiB", post(small.as_slice())),
        ("attack", attack),
        ("clean JSON of 64 KiB", post(large.as_slice())),
    ];
    let mut group = criterion.benchmark_group(format!("inspect, {name}"));
    for (kind, request) in requests {
        let bytes = request.body.len().max(request.target.len());
        group.throughput(Throughput::Bytes(bytes as u64));
        group.bench_function(kind, |bencher| {
            bencher.iter(|| black_box(rules.inspect(black_box(&request), None)));
        });
    }
}

fn shipped(criterion: &mut Criterion) {
    let rules = RuleSet::shipped().expect("the rules load");
    measure(criterion, "shipped rules", &rules);
}

fn core_rule_set(criterion: &mut Criterion) {
    let Some(folder) = std::env::var_os("PALISADE_CRS_FOLDER") else {
        return;
    };
    for level in 1..=4 {
        let rules = RuleSet::builder(&folder).paranoia(level).load();
        let rules = rules.expect("the rules load");
        measure(criterion, &format!("paranoia {level}"), &rules);
    }
}

criterion_group!(benches, shipped, core_rule_set);
criterion_main!(benches);
