//! One string that is selected: cleaned by each of its fields in turn, until a turn changes nothing.
//!
//! A field alone cleans once: a sanitizer leaves what it has cleaned unchanged.

use std::borrow::Cow;

use palisade_core::Rejection;

use super::{Selection, metrics};
use crate::{request::refusal, text::Refused};

/// The limit of turns in which several fields clean one string.
/// At the limit it is refused as unstable, with 422.
const MAX_TURNS: usize = 8;

impl Selection {
    /// Cleans one string with each field that selects it. Returns the new text, or `None` if it is
    /// unchanged.
    pub(crate) fn clean(
        &mut self,
        targets: &[usize],
        text: &str,
    ) -> Result<Option<String>, Box<Rejection>> {
        let opaque = targets.iter().any(|&target| target >= self.fields.len());
        if opaque && is_data(text) {
            for &target in targets {
                self.see(target);
            }
            return Ok(None);
        }
        let clean = self.clean_in_turn(targets, text)?;
        let replaced = self.replace_data(targets, clean.as_deref().unwrap_or(text));
        let clean = replaced.or(clean);
        #[cfg(feature = "moderation")]
        self.collect(targets, clean.as_deref().unwrap_or(text));
        Ok(clean)
    }

    /// Replaces personal data in a clean text by placeholders. `None`: nothing is replaced.
    fn replace_data(&mut self, targets: &[usize], text: &str) -> Option<String> {
        let replaced = self.replacing.as_mut()?.replace(text)?;
        metrics::count_placeholders(&replaced);
        let first = targets.iter().find(|target| **target < self.fields.len());
        if let Some(selected) = first.and_then(|first| self.fields.get_mut(*first)) {
            selected.count_replaced(&replaced);
        }
        Some(replaced.text)
    }

    /// Cleans the name of a member.
    pub(crate) fn clean_name(
        &mut self,
        targets: &[usize],
        name: &str,
    ) -> Result<Option<String>, Box<Rejection>> {
        let clean = self.clean_in_turn(targets, name)?;
        #[cfg(feature = "moderation")]
        self.collect(targets, clean.as_deref().unwrap_or(name));
        Ok(clean)
    }

    /// Cleans with one field after another until none changes the text.
    fn clean_in_turn(
        &mut self,
        targets: &[usize],
        text: &str,
    ) -> Result<Option<String>, Box<Rejection>> {
        let mut current = Cow::Borrowed(text);
        for turn in 0..MAX_TURNS {
            let mut changed = false;
            for &target in targets {
                if let Some(text) = self.clean_once(target, &current, turn == 0)? {
                    current = Cow::Owned(text);
                    changed = true;
                }
            }
            if !changed || targets.len() == 1 {
                return Ok(match current {
                    Cow::Borrowed(_) => None,
                    Cow::Owned(text) => Some(text),
                });
            }
        }
        let name = targets.first().map_or("", |&first| self.name(first));
        Err(refusal::refused(name, &Refused::Unstable))
    }

    /// Cleans with one field. Flags, and metrics, are counted in the first turn only.
    fn clean_once(
        &mut self,
        field: usize,
        text: &str,
        count_flags: bool,
    ) -> Result<Option<String>, Box<Rejection>> {
        let Some(selected) = self.fields.get_mut(field) else {
            return Ok(None);
        };
        // What need not be there and is empty is not there.
        if text.is_empty() && !selected.field.required {
            return Ok(None);
        }
        selected.seen = true;
        let field = &selected.field;
        let clean = if field.required {
            field.sanitizer.clean(text)
        } else {
            field.sanitizer.clean_optional(text)
        };
        let clean = clean.map_err(|why| {
            metrics::count_refusal(&why, self.shadow);
            refusal::refused(&field.name, &why)
        })?;
        if count_flags {
            metrics::count_report(&field.sanitizer, clean.report(), self.shadow);
            selected.count_flags(clean.report());
            selected.count_personal_data(clean.report());
        }
        Ok(selected.count_changes(clean).filter(|_| !self.shadow))
    }

    /// Records that a field is present.
    fn see(&mut self, field: usize) {
        if let Some(selected) = self.fields.get_mut(field) {
            selected.seen = true;
        }
    }
}

/// Tells whether a string can only be Base64 or a URL.
fn is_data(text: &str) -> bool {
    text.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || b"+/=_-.:;,%?&~#@".contains(&byte))
}
