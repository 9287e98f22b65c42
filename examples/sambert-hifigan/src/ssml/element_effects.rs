//! What each element does.

use mandarin::Break;

use super::{
    compose::{Composer, Manner},
    element::{Attributes, Element},
    error::At,
    values::{self, Gap},
};
use crate::style::Emotion;

/// The namespace of the language.
const NAMESPACE: &str = "http://www.w3.org/2001/10/synthesis";

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
