//! Counts of what a sanitizer found and changed. The text itself is not in them.
//!
//! A report collects changes over all rounds. Flags are counted again in each round, since what is
//! flagged stays in the text and is found again.

use std::sync::Arc;

use super::reported_data::{ReportedData, count_chars};
use crate::characters::{Class, PerClass};

/// Counts what a [`Sanitizer`](crate::Sanitizer) did to one text.
///
/// [`CleanText::report`](crate::CleanText::report) returns it. It holds numbers only and is safe to log.
/// Counters stop at `u32::MAX`.
///
/// ```
/// use palisade_sanitize::{Class, Sanitizer};
///
/// let clean = Sanitizer::speech().clean("Good mor\u{200b}ning")?;
/// assert!(clean.report().is_changed());
/// assert_eq!(clean.report().count(Class::Invisible), 1);
/// # Ok::<(), palisade_sanitize::Refused>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Report {
    /// Characters that were removed or replaced, by class.
    changed: PerClass<u32>,
    /// Characters that were only noted, by class.
    flagged: PerClass<u32>,
    /// Rules that changed the text: their index and how often.
    rules: Vec<(usize, u32)>,
    /// Rules that only noted something.
    flagged_rules: Vec<(usize, u32)>,
    /// Personal data that was masked.
    data: Vec<ReportedData>,
    /// Personal data that was only noted.
    flagged_data: Vec<ReportedData>,
    /// Whether normalization changed the text.
    normalized: bool,
    /// Whether spaces at the ends were removed.
    trimmed: bool,
    /// Whether the end was cut off, since the text was too long.
    cut: bool,
    /// Whether this round changed nothing. Rounds go on until one is quiet.
    quiet: bool,
}

impl Report {
    /// Starts with no findings.
    pub(crate) const fn new() -> Self {
        Self {
            changed: PerClass::all(0),
            flagged: PerClass::all(0),
            rules: Vec::new(),
            flagged_rules: Vec::new(),
            data: Vec::new(),
            flagged_data: Vec::new(),
            normalized: false,
            trimmed: false,
            cut: false,
            quiet: true,
        }
    }

    /// Tells whether the cleaned text differs from the input.
    #[must_use]
    pub fn is_changed(&self) -> bool {
        self.removed() > 0 || self.normalized || self.trimmed || self.cut
    }

    /// Counts the dropped and replaced characters, and the matches that a rule changed.
    #[must_use]
    pub fn removed(&self) -> u32 {
        let classes = self.changed.iter().map(|(_, count)| count);
        let rules = self.rules.iter().map(|&(_, count)| count);
        classes.chain(rules).fold(0, u32::saturating_add)
    }

    /// Counts the characters of one class that were dropped or replaced.
    ///
    /// For all classes at once, see [`classes`](Self::classes).
    #[must_use]
    pub fn count(&self, class: Class) -> u32 {
        self.changed.get(class).unwrap_or(0)
    }

    /// Counts the characters of one class that were flagged and kept.
    ///
    /// Only a class with [`Action::Flag`](crate::Action::Flag) is counted here.
    #[must_use]
    pub fn flagged(&self, class: Class) -> u32 {
        self.flagged.get(class).unwrap_or(0)
    }

    /// Lists the classes with flagged characters, each with its count.
    pub fn flagged_classes(&self) -> impl Iterator<Item = (Class, u32)> + '_ {
        self.flagged.iter().filter(|&(_, count)| count > 0)
    }

    /// Lists the rules with flagged matches, by index, each with its count.
    ///
    /// [`Sanitizer::rule_name`](crate::Sanitizer::rule_name) gives the name for an index.
    ///
    /// ```
    /// use palisade_sanitize::{Sanitizer, TextRule};
    ///
    /// let sanitizer = Sanitizer::builder().rule(TextRule::new("shout", "!{3,}").flag()).build()?;
    /// let clean = sanitizer.clean("Now!!! Please!!!!")?;
    /// let flagged: Vec<_> = clean.report().flagged_rules().collect();
    /// assert_eq!(flagged, [(0, 2)]);
    /// assert_eq!(sanitizer.rule_name(0), Some("shout"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn flagged_rules(&self) -> impl Iterator<Item = (usize, u32)> + '_ {
        self.flagged_rules.iter().copied()
    }

    /// Counts the matches of the rule with this index, changed or flagged.
    ///
    /// Indices start at 0, in the order of
    /// [`SanitizerBuilder::rule`](crate::SanitizerBuilder::rule). The rule for tokens of chat
    /// templates comes last.
    #[must_use]
    pub fn rule(&self, index: usize) -> u32 {
        let hits = self.rules.iter().chain(&self.flagged_rules);
        hits.filter(|&&(rule, _)| rule == index)
            .fold(0, |sum, &(_, count)| sum.saturating_add(count))
    }

    /// Lists the classes with dropped or replaced characters, each with its count.
    ///
    /// ```
    /// use palisade_sanitize::{Class, Sanitizer};
    ///
    /// let clean = Sanitizer::speech().clean("a\0\0\u{202e}b")?;
    /// let classes: Vec<_> = clean.report().classes().collect();
    /// assert_eq!(classes, [(Class::BidiControl, 1), (Class::Nul, 2)]);
    /// # Ok::<(), palisade_sanitize::Refused>(())
    /// ```
    pub fn classes(&self) -> impl Iterator<Item = (Class, u32)> + '_ {
        self.changed.iter().filter(|&(_, count)| count > 0)
    }

    /// Lists the kinds of personal data that were changed or flagged, each with its count.
    ///
    /// The names are those of [`Finding::name`](crate::Finding::name). Only a rule of
    /// [`PersonalData`](crate::PersonalData) counts here.
    ///
    /// ```
    /// use palisade_sanitize::{PersonalData, Sanitizer};
    ///
    /// let sanitizer = Sanitizer::builder().rule(PersonalData::new().rule()).build()?;
    /// let clean = sanitizer.clean("a@example.com, b@example.com, 13800138000")?;
    /// let counts: Vec<_> = clean.report().personal_data().collect();
    /// assert_eq!(counts, [("email", 2), ("phone", 1)]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn personal_data(&self) -> impl Iterator<Item = (&str, u32)> + '_ {
        let mut counts: Vec<(&Arc<str>, u32)> = Vec::new();
        for data in self.found_data() {
            let kind = data.shared_kind();
            match counts.iter_mut().find(|(known, _)| *known == kind) {
                Some((_, count)) => *count = count.saturating_add(1),
                None => counts.push((kind, 1)),
            }
        }
        counts.into_iter().map(|(kind, count)| (&**kind, count))
    }

    /// Lists the personal data that was changed, then what was flagged, each with kind, place and
    /// score.
    ///
    /// Places are those in the input, from left to right. Only a rule of
    /// [`PersonalData`](crate::PersonalData) adds to it.
    pub fn found_data(&self) -> impl Iterator<Item = &ReportedData> + '_ {
        self.data.iter().chain(&self.flagged_data)
    }

    /// Lists the rules that changed the text, by index, each with its count of matches.
    ///
    /// [`flagged_rules`](Self::flagged_rules) lists the others. A rule that matched in several
    /// rounds is listed once.
    pub fn changing_rules(&self) -> impl Iterator<Item = (usize, u32)> + '_ {
        self.rules.iter().copied()
    }

    /// Tells whether normalization changed the text.
    ///
    /// See [`SanitizerBuilder::normalization`](crate::SanitizerBuilder::normalization).
    #[must_use]
    pub const fn is_normalized(&self) -> bool {
        self.normalized
    }

    /// Tells whether white space was trimmed or folded.
    ///
    /// See [`SanitizerBuilder::whitespace`](crate::SanitizerBuilder::whitespace).
    #[must_use]
    pub const fn is_trimmed(&self) -> bool {
        self.trimmed
    }

    /// Tells whether the text was cut at its length limit.
    ///
    /// It can be `true` only with [`OverLength::Cut`](crate::OverLength::Cut).
    #[must_use]
    pub const fn is_cut(&self) -> bool {
        self.cut
    }

    /// Tells whether any rule changed the text.
    pub(crate) fn is_changed_by_rule(&self) -> bool {
        !self.rules.is_empty()
    }

    /// Resets the flags: each round counts them again.
    pub(crate) fn begin_round(&mut self) {
        self.flagged = PerClass::all(0);
        self.flagged_rules.clear();
        self.flagged_data.clear();
        self.quiet = true;
    }

    /// Tells whether this round changed nothing.
    pub(crate) const fn is_quiet(&self) -> bool {
        self.quiet
    }

    /// Counts a dropped or replaced character.
    pub(crate) fn change(&mut self, class: Class) {
        self.quiet = false;
        if let Some(count) = self.changed.get_mut(class) {
            *count = count.saturating_add(1);
        }
    }

    /// Counts a character that was flagged and kept.
    pub(crate) fn flag(&mut self, class: Class) {
        if let Some(count) = self.flagged.get_mut(class) {
            *count = count.saturating_add(1);
        }
    }

    /// Counts the matches that a rule changed.
    pub(crate) fn change_by_rule(&mut self, rule: usize, count: u32) {
        self.quiet = false;
        match self.rules.iter_mut().find(|(known, _)| *known == rule) {
            Some((_, sum)) => *sum = sum.saturating_add(count),
            None => self.rules.push((rule, count)),
        }
    }

    /// Counts the matches that a rule flagged.
    pub(crate) fn flag_by_rule(&mut self, rule: usize, count: u32) {
        self.flagged_rules.push((rule, count));
    }

    /// Adds personal data that was changed, or flagged and kept.
    pub(crate) fn add_personal_data(&mut self, data: ReportedData, is_flag: bool) {
        match is_flag {
            true => self.flagged_data.push(data),
            false => self.data.push(data),
        }
    }

    /// Ends the last round: counts the places of personal data in code points.
    pub(crate) fn finish(&mut self, input: &str) {
        self.quiet = true;
        count_chars(&mut self.data, input);
        count_chars(&mut self.flagged_data, input);
    }

    /// Records a change of the whole text.
    pub(crate) fn note(&mut self, what: Change) {
        self.quiet = false;
        match what {
            Change::Cut => self.cut = true,
            Change::Normalized => self.normalized = true,
            Change::Trimmed => self.trimmed = true,
        }
    }
}

/// A change of the whole text, which is not counted by characters.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Change {
    Cut,
    Normalized,
    Trimmed,
}
