//! Strings of one list, which a template of a chat writes one after the other.

use palisade_core::Rejection;

use super::{Selection, metrics};
use crate::request::refusal;

impl Selection {
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
