//! What each element does.

use super::{
    compose::{Composer, Manner},
    element::{Attributes, Element},
    error::{At, SsmlProblem, shown},
    phoneme::{self, Aligned},
    values::{self, Gap},
};
use crate::{
    Emotion,
    text::{Break, Reading, SayAs, clean},
};

/// The namespace of the language.
const NAMESPACE: &str = "http://www.w3.org/2001/10/synthesis";

/// Orders of the parts of a date.
const FORMATS: [&str; 10] = ["ymd", "mdy", "dmy", "ym", "my", "md", "dm", "y", "m", "d"];

impl Composer<'_> {
    /// Begins an element.
    pub(super) fn open(&mut self, attributes: &Attributes) -> At<()> {
        match attributes.element {
            Element::Break => {
                let gap = gap(attributes)?;
                self.gap(gap, attributes)
            }
            Element::Emotion => {
                let emotion = self.emotion(attributes)?;
                self.enter(Manner {
                    emotion,
                    ..self.manner()
                });
                Ok(())
            }
            Element::Paragraph | Element::Sentence => self.end(Break::Sentence, attributes),
            Element::Prosody => {
                let rate = self.rate(attributes)?;
                self.enter(Manner {
                    rate,
                    ..self.manner()
                });
                Ok(())
            }
            Element::Speak => self.speak(attributes),
            Element::Phoneme | Element::SayAs | Element::Sub => Ok(()),
        }
    }

    /// Ends an element; `text` is what stood in it, if its text is not read as usual.
    pub(super) fn shut(&mut self, attributes: &Attributes, text: &str) -> At<()> {
        match attributes.element {
            Element::Break | Element::Speak => Ok(()),
            Element::Emotion | Element::Prosody => {
                self.leave();
                Ok(())
            }
            Element::Paragraph => self.end_paragraph(attributes),
            Element::Phoneme => self.phoneme(attributes, text),
            Element::SayAs => self.say_as(attributes, text),
            Element::Sentence => self.end(Break::Sentence, attributes),
            Element::Sub => {
                let alias = attributes.require("alias")?;
                self.text(alias, attributes.offset);
                Ok(())
            }
        }
    }

    fn speak(&self, attributes: &Attributes) -> At<()> {
        let check = |name, fits: fn(&str) -> bool, allowed: &str| match attributes.get(name) {
            Some(value) if !fits(value) => Err(attributes.wrong(name, value, allowed)),
            _ => Ok(()),
        };
        check(
            "version",
            |value| matches!(value, "1.0" | "1.1"),
            "1.0, 1.1",
        )?;
        check("xmlns", |value| value == NAMESPACE, NAMESPACE)?;
        if self.voice.model.bytes {
            return Ok(());
        }
        let mandarin = |value: &str| {
            let language = value.split('-').next().unwrap_or_default();
            matches!(language.to_ascii_lowercase().as_str(), "zh" | "cmn")
        };
        check(
            "xml:lang",
            mandarin,
            "zh, cmn, and those that begin with zh-",
        )
    }

    fn emotion(&self, attributes: &Attributes) -> At<Emotion> {
        // The model has no input for an intensity: it is checked, since documents have it, and has no effect.
        if let Some(intensity) = attributes.get("intensity") {
            values::decimal(intensity)
                .filter(|intensity| (0.01..=2.0).contains(intensity))
                .ok_or_else(|| attributes.wrong("intensity", intensity, "0.01 to 2"))?;
        }
        let category = attributes.require("category")?;
        let emotions = self.voice.emotions();
        let learned = |emotion: &Emotion| emotions.contains(emotion);
        category.parse().ok().filter(learned).ok_or_else(|| {
            let names: Vec<_> = emotions.iter().map(|emotion| emotion.name()).collect();
            attributes.wrong("category", category, names.join(", "))
        })
    }

    fn rate(&self, attributes: &Attributes) -> At<f32> {
        let value = attributes.require("rate")?;
        values::rate(value, self.manner().rate)
            .filter(|rate| self.speed(*rate).is_some())
            .ok_or_else(|| attributes.wrong("rate", value, values::rates(self.base_speed())))
    }

    fn phoneme(&mut self, attributes: &Attributes, text: &str) -> At<()> {
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

    fn say_as(&mut self, attributes: &Attributes, text: &str) -> At<()> {
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
        self.text(&spoken, attributes.offset);
        Ok(())
    }
}

fn gap(attributes: &Attributes) -> At<Gap> {
    let strength = attributes.get("strength").map(|value| {
        values::strength(value)
            .ok_or_else(|| attributes.wrong("strength", value, values::STRENGTHS))
    });
    let strength = strength.transpose()?;
    let time = attributes.get("time").map(|value| {
        values::time(value).ok_or_else(|| attributes.wrong("time", value, values::TIMES))
    });
    Ok(time.transpose()?.or(strength).unwrap_or(Gap::Comma))
}

fn content(attributes: &Attributes, text: &str, allowed: String) -> (usize, SsmlProblem) {
    let problem = SsmlProblem::Content {
        element: attributes.element.name(),
        text: shown(text),
        allowed,
    };
    (attributes.offset, problem)
}
