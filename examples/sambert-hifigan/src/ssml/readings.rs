//! What the elements do that say how their text is read.

use mandarin::{Break, Reading, SayAs, clean};

use super::{
    compose::Composer,
    element::Attributes,
    error::{At, SsmlProblem, shown},
    phoneme::{self, Aligned},
};

/// Orders of the parts of a date.
const FORMATS: [&str; 10] = ["ymd", "mdy", "dmy", "ym", "my", "md", "dm", "y", "m", "d"];

impl Composer<'_> {
    pub(super) fn phoneme(&mut self, attributes: &Attributes, text: &str) -> At<()> {
        if let Some(alphabet) = attributes.get("alphabet").filter(|name| *name != "py") {
            return Err(attributes.wrong("alphabet", alphabet, "py"));
        }
        let pinyin = attributes.require("ph")?;
        let words = phoneme::parse(pinyin)
            .ok_or_else(|| attributes.wrong("ph", pinyin, phoneme::READINGS))?;
        match phoneme::align(&clean(text), &words) {
            Aligned::Characters(characters) => {
                for (c, reading) in characters {
                    self.text(c.encode_utf8(&mut [0; 4]), attributes.offset);
                    if let Some(reading) = reading {
                        self.reading(reading, attributes)?;
                    }
                }
                Ok(())
            }
            Aligned::NoCharacters => self.spelled(words, attributes),
            Aligned::Otherwise => {
                let count: usize = words.iter().map(|word| word.syllables.len()).sum();
                let allowed =
                    format!("{count} Chinese characters, as many as ph has syllables, or none");
                Err(content(attributes, text, allowed))
            }
        }
    }

    /// Says words that have no characters.
    fn spelled(&mut self, words: Vec<phoneme::Spelled>, attributes: &Attributes) -> At<()> {
        let last = words.len().saturating_sub(1);
        for (index, word) in words.into_iter().enumerate() {
            let phoneme::Spelled { syllables, after } = word;
            let given = match after {
                // How the last word ends is for the text behind it to say.
                Break::Joined | Break::Word => (index < last).then_some(Break::Word),
                Break::Phrase => Some(Break::Phrase),
                Break::Clause | Break::Sentence => None,
            };
            self.reading(
                Reading::Word {
                    syllables,
                    after: given,
                },
                attributes,
            )?;
            if after >= Break::Clause {
                self.end(after, attributes)?;
            }
        }
        Ok(())
    }

    pub(super) fn say_as(&mut self, attributes: &Attributes, text: &str) -> At<()> {
        if self.voice.model.bytes {
            let element = attributes.element.name();
            return Err((attributes.offset, SsmlProblem::Unsupported { element }));
        }
        let name = attributes.require("interpret-as")?;
        let known = SayAs::NAMES.iter().find(|(known, _)| *known == name);
        let Some((_, kind)) = known else {
            let names = SayAs::NAMES.map(|(name, _)| name).join(", ");
            return Err(attributes.wrong("interpret-as", name, names));
        };
        let format = attributes.get("format");
        if let Some(format) = format {
            if *kind != SayAs::Date {
                return Err(attributes.wrong("format", format, "none, except for dates"));
            }
            if !FORMATS.contains(&format) {
                return Err(attributes.wrong("format", format, FORMATS.join(", ")));
            }
        }
        let spoken = kind
            .read(text, format)
            .ok_or_else(|| content(attributes, text, kind.pattern().to_owned()))?;
        let phrases = spoken.split('|').filter(|phrase| !phrase.is_empty());
        for (index, phrase) in phrases.enumerate() {
            if index > 0 {
                self.end(Break::Phrase, attributes)?;
            }
            self.text(phrase, attributes.offset);
        }
        Ok(())
    }
}

fn content(attributes: &Attributes, text: &str, allowed: String) -> (usize, SsmlProblem) {
    let problem = SsmlProblem::Content {
        element: attributes.element.name(),
        text: shown(text),
        allowed,
    };
    (attributes.offset, problem)
}
