//! Documents in the speech synthesis markup language.

mod bombs;
mod breaks;
mod document;
mod manners;
mod properties;
mod readings;
mod refusals;

use sambert_hifigan::{Plan, SsmlError, SsmlProblem, StopSignal, Style, Voice};

fn voice() -> &'static Voice {
    static VOICE: std::sync::OnceLock<Voice> = std::sync::OnceLock::new();
    VOICE.get_or_init(|| Voice::demo().unwrap())
}

fn plan(document: &str) -> Result<Plan, SsmlError> {
    voice().plan_ssml(document, &Style::default())
}

/// Plans what stands inside `<speak>`.
#[track_caller]
fn spoken(inside: &str) -> Plan {
    plan(&format!("<speak>{inside}</speak>")).unwrap_or_else(|error| panic!("{inside}: {error}"))
}

#[track_caller]
fn check(inside: &str, pinyin: &str) {
    assert_eq!(spoken(inside).pinyin(), pinyin, "{inside}");
}

/// Samples of a document, and how many of them are silence at both ends.
fn samples(document: &str) -> (Vec<f32>, usize, usize) {
    let plan = plan(document).unwrap();
    let samples: Vec<f32> = voice()
        .speak(&plan, &StopSignal::new())
        .flat_map(Result::unwrap)
        .collect();
    let silent = |sample: &&f32| **sample == 0.0;
    let lead = samples.iter().take_while(silent).count();
    let end = samples.iter().rev().take_while(silent).count();
    (samples, lead, end)
}

fn problem(document: &str) -> SsmlProblem {
    match plan(document) {
        Ok(plan) => panic!("{document} is {}", plan.pinyin()),
        Err(error) => error.problem().clone(),
    }
}
