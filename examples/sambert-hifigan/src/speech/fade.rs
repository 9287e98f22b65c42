//! A short fade where a sentence begins with a vowel: the voice sets in at once there, which can be heard as a click.

use std::time::Duration;

use mandarin::{Syllable, Word};

/// The rise of the first samples of a sentence.
#[derive(Clone, Copy, Debug)]
pub(super) struct FadeIn {
    /// Samples that rise.
    length: usize,
    /// Samples that were passed.
    at: usize,
}

impl FadeIn {
    /// Makes the rise for a sentence of these words; none where it begins with a consonant, or its words are not known.
    pub(super) fn for_words(words: &[Word], length: Duration, sample_rate: u32) -> Self {
        let first = words.first().and_then(|word| word.syllables.first());
        let samples = length.as_secs_f64() * f64::from(sample_rate);
        Self {
            length: match first.is_some_and(begins_with_vowel) {
                true => samples as usize,
                false => 0,
            },
            at: 0,
        }
    }

    /// Lets the next samples rise as far as they belong to the beginning.
    pub(super) fn apply(&mut self, samples: &mut [f32]) {
        let length = self.length as f32;
        for (place, sample) in (self.at..self.length).zip(samples.iter_mut()) {
            // A half of a cosine: no corner at either end.
            let phase = std::f32::consts::PI * place as f32 / length;
            *sample *= 0.5 - 0.5 * phase.cos();
        }
        self.at += samples.len();
    }
}

/// Tells whether a syllable begins with a vowel. In pinyin `y` and `w` are i, u and ü; English phones are in capitals.
fn begins_with_vowel(syllable: &Syllable) -> bool {
    let vowel = |c: char| matches!(c, 'a' | 'e' | 'o' | 'y' | 'w' | 'A' | 'E' | 'I' | 'O' | 'U');
    // `UH` and `UW` are the only English phones with U; `Y-` and `W-` are consonants there.
    syllable.spelling.starts_with(vowel)
}

#[cfg(test)]
mod tests {
    use mandarin::{Latin, Script, analyze};

    use super::*;

    fn fade(text: &str, latin: Latin) -> FadeIn {
        let stretches = analyze(&Script::plain(text), latin).unwrap();
        FadeIn::for_words(&stretches[0].words, Duration::from_millis(5), 16_000)
    }

    #[test]
    fn a_vowel_at_the_beginning_rises_and_a_consonant_does_not() {
        for text in ["爱你", "安静", "一个", "五月", "鱼", "哦"] {
            assert_eq!(fade(text, Latin::Mandarin).length, 80, "{text}");
        }
        for text in ["你好", "开门", "十"] {
            assert_eq!(fade(text, Latin::Mandarin).length, 0, "{text}");
        }
        assert_eq!(fade("apple", Latin::English).length, 80);
        assert_eq!(fade("hello", Latin::English).length, 0);
        let nothing = FadeIn::for_words(&[], Duration::from_millis(5), 16_000);
        assert_eq!(nothing.length, 0);
    }

    #[test]
    fn samples_rise_alike_however_they_are_cut() {
        let mut whole = [1.0; 200];
        fade("爱", Latin::Mandarin).apply(&mut whole);
        assert!(whole[0] == 0.0 && (whole[40] - 0.5).abs() < 1e-6 && whole[80..] == [1.0; 120]);
        assert!(whole.is_sorted());
        let mut cut = [1.0; 200];
        let mut fade = fade("爱", Latin::Mandarin);
        cut.chunks_mut(7).for_each(|piece| fade.apply(piece));
        assert_eq!(cut, whole);
    }
}
