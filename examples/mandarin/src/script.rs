//! A text in which some readings are given: what markup makes, and what the front end reads.

use crate::{clean::clean, syllable::Syllable, token::Token, word::Break};

/// Private-use characters stand for the readings.
const MARKS: std::ops::RangeInclusive<char> = '\u{f0000}'..='\u{ffffd}';

/// Text, and the readings given for parts of it.
///
/// Rules rewrite the text (numbers become words), so readings cannot be kept by their place. Each has a mark in the
/// text itself: behind the character it belongs to, or where a word stands that has no characters.
///
/// ```
/// use mandarin::{Latin, Reading, Script, Syllable, analyze, pinyin};
///
/// let mut script = Script::default();
/// script.push("他姓解");
/// script.mark(Reading::Character(Syllable::parse("xie4"))).unwrap();
/// let words = analyze(&script, Latin::Mandarin)?.remove(0).words;
/// assert_eq!(pinyin(&words, " "), "ta1 xing4 xie4.");
/// # Ok::<(), mandarin::Unspeakable>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Script {
    text: String,
    readings: Vec<Reading>,
}

/// What a mark stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums)] // Markup can give no more than these.
pub enum Reading {
    /// The syllable of the character before the mark; none for a 儿 that only colors the syllable before it.
    Character(Option<Syllable>),
    /// The end of a phrase.
    PhraseEnd,
    /// A word without characters. If its break is given too, the front end leaves it alone.
    Word {
        /// Its syllables.
        syllables: Vec<Syllable>,
        /// How strongly it ends, where that is given.
        after: Option<Break>,
    },
}

/// More readings than there are marks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)] // It says no more than its name.
pub struct TooManyReadings;

impl std::fmt::Display for TooManyReadings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "a text may have {} given readings", Script::READINGS)
    }
}

impl std::error::Error for TooManyReadings {}

impl Script {
    /// Readings that one script may have.
    pub const READINGS: usize = 0xfffe;

    /// Takes a text without any given reading.
    #[must_use]
    pub fn plain(text: &str) -> Self {
        let mut script = Self::default();
        script.push(text);
        script
    }

    /// Appends text that is read as usual.
    pub fn push(&mut self, text: &str) {
        // A mark in the text itself would be a reading that another author wrote.
        let unmarked = |c| if MARKS.contains(&c) { ' ' } else { c };
        self.text.extend(clean(text).chars().map(unmarked));
    }

    /// Appends a reading: of the last character, or of a word of its own.
    ///
    /// # Errors
    ///
    /// When the script already holds as many readings as there are marks.
    pub fn mark(&mut self, reading: Reading) -> Result<(), TooManyReadings> {
        let mark = u32::try_from(self.readings.len())
            .ok()
            .and_then(|index| char::from_u32(*MARKS.start() as u32 + index))
            .filter(|mark| MARKS.contains(mark))
            .ok_or(TooManyReadings)?;
        self.text.push(mark);
        self.readings.push(reading);
        Ok(())
    }

    /// Returns the text with its marks.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Returns what a character stands for, if it is a mark.
    pub(crate) fn reading(&self, mark: char) -> Option<&Reading> {
        let index = (mark as u32).checked_sub(*MARKS.start() as u32)?;
        self.readings.get(index as usize)
    }

    /// Takes the marks behind characters out of a clause, so that they do not come between the characters of a word.
    pub(crate) fn unmark(&self, clause: &str) -> Unmarked<'_> {
        let mut unmarked = Unmarked::default();
        let mut last = 0;
        for c in clause.chars() {
            match self.reading(c) {
                Some(Reading::Character(syllable)) => unmarked.given.push((last, syllable)),
                _ => {
                    last = unmarked.text.len();
                    unmarked.text.push(c);
                }
            }
        }
        unmarked
    }
}

/// A clause without marks behind characters, and what they gave.
#[derive(Debug, Default)]
pub(crate) struct Unmarked<'a> {
    pub(crate) text: String,
    /// Where a character begins in the text, and its syllable; in order.
    given: Vec<(usize, &'a Option<Syllable>)>,
}

impl Unmarked<'_> {
    /// Gives the characters of a word that begins at `start` the readings they were marked with.
    pub(crate) fn give(&self, token: &mut Token, start: usize) {
        if self.given.is_empty() || token.text.len() != token.syllables.len() {
            return;
        }
        let mut starts = Vec::with_capacity(token.text.len());
        let mut end = start;
        for c in &token.text {
            starts.push(end);
            end += c.len_utf8();
        }
        let first = self.given.partition_point(|(at, _)| *at < start);
        let marked = self
            .given
            .iter()
            .skip(first)
            .take_while(|(at, _)| *at < end);
        token.given = vec![None; token.text.len()];
        // From the last on, since a silent 儿 has no syllable that could keep its place.
        for (at, syllable) in marked.collect::<Vec<_>>().into_iter().rev() {
            let Ok(index) = starts.binary_search(at) else {
                continue;
            };
            match syllable {
                Some(syllable) => {
                    if let Some(given) = token.given.get_mut(index) {
                        *given = Some(syllable.clone());
                    }
                }
                None if index < token.syllables.len() => {
                    token.syllables.remove(index);
                    token.given.remove(index);
                }
                None => {}
            }
        }
        token.restore();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{analyze::analyze, english::Latin, word::Word};

    fn shown(script: &Script) -> String {
        let words = analyze(script, Latin::Mandarin)
            .unwrap()
            .into_iter()
            .flat_map(|stretch| stretch.words);
        let shown = |word: Word| {
            let syllables: String = word.syllables.iter().map(ToString::to_string).collect();
            (syllables, word.after)
        };
        let mut text = String::new();
        for (syllables, after) in words.map(shown) {
            text.push_str(&syllables);
            text.push_str(match after {
                Break::Joined => "",
                Break::Word => " ",
                Break::Phrase => "/",
                Break::Clause => ",",
                Break::Sentence => ".",
            });
        }
        text
    }

    /// Reads `字{ping1yin1}` with the syllable in braces given for the character before it.
    fn check(text: &str, expected: &str) {
        let mut script = Script::default();
        for part in text.split_inclusive('}') {
            let (plain, given) = part.split_once('{').unwrap_or((part, ""));
            script.push(plain);
            if let Some(given) = given.strip_suffix('}') {
                script
                    .mark(Reading::Character(Syllable::parse(given)))
                    .unwrap();
            }
        }
        assert_eq!(shown(&script), expected, "{text}");
    }

    #[test]
    fn a_given_reading_stays_inside_its_word() {
        check("银行{xing2}", "yin2xing2.");
        check(
            "123号，a b 我长{chang2}大了",
            "yi4bai3er4shi2 san1hao4,ei1 bi4 wo3 chang2da4le5.",
        );
    }

    #[test]
    fn tones_beside_a_given_reading_change_with_it_and_its_own_do_not() {
        check("你{ni3}好", "ni3hao3.");
        check("你好{hao3}", "ni2hao3.");
        check("你好{hao4}", "ni3hao4.");
        check("很好{hao3}", "hen2 hao3.");
        check("不{bu4}去", "bu4 qv4.");
        check("不去{qu3}", "bu4 qv3.");
    }

    #[test]
    fn a_given_child_does_not_color() {
        check("花儿{er2}", "hua1er2.");
        check("花{huar1}儿{}", "huar1.");
    }

    #[test]
    fn a_mark_in_the_text_itself_is_nothing() {
        assert_eq!(
            shown(&Script::plain("你\u{f0000}好")),
            shown(&Script::plain("你 好"))
        );
    }

    #[test]
    fn words_without_characters_keep_the_breaks_they_are_given() {
        let mut script = Script::default();
        script.push("我说");
        for (text, after) in [
            ("tian1", Some(Break::Word)),
            ("hao3", Some(Break::Phrase)),
            ("ma5", None),
        ] {
            let syllables = vec![Syllable::parse(text).unwrap()];
            script.mark(Reading::Word { syllables, after }).unwrap();
        }
        script.push("？");
        assert_eq!(shown(&script), "wo3 shuo1 tian1 hao3/ma5.");
    }

    #[test]
    fn readings_are_as_many_as_marks() {
        let mut script = Script::default();
        let marks = (0..100_000)
            .take_while(|_| script.mark(Reading::PhraseEnd).is_ok())
            .count();
        assert_eq!(marks, 65_534);
    }
}
