//! What stands around a character, and what can be asked about it.

use crate::{dictionary::Cut, table::rows};

pub(super) const TITLES: &str = include_str!("../../data/titles.tsv");

/// Words looked at on either side, however long the clause is.
const REACH: usize = 12;

/// What a number, or a word such as this, each, some, ends with.
const NUMBERS: &str = "一二两三四五六七八九十百千万亿几半多这那每某哪";

/// What stands around a character.
pub(super) struct Neighbors<'a> {
    pub(super) before: &'a [Cut<'a>],
    pub(super) after: &'a [Cut<'a>],
}

impl<'a> Neighbors<'a> {
    /// Takes the neighbors of the word at an index.
    pub(super) fn new(cuts: &'a [Cut<'a>], index: usize) -> Self {
        let first = index.saturating_sub(REACH);
        let last = cuts.len().min(index + 1 + REACH);
        Self {
            before: cuts.get(first..index).unwrap_or_default(),
            after: cuts.get(index + 1..last).unwrap_or_default(),
        }
    }

    /// Returns the word before.
    pub(super) fn last(&self) -> Option<&Cut<'a>> {
        self.before.last()
    }

    /// Returns the next word.
    pub(super) fn next(&self) -> Option<&Cut<'a>> {
        self.after.first()
    }

    /// Returns the word behind the next one.
    pub(super) fn second(&self) -> Option<&Cut<'a>> {
        self.after.get(1)
    }

    /// Tells whether a number or a demonstrative stands before: what follows is then a measure.
    pub(super) fn is_counted(&self) -> bool {
        self.last().is_some_and(|cut| cut.tag.starts_with('m')) || self.is_numbered()
    }

    /// Tells whether the word before ends as numbers do.
    pub(super) fn is_numbered(&self) -> bool {
        self.last()
            .is_some_and(|cut| cut.text.ends_with(|c| NUMBERS.contains(c)))
    }

    /// Tells whether a verb and 得 stand before: what follows says whether it can be done.
    pub(super) fn is_possible(&self) -> bool {
        matches!(self.before, [.., verb, particle] if verb.tag.starts_with('v') && particle.text == "得")
    }

    /// Tells whether the character says its verb again: 数了数, 量一量.
    pub(super) fn is_redoubled(&self, own: &str) -> bool {
        matches!(self.before, [.., first, middle] if first.text == own && matches!(middle.text, "了" | "一"))
    }

    /// Tells whether a title follows, as behind a family name.
    pub(super) fn is_titled(&self) -> bool {
        self.next()
            .is_some_and(|cut| rows(TITLES).any(|[title, _]| cut.text.starts_with(title)))
    }

    /// Tells whether a thing stands before that something is on, and nothing behind that one could go up to.
    pub(super) fn is_locative(&self) -> bool {
        let before = |words: &[&str]| self.before.iter().any(|cut| words.contains(&cut.text));
        let is_thing =
            |cut: Option<&Cut<'a>>| cut.is_some_and(|cut| cut.tag.starts_with(['n', 's']));
        let on = before(&["在"]) || !is_thing(self.next()) && !before(&["把", "将", "给"]);
        is_thing(self.last()) && on
    }
}
