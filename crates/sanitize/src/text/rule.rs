//! Rules of the operator: a pattern, and what is done where it matches.

use std::ops::Range;
use std::sync::Arc;

use regex::{Regex, RegexBuilder};

use super::folded::Folded;
use super::numbers::{self, Number};
use super::refused::Refused;
use super::report::Report;
use crate::error::BuildError;

/// The compiled program of one pattern may take this many bytes.
const MAX_PROGRAM: usize = 1 << 20;

/// A pattern may have this many bytes.
const MAX_PATTERN: usize = 4096;

/// A replacement may have this many bytes, so that one round of rules grows a text by a known factor only.
const MAX_REPLACEMENT: usize = 64;

/// A part of a match that is tried by itself may have this many digits.
const MAX_DIGITS: usize = 32;

/// Says what is done where a pattern matches.
///
/// Patterns run in time linear in the text, whatever they are: there is no backtracking to exploit.
///
/// `\b` is a border between a word and something else, and Chinese characters are words to it: write
/// `(?-u:\b)` for a border of ASCII letters and digits. For numbers, [`TextRule::number`] is better than
/// a pattern.
///
/// ```
/// use palisade_sanitize::{TextRule, Sanitizer};
///
/// let ticket = TextRule::new("ticket", r"(?-u:\b)T[0-9]{6}(?-u:\b)")?.mask('*');
/// let sanitizer = Sanitizer::builder().rule(ticket).build()?;
/// assert_eq!(sanitizer.clean("票号T123456。")?.text(), "票号*******。");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct TextRule {
    name: Arc<str>,
    matcher: Matcher,
    effect: Effect,
}

/// How a rule finds its places.
#[derive(Clone, Debug)]
enum Matcher {
    /// Numbers at the borders of groups.
    Number(fn(Number<'_>) -> bool),
    /// As above, by a check of the operator, who sees digits only.
    NumberDigits(fn(&str) -> bool),
    Pattern(Regex),
    /// A pattern in the folded text, and what its matches must pass.
    PatternIf(Regex, fn(&str) -> bool),
}

#[derive(Clone, Debug)]
pub(crate) enum Effect {
    Flag,
    Mask(char),
    /// Writes a space behind the first character.
    Neutralize,
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
            matcher: Matcher::Pattern(regex),
            effect: Effect::Refuse,
        })
    }

    /// Finds numbers that pass a check, such as that of a check digit. Until told otherwise the rule refuses what
    /// it finds.
    ///
    /// The check is asked about every stretch of 6 to 32 digits that begins and ends at the border of a group,
    /// as ASCII digits without their separators; an `X` right behind is the last character. Groups may be
    /// separated by up to three of: spaces of any kind, dots, dashes of any length, brackets. Digits of all
    /// scripts count by their value. So a number is found beside other numbers, and beside Chinese characters.
    ///
    /// ```
    /// use palisade_sanitize::{Sanitizer, TextRule};
    ///
    /// let order = TextRule::number("order", |digits| digits.len() == 8 && digits.starts_with("77")).mask('#');
    /// let sanitizer = Sanitizer::builder().rule(order).build()?;
    /// assert_eq!(sanitizer.clean("12 份，订单７７12-3456好")?.text(), "12 份，订单#########好");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn number(name: impl Into<Arc<str>>, check: fn(&str) -> bool) -> Self {
        Self {
            name: name.into(),
            matcher: Matcher::NumberDigits(check),
            effect: Effect::Refuse,
        }
    }

    pub(crate) fn grouped_number(name: &'static str, check: fn(Number<'_>) -> bool) -> Self {
        Self {
            name: Arc::from(name),
            matcher: Matcher::Number(check),
            effect: Effect::Refuse,
        }
    }

    pub(super) fn from_regex(name: &'static str, regex: Regex, effect: Effect) -> Self {
        Self {
            name: Arc::from(name),
            matcher: Matcher::Pattern(regex),
            effect,
        }
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
    ///
    /// Such a rule matches a view of the text in which digits of any script, full-width letters and digits,
    /// spaces of any kind and dashes are the ASCII ones; the check sees that view too. Where a match does not pass, every part
    /// of it is tried that begins and ends at the border of a group of digits, has at most 32 digits, and matches
    /// the pattern itself.
    pub fn only_if(self, check: fn(&str) -> bool) -> Self {
        let matcher = match self.matcher {
            Matcher::Pattern(regex) | Matcher::PatternIf(regex, _) => {
                Matcher::PatternIf(regex, check)
            }
            Matcher::Number(_) | Matcher::NumberDigits(_) => Matcher::NumberDigits(check),
        };
        Self { matcher, ..self }
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
        let places = self.matcher.find(text);
        if places.is_empty() {
            return Ok(None);
        }
        if matches!(self.effect, Effect::Refuse) {
            return Err(Refused::Rule(Arc::clone(&self.name)));
        }
        let hits = u32::try_from(places.len()).unwrap_or(u32::MAX);
        let mut changed = String::with_capacity(text.len());
        let mut done = 0;
        for place in places {
            changed.push_str(text.get(done..place.start).unwrap_or_default());
            let found = text.get(place.clone()).unwrap_or_default();
            self.effect.write(found, &mut changed);
            done = place.end;
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

impl Effect {
    /// Writes what takes the place of a match.
    fn write(&self, found: &str, out: &mut String) {
        match self {
            Self::Flag | Self::Refuse => out.push_str(found),
            Self::Mask(with) => out.extend(found.chars().map(|_| with)),
            Self::Neutralize => {
                let mut chars = found.chars();
                out.extend(chars.next());
                out.push(' ');
                out.push_str(chars.as_str());
            }
            Self::Replace(by) => out.push_str(by),
        }
    }
}

impl Matcher {
    /// Finds its places, from left to right, none of which overlap.
    fn find(&self, text: &str) -> Vec<Range<usize>> {
        match self {
            Self::Number(check) => numbers::find(text, check),
            Self::NumberDigits(check) => numbers::find(text, |number| check(number.digits)),
            Self::Pattern(regex) => regex.find_iter(text).map(|found| found.range()).collect(),
            Self::PatternIf(regex, check) => {
                let folded = Folded::new(text);
                let view = folded.as_str();
                let found = regex.find_iter(view);
                let places =
                    found.flat_map(|found| parts_that_pass(regex, *check, view, &found.range()));
                places.map(|place| folded.in_source(place)).collect()
            }
        }
    }
}

/// Gives a match if it passes the check, and else those parts of it that do.
fn parts_that_pass(
    regex: &Regex,
    check: fn(&str) -> bool,
    view: &str,
    place: &Range<usize>,
) -> Vec<Range<usize>> {
    let found = view.get(place.clone()).unwrap_or_default();
    if check(found) {
        return vec![place.clone()];
    }
    let groups = digit_groups(found);
    let mut parts = Vec::new();
    let mut first = 0;
    while let Some(from) = groups.get(first..).filter(|rest| !rest.is_empty()) {
        let passes = |end: usize| {
            let part = from.first()?.start..end;
            let text = found.get(part.clone())?;
            let matches = || {
                regex
                    .find(text)
                    .is_some_and(|all| all.range() == (0..text.len()))
            };
            (check(text) && matches()).then_some(part)
        };
        let within = number_of_groups(from);
        let hit = (1..=within).rev().find_map(|count| {
            let end = from.get(count.checked_sub(1)?)?.end;
            // A check character such as X may be right behind.
            let next = found.get(end..).and_then(|rest| rest.chars().next());
            let longer = next.filter(|next| next.is_ascii_alphabetic());
            let part = longer.and_then(|next| passes(end.saturating_add(next.len_utf8())));
            part.or_else(|| passes(end)).map(|part| (count, part))
        });
        let groups = hit.as_ref().map_or(1, |(count, _)| *count);
        let start = place.start;
        parts.extend(
            hit.map(|(_, part)| part.start.saturating_add(start)..part.end.saturating_add(start)),
        );
        first = first.saturating_add(groups);
    }
    parts
}

/// Gives the runs of digits.
fn digit_groups(text: &str) -> Vec<Range<usize>> {
    let mut groups: Vec<Range<usize>> = Vec::new();
    for (at, _) in text
        .bytes()
        .enumerate()
        .filter(|(_, byte)| byte.is_ascii_digit())
    {
        let end = at.saturating_add(1);
        match groups.last_mut() {
            Some(group) if group.end == at => group.end = end,
            _ => groups.push(at..end),
        }
    }
    groups
}

/// Counts the groups, from the first, that have at most [`MAX_DIGITS`] digits together.
fn number_of_groups(groups: &[Range<usize>]) -> usize {
    let mut digits = 0usize;
    let within = groups.iter().take_while(|group| {
        digits = digits.saturating_add(group.len());
        digits <= MAX_DIGITS
    });
    within.count()
}
