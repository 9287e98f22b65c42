//! Targets that are what the links before have matched: `MATCHED_VAR`, `MATCHED_VARS` and their
//! names.

use std::borrow::Cow;

use super::Inspection;
use crate::engine::plan::{Check, PlannedRule};
use crate::engine::values::Value;
use crate::seclang::Target;
use crate::variables::Collection;

impl<'s> Inspection<'s, '_> {
    /// Checks the values that the links before have matched.
    ///
    /// They are read as they were after their transformations, then those of this link apply.
    pub(super) fn check_matched(
        &mut self,
        rule: &PlannedRule,
        check: &'s Check,
        source: &Target,
        is_response: bool,
    ) -> bool {
        let values = match source.collection {
            Collection::MatchedVar => self.matched.last().copied().into_iter().collect(),
            _ => self.matched.clone(),
        };
        let mut any = false;
        for matched in values {
            if self.is_meant(rule, check, source, matched.key) {
                let value = Value {
                    key: matched.key,
                    text: matched.text,
                    is_words: false,
                };
                any |= self.check_value(check, matched.collection, value, is_response);
            }
        }
        any
    }

    /// Checks their names.
    ///
    /// A name has its collection in front, such as `ARGS:q`.
    pub(super) fn check_matched_names(
        &mut self,
        check: &'s Check,
        source: &Target,
        is_response: bool,
    ) -> bool {
        let matched = match source.collection {
            Collection::MatchedVarName => self.matched.last().copied().into_iter().collect(),
            _ => self.matched.clone(),
        };
        let mut any = false;
        for one in matched {
            let name = self.name_of(one);
            let text = self.values.texts.add(Cow::Owned(name));
            let value = Value {
                key: one.key,
                text,
                is_words: false,
            };
            any |= self.check_value(check, one.collection, value, is_response);
        }
        any
    }
}
