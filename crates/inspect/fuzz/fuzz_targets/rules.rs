//! Any text is read as rules, and what loads runs on a request.

#![no_main]

use libfuzzer_sys::fuzz_target;
use palisade_inspect::{RequestView, RuleSet};

fuzz_target!(|text: &str| {
    // A pattern may take memory; its length bounds how much.
    if text.len() > 4096 || text.to_ascii_lowercase().contains("include") {
        return;
    }
    let Ok(rules) = RuleSet::parse(text) else { return };
    let request = RequestView {
        target: b"/a/../b?x=1&y=%41",
        headers: vec![(b"content-type", b"application/json")],
        body: br#"{"a":["b",1]}"#,
        ..RequestView::default()
    };
    let verdict = rules.inspect(&request, None);
    assert!(verdict.matched.len() <= rules.report().rules);
});
