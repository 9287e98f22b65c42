//! The elements, and what may stand in them.

use super::error::{At, SsmlProblem, shown};

/// An element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Element {
    Break,
    Emotion,
    Paragraph,
    Phoneme,
    Prosody,
    SayAs,
    Sentence,
    Speak,
    Sub,
}

/// The names of all elements.
pub(super) const NAMES: &[&str] = &[
    "speak", "p", "s", "break", "emotion", "say-as", "phoneme", "prosody", "sub",
];

/// The attributes of one element, as they are written.
#[derive(Debug)]
pub(super) struct Attributes {
    pub(super) element: Element,
    /// Where the element begins.
    pub(super) offset: usize,
    /// Names and values; never two of one name.
    pub(super) values: Vec<(&'static str, String)>,
}

impl Element {
    pub(super) fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "break" => Self::Break,
            "emotion" => Self::Emotion,
            "p" => Self::Paragraph,
            "phoneme" => Self::Phoneme,
            "prosody" => Self::Prosody,
            "s" => Self::Sentence,
            "say-as" => Self::SayAs,
            "speak" => Self::Speak,
            "sub" => Self::Sub,
            _ => return None,
        })
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Break => "break",
            Self::Emotion => "emotion",
            Self::Paragraph => "p",
            Self::Phoneme => "phoneme",
            Self::Prosody => "prosody",
            Self::SayAs => "say-as",
            Self::Sentence => "s",
            Self::Speak => "speak",
            Self::Sub => "sub",
        }
    }

    /// Returns the names of its attributes.
    pub(super) const fn attributes(self) -> &'static [&'static str] {
        match self {
            Self::Break => &["time", "strength"],
            Self::Emotion => &["category", "intensity"],
            Self::Paragraph | Self::Sentence => &[],
            Self::Phoneme => &["alphabet", "ph"],
            Self::Prosody => &["rate"],
            Self::SayAs => &["interpret-as", "format"],
            Self::Speak => &["version", "xml:lang", "xmlns"],
            Self::Sub => &["alias"],
        }
    }

    /// Tells whether it may stand in another, or at the top.
    pub(super) const fn fits(self, within: Option<Self>) -> bool {
        match (self, within) {
            (Self::Speak, within) => within.is_none(),
            (_, None) => false,
            (_, Some(within)) if within.is_text() || matches!(within, Self::Break) => false,
            // A paragraph does not stand in a sentence, nor does one of them in its like.
            (Self::Paragraph, Some(within)) => !matches!(within, Self::Paragraph | Self::Sentence),
            (Self::Sentence, Some(within)) => !matches!(within, Self::Sentence),
            _ => true,
        }
    }

    /// Tells whether its text is not read as usual, and no element stands in it.
    pub(super) const fn is_text(self) -> bool {
        matches!(self, Self::Phoneme | Self::SayAs | Self::Sub)
    }
}

impl Attributes {
    /// Returns the value of an attribute, if it is there.
    pub(super) fn get(&self, name: &'static str) -> Option<&str> {
        let found = self.values.iter().find(|(known, _)| *known == name)?;
        Some(found.1.as_str())
    }

    /// Returns the value of an attribute that must be there.
    pub(super) fn require(&self, name: &'static str) -> At<&str> {
        let missing = SsmlProblem::Missing {
            element: self.element.name(),
            attribute: name,
        };
        self.get(name).ok_or((self.offset, missing))
    }

    /// Makes the error for a value that is none of those allowed.
    pub(super) fn wrong(
        &self,
        attribute: &'static str,
        value: &str,
        allowed: impl Into<String>,
    ) -> (usize, SsmlProblem) {
        let problem = SsmlProblem::Value {
            element: self.element.name(),
            attribute,
            value: shown(value),
            allowed: allowed.into(),
        };
        (self.offset, problem)
    }
}
