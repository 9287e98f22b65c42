//! Personal data of a request, replaced by placeholders that its response restores.

use std::borrow::Cow;
use std::sync::Arc;

use crate::personal_data::{Finding, PersonalData, Placeholders};

/// What is replaced in the fields of one request.
#[derive(Debug)]
pub(super) struct Replacing {
    finder: PersonalData,
    made: Placeholders,
}

/// A text in which data was replaced.
pub(super) struct Replaced {
    pub(super) text: String,
    /// What was replaced.
    pub(super) findings: Vec<Finding>,
    /// How many characters that were.
    pub(super) characters: usize,
}

impl Replacing {
    pub(super) fn new(finder: PersonalData) -> Self {
        Self {
            finder,
            made: Placeholders::new(),
        }
    }

    /// Replaces data in a text. `None`: there is none.
    ///
    /// What a client writes like a placeholder loses its marks.
    pub(super) fn replace(&mut self, text: &str) -> Option<Replaced> {
        let plain = Placeholders::without_marks(text);
        let findings = self.finder.find(&plain);
        if findings.is_empty() && matches!(plain, Cow::Borrowed(_)) {
            return None;
        }
        let data = findings
            .iter()
            .filter_map(|finding| plain.get(finding.range()));
        Some(Replaced {
            characters: data.map(|data| data.chars().count()).sum(),
            text: self.made.put_in(&plain, &findings),
            findings,
        })
    }

    /// Returns what was made, for the response.
    pub(super) fn into_placeholders(self) -> Option<Arc<Placeholders>> {
        (!self.made.is_empty()).then(|| Arc::new(self.made))
    }
}
