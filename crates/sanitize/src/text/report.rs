//! What was found and changed, in numbers. The text itself is not in it.

use crate::characters::{Class, PerClass};

/// Counts what a [`Sanitizer`](crate::Sanitizer) did to one text.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Report {
    changed: PerClass<u32>,
    flagged: PerClass<u32>,
    rules: Vec<(usize, u32)>,
    flagged_rules: Vec<(usize, u32)>,
    normalized: bool,
    trimmed: bool,
    cut: bool,
    quiet: bool,
}

impl Report {
    pub(crate) const fn new() -> Self {
        Self {
            changed: PerClass::all(0),
            flagged: PerClass::all(0),
            rules: Vec::new(),
            flagged_rules: Vec::new(),
            normalized: false,
            trimmed: false,
            cut: false,
            quiet: true,
        }
    }

    /// Tells whether the text is another one now.
    #[must_use]
    pub fn is_changed(&self) -> bool {
        self.removed() > 0 || self.normalized || self.trimmed || self.cut
    }

    /// Counts the characters dropped or replaced, and the places where a rule changed something.
    #[must_use]
    pub fn removed(&self) -> u32 {
        let classes = self.changed.iter().map(|(_, count)| count);
        let rules = self.rules.iter().map(|&(_, count)| count);
        classes.chain(rules).fold(0, u32::saturating_add)
    }

    /// Counts the characters of one class that were dropped or replaced.
    #[must_use]
    pub fn count(&self, class: Class) -> u32 {
        self.changed.get(class).unwrap_or(0)
    }

    /// Counts the characters of one class that were flagged and kept.
    #[must_use]
    pub fn flagged(&self, class: Class) -> u32 {
        self.flagged.get(class).unwrap_or(0)
    }

    /// Lists the classes of which something was flagged and kept.
    pub fn flagged_classes(&self) -> impl Iterator<Item = (Class, u32)> + '_ {
        self.flagged.iter().filter(|&(_, count)| count > 0)
    }

    /// Lists the rules that flagged something, by index.
    pub fn flagged_rules(&self) -> impl Iterator<Item = (usize, u32)> + '_ {
        self.flagged_rules.iter().copied()
    }

    /// Counts the places where the rule with this index (in the order they were added) matched.
    #[must_use]
    pub fn rule(&self, index: usize) -> u32 {
        let hits = self.rules.iter().chain(&self.flagged_rules);
        hits.filter(|&&(rule, _)| rule == index)
            .fold(0, |sum, &(_, count)| sum.saturating_add(count))
    }

    /// Lists the classes of which something was dropped or replaced.
    pub fn classes(&self) -> impl Iterator<Item = (Class, u32)> + '_ {
        self.changed.iter().filter(|&(_, count)| count > 0)
    }

    /// Tells whether normalization changed the text.
    #[must_use]
    pub const fn is_normalized(&self) -> bool {
        self.normalized
    }

    /// Tells whether white space was trimmed or folded.
    #[must_use]
    pub const fn is_trimmed(&self) -> bool {
        self.trimmed
    }

    /// Tells whether the text was cut at its length limit.
    #[must_use]
    pub const fn is_cut(&self) -> bool {
        self.cut
    }

    pub(crate) fn is_changed_by_rule(&self) -> bool {
        !self.rules.is_empty()
    }

    /// Forgets what is flagged: each round counts it anew.
    pub(crate) fn begin_round(&mut self) {
        self.flagged = PerClass::all(0);
        self.flagged_rules.clear();
        self.quiet = true;
    }

    /// Tells whether this round changed nothing.
    pub(crate) const fn is_quiet(&self) -> bool {
        self.quiet
    }

    pub(crate) fn change(&mut self, class: Class) {
        self.quiet = false;
        if let Some(count) = self.changed.get_mut(class) {
            *count = count.saturating_add(1);
        }
    }

    pub(crate) fn flag(&mut self, class: Class) {
        if let Some(count) = self.flagged.get_mut(class) {
            *count = count.saturating_add(1);
        }
    }

    pub(crate) fn change_by_rule(&mut self, rule: usize, count: u32) {
        self.quiet = false;
        self.rules.push((rule, count));
    }

    pub(crate) fn flag_by_rule(&mut self, rule: usize, count: u32) {
        self.flagged_rules.push((rule, count));
    }

    pub(crate) fn note(&mut self, what: Change) {
        self.quiet = false;
        match what {
            Change::Cut => self.cut = true,
            Change::Normalized => self.normalized = true,
            Change::Trimmed => self.trimmed = true,
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum Change {
    Cut,
    Normalized,
    Trimmed,
}
