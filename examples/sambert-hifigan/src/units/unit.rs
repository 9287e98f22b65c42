//! One unit and its text form.

use std::{borrow::Cow, fmt};

/// One position of the model's input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unit {
    pub(crate) phone: Cow<'static, str>,
    pub(crate) tone: Cow<'static, str>,
    pub(crate) flag: Cow<'static, str>,
    pub(crate) segment: Cow<'static, str>,
    pub(crate) emotion: Cow<'static, str>,
    pub(crate) speaker: Cow<'static, str>,
}

impl Unit {
    /// Parses a line of `{phone$tone$flag$segment$emotion$speaker}` separated by blanks.
    #[cfg(test)]
    pub(crate) fn parse_line(line: &str) -> Option<Vec<Self>> {
        line.split_whitespace().map(Self::parse).collect()
    }

    #[cfg(test)]
    fn parse(text: &str) -> Option<Self> {
        let parts: Vec<_> = text
            .strip_prefix('{')?
            .strip_suffix('}')?
            .split('$')
            .collect();
        let [phone, tone, flag, segment, emotion, speaker] = parts.try_into().ok()?;
        let own = |part: &str| Cow::Owned(part.to_owned());
        Some(Self {
            phone: own(phone),
            tone: own(tone),
            flag: own(flag),
            segment: own(segment),
            emotion: own(emotion),
            speaker: own(speaker),
        })
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            phone,
            tone,
            flag,
            segment,
            emotion,
            speaker,
        } = self;
        write!(f, "{{{phone}${tone}${flag}${segment}${emotion}${speaker}}}")
    }
}
