//! `@detectSQLi`: the parser of libinjection, within bounds.
//!
//! The parser decides from the first tokens of a value. It folds tokens, so a hostile value can make it
//! read everything, slowly. Therefore a long value is cut to [`LONGEST`] bytes after the blanks and
//! comments with which it may begin. What was clean before is remembered, as the same `User-Agent` comes
//! again and again.
//!
//! Words of SQL alone match nothing: the order of the token types must be that of a known
//! injection. The result is the fingerprint of these types.

use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use libinjectionrs::{SqliFlags, SqliState};

/// How many bytes of a value are parsed.
///
/// An injection shows itself in its first tokens, so more would only cost time.
const LONGEST: usize = 2048;

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

    /// The fingerprint of an injection. `None`: the value is clean.
    ///
    /// Two values with the same 64-bit hash would be taken for the same. The time is bounded by
    /// [`LONGEST`].
    pub(crate) fn find(&self, value: &[u8]) -> Option<Vec<u8>> {
        let value = beginning(value);
        let hash = self.keys.hash_one(value).max(1);
        let place = usize::try_from(hash >> 32).unwrap_or_default() % REMEMBERED;
        let place = self.clean.get(place)?;
        if place.load(Ordering::Relaxed) == hash {
            return None;
        }
        let mut state = SqliState::new(value, SqliFlags::FLAG_NONE);
        if state.detect() {
            return Some(state.fingerprint_string().into_bytes());
        }
        place.store(hash, Ordering::Relaxed);
        None
    }
}

/// How much work it is to ask about a value of this length, at most.
pub(super) const fn cost(length: usize) -> usize {
    let parsed = if length < LONGEST { length } else { LONGEST };
    length + parsed * 20
}

/// The part of a value that is parsed.
///
/// A short value is parsed whole.
fn beginning(value: &[u8]) -> &[u8] {
    if value.len() <= LONGEST {
        return value;
    }
    let start = without_padding(value);
    start.get(..LONGEST).unwrap_or(start)
}

/// The value without the blanks and comments at its start, which the parser would skip.
///
/// Comments of the form `/*!` hold code in MySQL and are kept. Else an attacker could push the
/// injection behind the limit with blanks.
fn without_padding(value: &[u8]) -> &[u8] {
    let mut rest = value;
    loop {
        let blanks = rest
            .iter()
            .take_while(|byte| byte.is_ascii_whitespace() || **byte == 0 || **byte == b'+');
        let after = rest.get(blanks.count()..).unwrap_or_default();
        let Some(comment) = after
            .strip_prefix(b"/*")
            .filter(|comment| !comment.starts_with(b"!"))
        else {
            return after;
        };
        let Some(end) = memchr::memmem::find(comment, b"*/") else {
            return after;
        };
        rest = comment.get(end + 2..).unwrap_or_default();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_injection_is_found_each_time_and_a_clean_value_remembered() {
        let detector = SqlInjection::new();
        for _ in 0..3 {
            assert!(detector.find(b"1' OR '1'='1").is_some());
            assert!(detector.find(b"Mozilla/5.0 (X11; Linux x86_64)").is_none());
        }
    }

    #[test]
    fn padding_hides_no_injection() {
        let detector = SqlInjection::new();
        for padding in [
            " ".repeat(5000),
            format!("/*{}*/ ", "a".repeat(5000)),
            "/**/+".repeat(2000),
        ] {
            assert!(
                detector
                    .find(format!("{padding}1' OR '1'='1").as_bytes())
                    .is_some()
            );
        }
    }
}
