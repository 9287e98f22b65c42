//! What the rules of a sanitizer do, by their index, as metrics name it.

use super::rule::TextRule;
use super::sanitizer::Sanitizer;

impl Sanitizer {
    /// Returns the word for what the rule with this index does.
    pub(crate) fn rule_effect(&self, index: usize) -> &'static str {
        let rule = self.0.all_rules().nth(index);
        rule.map_or("changed", TextRule::effect_name)
    }

    /// Tells whether the rule with this index names kinds of personal data.
    pub(crate) fn names_kinds(&self, index: usize) -> bool {
        let rule = self.0.all_rules().nth(index);
        rule.is_some_and(TextRule::reports_places)
    }
}
