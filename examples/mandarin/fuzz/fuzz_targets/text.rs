//! Any text has stretches of at most 20 syllables or is refused, and every syllable has phones.

#![no_main]

use libfuzzer_sys::fuzz_target;
use mandarin::{Latin, Script, analyze};

fuzz_target!(|text: &str| {
    for latin in [Latin::Mandarin, Latin::English] {
        for stretch in analyze(&Script::plain(text), latin).unwrap_or_default() {
            let syllables = stretch.words.iter().flat_map(|word| &word.syllables);
            assert!((1..=20).contains(&syllables.clone().count()), "{text:?}");
            assert!(syllables.clone().all(|syllable| syllable.phones().is_some()), "{text:?}");
        }
    }
});
