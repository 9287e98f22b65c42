//! `@detectSQLi`: the parser of libinjection, within bounds.
//!
//! The parser decides from a few tokens, but a value can have much before them: a long string, sums,
//! comments, blanks. So a value is parsed whole. The time is linear in the length, except for words with
//! many dots and backticks: the parser looks up what stands before each. Dots beyond [`DOTS`] of a word
//! are left out, and all else is counted by [`cost`]. What was clean before is remembered, as the same
//! `User-Agent` comes again and again.
//!
//! Words of SQL alone match nothing: the order of the token types must be that of a known
//! injection. The result is the fingerprint of these types.

use std::borrow::Cow;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use libinjectionrs::{SqliFlags, SqliState};

use crate::byte_set::ByteSet;

/// How many dots of a word the parser sees.
///
/// Names have two or three. Text without blanks, such as Chinese, is one word and may have hundreds.
const DOTS: usize = 32;

/// How much work a byte is to the parser.
const PARSED: usize = 20;

/// How many values are remembered. A place is taken by the value that came last.
///
/// They take 8 KiB for each rule that uses the operator.
const REMEMBERED: usize = 1024;

/// The detector of one rule.
///
/// Clones share what is remembered. Threads need no lock: a lost entry only means that a value is
/// parsed again.
#[derive(Clone, Debug)]
pub(crate) struct SqlInjection {
    /// Hashes of values that are clean, under keys that no client knows. 0: none.
    ///
    /// By the upper half of the hash.
    clean: Arc<[AtomicU64]>,
    /// Made at start. Without them a client could look for a value whose hash is that of a clean
    /// one.
    keys: RandomState,
}

impl SqlInjection {
    /// Nothing is remembered.
    pub(crate) fn new() -> Self {
        Self {
            clean: (0..REMEMBERED).map(|_| AtomicU64::new(0)).collect(),
            keys: RandomState::new(),
        }
    }

    /// Whether a value was parsed before and is clean.
    ///
    /// Two values with the same 64-bit hash would be taken for the same.
    pub(super) fn is_known_clean(&self, value: &[u8]) -> bool {
        let (place, hash) = self.place_of(value);
        place.is_some_and(|place| place.load(Ordering::Relaxed) == hash)
    }

    /// The fingerprint of an injection. `None`: the value is clean, which is remembered.
    ///
    /// The time is that of [`cost`].
    pub(super) fn find(&self, value: &[u8]) -> Option<Vec<u8>> {
        let parsed = without_dots(value);
        let mut state = SqliState::new(&parsed, SqliFlags::FLAG_NONE);
        if state.detect() {
            return Some(state.fingerprint_string().into_bytes());
        }
        let (place, hash) = self.place_of(value);
        place?.store(hash, Ordering::Relaxed);
        None
    }

    /// Where a clean value is remembered, and as what.
    fn place_of(&self, value: &[u8]) -> (Option<&AtomicU64>, u64) {
        let hash = self.keys.hash_one(value).max(1);
        let place = usize::try_from(hash >> 32).unwrap_or_default() % REMEMBERED;
        (self.clean.get(place), hash)
    }
}

/// How much work it is to ask about a value, at most.
pub(super) fn cost(value: &[u8]) -> usize {
    let words = value.split(|byte| ends_word(*byte));
    let lookups = words.map(|word| {
        let dots = word.iter().filter(|byte| **byte == b'.').count();
        let ticks = word.iter().filter(|byte| **byte == b'`').count();
        word.len().saturating_mul(dots.min(DOTS) + ticks)
    });
    lookups.fold(value.len().saturating_mul(PARSED), usize::saturating_add)
}

/// The bytes of which a value needs one: all but letters and `_`.
///
/// To the parser letters are one word. Its only fingerprint with one part is that of a comment in a
/// comment.
pub(super) fn no_letters() -> ByteSet {
    let mut set = ByteSet::default();
    (0..=u8::MAX)
        .filter(|byte| !byte.is_ascii_alphabetic() && *byte != b'_')
        .for_each(|byte| set.insert(byte));
    set
}

/// The value without the dots of a word beyond [`DOTS`].
fn without_dots(value: &[u8]) -> Cow<'_, [u8]> {
    let words = || value.split_inclusive(|byte| ends_word(*byte));
    let dots = |word: &[u8]| word.iter().filter(|byte| **byte == b'.').count();
    if words().all(|word| dots(word) <= DOTS) {
        return Cow::Borrowed(value);
    }
    let mut kept = Vec::with_capacity(value.len());
    for word in words() {
        let mut left = DOTS;
        for &byte in word {
            if byte == b'.' {
                let Some(fewer) = left.checked_sub(1) else {
                    continue;
                };
                left = fewer;
            }
            kept.push(byte);
        }
    }
    Cow::Owned(kept)
}

/// Whether a word of the parser ends before a byte: its `parse_word` has this list.
const fn ends_word(byte: u8) -> bool {
    matches!(byte, 0 | b'\t'..=b'\r' | b' '..=b'#' | b'%'..=b'-' | b'/' | b':'..=b'@')
        || matches!(byte, b'[' | b'\\' | b']' | b'^' | b'{'..=b'~' | 0xA0)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_injection_is_found_each_time_and_a_clean_value_remembered() {
        let detector = SqlInjection::new();
        for _ in 0..3 {
            assert!(detector.find(b"1' OR '1'='1").is_some());
            assert!(detector.find(b"Mozilla/5.0 (X11; Linux x86_64)").is_none());
            assert!(detector.is_known_clean(b"Mozilla/5.0 (X11; Linux x86_64)"));
            assert!(!detector.is_known_clean(b"1' OR '1'='1"));
        }
    }

    proptest! {
        #[test]
        fn a_value_of_letters_is_no_injection(
            value in "(select|union|or|and|not|null|sleep|x|n|q|b|u|e|exec|into|having|_|[A-Za-z_]){0,6}",
        ) {
            prop_assert_eq!(SqlInjection::new().find(value.as_bytes()), None);
            prop_assert!(!no_letters().intersects(&ByteSet::of(value.as_bytes())));
        }
    }

    #[test]
    fn padding_hides_no_injection() {
        let detector = SqlInjection::new();
        for (padding, attack) in [
            (" ".repeat(5000), "1' OR '1'='1"),
            (format!("/*{}*/ ", "a".repeat(5000)), "1' OR '1'='1"),
            ("/**/+".repeat(2000), "1' OR '1'='1"),
            ("a".repeat(2100), "' OR '1'='1"),
            ("a".repeat(60_000), "\" OR \"1\"=\"1"),
            ("prose, with blanks. ".repeat(3000), "' OR '1'='1"),
            ("/*' OR '1'='1' -- */".to_owned(), &"a".repeat(2100)),
            ("a.".repeat(1050), "' OR '1'='1"),
            ("1".repeat(2100), " OR 1=1"),
            ("1".repeat(2100), "or 1=1"),
            ("1+".repeat(1050), "1 OR 1=1"),
            ("1,".repeat(1050), "1 OR 1=1"),
            (format!("0x{}", "A".repeat(2100)), " OR 1=1"),
            (format!("1'{}", " ".repeat(3000)), "OR '1'='1"),
            (format!("1'{}", "/**/".repeat(1000)), "OR '1'='1"),
            (format!("1'/*{}*/", "a".repeat(5000)), "OR '1'='1"),
            (format!("1' -- {}\n", "a".repeat(5000)), "OR '1'='1"),
            (format!("1' OR '{}'", "a".repeat(5000)), "='1"),
            (format!("`{}`", "a".repeat(5000)), " OR 1=1 -- "),
        ] {
            let value = format!("{padding}{attack}");
            let start = value.get(..20);
            assert!(
                detector.find(value.as_bytes()).is_some(),
                "{start:?} {attack}"
            );
        }
    }

    #[test]
    fn words_with_many_dots_are_short_work_and_with_many_backticks_long() {
        let dots = "a.".repeat(32_000);
        assert!(cost(dots.as_bytes()) <= dots.len() * (PARSED + DOTS));
        assert_eq!(without_dots(dots.as_bytes()).len(), 32_000 + DOTS);
        assert_eq!(
            &*without_dots("a.b,".repeat(99).as_bytes()),
            "a.b,".repeat(99).as_bytes()
        );
        let ticks = "a`".repeat(32_000);
        assert!(cost(ticks.as_bytes()) > 1 << 30);
    }
}
