//! Asks the operator of a rule about each value that its targets name.
//!
//! For each value of each target the steps are: is it meant (selector, exclusions); is it a
//! person's text under a rule for code; transform it; do the filters let it through; ask the
//! operator; run the actions of the link. The cheap questions come first.
//!
//! All values are asked, also after one matched, because each match runs the actions. A score
//! therefore counts matching values if the rule adds at each.

use std::borrow::Cow;
use std::mem;

use super::{Inspection, MOST_MATCHED_VALUES, MOST_WORDS, Matched};
use crate::engine::budget::cost;
use crate::engine::columns::{Asked, ColumnId, Reader};
use crate::engine::filter::has_rule;
use crate::engine::plan::{Check, PlannedRule};
use crate::engine::texts::TextId;
use crate::engine::tx::TxValue;
use crate::engine::unique;
use crate::engine::values::Value;
use crate::operator::Captures;
use crate::seclang::{Selector, Target};
use crate::variables::Collection;

impl<'s> Inspection<'s, '_> {
    /// Runs one link on all its values. Returns whether one matched.
    ///
    /// `is_response` chooses the filter. The kind of the target decides which of the functions
    /// below runs.
    pub(super) fn run_check(
        &mut self,
        rule: &'s PlannedRule,
        check: &'s Check,
        is_response: bool,
    ) -> bool {
        if check.sources.is_empty() {
            self.act(check, None);
            return true;
        }
        if !self.may_match(check, &check.all_columns, is_response) {
            return false;
        }
        let mut any = false;
        for (index, source) in check.sources.iter().enumerate() {
            let columns = check.columns.get(index).map_or(&[][..], Vec::as_slice);
            if !self.may_match(check, columns, is_response) {
                continue;
            }
            self.fill_on_demand(source.collection);
            any |= match (source.count, source.collection) {
                (true, _) => self.check_count(rule, check, index, source),
                (false, Collection::Tx) => {
                    self.check_variables(rule, check, index, source, is_response)
                }
                (false, Collection::MatchedVar | Collection::MatchedVars) => {
                    self.check_matched(rule, check, source, is_response)
                }
                (false, Collection::MatchedVarName | Collection::MatchedVarsNames) => {
                    self.check_matched_names(check, source, is_response)
                }
                _ => self.check_values(rule, check, source, is_response),
            };
        }
        any
    }

    /// Whether a value of one of the columns may match. True is no promise.
    fn may_match(&mut self, check: &'s Check, columns: &[ColumnId], is_response: bool) -> bool {
        if columns.is_empty() {
            return true;
        }
        let plan = self.plan;
        let asked = Asked {
            sets: &check.sets,
            allowed: check.allowed.as_ref(),
            literals: check.filter,
            search: plan.search(is_response),
        };
        let found = columns.iter().any(|column| {
            let reader = Reader {
                columns: &plan.columns,
                lists: &plan.lists,
                values: &mut self.values,
                words_work: &mut self.words_work,
            };
            self.columns.may_match(*column, reader, asked)
        });
        self.verdict.words_incomplete |= self.words_work.is_exceeded();
        found
    }

    /// Gives a value to the collections that have one only if a rule reads them.
    fn fill_on_demand(&mut self, collection: Collection) {
        match collection {
            Collection::FullRequest | Collection::FullRequestLength => {
                self.values.write_full_request();
            }
            Collection::UniqueId => {
                let id = unique::next().into_bytes();
                self.values.set(Collection::UniqueId, Cow::Owned(id));
            }
            _ => {}
        }
    }

    /// Checks the values of a collection.
    ///
    /// It works with indexes, because actions may add texts while the values are read.
    pub(super) fn check_values(
        &mut self,
        rule: &'s PlannedRule,
        check: &'s Check,
        source: &'s Target,
        is_response: bool,
    ) -> bool {
        let mut any = false;
        for index in 0..self.values.of(source.collection).len() {
            let Some(&value) = self.values.of(source.collection).get(index) else {
                break;
            };
            // An action can add an exclusion, so it is asked for each value.
            let all = matches!(source.selector, Selector::All) && !self.has_exclusions(check);
            if !all && !self.is_meant(rule, check, source, value.key) {
                continue;
            }
            if rule.looks_for_code && value.is_words {
                self.check_words(rule, check, value, is_response);
                continue;
            }
            any |= self.check_value(check, source.collection, value, is_response);
        }
        any
    }

    /// Whether a target names a value and no exclusion leaves it out.
    ///
    /// Exclusions come from the rule, from `SecRuleUpdateTarget…` and from `ctl` of this request.
    pub(super) fn is_meant(
        &self,
        rule: &PlannedRule,
        check: &Check,
        source: &Target,
        key: TextId,
    ) -> bool {
        let key = self.values.texts.bytes(key);
        let selected = match &source.selector {
            Selector::All => true,
            Selector::Key(name) => name.eq_ignore_ascii_case(key),
            Selector::Pattern(pattern) => pattern.is_match(key),
            Selector::Tx(_) => false,
        };
        selected && !(self.has_exclusions(check) && self.is_left_out(rule, check, source, key))
    }

    /// Whether an exclusion could leave out a value.
    const fn has_exclusions(&self, check: &Check) -> bool {
        !check.excluded.is_empty()
            || !self.removed.targets_of_ids.is_empty()
            || !self.removed.targets_of_tags.is_empty()
    }

    /// Whether an exclusion leaves out a value.
    fn is_left_out(&self, rule: &PlannedRule, check: &Check, source: &Target, key: &[u8]) -> bool {
        let out = |target: &Target| target.leaves_out(source.collection, key);
        let ids = self.removed.targets_of_ids.iter();
        let tags = self.removed.targets_of_tags.iter();
        let id = rule.head.id;
        check.excluded.iter().any(out)
            || ids
                .filter(|(from, to, _)| (*from..=*to).contains(&id))
                .any(|(_, _, t)| t.iter().any(out))
            || tags
                .filter(|(tag, _)| rule.head.tags.iter().any(|own| own == tag))
                .any(|(_, targets)| targets.iter().any(out))
    }

    /// Checks what a person wrote: a match is reported apart and decides nothing.
    ///
    /// It runs no action and keeps no value. A rule that was counted once is not asked again,
    /// which also bounds the time for long texts.
    pub(super) fn check_words(
        &mut self,
        rule: &PlannedRule,
        check: &'s Check,
        value: Value,
        is_response: bool,
    ) {
        let known = self.verdict.words.contains(&rule.head.id);
        if known || self.verdict.words.len() >= MOST_WORDS || self.words_work.is_exceeded() {
            return;
        }
        // What decides nothing must not use up the work for what does.
        mem::swap(&mut self.values.texts.work, &mut self.words_work);
        let matches = self.words_match(check, value, is_response);
        mem::swap(&mut self.values.texts.work, &mut self.words_work);
        self.verdict.words_incomplete |= self.words_work.is_exceeded();
        if matches {
            self.verdict.words.push(rule.head.id);
            self.verdict.words_score += match rule.head.severity {
                Some(0..=2) => 5,
                Some(3) => 4,
                Some(4) => 3,
                _ => 2,
            };
        }
    }

    /// Whether a value matches after one of the lists of transformations.
    fn words_match(&mut self, check: &'s Check, value: Value, is_response: bool) -> bool {
        let mut before = None;
        check.lists.iter().any(|list| {
            let texts = &mut self.values.texts;
            let text = texts.derive(value.text, *list, &self.plan.lists);
            before.replace(text) != Some(text) && self.text_matches(check, text, is_response, None)
        })
    }

    /// Checks one value after each list of transformations, up to the first match.
    ///
    /// With `multiMatch` there are several lists; the first that matches ends it.
    pub(super) fn check_value(
        &mut self,
        check: &'s Check,
        collection: Collection,
        value: Value,
        is_response: bool,
    ) -> bool {
        let mut before = None;
        for list in &check.lists {
            let text = self
                .values
                .texts
                .derive(value.text, *list, &self.plan.lists);
            // A step that changes nothing needs no second question.
            if before.replace(text) == Some(text) {
                continue;
            }
            let mut captures = check.capture.then(Captures::default);
            if self.text_matches(check, text, is_response, captures.as_mut()) {
                let matched = Matched {
                    collection,
                    key: value.key,
                    text,
                };
                self.matched_value(check, matched, captures);
                return true;
            }
        }
        false
    }

    /// Whether the operator matches a text. The filters come first.
    ///
    /// A filter that says no is a response of the operator. A negated check has no filters,
    /// because its needs are empty.
    pub(super) fn text_matches(
        &mut self,
        check: &Check,
        text: TextId,
        is_response: bool,
        captures: Option<&mut Captures>,
    ) -> bool {
        let texts = &mut self.values.texts;
        if !texts.work.take(cost::VALUE) {
            return false;
        }
        if let Some(allowed) = &check.allowed {
            return texts.exceeds(text, allowed);
        }
        if !texts.meets(text, &check.sets) {
            return check.negated;
        }
        if let Some(rule) = check.filter {
            let filter = self.plan.search(is_response).filter;
            if !has_rule(texts.candidates(text, filter, is_response), rule) {
                return check.negated;
            }
        }
        let bytes = texts.bytes(text);
        if check.operator.is_known_clean(bytes) {
            return check.negated;
        }
        let cost = check.operator.cost(bytes);
        if !texts.work.take(cost) {
            return false;
        }
        let bytes = self.values.texts.bytes(text);
        check
            .operator
            .matches(bytes, |text| self.expand(text).into_owned(), captures)
            != check.negated
    }

    /// Keeps a match and runs the actions of the link.
    ///
    /// Groups that a pattern does not have are unset in `TX`, so nothing of an earlier match
    /// stays.
    pub(super) fn matched_value(
        &mut self,
        check: &'s Check,
        matched: Matched,
        captures: Option<Captures>,
    ) {
        if let Some(captures) = captures.filter(|captures| !captures.0.is_empty()) {
            let mut groups = captures.0.into_iter();
            // The first ten numbers are those of the groups.
            for number in 0..10 {
                let value = groups.next().map(|text| TxValue::Text(Cow::Owned(text)));
                self.tx.set(number, value);
            }
        }
        if self.matched.len() < MOST_MATCHED_VALUES {
            self.matched.push(matched);
        } else {
            self.verdict.incomplete = true;
        }
        self.act(check, Some(matched));
    }
}
