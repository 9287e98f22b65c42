//! Rules of the operator: a pattern or a check of numbers, and what is done where it matches.
//!
//! The sanitizer applies each rule once a round, after normalization. A rule that refuses ends the
//! cleaning with `Refused::Rule`. Patterns are compiled when the rule is made; a mistake in one is
//! kept until `SanitizerBuilder::build`, which returns it. So no request can fail by a pattern.

mod banned;
mod data_forms;
mod repetition;
mod rewrite;
mod scripts;
mod effect;
mod effect_options;
mod matcher;

use std::sync::Arc;

use regex::{Regex, RegexBuilder};

pub use self::banned::BannedWords;
pub(crate) use self::effect::Effect;
use self::matcher::Matcher;
pub(crate) use self::matcher::{Finder, Match};
use super::numbers::Number;
use super::refused::Refused;
use super::report::Report;
use super::source_map::SourceMap;
use crate::error::SanitizeBuildError;

/// The limit of the compiled program of one pattern, in bytes.
const MAX_PROGRAM: usize = 1 << 20;

/// The limit of a pattern, in bytes.
const MAX_PATTERN: usize = 4096;

/// The shortest key of a hash, in bytes: 128 bits cannot be guessed.
const MIN_KEY: usize = 16;

/// The limit of a replacement, in bytes. With it, one round of rules can grow a text only by a
/// known factor.
const MAX_REPLACEMENT: usize = 64;

/// A rule for text: what is done where a pattern or a number matches.
///
/// The default effect is to refuse the text. [`drop`](Self::drop), [`flag`](Self::flag),
/// [`hash`](Self::hash), [`label`](Self::label), [`stand_in`](Self::stand_in), [`mask`](Self::mask), [`replace`](Self::replace) and [`refuse`](Self::refuse) set another; the
/// last call counts. [`SanitizerBuilder::rule`](crate::SanitizerBuilder::rule) adds the rule to a
/// sanitizer.
///
/// Patterns run in time linear in the text: there is no backtracking that an attacker could use.
///
/// `\b` is a border between a word and something else, and Chinese characters are word characters:
/// write `(?-u:\b)` for a border of ASCII letters and digits. For numbers, [`TextRule::number`] is
/// better than a pattern. For common personal data there are
/// [`mainland_phone`](Self::mainland_phone), [`mainland_identity`](Self::mainland_identity),
/// [`bank_card`](Self::bank_card) and [`email`](Self::email).
///
/// ```
/// use palisade_sanitize::{TextRule, Sanitizer};
///
/// let ticket = TextRule::new("ticket", r"(?-u:\b)T[0-9]{6}(?-u:\b)").mask('*');
/// let sanitizer = Sanitizer::builder().rule(ticket).build()?;
/// assert_eq!(sanitizer.clean("票号T123456。")?.text(), "票号*******。");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct TextRule {
    /// The name in refusals and reports.
    name: Arc<str>,
    /// What is looked for.
    matcher: Matcher,
    /// What is done with it: refuse, mask, remove, or note.
    effect: Effect,
}

impl TextRule {
    /// Compiles a pattern in the syntax of the `regex` crate. The rule refuses what it matches by
    /// default.
    ///
    /// The name appears in the audit trail and in errors for the operator, never in a response. A
    /// pattern may have 4,096 bytes, and its compiled program 1 MiB.
    ///
    /// A pattern that is not valid, matches the empty text or is too large is an error of
    /// [`SanitizerBuilder::build`](crate::SanitizerBuilder::build). The error quotes the pattern.
    ///
    /// ```
    /// use palisade_sanitize::{Sanitizer, TextRule};
    ///
    /// let refused = Sanitizer::builder().rule(TextRule::new("staff", "[0-9")).build().unwrap_err();
    /// assert!(refused.to_string().starts_with("rule `staff`: regex parse error"));
    /// ```
    pub fn new(name: impl Into<Arc<str>>, pattern: &str) -> Self {
        let name = name.into();
        let matcher = match compile(&name, pattern) {
            Ok(regex) => Matcher::Pattern(regex),
            Err(error) => Matcher::Invalid(error),
        };
        Self {
            name,
            matcher,
            effect: Effect::Refuse,
        }
    }

    /// Finds numbers that pass a check, such as a check digit. The rule refuses what it finds by
    /// default.
    ///
    /// The check is called for each stretch of 6 to 32 digits that begins and ends at the border of
    /// a group. It receives ASCII digits without their separators; an `X` directly after them is
    /// the last character.
    ///
    /// * Groups may be separated by up to three of: spaces of any kind, dots, dashes of any length,
    ///   brackets.
    /// * Digits of all scripts count by their value.
    /// * So a number is found beside other numbers, and beside Chinese characters.
    ///
    /// The check may be called many times for one text, so keep it fast.
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

    /// Finds numbers by a check that also receives the sizes of the groups.
    pub(crate) fn grouped_number(name: &'static str, check: fn(Number<'_>) -> bool) -> Self {
        Self {
            name: Arc::from(name),
            matcher: Matcher::Number(check),
            effect: Effect::Refuse,
        }
    }

    /// Makes a rule of a search.
    pub(crate) fn named_finder(name: impl Into<Arc<str>>, finder: Arc<dyn Finder>) -> Self {
        Self {
            name: name.into(),
            matcher: Matcher::Finder(finder),
            effect: Effect::Refuse,
        }
    }

    /// Makes a rule that cannot be built.
    pub(super) fn invalid(name: impl Into<Arc<str>>, error: SanitizeBuildError) -> Self {
        Self {
            name: name.into(),
            matcher: Matcher::Invalid(error),
            effect: Effect::Refuse,
        }
    }

    /// Makes a rule of a pattern that is part of the crate.
    pub(super) fn from_regex(name: &'static str, regex: Regex, effect: Effect) -> Self {
        Self {
            name: Arc::from(name),
            matcher: Matcher::Pattern(regex),
            effect,
        }
    }

    /// Accepts as a match only what also passes a check, such as a check digit.
    ///
    /// Such a rule matches a view of the text in which digits of any script, full-width letters and
    /// digits, spaces of any kind and dashes are the ASCII ones. The check receives that view too.
    ///
    /// Where a match does not pass, its parts are tried. A part begins and ends at the border of a
    /// group of digits, has at most 32 digits, and must match the pattern itself.
    ///
    /// For a rule of [`number`](Self::number) the check replaces the earlier one. A rule of
    /// [`PersonalData`](crate::PersonalData) stays as it is: set its kinds and score there.
    ///
    /// ```
    /// use palisade_sanitize::{Sanitizer, TextRule};
    ///
    /// // Staff numbers: the last digit is the sum of the others modulo 10.
    /// let sum_fits = |number: &str| {
    ///     let digits: Vec<u32> = number.chars().filter_map(|c| c.to_digit(10)).collect();
    ///     digits.split_last().is_some_and(|(check, rest)| rest.iter().sum::<u32>() % 10 == *check)
    /// };
    /// let staff = TextRule::new("staff", "[0-9]{4}").only_if(sum_fits).mask('*');
    /// let sanitizer = Sanitizer::builder().rule(staff).build()?;
    /// assert_eq!(sanitizer.clean("1236 and 1230")?.text(), "**** and 1230");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn only_if(self, check: fn(&str) -> bool) -> Self {
        let matcher = match self.matcher {
            Matcher::Pattern(regex) | Matcher::PatternIf(regex, _) => {
                Matcher::PatternIf(regex, check)
            }
            Matcher::Number(_) | Matcher::NumberDigits(_) => Matcher::NumberDigits(check),
            unchanged @ (Matcher::Finder(_) | Matcher::Invalid(_) | Matcher::Rewrite(_)) => {
                unchanged
            }
        };
        Self { matcher, ..self }
    }

    /// Tells whether the report names kind and place of what the rule finds.
    pub(crate) fn reports_places(&self) -> bool {
        self.matcher.reports_places()
    }

    /// Returns the name of the rule.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns a mistake of the pattern or of the replacement. `SanitizerBuilder::build` calls it.
    ///
    /// # Errors
    ///
    /// The error of a pattern that cannot be compiled, or
    /// [`SanitizeBuildError::ReplacementTooLong`].
    pub(crate) fn validate(&self) -> Result<(), SanitizeBuildError> {
        if let Matcher::Invalid(error) = &self.matcher {
            return Err(error.clone());
        }
        match &self.effect {
            Effect::Replace(by) if by.len() > MAX_REPLACEMENT => {
                Err(SanitizeBuildError::ReplacementTooLong {
                    rule: Arc::clone(&self.name),
                })
            }
            Effect::Hash(key) if key.expose().len() < MIN_KEY => {
                Err(SanitizeBuildError::HashKeyTooShort {
                    rule: Arc::clone(&self.name),
                })
            }
            _ => Ok(()),
        }
    }

    /// Refuses two texts if a match begins in the first and ends in the second. A rule that only flags refuses
    /// nothing.
    ///
    /// # Errors
    ///
    /// [`Refused::Rule`]: neither text alone has the match, so there is nothing to replace.
    pub(crate) fn check_joined(&self, before: &str, after: &str) -> Result<(), Refused> {
        let joined = [before, after].concat();
        let crosses =
            |found: &Match| found.place.start < before.len() && found.place.end > before.len();
        let is_flag = matches!(self.effect, Effect::Flag);
        match !is_flag && self.matcher.find(&joined).iter().any(crosses) {
            true => Err(Refused::Rule(Arc::clone(&self.name))),
            false => Ok(()),
        }
    }

    /// Returns the word for what is done with matches, as metrics name it.
    #[cfg(feature = "metrics")]
    pub(crate) const fn effect_name(&self) -> &'static str {
        self.effect.name()
    }

    /// Applies the rule once. Returns the new text, or `None` if nothing changes.
    pub(crate) fn apply(
        &self,
        index: usize,
        text: &str,
        report: &mut Report,
        map: &mut SourceMap,
    ) -> Result<Option<String>, Refused> {
        let matches = self.matcher.find(text);
        if matches.is_empty() {
            return Ok(None);
        }
        if matches!(self.effect, Effect::Refuse) {
            return Err(Refused::Rule(Arc::clone(&self.name)));
        }
        let hits = u32::try_from(matches.len()).unwrap_or(u32::MAX);
        let changed = self.effect.replace_all(text, &matches, map);
        let is_flag = matches!(self.effect, Effect::Flag);
        if is_flag || changed != text {
            let data = matches.iter().filter(|found| !found.kind.is_empty());
            let places = data.map(|found| found.reported(map));
            places.for_each(|found| report.add_personal_data(found, is_flag));
        }
        map.end_step();
        // A mask can match itself again; that is no change.
        if changed == text {
            if is_flag {
                report.flag_by_rule(index, hits);
            }
            return Ok(None);
        }
        report.change_by_rule(index, hits);
        Ok(Some(changed))
    }
}

/// Compiles a pattern within the limits of its length and of its program.
///
/// # Errors
///
/// [`SanitizeBuildError`] with the rule, and what the compiler of patterns says.
fn compile(rule: &Arc<str>, pattern: &str) -> Result<Regex, SanitizeBuildError> {
    let rule = Arc::clone(rule);
    if pattern.len() > MAX_PATTERN {
        return Err(SanitizeBuildError::PatternTooLong { rule });
    }
    let regex = RegexBuilder::new(pattern)
        .size_limit(MAX_PROGRAM)
        .dfa_size_limit(MAX_PROGRAM)
        .build();
    match regex {
        Ok(regex) if regex.is_match("") => Err(SanitizeBuildError::PatternMatchesEmpty { rule }),
        Ok(regex) => Ok(regex),
        // The library's text quotes the pattern with a mark under the mistake: it goes to the operator only.
        Err(error) => Err(SanitizeBuildError::InvalidPattern {
            rule,
            why: error.to_string().into(),
        }),
    }
}
