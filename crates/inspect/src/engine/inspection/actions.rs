//! What a rule does at a match, and the texts that it completes.
//!
//! Actions run at each value that a link matches, before the rest of a chain is known. Their
//! texts are completed with the state of that moment, so `%{matched_var}` is the value that has
//! just matched.

use std::borrow::Cow;

use super::{Inspection, Matched};
use crate::body::BodyFormat;
use crate::engine::plan::Check;
use crate::engine::tx::TxValue;
use crate::engine::unique;
use crate::engine::values::Value;
use crate::operator::number;
use crate::seclang::{Action, Change, Control, VarName};
use crate::variables::{Collection, MacroText, Piece};

impl<'s> Inspection<'s, '_> {
    /// The name of a matched value, such as `ARGS:q`.
    ///
    /// It has no colon if the value has no name of its own.
    pub(super) fn name_of(&self, matched: Matched) -> Vec<u8> {
        let key = self.values.texts.bytes(matched.key);
        let mut name = matched.collection.name().as_bytes().to_vec();
        if !key.is_empty() {
            name.push(b':');
            name.extend_from_slice(key);
        }
        name
    }

    /// Runs the actions of a link.
    ///
    /// They run in the order in which they are written.
    pub(super) fn act(&mut self, check: &'s Check, _matched: Option<Matched>) {
        for action in &check.actions {
            match action {
                Action::Set(name, change, text) => self.set_variable(name, *change, text),
                Action::Control(control) => self.apply_control(control),
            }
        }
    }

    /// Sets a transaction variable.
    ///
    /// Sums read the old value as a number; one that is not set is 0. They stop at the limits of
    /// 64 bits.
    pub(super) fn set_variable(&mut self, name: &'s VarName, change: Change, text: &'s MacroText) {
        let known = match name {
            VarName::Known(name) => Ok(*name),
            VarName::Dynamic(text) => Err(self.expand(text).into_owned()),
        };
        let old = match &known {
            Ok(name) => self.tx.get(*name),
            Err(name) => self.tx.get_named(name),
        };
        let old = old.map_or(0, TxValue::number);
        let value = match (change, text.literal()) {
            (Change::Unset, _) => None,
            (Change::Set, Some(text)) => Some(TxValue::Text(Cow::Borrowed(text))),
            (Change::Set, None) => Some(TxValue::Text(Cow::Owned(self.expand(text).into_owned()))),
            (Change::Add, _) => Some(TxValue::Number(
                old.saturating_add(number(&self.expand(text))),
            )),
            (Change::Subtract, _) => Some(TxValue::Number(
                old.saturating_sub(number(&self.expand(text))),
            )),
        };
        match known {
            Ok(name) => self.tx.set(name, value),
            Err(name) => self.tx.set_named(&name, value),
        }
    }

    /// Changes how the rest of the request is inspected.
    ///
    /// Only rules that run later are affected.
    pub(super) fn apply_control(&mut self, control: &'s Control) {
        match control {
            Control::Engine(mode) => self.mode = *mode,
            Control::BodyProcessor(name) => {
                self.format = BodyFormat::of_name(name);
                self.values.set(
                    Collection::ReqbodyProcessor,
                    Cow::Owned(name.clone().into_bytes()),
                );
            }
            Control::RemoveById(from, to) => add_once(&mut self.removed.ids, (*from, *to), is_same),
            Control::RemoveByTag(tag) => add_once(&mut self.removed.tags, tag.as_str(), is_same),
            Control::RemoveTargetById(from, to, targets) => {
                let entry = (*from, *to, targets.as_slice());
                add_once(&mut self.removed.targets_of_ids, entry, |a, b| {
                    (a.0, a.1) == (b.0, b.1) && std::ptr::eq(a.2, b.2)
                });
            }
            Control::RemoveTargetByTag(tag, targets) => {
                let entry = (tag.as_str(), targets.as_slice());
                add_once(&mut self.removed.targets_of_tags, entry, |a, b| {
                    a.0 == b.0 && std::ptr::eq(a.1, b.1)
                });
            }
        }
    }

    /// Completes a text.
    ///
    /// A reference without a value leaves nothing in its place.
    pub(super) fn expand<'t>(&self, text: &'t MacroText) -> Cow<'t, [u8]> {
        if let Some(text) = text.literal() {
            return Cow::Borrowed(text);
        }
        let mut out = Vec::with_capacity(32);
        for piece in &text.0 {
            match piece {
                Piece::Literal(text) => out.extend_from_slice(text),
                Piece::Tx(name) => {
                    if let Some(value) = self.tx.get(*name) {
                        out.extend_from_slice(&value.text());
                    }
                }
                Piece::Value(collection, key) => self.expand_value(*collection, key, &mut out),
            }
        }
        Cow::Owned(out)
    }

    /// Writes the value that a reference names.
    pub(super) fn expand_value(&self, collection: Collection, key: &[u8], out: &mut Vec<u8>) {
        match (collection, self.matched.last()) {
            (Collection::MatchedVar, Some(matched)) => {
                out.extend_from_slice(self.values.texts.bytes(matched.text));
            }
            (Collection::MatchedVarName, Some(matched)) => out.extend(self.name_of(*matched)),
            (Collection::UniqueId, _) => out.extend(unique::next().into_bytes()),
            _ => {
                let named = |value: &&Value| {
                    key.is_empty() || self.values.texts.bytes(value.key).eq_ignore_ascii_case(key)
                };
                if let Some(value) = self.values.of(collection).iter().find(named) {
                    out.extend_from_slice(self.values.texts.bytes(value.text));
                }
            }
        }
    }
}

/// Adds an entry unless it is there.
///
/// A `ctl` runs at each value that matches, so a list without this would grow with the request.
fn add_once<T>(list: &mut Vec<T>, entry: T, same: impl Fn(&T, &T) -> bool) {
    if !list.iter().any(|known| same(known, &entry)) {
        list.push(entry);
    }
}

/// Whether two entries are equal.
fn is_same<T: PartialEq>(a: &T, b: &T) -> bool {
    a == b
}
