//! Rules of the operator: a pattern, and what is done where it matches.

use std::sync::Arc;

use regex::{Regex, RegexBuilder};

use crate::error::BuildError;
use crate::refused::Refused;
use crate::report::Report;

/// The compiled program of one pattern may take this many bytes.
const MAX_PROGRAM: usize = 1 << 20;

/// A pattern may have this many bytes.
const MAX_PATTERN: usize = 4096;

/// A replacement may have this many bytes, so that one round of rules grows a text by a known factor only.
const MAX_REPLACEMENT: usize = 64;

/// Says what is done where a pattern matches.
///
/// Patterns run in time linear in the text, whatever they are: there is no backtracking to exploit.
///
/// ```
/// use palisade_sanitize::{TextRule, Sanitizer};
///
/// let phone = TextRule::new("phone", r"\b1[3-9][0-9]{9}\b")?.mask('*');
/// let sanitizer = Sanitizer::builder().rule(phone).build()?;
/// assert_eq!(sanitizer.clean("打 13800138000 吧")?.text(), "打 *********** 吧");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct TextRule {
    name: Arc<str>,
    regex: Regex,
    check: fn(&str) -> bool,
    effect: Effect,
}

#[derive(Clone, Debug)]
enum Effect {
    Flag,
    Mask(char),
    Refuse,
    Replace(Box<str>),
}

impl TextRule {
    /// Compiles a pattern (syntax of the `regex` crate). Until told otherwise the rule refuses what it matches.
    ///
    /// # Errors
    ///
    /// [`BuildError`] if the pattern is not valid, matches the empty text, or is too large.
    pub fn new(name: impl Into<Arc<str>>, pattern: &str) -> Result<Self, BuildError> {
        let name = name.into();
        if pattern.len() > MAX_PATTERN {
            return Err(BuildError::rule(
                &name,
                "the pattern is longer than 4096 bytes",
            ));
        }
        let regex = RegexBuilder::new(pattern)
            .size_limit(MAX_PROGRAM)
            .dfa_size_limit(MAX_PROGRAM)
            .build();
        // The library's text quotes the pattern with a mark under the mistake: it goes to the operator only.
        let regex = regex.map_err(|error| BuildError::rule(&name, error.to_string()))?;
        if regex.is_match("") {
            return Err(BuildError::rule(
                &name,
                "the pattern matches the empty text, so it would match everywhere",
            ));
        }
        Ok(Self {
            name,
            regex,
            check: |_| true,
            effect: Effect::Refuse,
        })
    }

    /// Leaves out what matches.
    pub fn drop(self) -> Self {
        Self {
            effect: Effect::Replace(Box::default()),
            ..self
        }
    }

    /// Keeps what matches and counts it in the report.
    pub fn flag(self) -> Self {
        Self {
            effect: Effect::Flag,
            ..self
        }
    }

    /// Writes this character in place of every character that matches.
    pub fn mask(self, with: char) -> Self {
        Self {
            effect: Effect::Mask(with),
            ..self
        }
    }

    /// Refuses the text if anything matches.
    pub fn refuse(self) -> Self {
        Self {
            effect: Effect::Refuse,
            ..self
        }
    }

    /// Writes this text, taken literally, in place of what matches.
    pub fn replace(self, by: impl Into<Box<str>>) -> Self {
        Self {
            effect: Effect::Replace(by.into()),
            ..self
        }
    }

    /// Takes for a match only what also passes a check, such as that of a check digit.
    pub fn only_if(self, check: fn(&str) -> bool) -> Self {
        Self { check, ..self }
    }

    /// Gives the name it was made with.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn validate(&self) -> Result<(), BuildError> {
        match &self.effect {
            Effect::Replace(by) if by.len() > MAX_REPLACEMENT => Err(BuildError::rule(
                &self.name,
                "the replacement is longer than 64 bytes",
            )),
            _ => Ok(()),
        }
    }

    /// Gives the text after this rule, or `None` if it stays as it is.
    pub(crate) fn apply(
        &self,
        index: usize,
        text: &str,
        report: &mut Report,
    ) -> Result<Option<String>, Refused> {
        let matches = || {
            self.regex
                .find_iter(text)
                .filter(|found| (self.check)(found.as_str()))
        };
        if matches().next().is_none() {
            return Ok(None);
        }
        if matches!(self.effect, Effect::Refuse) {
            return Err(Refused::Rule(Arc::clone(&self.name)));
        }
        let hits = u32::try_from(matches().count()).unwrap_or(u32::MAX);
        let mut changed = String::with_capacity(text.len());
        let mut done = 0;
        for found in matches() {
            changed.push_str(text.get(done..found.start()).unwrap_or_default());
            match &self.effect {
                Effect::Mask(with) => changed.extend(found.as_str().chars().map(|_| with)),
                Effect::Replace(by) => changed.push_str(by),
                Effect::Flag | Effect::Refuse => changed.push_str(found.as_str()),
            }
            done = found.end();
        }
        changed.push_str(text.get(done..).unwrap_or_default());
        // A mask can match itself again; that is no change.
        if changed == text {
            if matches!(self.effect, Effect::Flag) {
                report.flag_by_rule(index, hits);
            }
            return Ok(None);
        }
        report.change_by_rule(index, hits);
        Ok(Some(changed))
    }
}
