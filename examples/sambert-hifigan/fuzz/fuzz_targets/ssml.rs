//! Any SSML has a plan or is refused with the line of its first fault.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use sambert_hifigan::{Style, Voice};

static VOICE: LazyLock<Voice> = LazyLock::new(|| Voice::demo().expect("the demo voice is intact"));

fuzz_target!(|ssml: &str| {
    if let Ok(plan) = VOICE.plan_ssml(ssml, &Style::default()) {
        assert!(plan.seconds_estimate().is_finite() && plan.stretches() > 0);
    }
});
