//! Tones in running speech.

use super::segment::Token;

/// Applies the sandhi of third tones.
pub(crate) fn apply(words: &mut [Token]) {
    let mut tones: Vec<&mut u8> = words.iter_mut().flat_map(|word| &mut word.syllables).map(|s| &mut s.tone).collect();
    for index in (1..tones.len()).rev() {
        if let Some([first, second]) = tones.get_mut(index - 1..=index)
            && (**first, **second) == (3, 3)
        {
            **first = 2;
        }
    }
}
