//! Words with breaks after them, and what has no reading.

use crate::syllable::Syllable;

/// How strongly a word is set off from the next.
///
/// ```
/// use mandarin::Break;
///
/// assert!(Break::Word < Break::Phrase && Break::Clause < Break::Sentence);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(clippy::exhaustive_enums)] // Voices are trained on these five.
pub enum Break {
    /// None at all, which only annotated texts ask for.
    Joined,
    /// The end of a word.
    Word,
    /// The end of a prosodic phrase: lengthened, no pause.
    Phrase,
    /// A comma: a pause.
    Clause,
    /// The end of a sentence.
    Sentence,
}

/// A spoken word.
#[derive(Clone, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)] // What reads words takes them apart.
pub struct Word {
    /// Its characters, as they are spoken; empty where only a reading was given.
    pub text: String,
    /// Its syllables, as they are spoken. There may be more or fewer than characters.
    pub syllables: Vec<Syllable>,
    /// How strongly it is set off from the next.
    pub after: Break,
}

impl Word {
    /// Speaks colored syllables as plain ones with a neutral `er` behind, for voices without colored finals.
    ///
    /// ```
    /// use mandarin::{Latin, Script, analyze};
    ///
    /// let mut script = Script::default();
    /// script.push("花儿");
    /// let mut word = analyze(&script, Latin::Mandarin)?.remove(0).words.remove(0);
    /// assert_eq!(word.syllables[0].to_string(), "huar1");
    /// word.uncolor();
    /// assert_eq!(word.syllables[1].to_string(), "er5");
    /// # Ok::<(), mandarin::Unspeakable>(())
    /// ```
    pub fn uncolor(&mut self) {
        let plain = |syllable: &Syllable| match syllable.uncolored() {
            Some([plain, er]) => vec![plain, er],
            None => vec![syllable.clone()],
        };
        self.syllables = self.syllables.iter().flat_map(plain).collect();
    }
}

/// Shows words as surface pinyin: `/` behind a phrase, `,` behind a clause, `.` behind a sentence, and `between` stands
/// between the syllables of a word.
#[must_use]
pub fn pinyin(words: &[Word], between: &str) -> String {
    let shown = |word: &Word| {
        let syllables: Vec<_> = word.syllables.iter().map(ToString::to_string).collect();
        let mark = match word.after {
            Break::Joined | Break::Word => "",
            Break::Phrase => " /",
            Break::Clause => ",",
            Break::Sentence => ".",
        };
        syllables.join(between) + mark
    };
    let words: Vec<_> = words.iter().map(shown).collect();
    words.join(" ")
}

/// A character of a script that the front end cannot read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(clippy::exhaustive_structs)] // It is the character and nothing else.
pub struct Unspeakable(pub char);

impl std::fmt::Display for Unspeakable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} has no Mandarin reading", self.0)
    }
}

impl std::error::Error for Unspeakable {}
