//! When the words of a speech are heard. The model decides how long each phone lasts before it makes any sound.

use std::time::Duration;

use mandarin::{Break, Syllable, Word};

use super::plan::Sentence;
use crate::units::is_spoken;

/// When a word is heard, from the first sample of the speech.
///
/// ```
/// use sambert_hifigan::{StopSignal, Style, Voice};
///
/// let voice = Voice::demo()?;
/// let plan = voice.plan("你好，世界！", &Style::default())?;
/// let mut speech = voice.speak(&plan, &StopSignal::new());
/// let mut words = Vec::new();
/// while let Some(samples) = speech.next().transpose()? {
///     words.extend(speech.take_timings());
/// # assert!(!samples.is_empty());
/// }
/// let texts: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
/// assert_eq!(texts, ["你好", "世界"]);
/// assert!(words[0].end <= words[1].start && words[1].ends_sentence);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WordTiming {
    /// The word as it is spoken: numbers and signs are written out. Empty where markup gave only a reading.
    pub text: String,
    /// Where it begins.
    pub start: Duration,
    /// Where it ends; a pause behind it does not count.
    pub end: Duration,
    /// Its syllables. There may be more or fewer than characters.
    pub syllables: Vec<SyllableTiming>,
    /// Whether a comma or the end of a sentence is behind it.
    pub ends_clause: bool,
    /// Whether the end of a sentence is behind it.
    pub ends_sentence: bool,
}

/// When a syllable is heard, from the first sample of the speech.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SyllableTiming {
    /// Its pinyin with the tone behind it.
    pub pinyin: String,
    /// Where it begins.
    pub start: Duration,
    /// Where it ends.
    pub end: Duration,
}

/// A place in a sentence whose units have known lengths.
struct Walk<'a> {
    durations: std::slice::Iter<'a, usize>,
    /// Samples from the beginning of the speech.
    at: usize,
    hop: usize,
    rate: f64,
}

/// Returns when the words of a sentence are heard, or none where its units have other lengths than their number: a
/// voice that reads bytes, or one that fills pauses. `first` is the sample at which the sentence begins.
pub(super) fn of_sentence(
    sentence: &Sentence,
    durations: &[usize],
    first: usize,
    hop: usize,
    rate: u32,
) -> Vec<WordTiming> {
    let words = sentence.words();
    let units: usize = words
        .iter()
        .enumerate()
        .map(|(at, word)| units(word, at + 1 == words.len()))
        .sum();
    if units != durations.len() {
        return Vec::new();
    }
    let mut walk = Walk {
        durations: durations.iter(),
        at: first,
        hop,
        rate: f64::from(rate.max(1)),
    };
    let timed = words.iter().enumerate();
    timed
        .map(|(at, word)| walk.word(word, at + 1 == words.len()))
        .collect()
}

/// Returns how many units a word has, with the break behind it. The last word ends the sentence.
fn units(word: &Word, is_last: bool) -> usize {
    word.syllables.iter().map(phones).sum::<usize>() + usize::from(is_last || is_spoken(word.after))
}

fn phones(syllable: &Syllable) -> usize {
    syllable.phones().map_or(0, |phones| phones.len())
}

impl Walk<'_> {
    fn word(&mut self, word: &Word, is_last: bool) -> WordTiming {
        let start = self.now();
        let syllables: Vec<_> = word
            .syllables
            .iter()
            .map(|syllable| {
                let start = self.now();
                self.pass(phones(syllable));
                SyllableTiming {
                    pinyin: syllable.to_string(),
                    start,
                    end: self.now(),
                }
            })
            .collect();
        let end = self.now();
        self.pass(usize::from(is_last || is_spoken(word.after)));
        WordTiming {
            text: word.text.clone(),
            start,
            end,
            syllables,
            ends_clause: is_last || word.after >= Break::Clause,
            ends_sentence: is_last || word.after >= Break::Sentence,
        }
    }

    /// Goes on by some units.
    fn pass(&mut self, units: usize) {
        let frames: usize = self.durations.by_ref().take(units).sum();
        self.at += frames * self.hop;
    }

    fn now(&self) -> Duration {
        Duration::from_secs_f64(self.at as f64 / self.rate)
    }
}
