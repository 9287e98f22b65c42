//! Comparison with the reference: every stored tensor of every case.
//!
//! A folder of cases ships with the crate; more are read from `SAMBERT_FIXTURES`, or from beside the
//! workspace, when they are there. Whatever case is found is run.

mod acoustic;
mod case;
mod report;
mod vocoder;

use std::fs;

use serde_json::Value;

pub(super) use self::case::{floats, more_cases};
use self::{
    case::{cases, shipped},
    report::Report,
};

#[test]
fn every_intermediate_equals_the_reference() {
    let mut found = Vec::new();
    [Some(shipped()), more_cases()]
        .iter()
        .flatten()
        .for_each(|folder| cases(folder, &mut found));
    found.sort();
    assert!(!found.is_empty(), "no case was found");
    let mut report = Report::default();
    for case in &found {
        let meta: Value =
            serde_json::from_str(&fs::read_to_string(case.join("meta.json")).unwrap()).unwrap();
        match meta["kind"].as_str() {
            Some("am") => acoustic::compare(case, &meta, &mut report),
            Some("vocoder") => vocoder::compare(case, &meta, &mut report),
            other => panic!("{}: kind {other:?} is unknown", case.display()),
        }
        report.cases += 1;
    }
    report.print();
}
