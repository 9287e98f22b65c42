//! The regression suite of the OWASP Core Rule Set: its rules and its stages are not part of this
//! repository.
//!
//! `PALISADE_CRS_FOLDER` names a folder with `crs-setup.conf` and `rules/`, `PALISADE_CRS_STAGES` a file
//! with one stage a line. Without them the test says so and checks nothing.

use std::collections::BTreeMap;
use std::path::PathBuf;

use palisade_inspect::{RequestView, RuleSet};
use serde_json::Value;

/// The settings under which the suite is meant to run.
const SETUP: &str = "SecAction \"id:899900,phase:1,nolog,pass,setvar:tx.arg_length=400,\
    setvar:tx.total_arg_length=6400,setvar:tx.max_file_size=64100,setvar:tx.combined_file_sizes=65535,\
    setvar:tx.arg_name_length=100,setvar:tx.max_num_args=255,setvar:tx.crs_validate_utf8_encoding=1\"";

/// Hits right, missed and false.
#[derive(Debug, Default)]
struct Count {
    right: u32,
    missed: u32,
    wrong: u32,
}

#[test]
fn the_stages_of_the_suite_are_right() {
    let variable = |name| std::env::var_os(name).map(PathBuf::from);
    let (Some(folder), Some(stages)) = (
        variable("PALISADE_CRS_FOLDER"),
        variable("PALISADE_CRS_STAGES"),
    ) else {
        eprintln!(
            "PALISADE_CRS_FOLDER or PALISADE_CRS_STAGES is not set: the rules and stages are not here."
        );
        return;
    };
    let rules = RuleSet::builder(folder)
        .paranoia(4)
        .setup(SETUP)
        .load()
        .expect("the rules load");
    assert_eq!(rules.report().not_loaded, [], "every rule loads");
    let file = std::fs::read_to_string(stages).expect("the stages can be read");
    let mut families: BTreeMap<String, Count> = BTreeMap::new();
    for line in file.lines() {
        let stage: Value = serde_json::from_str(line).expect("a stage is JSON");
        if stage.get("status").is_some() {
            continue; // What a server answers decides, and there is none here.
        }
        check(&rules, &stage, &mut families);
    }
    println!("{families:#?}");
    for (family, count) in families {
        let all = count.right + count.missed + count.wrong;
        assert!(count.right * 100 >= all * 99, "{family}: {count:?}");
    }
}

/// Replays one stage and counts it.
fn check(rules: &RuleSet, stage: &Value, families: &mut BTreeMap<String, Count>) {
    let text = |name: &str| stage[name].as_str().unwrap_or_default();
    let headers = stage["headers"].as_array().expect("headers");
    let headers = headers
        .iter()
        .map(|header| (bytes(&header[0]), bytes(&header[1])));
    let request = RequestView {
        method: text("method").as_bytes(),
        target: text("uri").as_bytes(),
        version: stage["version"].as_str().unwrap_or("HTTP/1.1"),
        headers: headers.collect(),
        body: text("data").as_bytes(),
        client: None,
    };
    let ids: Vec<u64> = rules.inspect(&request, None).ids().collect();
    let named = |list: &str| {
        stage[list]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_u64)
    };
    let missed: Vec<u64> = named("must").filter(|id| !ids.contains(id)).collect();
    let wrong: Vec<u64> = named("must_not").filter(|id| ids.contains(id)).collect();
    let count = families
        .entry(text("id").chars().take(3).collect())
        .or_default();
    match (missed.is_empty(), wrong.is_empty()) {
        (true, true) => count.right += 1,
        (false, _) => count.missed += 1,
        (true, false) => count.wrong += 1,
    }
    if !missed.is_empty() || !wrong.is_empty() {
        println!("{}: missed {missed:?}, wrong {wrong:?}", text("id"));
    }
}

/// The bytes of a text in JSON.
fn bytes(value: &Value) -> &[u8] {
    value.as_str().unwrap_or_default().as_bytes()
}
