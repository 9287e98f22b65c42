//! The sanitizer: runs the steps until nothing changes, and checks the result.
//!
//! A sanitizer holds its settings in an `Arc`. Callers are the request layer, once a field, and
//! users directly. A refusal is returned as `Refused`; nothing is logged here.

use std::borrow::Cow;
use std::sync::Arc;

use super::clean_text::CleanText;
use super::filter::Filter;
use super::length::{Limits, has_graphemes};
use super::normalize::Normalization;
use super::refused::{LengthUnit, Refused};
use super::repertoire::Repertoire;
use super::report::{Change, Report};
use super::rule::TextRule;
use super::scan::traits_of;
use super::source_map::SourceMap;
use super::template_tokens::{self, LONGEST_TOKEN};
use super::whitespace::Whitespace;
use crate::characters::{Traits, is_blank};

/// The limit of rounds. One round can uncover what the next removes; ordinary text needs two at
/// most.
const MAX_ROUNDS: usize = 8;

/// While a text is cleaned it may be this many times as long as the limit of its result.
const MAX_GROWTH: usize = 4;

/// Cleans text, or says why it is refused.
///
/// Make one with [`speech`](Self::speech), [`prompt`](Self::prompt), or another
/// [`Preset`](crate::Preset), or configure it with [`builder`](Self::builder). Cloning it clones an
/// `Arc`.
///
/// The result of [`clean`](Self::clean) is a fixed point: cleaning it again changes nothing. The
/// steps repeat up to eight times to reach it; otherwise the text is refused
/// ([`Refused::Unstable`]).
///
/// ```
/// use palisade_sanitize::Sanitizer;
///
/// let sanitizer = Sanitizer::speech();
/// let clean = sanitizer.clean("今天\u{202e}天气\u{0}很好")?;
/// assert_eq!(clean.text(), "今天天气很好");
/// assert_eq!(clean.report().removed(), 2);
/// # Ok::<(), palisade_sanitize::Refused>(())
/// ```
#[derive(Clone, Debug)]
pub struct Sanitizer(pub(super) Arc<Settings>);

/// The settings of a sanitizer. The builder checks them.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// What happens to each class of characters.
    pub(crate) filter: Filter,
    /// The limits of the text as it came. A longer one is refused before anything is read.
    pub(crate) input: Limits,
    /// The limits of the clean text.
    pub(crate) limits: Limits,
    /// The fewest characters as a reader sees them. 0: it may be empty.
    pub(crate) min_graphemes: usize,
    /// Which normalization form of Unicode the text gets (UAX #15).
    pub(crate) normalization: Normalization,
    /// What is done with a clean text above its limits.
    pub(crate) over_length: OverLength,
    /// Which characters are allowed at all.
    pub(crate) repertoire: Repertoire,
    /// The rules of the operator, in their order.
    pub(crate) rules: Vec<TextRule>,
    /// The tokens of chat templates. `None`: they are not looked for.
    pub(crate) template_tokens: Option<TextRule>,
    /// What is done with spaces and line ends.
    pub(crate) whitespace: Whitespace,
}

/// What is done with a text that is longer than its limit after cleaning.
///
/// Set with [`SanitizerBuilder::over_length`](crate::SanitizerBuilder::over_length). Default:
/// [`Refuse`](Self::Refuse).
///
/// # Examples
///
/// ```
/// use palisade_sanitize::{OverLength, Sanitizer};
///
/// let title = Sanitizer::builder().max_graphemes(5).over_length(OverLength::Cut).build()?;
/// let clean = title.clean("a long title")?;
/// assert_eq!(clean.text(), "a lon");
/// assert!(clean.report().is_cut());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum OverLength {
    /// Cuts the text between graphemes. [`Report::is_cut`] tells that it happened.
    Cut,
    /// Refuses the text with [`Refused::TooLong`].
    #[default]
    Refuse,
}

impl Sanitizer {
    /// Returns the name of the rule with this index, or `None` if there is no such rule.
    ///
    /// Indices are those of [`Report::rule`]. The rule for tokens of chat templates comes last.
    #[must_use]
    pub fn rule_name(&self, index: usize) -> Option<&str> {
        self.0.all_rules().nth(index).map(TextRule::name)
    }

    /// Returns the filter of characters.
    pub(crate) fn filter(&self) -> &Filter {
        &self.0.filter
    }

    /// Cleans a text with every step, whether its traits call for it or not.
    #[cfg(test)]
    pub(super) fn clean_with_every_step<'t>(
        &self,
        text: &'t str,
    ) -> Result<CleanText<'t>, Refused> {
        self.0.clean_by(text, self.0.min_graphemes, |_| Traits::ALL)
    }

    /// Makes a sanitizer of checked settings.
    pub(super) fn from_settings(settings: Settings) -> Self {
        Self(Arc::new(settings))
    }

    /// Cleans a text.
    ///
    /// It allocates nothing if the text is clean already, unless a rule with
    /// [`only_if`](TextRule::only_if) has to fold characters of it.
    ///
    /// # Errors
    ///
    /// [`Refused`] in these cases:
    ///
    /// * The text is empty, too long or too short.
    /// * It holds a character that is refused or not allowed.
    /// * A rule that refuses has matched.
    /// * Nothing visible is left after cleaning.
    /// * It does not become stable ([`Refused::Unstable`]).
    ///
    /// ```
    /// use palisade_sanitize::{Refused, Sanitizer};
    /// use std::borrow::Cow;
    ///
    /// let sanitizer = Sanitizer::speech();
    /// let clean = sanitizer.clean("already clean")?;
    /// assert!(matches!(clean.into_text(), Cow::Borrowed(_)));
    ///
    /// let clean = sanitizer.clean("e\u{301}\u{202e}")?;
    /// assert_eq!(clean.text(), "é");
    /// assert!(clean.report().is_normalized());
    /// # Ok::<(), Refused>(())
    /// ```
    pub fn clean<'t>(&self, text: &'t str) -> Result<CleanText<'t>, Refused> {
        let least = self.0.min_graphemes;
        self.0.clean(text, least)
    }

    /// Cleans a text that may be absent: as [`clean`](Self::clean), but empty text and white space
    /// pass.
    ///
    /// # Errors
    ///
    /// As for [`clean`](Self::clean), except for [`Refused::Empty`].
    ///
    /// ```
    /// use palisade_sanitize::{Refused, Sanitizer};
    ///
    /// let sanitizer = Sanitizer::speech();
    /// assert_eq!(sanitizer.clean("").unwrap_err(), Refused::Empty);
    /// assert_eq!(sanitizer.clean_optional("")?.text(), "");
    /// # Ok::<(), Refused>(())
    /// ```
    pub fn clean_optional<'t>(&self, text: &'t str) -> Result<CleanText<'t>, Refused> {
        let is_empty = text.chars().all(char::is_whitespace);
        let least = if is_empty { 0 } else { self.0.min_graphemes };
        self.0.clean(text, least)
    }

    /// Checks the end of a clean text together with the one that a template of a chat writes behind it, as they are
    /// and without the white space around them: some templates trim each part.
    ///
    /// # Errors
    ///
    /// Together they have a token of a chat template.
    pub(crate) fn check_joined(&self, before: &str, after: &str) -> Result<(), Refused> {
        let Some(rule) = &self.0.template_tokens else {
            return Ok(());
        };
        let end = after.char_indices().nth(LONGEST_TOKEN);
        let after = after.split_at(end.map_or(after.len(), |(at, _)| at)).0;
        rule.check_joined(before, after)?;
        rule.check_joined(before.trim_end(), after.trim_start())
    }
}

impl Settings {
    /// Lists the rules of the operator, then the rule for tokens of chat templates.
    pub(super) fn all_rules(&self) -> impl Iterator<Item = &TextRule> {
        self.rules.iter().chain(&self.template_tokens)
    }

    /// Cleans a text of which at least this many graphemes must be left.
    fn clean<'t>(&self, text: &'t str, least: usize) -> Result<CleanText<'t>, Refused> {
        self.clean_by(text, least, traits_of)
    }

    /// Cleans a text. Steps run as the traits that `look` finds in it call for.
    fn clean_by<'t>(
        &self,
        text: &'t str,
        least: usize,
        look: impl Fn(&str) -> Traits,
    ) -> Result<CleanText<'t>, Refused> {
        self.input.check(text)?;
        let mut report = Report::new();
        let mut map = SourceMap::new(self.rules.iter().any(TextRule::reports_places));
        let mut cleaned = Cow::Borrowed(text);
        for _ in 0..MAX_ROUNDS {
            report.begin_round();
            let found = look(&cleaned);
            cleaned = self.run_steps(cleaned, found, &mut report, &mut map)?;
            if report.is_quiet() || self.folds_only(found) {
                report.finish(text);
                self.check_result(text, &cleaned, least, &report)?;
                return Ok(CleanText {
                    text: cleaned,
                    report,
                });
            }
        }
        Err(Refused::Unstable)
    }

    /// Tells whether white space is all that a round may change in a text of these traits.
    ///
    /// A second round would change nothing then: what was folded has no other traits.
    fn folds_only(&self, found: Traits) -> bool {
        !self.filter.touches(found)
            && !self.normalization.touches(found)
            && self.all_rules().next().is_none()
            && self.over_length == OverLength::Refuse
    }

    /// Runs each step once that these traits of the text call for.
    fn run_steps<'t>(
        &self,
        mut text: Cow<'t, str>,
        mut found: Traits,
        report: &mut Report,
        map: &mut SourceMap,
    ) -> Result<Cow<'t, str>, Refused> {
        if self.filter.touches(found)
            && let Some(other) = self.filter.pass(&text, report, map)?
        {
            (text, found) = (Cow::Owned(other), Traits::ALL);
        }
        if self.normalization.touches(found)
            && let Some(other) = self.normalization.apply(&text, map)
        {
            report.note(Change::Normalized);
            (text, found) = (Cow::Owned(other), Traits::ALL);
        }
        for (index, rule) in self.all_rules().enumerate() {
            self.check_growth(&text)?;
            let is_for_tokens = index == self.rules.len();
            if is_for_tokens && !template_tokens::may_hold_token(&text, found) {
                continue;
            }
            if let Some(other) = rule.apply(index, &text, report, map)? {
                (text, found) = (Cow::Owned(other), Traits::ALL);
            }
        }
        text = run_step(text, Change::Trimmed, report, |text| {
            let folded = self.whitespace.apply(text);
            self.whitespace.record(text, &folded, map);
            folded
        });
        if self.over_length == OverLength::Cut {
            text = run_step(text, Change::Cut, report, |text| {
                let cut = self.limits.cut(text);
                map.record(cut.len()..text.len(), 0);
                map.end_step();
                Cow::Borrowed(cut)
            });
        }
        self.check_growth(&text)?;
        Ok(text)
    }

    /// Refuses a text that has grown too much, before it uses much memory.
    ///
    /// # Errors
    ///
    /// [`Refused::TooLong`]: a rule that lets a text grow in each round must not fill the memory.
    fn check_growth(&self, text: &str) -> Result<(), Refused> {
        match self.limits.bytes {
            Some(limit) if text.len() > limit.saturating_mul(MAX_GROWTH) => Err(Refused::TooLong {
                unit: LengthUnit::Bytes,
                limit,
            }),
            _ => Ok(()),
        }
    }

    /// Checks the final text: allowed characters, minimum and maximum length.
    ///
    /// # Errors
    ///
    /// [`Refused`] for a result that is too long, too short, or has characters that are not
    /// allowed.
    fn check_result(
        &self,
        input: &str,
        text: &str,
        least: usize,
        report: &Report,
    ) -> Result<(), Refused> {
        self.limits.check(text)?;
        self.repertoire.check(text)?;
        if least == 0 {
            return Ok(());
        }
        if input.chars().all(char::is_whitespace) {
            return Err(Refused::Empty);
        }
        if text.chars().all(is_blank) {
            let by_rule = report.is_changed_by_rule();
            return Err(if by_rule {
                Refused::RemovedByRule
            } else {
                Refused::NothingLeft
            });
        }
        if !has_graphemes(text.trim(), least) {
            return Err(Refused::TooShort { limit: least });
        }
        Ok(())
    }
}

/// Runs a step that borrows what it does not change.
fn run_step<'t>(
    text: Cow<'t, str>,
    what: Change,
    report: &mut Report,
    step: impl for<'a> FnOnce(&'a str) -> Cow<'a, str>,
) -> Cow<'t, str> {
    let length = text.len();
    let after = match text {
        Cow::Borrowed(text) => step(text),
        Cow::Owned(text) => match step(&text) {
            Cow::Borrowed(part) if part.len() == length => return Cow::Owned(text),
            other => Cow::Owned(other.into_owned()),
        },
    };
    if matches!(after, Cow::Owned(_)) || after.len() != length {
        report.note(what);
    }
    after
}
