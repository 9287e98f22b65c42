//! Any text has a plan or is refused; and what has a plan has a reading.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use sambert_hifigan::{Style, Voice};

static VOICE: LazyLock<Voice> = LazyLock::new(|| Voice::demo().expect("the demo voice is intact"));

fuzz_target!(|text: &str| {
    if let Ok(plan) = VOICE.plan(text, &Style::default()) {
        assert!(
            !plan.pinyin().is_empty(),
            "{text:?} has a plan without a reading"
        );
        assert!(plan.seconds_estimate().is_finite() && plan.stretches() > 0);
    }
});
