//! Attacks that are written so that a filter does not see them.
//!
//! `tests/evasions.jsonl` has one request a line: its class, and whether the shipped rules must
//! find it (`ours`). The others are for the Core Rule Set: SQL, markup, commands in free text. With
//! `PALISADE_CRS_FOLDER` their rate is printed too.

use std::collections::BTreeMap;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use palisade_inspect::{RequestView, RuleSet};
use serde_json::Value;

const CORPUS: &str = include_str!("../evasions.jsonl");

/// The requests of the corpus.
fn corpus() -> Vec<Value> {
    let line = |line| serde_json::from_str(line).expect("a request is JSON");
    CORPUS.lines().map(line).collect()
}

/// Whether a set of rules refuses a request.
fn is_found(rules: &RuleSet, request: &Value) -> bool {
    let text = |name: &str| request[name].as_str().unwrap_or_default();
    let pairs = request["headers"].as_array().expect("headers");
    let pair = |pair: &'_ Value| -> (Vec<u8>, Vec<u8>) {
        let of = |index: usize| pair[index].as_str().unwrap_or_default().as_bytes().to_vec();
        (of(0), of(1))
    };
    let headers: Vec<(Vec<u8>, Vec<u8>)> = pairs.iter().map(pair).collect();
    let body = match request["data_base64"].as_str() {
        Some(encoded) => BASE64_STANDARD.decode(encoded).expect("Base64"),
        None => text("data").as_bytes().to_vec(),
    };
    let view = RequestView {
        method: text("method").as_bytes(),
        target: text("uri").as_bytes(),
        headers: headers
            .iter()
            .map(|(name, value)| (name.as_slice(), value.as_slice()))
            .collect(),
        body: &body,
        ..RequestView::default()
    };
    rules.inspect(&view, None).is_refused()
}

/// Prints how many of each class are found.
fn print_rates(name: &str, rules: &RuleSet, requests: &[Value]) {
    let mut rates: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for request in requests {
        let class = request["class"].as_str().unwrap_or_default();
        let rate = rates.entry(class).or_default();
        rate.0 += usize::from(is_found(rules, request));
        rate.1 += 1;
    }
    for (class, (found, all)) in rates {
        println!("{name}, {class}: {found} of {all}");
    }
}

#[test]
fn the_shipped_rules_find_what_is_theirs_however_it_is_written() {
    let rules = RuleSet::shipped().expect("the rules load");
    let requests = corpus();
    print_rates("shipped", &rules, &requests);
    let missed: Vec<&Value> = requests
        .iter()
        .filter(|request| request["ours"] == true && !is_found(&rules, request))
        .collect();
    assert!(
        missed.is_empty(),
        "{} are missed: {missed:#?}",
        missed.len()
    );
}

#[test]
fn the_core_rule_set_finds_most_of_them() {
    let Some(folder) = std::env::var_os("PALISADE_CRS_FOLDER") else {
        eprintln!("PALISADE_CRS_FOLDER is not set: the Core Rule Set is not here.");
        return;
    };
    let rules = RuleSet::builder(folder).load().expect("the rules load");
    print_rates("core rule set", &rules, &corpus());
}
