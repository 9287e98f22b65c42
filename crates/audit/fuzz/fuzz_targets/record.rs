//! Records of hostile requests: whatever a client puts where, a record is one line of JSON, harmless to look
//! at, bounded in length, and without a credential.

#![no_main]

use std::sync::LazyLock;

use futures_util::FutureExt;
use http::{HeaderValue, Method, Request, Uri, header::AUTHORIZATION, request};
use libfuzzer_sys::fuzz_target;
use palisade_audit::{AuditKey, AuditLayer, MemorySink};
use palisade_core::{
    Fact, Guard, GuardLayer, Layer, Principal, Rejection, SecurityContext, Verdict,
    testing::{EmptyOk, TestBody},
};
use serde_json::Value;
use tower::ServiceExt;

const SECRET: &str = "the-token-of-a-client";

static AUDIT: LazyLock<(MemorySink, AuditLayer)> = LazyLock::new(|| {
    let sink = MemorySink::with_capacity(1);
    let layer = AuditLayer::builder()
        .sink(sink.clone())
        .correlation_key(AuditKey::from_bytes(*b"0123456789abcdef0123456789abcdef").expect("a key"))
        .correlate_query("user")
        .dangerously_record_query("page")
        .dangerously_record_raw_paths();
    (sink, layer.build().expect("a layer"))
});

/// Puts a text wherever a guard may put one.
#[derive(Clone, Debug)]
struct Tells(String);

impl Guard for Tells {
    type Pass = ();

    fn name(&self) -> &'static str {
        "tells"
    }

    fn admit(&self, cx: &SecurityContext, _: &mut request::Parts) -> Verdict<()> {
        let who = Principal::builder("fuzz", &*self.0)
            .credential(&*self.0)
            .owner(&*self.0);
        cx.set_principal(who.build()).expect("no other principal is known");
        cx.record(Fact::Noted {
            key: "note",
            value: self.0.clone().into(),
        });
        cx.record(Fact::Cleaned {
            field: self.0.as_str().into(),
            removed: 1,
        });
        Rejection::not_found().with_reason(self.0.clone()).into()
    }
}

// The first line is the method, the second the target; all of it is the text.
fuzz_target!(|text: &str| {
    let mut lines = text.lines();
    let method = lines
        .next()
        .and_then(|line| line.parse().ok())
        .unwrap_or(Method::GET);
    let target = lines
        .next()
        .and_then(|line| line.parse().ok())
        .unwrap_or(Uri::from_static("/"));
    let mut request = Request::new(TestBody::default());
    *request.method_mut() = method;
    *request.uri_mut() = target;
    request
        .headers_mut()
        .insert(AUTHORIZATION, HeaderValue::from_static(SECRET));
    let (sink, audit) = &*AUDIT;
    let stack = GuardLayer((audit.clone(), Tells(text.to_owned())));
    drop(
        stack
            .layer(EmptyOk::default())
            .oneshot(request)
            .now_or_never(),
    );
    check_record(text, &sink.lines());
});

fn check_record(text: &str, lines: &[String]) {
    let [line] = lines else {
        panic!("one request, {} records", lines.len());
    };
    let hidden = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
    };
    assert!(!line.contains(hidden), "{line:?}");
    assert!(line.len() < 48 * 1024, "{} bytes", line.len());
    assert!(text.contains(SECRET) || !line.contains(SECRET));
    let record: Value = serde_json::from_str(line).expect("a record is JSON");
    let noted = record["noted"][0]["value"].as_str().expect("a note");
    assert!(text == noted || text.starts_with(noted.trim_end_matches('…')));
    assert_eq!(record["status"], 404);
}
