//! Values that are counted, not repeated.

use std::{mem, slice};

/// A value and how often it occurred.
///
/// [`Observations::facts`](crate::Observations::facts) returns facts in this form: a thousand equal
/// facts take the space of one.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Counted<T> {
    /// The value.
    pub value: T,
    /// How often it occurred, at least once.
    pub count: u32,
}

impl<T> Counted<T> {
    pub(super) const fn once(value: T) -> Self {
        Self { value, count: 1 }
    }
}

/// The first and the last of several values, and how many there were.
///
/// Bounded: it holds at most two values, whatever a client sends.
///
/// [`Observations::refusals`](crate::Observations::refusals) is one: the first refusal is the cause, the
/// last is what the client saw.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct FirstAndLast<T> {
    /// None, the only one, or the first and the last.
    ends: Ends<T>,
    count: u32,
}

#[derive(Clone, Debug, Eq, PartialEq)]
enum Ends<T> {
    None,
    One([T; 1]),
    Two([T; 2]),
}

impl<T> FirstAndLast<T> {
    /// No value.
    pub(super) const NONE: Self = Self {
        ends: Ends::None,
        count: 0,
    };

    /// Adds a value, as the only or as the last one.
    pub(super) fn push(&mut self, value: T) {
        self.count = self.count.saturating_add(1);
        match &mut self.ends {
            Ends::None => self.ends = Ends::One([value]),
            Ends::Two([_, last]) => *last = value,
            Ends::One(_) => {
                if let Ends::One([first]) = mem::replace(&mut self.ends, Ends::None) {
                    self.ends = Ends::Two([first, value]);
                }
            }
        }
    }

    /// Returns how many values there were, including those between the first and the last.
    #[must_use]
    pub const fn count(&self) -> u32 {
        self.count
    }

    /// Returns the last value. `None`: there was none.
    #[must_use]
    pub fn last(&self) -> Option<&T> {
        self.as_slice().last()
    }

    /// Iterates over none, the only one, or the first and the last.
    pub fn iter(&self) -> slice::Iter<'_, T> {
        self.as_slice().iter()
    }

    /// Returns none, the only one, or the first and the last, as a slice.
    #[must_use]
    pub const fn as_slice(&self) -> &[T] {
        match &self.ends {
            Ends::None => &[],
            Ends::One(one) => one,
            Ends::Two(two) => two,
        }
    }
}

impl<T> Default for FirstAndLast<T> {
    fn default() -> Self {
        Self::NONE
    }
}

impl<'a, T> IntoIterator for &'a FirstAndLast<T> {
    type Item = &'a T;
    type IntoIter = slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
