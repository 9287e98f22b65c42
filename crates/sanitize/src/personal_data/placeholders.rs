//! Placeholders in place of personal data, and the way back.
//!
//! A model gets `‹PHONE_1›` and answers with it; the client gets the number. The numbers stay in the
//! memory of this process, and each conversation has a value of its own.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher, RandomState};

use palisade_core::Secret;

use super::finding::Finding;
use super::kind::PersonalDataKind;

/// The marks around a placeholder. No keyboard has them, so texts of people hardly hold them.
pub(super) const OPEN: char = '‹';
/// The mark behind a placeholder.
pub(super) const CLOSE: char = '›';

/// The longest placeholder, in bytes: a label of 13, a number of 20, `_` and both marks.
pub(super) const LONGEST: usize = 40;

/// The most values of a set. Each takes some hundred bytes, and a client can send many short ones.
const MOST_VALUES: usize = 1000;

/// Remembers what each placeholder stands for, and puts it back into a response.
///
/// The same data has the same placeholder, so a model can tell two people apart. Numbers begin at 1
/// for each kind. `Debug` shows the number of entries only, and the memory is wiped on drop.
///
/// A set holds at most 1,000 values. Further data becomes `‹PHONE›` without a number, and is not
/// restored.
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
    /// Random for each set, so that a client cannot choose values with equal hashes.
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
        if self.len() >= MOST_VALUES {
            return format!("{OPEN}{label}{CLOSE}");
        }
        let last = self.last.entry(label).or_default();
        *last += 1;
        let name = format!("{OPEN}{label}_{last}{CLOSE}");
        self.values.insert(name.clone(), Secret::new(value));
        self.by_hash.entry(hash).or_default().push(name.clone());
        name
    }

    /// Writes a text with placeholders at the places of findings.
    pub(crate) fn put_in(&mut self, text: &str, findings: &[Finding]) -> String {
        let mut replaced = String::with_capacity(text.len());
        let mut done = 0;
        for finding in findings {
            replaced.push_str(text.get(done..finding.span.start).unwrap_or_default());
            let value = text.get(finding.range()).unwrap_or_default();
            replaced.push_str(&self.name(finding.kind, value));
            done = finding.span.end;
        }
        replaced.push_str(text.get(done..).unwrap_or_default());
        replaced
    }

    /// Returns what a placeholder stands for.
    pub(super) fn value(&self, name: &str) -> Option<&str> {
        let value = self.values.get(name)?;
        std::str::from_utf8(value.expose()).ok()
    }

    /// Takes the marks from what looks like a placeholder and was in a text before: only those that are
    /// made here are restored.
    pub(crate) fn without_marks(text: &str) -> Cow<'_, str> {
        let mut plain = String::new();
        let mut done = 0;
        for (start, _) in text.match_indices(OPEN) {
            let behind = text.get(start + OPEN.len_utf8()..).unwrap_or_default();
            let Some(name) = name_before_mark(behind) else {
                continue;
            };
            plain.push_str(text.get(done..start).unwrap_or_default());
            plain.extend(["<", name, ">"]);
            done = start + OPEN.len_utf8() + name.len() + CLOSE.len_utf8();
        }
        if done == 0 {
            return Cow::Borrowed(text);
        }
        plain.push_str(text.get(done..).unwrap_or_default());
        Cow::Owned(plain)
    }
}

/// Returns the name that a text begins with, if a closing mark is behind it.
fn name_before_mark(text: &str) -> Option<&str> {
    let bytes = text.bytes().take(LONGEST);
    let length = bytes.take_while(|byte| is_name_byte(*byte)).count();
    let (name, behind) = text.split_at_checked(length)?;
    (!name.is_empty() && behind.starts_with(CLOSE)).then_some(name)
}

/// Tells whether a byte may be between the marks of a placeholder.
const fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_'
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
