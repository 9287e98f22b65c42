//! A text in which some readings are given: what markup makes, and what the front end reads.

use crate::{
    clause,
    clean::clean,
    syllable::Syllable,
    symbol::{Given, GivenWord, Symbol},
    word::Break,
};

/// Text, and the readings given for parts of it.
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
    parts: Vec<Part>,
    readings: usize,
}

/// A part of a script.
#[derive(Clone, Debug)]
enum Part {
    Reading(Reading),
    /// Text in the form that [`clean`] gives it.
    Text(String),
}

/// A reading that markup gives.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_enums)] // Markup can give no more than these.
pub enum Reading {
    /// The syllable of the character before it; none for a 儿 that only colors the syllable before it.
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

/// More readings than a script may have.
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
    /// Readings that one script may have, so that a short document cannot ask for endless work.
    pub const READINGS: usize = 65_534;

    /// Takes a text without any given reading.
    #[must_use]
    pub fn plain(text: &str) -> Self {
        let mut script = Self::default();
        script.push(text);
        script
    }

    /// Appends text that is read as usual.
    pub fn push(&mut self, text: &str) {
        let text = clean(text);
        match self.parts.last_mut() {
            Some(Part::Text(last)) => last.push_str(&text),
            _ => self.parts.push(Part::Text(text)),
        }
    }

    /// Appends a reading: of the last character, or of a word of its own.
    ///
    /// # Errors
    ///
    /// When the script already holds [`Self::READINGS`].
    pub fn mark(&mut self, reading: Reading) -> Result<(), TooManyReadings> {
        if self.readings == Self::READINGS {
            return Err(TooManyReadings);
        }
        self.readings += 1;
        self.parts.push(Part::Reading(reading));
        Ok(())
    }

    /// Tells whether its last mark, if nothing speakable follows it, ends a sentence.
    #[must_use]
    pub fn ends_sentence(&self) -> bool {
        matches!(self.parts.last(), Some(Part::Text(text)) if clause::ends_sentence(text))
    }

    /// Tells whether it begins with a mark that ends the sentence before it.
    #[must_use]
    pub fn begins_with_end(&self) -> bool {
        matches!(self.parts.first(), Some(Part::Text(text)) if clause::begins_with_end(text))
    }

    /// Returns its characters with their readings, and the words and ends of phrases between them.
    pub(crate) fn symbols(&self) -> Vec<Symbol<'_>> {
        let mut symbols: Vec<Symbol<'_>> = Vec::new();
        for part in &self.parts {
            match part {
                Part::Text(text) => symbols.extend(text.chars().map(Symbol::usual)),
                Part::Reading(Reading::Character(syllable)) => {
                    let given = syllable.as_ref().map_or(Given::Silent, Given::Syllable);
                    if let Some(last) = symbols.last_mut() {
                        last.give(given);
                    }
                }
                Part::Reading(Reading::PhraseEnd) => symbols.push(Symbol::PhraseEnd),
                Part::Reading(Reading::Word { syllables, after }) => {
                    let after = *after;
                    symbols.push(Symbol::Word(GivenWord { syllables, after }));
                }
            }
        }
        symbols
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
    fn characters_for_private_use_are_nothing() {
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
    fn one_and_not_change_before_a_word_that_is_given() {
        for (text, given, expected) in [
            ("不", "shi4", "bu2 shi4."),
            ("不", "hao3", "bu4 hao3."),
            ("一", "ge4 ren2", "yi2 ge4ren2."),
            ("一", "tian1 qi4", "yi4 tian1qi4."),
        ] {
            let mut script = Script::plain(text);
            let syllables = given.split(' ').filter_map(Syllable::parse).collect();
            let after = None;
            script.mark(Reading::Word { syllables, after }).unwrap();
            assert_eq!(shown(&script), expected, "{text} {given}");
        }
    }

    #[test]
    fn a_reading_stays_with_its_character_where_numbers_become_words() {
        check("3{san3}个", "san3ge4.");
        check("2个{ge4}12", "liang3ge4 shi2er4.");
    }

    #[test]
    fn readings_are_bounded() {
        let mut script = Script::default();
        let marks = (0..100_000)
            .take_while(|_| script.mark(Reading::PhraseEnd).is_ok())
            .count();
        assert_eq!(marks, 65_534);
    }
}
