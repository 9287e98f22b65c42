//! The filter of characters: one pass that keeps each character or applies the action of its class.
//!
//! It is the first step of each round of a sanitizer. It fails only where a class has
//! `Action::Refuse`. A text that needs no change is not copied.
//!
//! The filter runs first in each round, so that later steps see no hidden characters. It copies nothing
//! as long as nothing changes.
//!
//! | action | what happens | report |
//! |---|---|---|
//! | `Keep` | the character stays | nothing |
//! | `Flag` | it stays | counted as flagged |
//! | `Replace` | another character takes its place | counted as changed |
//! | `Drop` | it is removed | counted as changed |
//! | `Refuse` | the text is refused | the class is in the error |
//!
//! The sanitizer leaves the pass out where `touches` tells that it would change and count nothing.

use std::ops::Range;

use super::explain::CodePoint;
use super::refused::Refused;
use super::report::Report;
use super::source_map::SourceMap;
use crate::characters::{Action, Before, Class, PerClass, Traits, flag_tags};

/// The settings of the pass: an action for each class, and the limit of combining marks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Filter {
    /// A class without an action is refused.
    pub(crate) actions: PerClass<Action>,
    /// The most combining marks after one character. Further ones have the class [`Class::CombiningMark`].
    pub(crate) max_marks: usize,
}

impl Filter {
    /// Returns a filter that drops what this one refuses, so that it refuses nothing.
    ///
    /// Responses are cleaned with it: a stream that has begun cannot be refused.
    pub(crate) fn dropping(&self) -> Self {
        let mut filter = *self;
        for class in Class::ALL {
            if let Some(action) = filter.actions.get_mut(class)
                && *action == Action::Refuse
            {
                *action = Action::Drop;
            }
        }
        filter
    }

    /// Returns the class and the action of each character, as the first pass treats it.
    ///
    /// It is for explanations. It makes no text, so it also shows what would be refused.
    pub(crate) fn code_points(&self, text: &str) -> Vec<CodePoint> {
        let mut before = Before::default();
        let mut points = Vec::new();
        let mut rest = text.chars();
        let mut tags = 0;
        while let Some(character) = rest.next() {
            let class = match tags {
                0 => before.class_of(character, rest.as_str(), self.max_marks),
                _ => None,
            };
            let action = class.map_or(Some(Action::Keep), |class| self.actions.get(class));
            let action = action.unwrap_or(Action::Refuse);
            match action {
                Action::Drop | Action::Refuse => {}
                Action::Replace(by) => before.push(by),
                // A pass records a flag, and not the tags behind it.
                Action::Flag | Action::Keep if tags == 0 => before.push(character),
                Action::Flag | Action::Keep => {}
            }
            tags = match class {
                None if tags == 0 => flag_tags(character, rest.as_str()).unwrap_or(0),
                _ => tags.saturating_sub(character.len_utf8()),
            };
            points.push(CodePoint {
                character,
                class,
                action,
            });
        }
        points
    }

    /// Tells whether a pass may change, count or refuse a character of these traits.
    ///
    /// A character of no class stays, unless it is one combining mark too many.
    pub(crate) fn touches(&self, found: Traits) -> bool {
        let kept = |class| self.actions.get(class) == Some(Action::Keep);
        let unless_kept = [
            (Class::LineFeed, Traits::LINE_FEED),
            (Class::Space, Traits::SPACE),
            (Class::Tab, Traits::TAB),
        ];
        let mut touched = unless_kept.into_iter();
        found.has_any(Traits::SUSPECT | Traits::MARK)
            || touched.any(|(class, traits)| found.has_any(traits) && !kept(class))
    }

    /// Returns the filtered text, or `None` if nothing changes. Fails at the first refused
    /// character.
    ///
    /// # Errors
    ///
    /// [`Refused::Forbidden`] with the class of the first refused character.
    pub(crate) fn pass(
        &self,
        text: &str,
        report: &mut Report,
        map: &mut SourceMap,
    ) -> Result<Option<String>, Refused> {
        let mut pass = FilterPass {
            filter: self,
            text,
            at: 0,
            before: Before::default(),
            out: None,
            report,
            map,
        };
        while pass.filter_next()? {}
        let out = pass.out;
        map.end_step();
        Ok(out)
    }
}

/// The state of one pass. It copies the text from the first change on, or not at all.
struct FilterPass<'w> {
    /// The settings.
    filter: &'w Filter,
    text: &'w str,
    /// The next byte to read, always at the border of a character.
    at: usize,
    /// What was kept so far, as far as it decides about the next character.
    before: Before,
    /// `None` until something changes.
    out: Option<String>,
    report: &'w mut Report,
    /// Gets each change, so that places in the result can be found in the source.
    map: &'w mut SourceMap,
}

impl FilterPass<'_> {
    /// Checks the next character. Returns `false` at the end of the text.
    fn filter_next(&mut self) -> Result<bool, Refused> {
        let mut chars = self.text.get(self.at..).unwrap_or_default().chars();
        let Some(c) = chars.next() else {
            return Ok(false);
        };
        let rest = chars.as_str();
        match self.before.class_of(c, rest, self.filter.max_marks) {
            // A flag is kept with its tags or has none.
            None => self.keep_character(c, flag_tags(c, rest).unwrap_or(0)),
            Some(class) => self.apply_action(class, c, rest)?,
        }
        Ok(true)
    }

    /// Applies the action of the class to a character.
    ///
    /// # Errors
    ///
    /// The action is `Refuse`.
    fn apply_action(&mut self, class: Class, c: char, rest: &str) -> Result<(), Refused> {
        match self.filter.actions.get(class).unwrap_or(Action::Refuse) {
            Action::Drop => self.change_character(class, c, None),
            Action::Flag => {
                self.report.flag(class);
                self.keep_character(c, 0);
            }
            Action::Keep => self.keep_character(c, 0),
            Action::Refuse => return Err(Refused::Forbidden(class)),
            // CR LF is one line break, not two.
            Action::Replace(_) if c == '\r' && rest.starts_with('\n') => {
                self.change_character(class, c, None)
            }
            Action::Replace(other) => self.change_character(class, c, Some(other)),
        }
        Ok(())
    }

    /// Keeps a character and this many bytes after it.
    fn keep_character(&mut self, c: char, behind: usize) {
        let kept = self.advance(c.len_utf8().saturating_add(behind));
        if let Some(out) = &mut self.out {
            out.push_str(self.text.get(kept).unwrap_or_default());
        }
        self.before.push(c);
    }

    /// Drops a character or replaces it, and counts that in the report.
    fn change_character(&mut self, class: Class, c: char, by: Option<char>) {
        self.report.change(class);
        let changed = self.advance(c.len_utf8());
        self.map
            .record(changed.clone(), by.map_or(0, char::len_utf8));
        let text = self.text;
        let out = self.out.get_or_insert_with(|| {
            let mut out = String::with_capacity(text.len());
            out.push_str(text.get(..changed.start).unwrap_or_default());
            out
        });
        out.extend(by);
        by.into_iter().for_each(|by| self.before.push(by));
    }

    /// Moves on by a number of bytes and returns the range of them.
    fn advance(&mut self, by: usize) -> Range<usize> {
        let start = self.at;
        self.at = self.at.saturating_add(by);
        start..self.at
    }
}
