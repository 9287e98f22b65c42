//! What saves work decides nothing: with and without it the verdicts are the same.

use std::path::PathBuf;

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;

use super::RuleSet;
use crate::engine::{RequestView, ResponseView, Settings};
use crate::words::PersonText;

/// Rules whose operators can be left out, in all the forms that a rule can have.
const RULES: &str = r#"
SecRule REQUEST_HEADERS:User-Agent "@rx (?i)select" "id:1,phase:1,pass,t:urlDecodeUni,setvar:tx.a=+1"
SecRule ARGS|!ARGS:b "@rx \d+ union" "id:2,phase:2,pass,capture,t:lowercase,t:compressWhitespace,setvar:tx.found_%{matched_var_name}=%{tx.0}"
SecRule ARGS|ARGS_NAMES "!@rx ^[a-z%+ ]*$" "id:3,phase:2,pass,t:urlDecode"
SecRule ARGS "@pm select script" "id:4,phase:2,pass,t:none,t:removeWhitespace,multiMatch,chain"
SecRule MATCHED_VARS "@rx ript" "t:none,setvar:tx.b=+1"
SecRule ARGS|XML:/* "@detectSQLi" "id:5,phase:2,pass,t:none,t:urlDecodeUni,t:removeNulls,multiMatch"
SecRule ARGS|REQUEST_COOKIES|REQUEST_COOKIES:c "@rx c\W*a\W*t" "id:6,phase:2,pass,t:cmdLine"
SecRule &ARGS:a "@gt 1" "id:7,phase:2,pass"
SecRule ARGS:a "@validateByteRange 32-126" "id:8,phase:2,pass,t:urlDecode"
SecRule REQUEST_BODY|FULL_REQUEST "@rx <script" "id:9,phase:2,pass,t:htmlEntityDecode,t:jsDecode"
SecRule ARGS "@validateUtf8Encoding" "id:10,phase:2,pass"
SecRule ARGS "@rx cat" "id:11,phase:2,pass,t:base64Decode"
SecRule ARGS_NAMES "@rx b" "id:12,phase:2,pass,ctl:ruleRemoveTargetById=13;ARGS:a,ctl:requestBodyProcessor=XML"
SecRule ARGS "@contains select" "id:13,phase:2,pass,t:lowercase,skipAfter:END"
SecRule ARGS "@rx script" "id:14,phase:2,pass,t:hexDecode,t:sha1,t:hexEncode"
SecMarker END
SecRule TX:/^found_/ "@rx union" "id:15,phase:2,pass"
SecRule RESPONSE_BODY|ARGS "@rx script" "id:16,phase:4,pass,t:lowercase"
SecRule TX:a|TX:b "@gt 0" "id:17,phase:5,pass,setvar:tx.blocking_inbound_anomaly_score=+%{tx.a}"
"#;

/// Texts of parts of literals, of what triggers transformations, and of other bytes.
fn pieces() -> impl Strategy<Value = String> {
    "(sel|ect|SELECT|scr|ipt|union| +|%20|%2553|%u0073|&#115;|\\\\x73|c'a\"t|cat|Y2F0|1' or '1'='1|\
        <|0|ſ|é|ａ|/|\\.\\./|;|[a-z]|[A-Z]|[ -~]|73656c){0,8}"
}

/// Checks that a set and the same set without what saves work find the same.
fn check(rules: &RuleSet, bare: &RuleSet, request: &RequestView<'_>) {
    let response = ResponseView {
        body: request.body,
        ..ResponseView::default()
    };
    for fields in [PersonText::default(), PersonText::chat()] {
        // Without filters there is more work, and its bound would be reached first.
        let settings = Settings {
            is_words: &|name, value| fields.contains(name, value),
            see_all: true,
            max_work: usize::MAX,
            text_key: None,
        };
        let found = rules.inspect_with(request, Some(&response), &settings);
        let expected = bare.inspect_with(request, Some(&response), &settings);
        assert_eq!(found, expected, "{request:?}");
    }
}

/// The same set, whose every rule asks its operator of every value.
fn without_filters(mut rules: RuleSet) -> RuleSet {
    rules.plan.ask_every_operator();
    rules
}

/// A request with texts in all places.
fn with_request(texts: &[String], check: impl Fn(&RequestView<'_>)) {
    let text = |index: usize| texts.get(index).map_or("", String::as_str);
    let encoded = |index: usize| text(index).replace([' ', '&', '#', '\0'], "+");
    let target = format!(
        "/p{}?a={}&b={}&a={}",
        encoded(0),
        encoded(1),
        encoded(2),
        encoded(3)
    );
    let form = format!("text={}&c={}", encoded(4), encoded(5));
    let json = serde_json::json!({"messages": [{"content": text(4)}], "b": text(5)}).to_string();
    let xml = format!("<a b=\"{}\">{}</a>", text(4), text(5));
    let bodies: [(&[u8], &str); 4] = [
        (b"application/x-www-form-urlencoded", &form),
        (b"application/json", &json),
        (b"text/xml", &xml),
        (b"text/plain", text(4)),
    ];
    for (kind, body) in bodies {
        check(&RequestView {
            method: b"POST",
            target: target.as_bytes(),
            headers: vec![
                (b"host", b"a.example"),
                (b"User-Agent", text(6).as_bytes()),
                (b"cookie", text(7).as_bytes()),
                (b"content-type", kind),
            ],
            body: body.as_bytes(),
            ..RequestView::default()
        });
    }
}

#[test]
fn rules_find_the_same_with_and_without_filters() {
    let rules = RuleSet::parse(RULES).expect("rules");
    assert_eq!(rules.report().not_loaded, []);
    let bare = without_filters(RuleSet::parse(RULES).expect("rules"));
    let texts = proptest::collection::vec(pieces(), 8);
    let mut runner = TestRunner::new(ProptestConfig::with_cases(200));
    let result = runner.run(&texts, |texts| {
        with_request(&texts, |request| check(&rules, &bare, request));
        Ok(())
    });
    assert_eq!(result, Ok(()));
}

/// `PALISADE_CRS_FOLDER` names a folder with the Core Rule Set. Without it nothing is checked.
#[test]
fn the_core_rule_set_finds_the_same_with_and_without_filters() {
    let Some(folder) = std::env::var_os("PALISADE_CRS_FOLDER").map(PathBuf::from) else {
        eprintln!("PALISADE_CRS_FOLDER is not set: the Core Rule Set is not here.");
        return;
    };
    let load = || {
        RuleSet::builder(&folder)
            .paranoia(4)
            .load()
            .expect("the rules load")
    };
    let (rules, bare) = (load(), without_filters(load()));
    let mut runner = TestRunner::deterministic();
    let texts = proptest::collection::vec(pieces(), 8);
    for _ in 0..60 {
        let tree = texts.new_tree(&mut runner).expect("texts");
        with_request(&tree.current(), |request| check(&rules, &bare, request));
    }
    for line in include_str!("../../tests/evasions.jsonl").lines() {
        let stage: serde_json::Value = serde_json::from_str(line).expect("JSON");
        check_stage(&rules, &bare, &stage);
    }
    let stages = std::env::var_os("PALISADE_CRS_STAGES");
    let stages = stages.map(|file| std::fs::read_to_string(file).expect("readable"));
    for line in stages.unwrap_or_default().lines() {
        let stage: serde_json::Value = serde_json::from_str(line).expect("JSON");
        check_stage(&rules, &bare, &stage);
    }
}

/// Checks a request that is written as JSON.
fn check_stage(rules: &RuleSet, bare: &RuleSet, stage: &serde_json::Value) {
    let text = |name: &str| stage[name].as_str().unwrap_or_default().as_bytes();
    let bytes =
        |value: &'_ serde_json::Value| value.as_str().unwrap_or_default().as_bytes().to_vec();
    let pairs = stage["headers"].as_array().cloned().unwrap_or_default();
    let pairs: Vec<_> = pairs
        .iter()
        .map(|pair| (bytes(&pair[0]), bytes(&pair[1])))
        .collect();
    let headers = pairs
        .iter()
        .map(|(name, value)| (name.as_slice(), value.as_slice()));
    let request = RequestView {
        method: text("method"),
        target: text("uri"),
        headers: headers.collect(),
        body: text("data"),
        ..RequestView::default()
    };
    check(rules, bare, &request);
}
