//! Comparison with the reference: every stored tensor of every case.
//!
//! A folder of cases ships with the crate; more are read from `SAMBERT_FIXTURES`, or from beside the
//! workspace, when they are there. Whatever case is found is run.

mod acoustic;
mod case;
mod report;
mod vocoder;

use self::report::Report;
pub(super) use self::{
    case::{all_cases, floats, more_cases, weight_files},
    vocoder::load as load_vocoder,
};

#[test]
fn every_intermediate_equals_the_reference() {
    let mut report = Report::default();
    for (case, meta) in &all_cases() {
        match meta["kind"].as_str() {
            Some("am") => acoustic::compare(case, meta, &mut report),
            Some("vocoder") => vocoder::compare(case, meta, &mut report),
            other => panic!("{}: kind {other:?} is unknown", case.display()),
        }
        report.cases += 1;
    }
    report.print();
}
