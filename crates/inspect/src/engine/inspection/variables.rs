//! Targets in `TX`, and targets that count values (`&ARGS`).

use std::borrow::Cow;

use super::{Inspection, Matched};
use crate::engine::plan::{Check, NumberArgument, PlannedRule};
use crate::engine::transformations::ListId;
use crate::engine::tx::TxValue;
use crate::engine::values::Value;
use crate::seclang::{Selector, Target};
use crate::variables::Collection;

impl<'s> Inspection<'s, '_> {
    /// Checks the number of values.
    ///
    /// The match has an empty name and the number as its value.
    pub(super) fn check_count(
        &mut self,
        rule: &PlannedRule,
        check: &'s Check,
        index: usize,
        source: &'s Target,
    ) -> bool {
        let count = self.count_values(check, index, source);
        let holds = match check.number {
            Some((comparison, argument)) => comparison.holds(count, self.number_of(argument)),
            None => {
                let text = count.to_string().into_bytes();
                check
                    .operator
                    .matches(&text, |text| self.expand(text).into_owned(), None)
            }
        };
        if holds == check.negated {
            return false;
        }
        if !rule.reads_matched {
            self.act(check, None);
            return true;
        }
        let text = self
            .values
            .texts
            .add(Cow::Owned(count.to_string().into_bytes()));
        let key = self.values.no_name();
        self.matched_value(
            check,
            Matched {
                collection: source.collection,
                key,
                text,
            },
            None,
        );
        true
    }

    /// How many values a target names.
    ///
    /// Exclusions do not lower it. A header that is sent twice counts two.
    pub(super) fn count_values(&self, check: &Check, index: usize, source: &Target) -> i64 {
        let count = match (source.collection, &source.selector) {
            (Collection::Tx, Selector::Tx(name)) => usize::from(self.tx.get(*name).is_some()),
            (Collection::Tx, _) => self.variables(check, index, source).len(),
            (Collection::MatchedVars, _) => self.matched.len(),
            (collection, selector) => {
                let values = self.values.of(collection).iter();
                let named = |value: &&Value| {
                    let key = self.values.texts.bytes(value.key);
                    match selector {
                        Selector::Key(name) => name.eq_ignore_ascii_case(key),
                        Selector::Pattern(pattern) => pattern.is_match(key),
                        Selector::All | Selector::Tx(_) => true,
                    }
                };
                values.filter(named).count()
            }
        };
        i64::try_from(count).unwrap_or(i64::MAX)
    }

    /// The names and values of the variables that a target names and no exclusion leaves out.
    ///
    /// The result is a copy, since a rule may set variables while it reads them.
    pub(super) fn variables(
        &self,
        check: &Check,
        index: usize,
        source: &Target,
    ) -> Vec<(Vec<u8>, Vec<u8>)> {
        let known = check.tx_matches.get(index).into_iter().flatten();
        let known = known.filter_map(|number| {
            let name = self.plan.names.name(*number).as_bytes();
            let value = self.tx.get(*number)?;
            (!is_excluded(check, Some(*number), name)).then_some((name, value))
        });
        let named = |name: &[u8]| match &source.selector {
            Selector::Pattern(pattern) => pattern.is_match(name),
            Selector::All => true,
            Selector::Key(_) | Selector::Tx(_) => false,
        };
        let dynamic = self.tx.dynamic();
        let dynamic = dynamic.filter(|(name, _)| named(name) && !is_excluded(check, None, name));
        known
            .chain(dynamic)
            .map(|(name, value)| (name.to_vec(), value.text().into_owned()))
            .collect()
    }

    /// Checks transaction variables.
    ///
    /// One that is not set is no value, so nothing matches, also with `!`.
    pub(super) fn check_variables(
        &mut self,
        rule: &PlannedRule,
        check: &'s Check,
        index: usize,
        source: &'s Target,
        is_response: bool,
    ) -> bool {
        if let (Selector::Tx(name), Some((comparison, argument))) = (&source.selector, check.number)
        {
            let Some(value) = self.tx.get(*name) else {
                return false;
            };
            if comparison.holds(value.number(), self.number_of(argument)) == check.negated {
                return false;
            }
            // A transformation could change the number.
            if !rule.reads_matched && check.lists == [ListId::default()] {
                self.act(check, None);
                return true;
            }
        }
        let found = match &source.selector {
            Selector::Tx(name) => {
                let value = self.tx.get(*name).map(|value| value.text().into_owned());
                value.map(|value| (Vec::new(), value)).into_iter().collect()
            }
            _ => self.variables(check, index, source),
        };
        let mut any = false;
        for (key, value) in found {
            let key = self.values.texts.add(Cow::Owned(key));
            let text = self.values.texts.add(Cow::Owned(value));
            let value = Value {
                key,
                text,
                is_words: false,
            };
            any |= self.check_value(check, Collection::Tx, value, is_response);
        }
        any
    }

    /// The number with which a value is compared.
    pub(super) fn number_of(&self, argument: NumberArgument) -> i64 {
        match argument {
            NumberArgument::Literal(number) => number,
            NumberArgument::Tx(name) => self.tx.get(name).map_or(0, TxValue::number),
        }
    }
}

/// Whether an exclusion such as `!TX:a` or `!TX:/^a/` leaves out a variable.
fn is_excluded(check: &Check, number: Option<usize>, name: &[u8]) -> bool {
    check.excluded.iter().any(|target| {
        target.collection == Collection::Tx
            && match &target.selector {
                Selector::All => true,
                Selector::Pattern(pattern) => pattern.is_match(name),
                Selector::Tx(excluded) => number == Some(*excluded),
                Selector::Key(_) => false,
            }
    })
}
