//! What is done with every text of one response: one set of settings, counts and limits for all.

use std::sync::Arc;
use std::sync::atomic::AtomicUsize;

use super::counts::ResponseCounts;
use super::response_text::ResponseText;
use crate::personal_data::{MOST_RESTORED, PersonalData, Placeholders};

/// Makes the texts of a response, and adds up what they changed.
#[derive(Debug)]
pub(crate) struct TextCleaning {
    /// Masks personal data. `None`: the route masks none.
    finder: Option<PersonalData>,
    /// Puts values back. `None`: the request had no placeholders.
    placeholders: Option<Arc<Placeholders>>,
    /// How many bytes may still be put in for placeholders.
    budget: Arc<AtomicUsize>,
    /// What was changed in all texts so far.
    counts: ResponseCounts,
}

impl TextCleaning {
    /// Masks with a finder, and restores placeholders, if there are any.
    pub(super) fn new(
        finder: Option<PersonalData>,
        placeholders: Option<Arc<Placeholders>>,
    ) -> Self {
        Self {
            finder,
            placeholders: placeholders.filter(|all| !all.is_empty()),
            budget: Arc::new(AtomicUsize::new(MOST_RESTORED)),
            counts: ResponseCounts::default(),
        }
    }

    /// Starts a text. `is_json`: it is JSON inside of a string, so what is put in is escaped.
    pub(super) fn text(&self, is_json: bool) -> ResponseText<'static> {
        let mut text = ResponseText::new();
        if let Some(finder) = &self.finder {
            text = text.mask(finder.clone());
        }
        let Some(placeholders) = &self.placeholders else {
            return text;
        };
        let stream = Arc::clone(placeholders).restore_shared();
        let stream = stream.within(Arc::clone(&self.budget));
        text.restore_by(match is_json {
            true => stream.into_json(),
            false => stream,
        })
    }

    /// Cleans a text that is complete.
    pub(super) fn clean_whole(&mut self, text: &str, is_json: bool) -> String {
        let mut cleaned = self.text(is_json);
        let clean = cleaned.push_last(text);
        self.count(&mut cleaned);
        clean
    }

    /// Cleans and masks a text that is complete, and restores nothing: it is cleaned again.
    pub(super) fn mask_whole(&mut self, text: &str) -> String {
        let mut cleaned = ResponseText::new();
        if let Some(finder) = &self.finder {
            cleaned = cleaned.mask(finder.clone());
        }
        let clean = cleaned.push_last(text);
        self.count(&mut cleaned);
        clean
    }

    /// Whether personal data is masked.
    pub(super) const fn masks(&self) -> bool {
        self.finder.is_some()
    }

    /// Notes a member that repeats a text and was replaced.
    pub(super) fn count_emptied(&mut self) {
        self.counts.add_emptied(1);
    }

    /// Cleans a part of a text that cannot be joined with the others. With masking, all of it is masked:
    /// personal data could be divided over the parts.
    pub(super) fn clean_unjoined(&mut self, part: &str, is_json: bool) -> String {
        self.counts.add_unjoined(1);
        match self.masks() {
            true => part.chars().map(|_| '*').collect(),
            false => self.clean_whole(part, is_json),
        }
    }

    /// Adds what a text has changed since it was last counted.
    pub(super) fn count(&mut self, text: &mut ResponseText<'_>) {
        self.counts.add(text.take_counts());
    }

    /// Returns what was changed in all texts since the last call.
    pub(super) fn take_counts(&mut self) -> ResponseCounts {
        std::mem::take(&mut self.counts)
    }
}
