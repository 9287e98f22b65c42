//! What was changed in a response, in numbers.

use std::fmt;

/// Counts of what was changed in the text of a response. None of the text is in it.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub(crate) struct ResponseCounts {
    /// Hidden characters that were dropped or replaced.
    removed: u32,
    /// Personal data that was masked, by kind. Names of kinds and of recognizers, so the list is short.
    masked: Vec<(String, u32)>,
    /// Placeholders that were restored.
    restored: u32,
    /// Members that repeat a text token by token and were replaced by `null`.
    emptied: u32,
    /// Parts of texts that could not be joined.
    unjoined: u32,
}

impl ResponseCounts {
    /// Returns whether nothing was changed.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    pub(super) fn add_removed(&mut self, count: u32) {
        self.removed = self.removed.saturating_add(count);
    }

    pub(super) fn add_restored(&mut self, count: u32) {
        self.restored = self.restored.saturating_add(count);
    }

    pub(super) fn add_emptied(&mut self, count: u32) {
        self.emptied = self.emptied.saturating_add(count);
    }

    pub(super) fn add_unjoined(&mut self, count: u32) {
        self.unjoined = self.unjoined.saturating_add(count);
    }

    pub(super) fn add_masked(&mut self, kind: &str) {
        self.add_masked_times(kind, 1);
    }

    fn add_masked_times(&mut self, kind: &str, times: u32) {
        match self.masked.iter_mut().find(|(known, _)| known == kind) {
            Some((_, count)) => *count = count.saturating_add(times),
            None => self.masked.push((kind.to_owned(), times)),
        }
    }

    /// Adds the counts of another text of the response.
    pub(super) fn add(&mut self, other: Self) {
        self.add_removed(other.removed);
        self.add_restored(other.restored);
        self.add_emptied(other.emptied);
        self.add_unjoined(other.unjoined);
        for (kind, count) in other.masked {
            self.add_masked_times(&kind, count);
        }
    }
}

/// As in `removed (3), masked phone (2), restored (1)`.
impl fmt::Display for ResponseCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = Vec::new();
        if self.removed > 0 {
            parts.push(format!("removed ({})", self.removed));
        }
        let masked = self.masked.iter();
        parts.extend(masked.map(|(kind, count)| format!("masked {kind} ({count})")));
        for (what, count) in [
            ("restored", self.restored),
            ("emptied", self.emptied),
            ("not joined", self.unjoined),
        ] {
            if count > 0 {
                parts.push(format!("{what} ({count})"));
            }
        }
        f.write_str(&parts.join(", "))
    }
}
