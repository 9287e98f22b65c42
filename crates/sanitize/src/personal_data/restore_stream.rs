//! Restores a text in chunks: placeholders are replaced by what they stand for.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::placeholders::{CLOSE, LONGEST, OPEN, Placeholders};
use crate::json_string;

/// The most bytes that one response gets back. A model can write the placeholder of a long value often.
pub(crate) const MOST_RESTORED: usize = 1024 * 1024;

impl Placeholders {
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
        RestoreStream::new(Values::Borrowed(self))
    }

    /// Restores a response in chunks, for as long as it lasts.
    pub(crate) fn restore_shared(self: Arc<Self>) -> RestoreStream<'static> {
        RestoreStream::new(Values::Shared(self))
    }
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
    /// What placeholders stand for.
    values: Values<'p>,
    /// The beginning of what may be a placeholder.
    held: String,
    /// Whether the text is JSON inside of a string, so that values are escaped.
    is_json: bool,
    /// How many bytes may still be put in, if that is limited.
    budget: Option<Arc<AtomicUsize>>,
    /// How many placeholders were restored.
    restored: u32,
}

/// The values that are put in: borrowed from the caller, or shared with a response.
#[derive(Debug)]
enum Values<'p> {
    Borrowed(&'p Placeholders),
    Shared(Arc<Placeholders>),
}

impl Deref for Values<'_> {
    type Target = Placeholders;

    fn deref(&self) -> &Placeholders {
        match self {
            Self::Borrowed(values) => values,
            Self::Shared(values) => values,
        }
    }
}

impl<'p> RestoreStream<'p> {
    /// Begins with nothing held back.
    const fn new(values: Values<'p>) -> Self {
        Self {
            values,
            held: String::new(),
            is_json: false,
            budget: None,
            restored: 0,
        }
    }

    /// Escapes what is put in for a text that is itself JSON, such as the arguments of a call.
    pub(crate) const fn into_json(mut self) -> Self {
        self.is_json = true;
        self
    }

    /// Limits how many bytes are put in. All streams of a response share the limit.
    pub(crate) fn within(mut self, budget: Arc<AtomicUsize>) -> Self {
        self.budget = Some(budget);
        self
    }

    /// Returns whether the beginning of a placeholder is held back.
    pub(crate) fn is_holding(&self) -> bool {
        !self.held.is_empty()
    }

    /// Returns how many placeholders were restored since the last call.
    pub(crate) const fn take_count(&mut self) -> u32 {
        std::mem::replace(&mut self.restored, 0)
    }
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
        let value = self.values.value(&name);
        match value.filter(|value| self.may_restore(value.len())) {
            Some(value) if self.is_json => json_string::push_escaped(restored, value),
            Some(value) => restored.push_str(value),
            None => return restored.push_str(&name),
        }
        self.restored = self.restored.saturating_add(1);
    }

    /// Takes the length of a value from what may still be put in. False if it is too long for that.
    fn may_restore(&self, length: usize) -> bool {
        let take = |left: usize| left.checked_sub(length);
        let relaxed = Ordering::Relaxed;
        self.budget
            .as_ref()
            .is_none_or(|left| left.fetch_update(relaxed, relaxed, take).is_ok())
    }
}

#[cfg(test)]
mod tests {
    use super::super::kind::PersonalDataKind;
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
