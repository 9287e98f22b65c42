//! Finds the emotion that an instruction in plain words asks for.

mod words;

use self::words::{HARMLESS, NEGATIONS, TURNS, WORDS};
use mandarin::clean;

use super::Emotion;

/// Characters of a description that are read.
const READ: usize = 2_000;

/// Words, or Chinese characters, that a negation reaches at most.
const REACH: usize = 8;

/// What a word does.
#[derive(Clone, Copy)]
enum Sense {
    Harmless,
    Names(&'static [Emotion]),
    Negates,
    Turns,
}

impl Emotion {
    /// Finds the emotion that a description asks for, among those that a voice has learned.
    ///
    /// It knows a table of English and Chinese words, and that what is negated is not asked for. The first word
    /// counts that names an emotion the voice has learned, or one near to it; words such as "normal" count only if
    /// no other does, since they may be about something else. Only the first 2,000 characters are read.
    ///
    /// ```
    /// use sambert_hifigan::{Emotion, Voice};
    ///
    /// let voice = Voice::demo()?;
    /// let described = |text| Emotion::described(text, voice.emotions());
    /// assert_eq!(described("Speak in a cheerful, upbeat tone."), Some(Emotion::Happy));
    /// assert_eq!(described("不要太高兴，用悲伤的语气说。"), Some(Emotion::Sad));
    /// assert_eq!(described("Whisper like a pirate"), None);
    /// # Ok::<(), sambert_hifigan::LoadError>(())
    /// ```
    #[must_use]
    pub fn described(text: &str, learned: &[Self]) -> Option<Self> {
        let start: String = text.chars().take(READ).collect();
        let text = clean(&start).to_lowercase().replace(['’', '`'], "'");
        let mut rest = text.as_str();
        let mut reach = 0_usize;
        let mut fallback = None;
        while let Some(first) = rest.chars().next() {
            let (sense, length) = match longest(rest) {
                Some((sense, length)) => (Some(sense), length),
                None => (None, word(rest).len().max(first.len_utf8())),
            };
            let (read, next) = rest.split_at(length);
            rest = next;
            match sense {
                Some(Sense::Negates) => reach = REACH,
                Some(Sense::Turns) => reach = 0,
                Some(Sense::Names(emotions)) if reach == 0 => {
                    let near = emotions.iter().find(|emotion| learned.contains(emotion));
                    match near {
                        Some(Self::Neutral) if *emotions == [Self::Neutral] => {
                            fallback = near.copied();
                        }
                        Some(near) => return Some(*near),
                        None => {}
                    }
                }
                Some(Sense::Names(_) | Sense::Harmless) => reach = reach.saturating_sub(1),
                None if read.ends_with("n't") => reach = REACH,
                None if first.is_alphanumeric() => reach = reach.saturating_sub(1),
                // Marks end what a negation reaches, blanks and hyphens do not.
                None if first.is_whitespace() || "-'\"“”".contains(first) => {}
                None => reach = 0,
            }
        }
        fallback
    }
}

/// Returns the longest word of the tables that a text begins with.
fn longest(text: &str) -> Option<(Sense, usize)> {
    let named = WORDS
        .iter()
        .map(|(emotions, words)| (Sense::Names(emotions), *words));
    let others = [
        (Sense::Harmless, HARMLESS),
        (Sense::Negates, NEGATIONS),
        (Sense::Turns, TURNS),
    ];
    named
        .chain(others)
        .flat_map(|(sense, words)| words.split_whitespace().map(move |word| (sense, word)))
        .filter(|(_, word)| begins(text, word))
        .map(|(sense, word)| (sense, word.len()))
        .max_by_key(|(_, length)| *length)
}

/// Tells whether a text begins with a word of a table, where a hyphen is one of the text or a blank.
fn begins(text: &str, known: &str) -> bool {
    let Some((start, after)) = text.split_at_checked(known.len()) else {
        return false;
    };
    let same = |(a, b): (u8, u8)| a == b || (a == b' ' && b == b'-');
    let whole =
        !known.is_ascii() || !after.starts_with(|c: char| c.is_ascii_alphabetic() || c == '\'');
    whole && start.bytes().zip(known.bytes()).all(same)
}

/// Returns the Latin word that a text begins with.
fn word(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_ascii_alphabetic() && c != '\'');
    text.get(..end.unwrap_or(text.len())).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEMO: [Emotion; 7] = [
        Emotion::Neutral,
        Emotion::Happy,
        Emotion::Angry,
        Emotion::Sad,
        Emotion::Fear,
        Emotion::Hate,
        Emotion::Surprise,
    ];

    #[test]
    fn words_name_emotions_unless_they_are_negated() {
        use Emotion::{Angry, Fear, Happy, Hate, Neutral, Sad, Surprise};
        for (text, emotion) in [
            ("Speak in a cheerful and positive tone.", Some(Happy)),
            ("Sound HAPPY!", Some(Happy)),
            ("happily", Some(Happy)),
            ("You are an angry customer.", Some(Angry)),
            ("a sad, slow voice", Some(Sad)),
            ("terrified whisper", Some(Fear)),
            ("Voice: surprised; tempo: fast", Some(Surprise)),
            ("full of hatred", Some(Hate)),
            ("disgusted", Some(Hate)),
            ("calm and slow", Some(Neutral)),
            ("Be excited", Some(Happy)),
            ("very disappointed", Some(Sad)),
            ("nervous", Some(Fear)),
            ("no emotion, please", Some(Neutral)),
            ("speak without any emotion", Some(Neutral)),
            ("matter-of-fact", Some(Neutral)),
            ("matter of fact", Some(Neutral)),
            ("I am unhappy", Some(Sad)),
            ("not sad", None),
            ("don't sound sad", None),
            ("don’t sound sad or angry", None),
            ("not too sad, but cheerful", Some(Happy)),
            ("not sad but happy", Some(Happy)),
            ("never angry. Always warm.", Some(Neutral)),
            ("happy rather than sad", Some(Happy)),
            ("instead of angry be sad", None),
            ("rather than sad, sound happy", Some(Happy)),
            ("not only happy", Some(Happy)),
            ("Avoid sounding gloomy and be joyful", Some(Happy)),
            ("saddle up, madam; gladiators", None),
            ("用悲伤的语气说", Some(Sad)),
            ("请用開心的語氣", Some(Happy)),
            ("特别高兴", Some(Happy)),
            ("不要太高兴", None),
            ("不要悲伤，要开心", Some(Happy)),
            ("不要悲伤要开心", Some(Happy)),
            ("不是生气而是难过", Some(Sad)),
            ("别害怕", None),
            ("没有感情地念", Some(Neutral)),
            ("很不高兴", Some(Angry)),
            ("別不高興", None),
            ("忍不住开心", Some(Happy)),
            ("又惊又喜，惊喜", Some(Surprise)),
            ("温柔一点", Some(Neutral)),
            ("激动", Some(Happy)),
            ("语气happy一点", Some(Happy)),
            ("Ｈａｐｐｙ", Some(Happy)),
            ("", None),
            ("Read this aloud.", None),
            ("🙂", None),
            ("normal speed, sad", Some(Sad)),
            ("用普通话悲伤地说", Some(Sad)),
            ("用普通话说", None),
            ("普通的语气", Some(Neutral)),
            ("Read the content as a kind of letter", None),
        ] {
            assert_eq!(Emotion::described(text, &DEMO), emotion, "{text}");
        }
    }

    #[test]
    fn the_nearest_learned_emotion_is_taken() {
        assert_eq!(
            Emotion::described("excited", Emotion::ALL),
            Some(Emotion::Excited)
        );
        assert_eq!(Emotion::described("excited", &DEMO), Some(Emotion::Happy));
        assert_eq!(
            Emotion::described("excited, then sad", &[Emotion::Sad]),
            Some(Emotion::Sad)
        );
        assert_eq!(Emotion::described("sad", &[Emotion::Happy]), None);
        assert_eq!(Emotion::described("sad", &[]), None);
    }

    #[test]
    fn a_long_description_is_read_up_to_a_limit() {
        let far = format!("{}sad", "x ".repeat(1_000));
        assert_eq!(Emotion::described(&far, &DEMO), None);
        assert_eq!(Emotion::described(&"not ".repeat(1_000_000), &DEMO), None);
    }

    #[test]
    fn no_word_stands_twice_in_the_tables() {
        let all = WORDS.iter().map(|(_, words)| *words);
        let mut words: Vec<_> = all
            .chain([HARMLESS, NEGATIONS, TURNS])
            .flat_map(str::split_whitespace)
            .collect();
        words.sort_unstable();
        let count = words.len();
        words.dedup();
        assert_eq!(words.len(), count);
    }
}
