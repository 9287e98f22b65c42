//! Any SSML has a plan or is refused at a place in it; a plan costs no more than its document can pay for.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use sambert_hifigan::{Style, Voice};

static VOICE: LazyLock<Voice> = LazyLock::new(|| Voice::demo().expect("the demo voice is intact"));

fuzz_target!(|ssml: &str| {
    match VOICE.plan_ssml(ssml, &Style::default()) {
        Ok(plan) => {
            // A minute of breaks, and what a byte can ask for at the slowest.
            let bound = 61.0 + 5.0 * ssml.len() as f32;
            assert!(plan.seconds_estimate() < bound && plan.stretches() > 0);
        }
        Err(error) => {
            assert!(error.place().offset <= ssml.len() && error.place().line > 0);
            assert!(error.to_string().len() < 2_000);
        }
    }
});
