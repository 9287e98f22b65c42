//! The demo voice's weights under any configuration: it is refused, or it speaks.

#![no_main]

use libfuzzer_sys::fuzz_target;
use sambert_hifigan::{StopSignal, Style, fuzzing};

// The first letter says whose configuration follows.
fuzz_target!(|text: &str| {
    let (acoustic, text) = match text.split_at_checked(1) {
        Some(("a", text)) => (true, text),
        Some((_, text)) => (false, text),
        None => return,
    };
    if let Some(voice) = fuzzing::configured(acoustic, text)
        && let Ok(plan) = voice.plan("好", &Style::default())
    {
        voice
            .speak(&plan, &StopSignal::new())
            .take(4)
            .for_each(drop);
    }
});
