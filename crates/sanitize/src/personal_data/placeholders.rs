//! Placeholders in place of personal data, and the way back.
//!
//! A model gets `‹PHONE_1›` and answers with it; the client gets the number. The numbers stay in the
//! memory of this process, and each conversation has a value of its own.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher, RandomState};

use palisade_core::Secret;

use super::kind::PersonalDataKind;

/// The marks around a placeholder. No keyboard has them, so texts of people hardly hold them.
const OPEN: char = '‹';
const CLOSE: char = '›';

/// The longest placeholder, in bytes: a label of 13, a number of 20, `_` and both marks.
const LONGEST: usize = 40;

/// Remembers what each placeholder stands for, and puts it back into a response.
///
/// The same data has the same placeholder, so a model can tell two people apart. Numbers begin at 1
/// for each kind. `Debug` shows the number of entries only, and the memory is wiped on drop.
///
/// ```
/// use palisade_sanitize::{PersonalData, Placeholders};
///
/// let finder = PersonalData::new();
/// let mut placeholders = Placeholders::new();
/// let prompt = finder.replace_with_placeholders("给13800138000和13900139000发短信", &mut placeholders);
/// assert_eq!(prompt, "给‹PHONE_1›和‹PHONE_2›发短信");
///
/// let answer = placeholders.restore("已发给‹PHONE_2›。");
/// assert_eq!(answer, "已发给13900139000。");
/// ```
#[derive(Default)]
pub struct Placeholders {
    /// What each placeholder stands for.
    values: HashMap<String, Secret>,
    /// The placeholders of values with this hash, so that a value is found without a second copy.
    by_hash: HashMap<u64, Vec<String>>,
    /// The last number of each label.
    last: HashMap<&'static str, usize>,
    hasher: RandomState,
}

impl Placeholders {
    /// Makes an empty set.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns how many different values have a placeholder.
    #[must_use]
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Returns whether nothing has a placeholder.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Returns the placeholder of a value, and makes one if it has none.
    pub(super) fn name(&mut self, kind: PersonalDataKind, value: &str) -> String {
        let label = kind.label();
        let hash = self.hasher.hash_one((label, value));
        let stands_for = |name: &&String| {
            let known = self.values.get(*name);
            known.is_some_and(|known| known.expose() == value.as_bytes()) && label_of(name) == label
        };
        let same_hash = self.by_hash.get(&hash);
        if let Some(name) = same_hash.and_then(|names| names.iter().find(stands_for)) {
            return name.clone();
        }
        let last = self.last.entry(label).or_default();
        *last += 1;
        let name = format!("{OPEN}{label}_{last}{CLOSE}");
        self.values.insert(name.clone(), Secret::new(value));
        self.by_hash.entry(hash).or_default().push(name.clone());
        name
    }

    /// Replaces each placeholder of this set in a text by what it stands for.
    ///
    /// A placeholder that is not of this set stays as it is. What is put in is not read again.
    ///
    /// A placeholder that was not made here stays as it is:
    ///
    /// ```
    /// use palisade_sanitize::Placeholders;
    ///
    /// let answer = "Call ‹PHONE_7›.";
    /// assert_eq!(Placeholders::new().restore(answer), answer);
    /// ```
    #[must_use]
    pub fn restore(&self, text: &str) -> String {
        let mut stream = self.restore_stream();
        let mut restored = stream.push(text);
        restored.push_str(&stream.finish());
        restored
    }

    /// Restores a response that arrives in chunks.
    pub const fn restore_stream(&self) -> RestoreStream<'_> {
        RestoreStream {
            placeholders: self,
            held: String::new(),
        }
    }
}

impl fmt::Debug for Placeholders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Placeholders")
            .field("values", &self.len())
            .finish_non_exhaustive()
    }
}

/// Returns the label of a placeholder.
fn label_of(name: &str) -> &str {
    let label = name.rsplit_once('_').map_or(name, |(label, _)| label);
    label.trim_start_matches(OPEN)
}

/// Restores a response in chunks, also where a border of chunks cuts a placeholder.
///
/// At most 40 bytes are held back until the next chunk. Made by
/// [`Placeholders::restore_stream`].
///
/// ```
/// use palisade_sanitize::{PersonalData, Placeholders};
///
/// let mut placeholders = Placeholders::new();
/// let _prompt = PersonalData::new().replace_with_placeholders("a@b.example", &mut placeholders);
/// let mut stream = placeholders.restore_stream();
/// assert_eq!(stream.push("Write to ‹EMA"), "Write to ");
/// assert_eq!(stream.push("IL_1›, please"), "a@b.example, please");
/// assert_eq!(stream.finish(), "");
/// ```
#[derive(Debug)]
#[must_use]
pub struct RestoreStream<'p> {
    placeholders: &'p Placeholders,
    /// The beginning of what may be a placeholder.
    held: String,
}

impl RestoreStream<'_> {
    /// Takes a chunk and returns what is certain.
    #[must_use]
    pub fn push(&mut self, chunk: &str) -> String {
        let mut restored = String::with_capacity(self.held.len() + chunk.len());
        for c in chunk.chars() {
            if c == OPEN {
                restored.push_str(&std::mem::take(&mut self.held));
                self.held.push(c);
            } else if self.held.is_empty() {
                restored.push(c);
            } else {
                self.held.push(c);
                if c == CLOSE {
                    self.close(&mut restored);
                } else if self.held.len() > LONGEST {
                    restored.push_str(&std::mem::take(&mut self.held));
                }
            }
        }
        restored
    }

    /// Returns what was held back: the response ended within a placeholder.
    #[must_use]
    pub fn finish(self) -> String {
        self.held
    }

    /// Returns what was held back, and goes on as new.
    pub(crate) fn take_held(&mut self) -> String {
        std::mem::take(&mut self.held)
    }

    /// Writes what a complete placeholder stands for.
    fn close(&mut self, restored: &mut String) {
        let name = std::mem::take(&mut self.held);
        let value = self.placeholders.values.get(&name);
        match value.and_then(|value| std::str::from_utf8(value.expose()).ok()) {
            Some(value) => restored.push_str(value),
            None => restored.push_str(&name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn placeholders_are_restored_wherever_chunks_are_cut() {
        let mut placeholders = Placeholders::new();
        let phone = placeholders.name(PersonalDataKind::Phone, "13800138000");
        let card = placeholders.name(PersonalDataKind::Card, "4111 1111 1111 1111");
        assert_eq!(
            placeholders.name(PersonalDataKind::Phone, "13800138000"),
            phone
        );
        let text = format!("a{phone}b‹x›{card}‹PHONE_9›‹{phone}‹PHO");
        let expected = "a13800138000b‹x›4111 1111 1111 1111‹PHONE_9›‹13800138000‹PHO";
        assert_eq!(placeholders.restore(&text), expected);
        let chars: Vec<char> = text.chars().collect();
        for size in 1..chars.len() {
            let mut stream = placeholders.restore_stream();
            let mut restored = String::new();
            for chunk in chars.chunks(size) {
                restored.push_str(&stream.push(&chunk.iter().collect::<String>()));
            }
            restored.push_str(&stream.finish());
            assert_eq!(restored, expected, "chunks of {size}");
        }
    }

    #[test]
    fn no_more_than_a_placeholder_is_held_back() {
        let placeholders = Placeholders::new();
        let mut stream = placeholders.restore_stream();
        let text = format!("‹{}", "x".repeat(1000));
        let restored = stream.push(&text);
        assert!(text.len() - restored.len() <= LONGEST);
        assert!(!format!("{placeholders:?}").contains('x'));
    }
}
