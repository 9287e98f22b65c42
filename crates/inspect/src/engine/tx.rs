//! The variables that rules set while a request is inspected.
//!
//! They are the collection `TX` of the reference manual: scores, thresholds, settings, and the
//! groups `TX.0` to `TX.9` of the last match with `capture`. Each request starts without any; the
//! setup of the rules sets them in phase 1.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::budget::Budget;
use crate::operator::number;
use crate::variables::TxNames;

/// How many variables with a name of the request are kept. Rules make one for each parameter.
///
/// A variable beyond it is not set, so the memory of a request is bounded. At the limit, those
/// that exist can still change.
const MOST_DYNAMIC: usize = 4096;

/// How many bytes of the request the variables may hold, with their names.
///
/// A rule can add a text to itself at each match, so a length is not bounded by the request.
const MOST_BYTES: usize = 8 << 20;

/// The value of a variable.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum TxValue<'s> {
    /// The result of `+` or `-`. It is written as text only if a rule reads it so.
    Number(i64),
    /// Borrowed from the rule if it refers to nothing of the request.
    Text(Cow<'s, [u8]>),
}

impl TxValue<'_> {
    /// The value as a number, as C's `atoi` reads it.
    ///
    /// A text that starts with no digit is 0.
    pub(crate) fn number(&self) -> i64 {
        match self {
            Self::Number(number) => *number,
            Self::Text(text) => number(text),
        }
    }

    /// How many bytes it holds for itself.
    fn size(&self) -> usize {
        match self {
            Self::Text(Cow::Owned(text)) => text.capacity(),
            Self::Number(_) | Self::Text(Cow::Borrowed(_)) => 0,
        }
    }

    /// The value as text.
    pub(crate) fn text(&self) -> Cow<'_, [u8]> {
        match self {
            Self::Number(number) => Cow::Owned(number.to_string().into_bytes()),
            Self::Text(text) => Cow::Borrowed(text),
        }
    }
}

/// All variables of one request.
#[derive(Debug)]
pub(crate) struct TxValues<'s> {
    /// The numbers of the names that occur in rules.
    names: &'s TxNames,
    /// By number. `None`: not set.
    known: Vec<Option<TxValue<'s>>>,
    /// All other names, in lower case. Sorted, so that rules see them in a fixed order.
    dynamic: BTreeMap<Vec<u8>, TxValue<'s>>,
    /// What more values may take.
    budget: Budget,
}

impl<'s> TxValues<'s> {
    /// No variable is set.
    ///
    /// It allocates one place for each known name.
    pub(crate) fn new(names: &'s TxNames) -> Self {
        Self {
            names,
            known: vec![None; names.len()],
            dynamic: BTreeMap::new(),
            budget: Budget::new(MOST_BYTES),
        }
    }

    /// The variable with this number.
    pub(crate) fn get(&self, name: usize) -> Option<&TxValue<'s>> {
        self.known.get(name)?.as_ref()
    }

    /// Whether a variable could not be kept.
    pub(crate) const fn is_exceeded(&self) -> bool {
        self.budget.is_exceeded()
    }

    /// Sets the variable with this number, or unsets it.
    ///
    /// `None` unsets. An unknown number does nothing. Beyond the budget the variable is unset.
    pub(crate) fn set(&mut self, name: usize, value: Option<TxValue<'s>>) {
        let Some(place) = self.known.get_mut(name) else {
            return;
        };
        self.budget
            .give(place.take().map_or(0, |value| value.size()));
        *place = value.filter(|value| self.budget.take(value.size()));
    }

    /// The variable with this name.
    ///
    /// Case does not matter. A name that rules know is found under its number.
    pub(crate) fn get_named(&self, name: &[u8]) -> Option<&TxValue<'s>> {
        let name = name.to_ascii_lowercase();
        match self.names.get(&name) {
            Some(number) => self.get(number),
            None => self.dynamic.get(&name),
        }
    }

    /// Sets the variable with this name, or unsets it.
    ///
    /// Beyond a bound the variable is not set.
    pub(crate) fn set_named(&mut self, name: &[u8], value: Option<TxValue<'s>>) {
        let name = name.to_ascii_lowercase();
        if let Some(number) = self.names.get(&name) {
            return self.set(number, value);
        }
        if let Some(old) = self.dynamic.remove(&name) {
            self.budget.give(old.size() + name.len());
        }
        let Some(value) = value else { return };
        if self.dynamic.len() >= MOST_DYNAMIC {
            return self.budget.exceed();
        }
        if self.budget.take(value.size() + name.len()) {
            self.dynamic.insert(name, value);
        }
    }

    /// The variables whose names are made from the request.
    ///
    /// Names are in lower case and in the order of their bytes.
    pub(crate) fn dynamic(&self) -> impl Iterator<Item = (&[u8], &TxValue<'s>)> {
        self.dynamic
            .iter()
            .map(|(name, value)| (name.as_slice(), value))
    }
}
