//! One selected field: what was seen, changed and flagged in it.

use std::sync::Arc;

use palisade_core::Rejection;

use super::replacing::Replaced;

use crate::{
    request::{field::Field, json::Path},
    text::{CleanText, Report},
};

/// A selected field and what happened to it in this request.
#[derive(Debug)]
pub(super) struct Selected {
    /// The field of the layer or of the rule.
    pub(super) field: Field,
    /// Where it is in JSON. A field of a rule is only read as a pointer when there is JSON to look into:
    /// most requests have none, and reading it allocates.
    pub(super) path: Option<Arc<Path>>,
    /// Whether the request has it. A required one that was not seen is a refusal.
    pub(super) seen: bool,
    /// Whether its text was changed: then the body is written anew.
    pub(super) changed: bool,
    /// Characters that were removed or replaced.
    pub(super) removed: u32,
    /// Classes and rules that flagged text, with their counts.
    pub(super) flagged: Vec<(String, u32)>,
    /// Kinds of personal data that were changed or flagged, with their counts.
    pub(super) personal_data: Vec<(String, u32)>,
}

impl Selected {
    /// # Errors
    ///
    /// The rule names a field that is no JSON pointer. That is a mistake of the server: 500.
    pub(super) fn path(&self) -> Result<Arc<Path>, Box<Rejection>> {
        if let Some(path) = &self.path {
            return Ok(Arc::clone(path));
        }
        let not_a_pointer = "a text field of the rule is no JSON pointer (RFC 6901)";
        Path::parse(&self.field.name)
            .map(Arc::new)
            .map_err(|_| Box::new(Rejection::misconfigured(not_a_pointer)))
    }

    /// Counts what was changed. Returns the new text if there is one.
    pub(super) fn count_changes(&mut self, clean: CleanText<'_>) -> Option<String> {
        if !clean.report().is_changed() {
            return None;
        }
        self.changed = true;
        self.removed = self.removed.saturating_add(clean.report().removed());
        Some(clean.into_text().into_owned())
    }

    /// Counts what was flagged, by names of classes and rules.
    pub(super) fn count_flags(&mut self, report: &Report) {
        for (class, count) in report.flagged_classes() {
            add_count(&mut self.flagged, class.name(), count);
        }
        for (index, count) in report.flagged_rules() {
            let name = self.field.sanitizer.rule_name(index).unwrap_or_default();
            add_count(&mut self.flagged, name, count);
        }
    }

    /// Counts personal data that was changed or flagged, by kind.
    pub(super) fn count_personal_data(&mut self, report: &Report) {
        for (kind, count) in report.personal_data() {
            add_count(&mut self.personal_data, kind, count);
        }
    }

    /// Counts personal data that was replaced by placeholders, and each of its characters as replaced.
    pub(super) fn count_replaced(&mut self, replaced: &Replaced) {
        self.changed = true;
        let characters = u32::try_from(replaced.characters).unwrap_or(u32::MAX);
        self.removed = self.removed.saturating_add(characters);
        for finding in &replaced.findings {
            add_count(&mut self.personal_data, finding.name(), 1);
        }
    }

    /// Returns the notes for the audit trail, each with its key, and resets the counts.
    pub(super) fn take_notes(&mut self) -> impl Iterator<Item = (&'static str, String)> + use<> {
        let counts = [
            ("text_flagged", std::mem::take(&mut self.flagged)),
            ("personal_data", std::mem::take(&mut self.personal_data)),
        ];
        let name = Arc::clone(&self.field.name);
        let counted = counts.into_iter().filter(|(_, counts)| !counts.is_empty());
        counted.map(move |(key, counts)| (key, format!("{name}: {}", list_counts(&counts))))
    }
}

/// Writes counts as `phone (2), email (1)`.
fn list_counts(counts: &[(String, u32)]) -> String {
    let all = counts
        .iter()
        .map(|(what, count)| format!("{what} ({count})"));
    all.collect::<Vec<_>>().join(", ")
}

/// Adds to the count of a name. Names are those of classes, rules and kinds, so the list stays short.
fn add_count(counts: &mut Vec<(String, u32)>, what: &str, count: u32) {
    match counts.iter_mut().find(|(name, _)| name == what) {
        Some((_, sum)) => *sum = sum.saturating_add(count),
        None => counts.push((what.to_owned(), count)),
    }
}
