//! The clean texts of a request, kept for a moderator.

use std::sync::Arc;

use super::Selection;
use crate::moderation::ModeratedText;

impl Selection {
    /// Keeps a copy of each text from now on, as the handler gets it.
    pub(crate) fn collect_texts(&mut self) {
        self.collected = Some(Vec::new());
    }

    /// Returns the texts that were kept.
    pub(crate) fn take_texts(&mut self) -> Vec<ModeratedText> {
        self.collected.take().unwrap_or_default()
    }

    /// Keeps a text under the name of its first field. What is empty is left out.
    pub(super) fn collect(&mut self, targets: &[usize], text: &str) {
        let Some(collected) = self.collected.as_mut().filter(|_| !text.is_empty()) else {
            return;
        };
        let mut fields = targets.iter().filter_map(|&target| self.fields.get(target));
        if let Some(selected) = fields.next() {
            collected.push(ModeratedText::new(Arc::clone(&selected.field.name), text));
        }
    }
}
