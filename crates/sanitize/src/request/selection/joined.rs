//! Strings that are read in more than one way: those of one list, which a template of a chat writes one after the other,
//! and those that hold a document of JSON.

use palisade_core::Rejection;

use super::{Selection, metrics};
use crate::request::refusal;

impl Selection {
    /// Tells whether one of the fields holds a document of JSON in its text.
    pub(crate) fn holds_json(&self, targets: &[usize]) -> bool {
        let mut fields = targets.iter().filter_map(|&target| self.fields.get(target));
        fields.any(|selected| selected.field.json)
    }

    /// Refuses a string of a list that makes a token of a chat template together with those before it.
    pub(crate) fn refuse_joined(
        &self,
        targets: &[usize],
        before: &str,
        text: &str,
    ) -> Result<(), Box<Rejection>> {
        let fields = targets.iter().filter_map(|&target| self.fields.get(target));
        for field in fields.map(|selected| &selected.field) {
            let joined = field.sanitizer.check_joined(before, text);
            joined.map_err(|why| {
                metrics::count_refusal(&why, self.shadow);
                refusal::refused(&field.name, &why)
            })?;
        }
        Ok(())
    }
}
