//! From English phones to syllables.

use crate::syllable::Syllable;

/// Vowels; every syllable has one.
const VOWELS: &str = " AA AE AH AO AW AY EH ER EY IH IY OW OY UH UW ";

/// Consonants that may open a syllable together.
const OPENINGS: &str = " P-L P-R P-Y B-L B-R B-Y T-R T-W D-R D-W K-L K-R K-W K-Y G-L G-R G-W F-L F-R F-Y V-Y TH-R TH-W \
    S-P S-T S-K S-M S-N S-L S-W S-F SH-R HH-Y M-Y N-Y S-P-L S-P-R S-T-R S-K-R S-K-W S-P-Y S-K-Y S-T-Y ";

/// A syllable of an English word: consonants, a vowel, consonants.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct EnglishSyllable<'a> {
    pub(super) onset: Vec<&'a str>,
    pub(super) vowel: &'a str,
    pub(super) coda: Vec<&'a str>,
    pub(super) stressed: bool,
    /// Whether the vowel is a full one, be the stress on it or not.
    pub(super) full: bool,
}

impl EnglishSyllable<'_> {
    /// Returns the syllable for a voice that knows the phones; the tone is the stress.
    pub(super) fn english(&self) -> Syllable {
        let phones = self.onset.iter().chain([&self.vowel]).chain(&self.coda);
        Syllable::english(phones.copied(), self.stressed)
    }
}

/// Cuts phones into syllables; between two vowels as many consonants as can open a syllable go to the second.
pub(super) fn of(phones: &str) -> Vec<EnglishSyllable<'_>> {
    let mut syllables: Vec<EnglishSyllable<'_>> = Vec::new();
    let mut waiting: Vec<&str> = Vec::new();
    for phone in phones.split_whitespace() {
        let plain = phone.trim_end_matches(|c: char| c.is_ascii_digit());
        if !VOWELS.contains(&format!(" {plain} ")) {
            waiting.push(plain);
            continue;
        }
        let onset = match syllables.last_mut() {
            Some(before) => {
                let onset = waiting.split_off(opening(&waiting));
                before.coda.append(&mut waiting);
                onset
            }
            None => std::mem::take(&mut waiting),
        };
        syllables.push(EnglishSyllable {
            onset,
            vowel: plain,
            coda: Vec::new(),
            stressed: phone.ends_with('1'),
            full: !phone.ends_with('0'),
        });
    }
    match syllables.last_mut() {
        Some(last) => last.coda.append(&mut waiting),
        None => syllables.extend(hissed(waiting)),
    }
    syllables
}

/// Gives consonants without any vowel one: "hmm", "shh".
fn hissed(onset: Vec<&str>) -> Option<EnglishSyllable<'_>> {
    (!onset.is_empty()).then_some(EnglishSyllable {
        onset,
        vowel: "AH",
        coda: Vec::new(),
        stressed: true,
        full: true,
    })
}

/// Returns where the longest possible opening among consonants begins.
fn opening(consonants: &[&str]) -> usize {
    let opens = |at: &usize| match consonants.get(*at..).unwrap_or_default() {
        [] => true,
        [one] => *one != "NG",
        several => OPENINGS.contains(&format!(" {} ", several.join("-"))),
    };
    (0..=consonants.len())
        .find(opens)
        .unwrap_or(consonants.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(phones: &str, syllables: &str) {
        let shown: Vec<_> = of(phones)
            .iter()
            .map(|syllable| syllable.english().to_string())
            .collect();
        assert_eq!(shown.join(" "), syllables);
    }

    #[test]
    fn consonants_open_the_next_syllable_where_they_can() {
        check("HH AH0 L OW1", "HH-AH0 L-OW1");
        check("S T R EH1 NG TH", "S-T-R-EH-NG-TH1");
        check("S IH1 NG ER0", "S-IH-NG1 ER0");
        check("EH1 K S T R AH0", "EH-K1 S-T-R-AH0");
        check("W IH1 N D OW2 Z", "W-IH-N1 D-OW-Z0");
    }
}
