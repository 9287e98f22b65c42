//! Readings in pinyin.

use mandarin::{Break, Reading, Syllable, is_han};

/// Syllables of one word: longer ones could not be cut where a voice has to breathe.
const LONGEST_WORD: usize = 20;

pub(super) const READINGS: &str = "pinyin with a tone 1 to 5 behind each syllable, such as chang2; \
    blanks, / , and . between words of at most 20 syllables";

/// A word in pinyin, and how strongly it ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Spelled {
    pub(super) syllables: Vec<Syllable>,
    pub(super) after: Break,
}

/// Reads words: syllables written together, blanks between words, `/` after a phrase, `,` after a clause, `.` after a
/// sentence. Returns nothing where there is no word, and for what is no pinyin.
pub(super) fn parse(text: &str) -> Option<Vec<Spelled>> {
    let mut words: Vec<Spelled> = Vec::new();
    let mut rest = text.trim();
    while let Some(first) = rest.chars().next() {
        let mark = match first {
            ' ' => Some(Break::Word),
            '/' => Some(Break::Phrase),
            ',' => Some(Break::Clause),
            '.' => Some(Break::Sentence),
            _ => None,
        };
        if let Some(mark) = mark {
            let last = words.last_mut()?;
            last.after = last.after.max(mark);
            rest = rest.get(1..)?;
            continue;
        }
        let end = rest.find([' ', '/', ',', '.']).unwrap_or(rest.len());
        words.push(Spelled {
            syllables: word(rest.get(..end)?)?,
            after: Break::Word,
        });
        rest = rest.get(end..)?;
    }
    (!words.is_empty()).then_some(words)
}

fn word(text: &str) -> Option<Vec<Syllable>> {
    let syllables = text.split_inclusive(|c: char| c.is_ascii_digit());
    let toned = |syllable: &str| {
        let toned = syllable.ends_with(['0', '1', '2', '3', '4', '5']);
        toned.then(|| Syllable::parse(syllable)).flatten()
    };
    let syllables: Vec<_> = syllables
        .take(LONGEST_WORD + 1)
        .map(toned)
        .collect::<Option<_>>()?;
    (syllables.len() <= LONGEST_WORD).then_some(syllables)
}

/// What the characters of a phoneme are read as.
pub(super) enum Aligned {
    /// Each has a syllable, or stands between those that have one.
    Characters(Vec<(char, Option<Reading>)>),
    /// There is no Chinese character: the pinyin says all.
    NoCharacters,
    /// There are more or fewer syllables than characters, or other characters among the Chinese ones.
    Otherwise,
}

/// Gives each Chinese character its syllable; the 儿 behind a colored syllable may go without one.
pub(super) fn align(text: &str, words: &[Spelled]) -> Aligned {
    if !text.chars().any(is_han) {
        return Aligned::NoCharacters;
    }
    let mut syllables = words.iter().flat_map(|word| &word.syllables);
    let characters = text.chars().filter(|c| is_han(*c)).count();
    let mut spare = characters.saturating_sub(syllables.clone().count());
    let mut aligned = Vec::new();
    let mut colored = false;
    for c in text.chars() {
        if !is_han(c) {
            if c.is_alphanumeric() {
                return Aligned::Otherwise;
            }
            aligned.push((c, None));
            continue;
        }
        let silent = colored && c == '儿' && spare > 0;
        let syllable = if silent {
            spare -= 1;
            None
        } else {
            match syllables.next() {
                Some(syllable) => Some(syllable.clone()),
                None => return Aligned::Otherwise,
            }
        };
        colored = syllable
            .as_ref()
            .is_some_and(|syllable| syllable.uncolored().is_some());
        aligned.push((c, Some(Reading::Character(syllable))));
    }
    match syllables.next() {
        None => Aligned::Characters(aligned),
        Some(_) => Aligned::Otherwise,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        let word = |word: Spelled| {
            let syllables: String = word.syllables.iter().map(ToString::to_string).collect();
            format!("{syllables}{:?}", word.after)
        };
        parse(text)
            .unwrap()
            .into_iter()
            .map(word)
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[test]
    fn blanks_and_marks_end_words() {
        assert_eq!(
            shown("jin1tian1 hao3/ma5, xing2 . "),
            "jin1tian1Word hao3Phrase ma5Clause xing2Sentence"
        );
        assert_eq!(shown("Lü4 lv4 lu:4 ma0"), "lv4Word lv4Word lv4Word ma5Word");
    }

    #[test]
    fn what_is_no_pinyin_is_none() {
        let long = "ma1".repeat(21);
        for wrong in [
            "", " ", ",", "chang", "chang6", "chang9", "qq1", "1", "ni3 2", "ni3;hao3", "你",
            "ni3h", &long,
        ] {
            assert_eq!(parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn characters_and_syllables_are_as_many() {
        let check = |text: &str, pinyin: &str| align(text, &parse(pinyin).unwrap());
        assert!(
            matches!(check("长江", "chang2 jiang1"), Aligned::Characters(list) if list.len() == 2)
        );
        assert!(matches!(check("花儿", "huar1"), Aligned::Characters(_)));
        assert!(matches!(check("花儿", "hua1 er2"), Aligned::Characters(_)));
        assert!(matches!(
            check("哪儿，花儿", "nar3 huar1"),
            Aligned::Characters(_)
        ));
        assert!(matches!(check("长江", "chang2"), Aligned::Otherwise));
        assert!(matches!(check("长", "chang2 jiang1"), Aligned::Otherwise));
        assert!(matches!(check("长a", "chang2"), Aligned::Otherwise));
        assert!(matches!(check("OK", "ou1kei4"), Aligned::NoCharacters));
        assert!(matches!(check("", "ou1kei4"), Aligned::NoCharacters));
    }
}
