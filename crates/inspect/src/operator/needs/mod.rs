//! What a value must contain so that a pattern can match: the reason why most patterns never run.
//!
//! From the syntax tree of a pattern follow literals of which one must occur, and sets of bytes of
//! which each must be met. Both are necessary, not sufficient: a value that has them is given to the
//! pattern itself.
//!
//! For `(?i)union\s+select` the literal is `select`, the longer of the two words, and the sets
//! ask for bytes of the other parts, such as a blank. A text without them cannot match, and
//! asking costs little.
//!
//! Being wrong here would lose matches, so every step keeps to what surely holds: if a part of
//! the pattern is not understood, nothing is asked for.

mod known;

use regex_syntax::ParserBuilder;

use self::known::Known;
use super::pattern;
use crate::byte_set::ByteSet;

/// How many literals one pattern may name, and how many strings are followed through a sequence.
///
/// With more, the pattern gets no literals and only sets.
const MOST_LITERALS: usize = 200;

/// What a value must contain. The default asks for nothing.
#[derive(Clone, Debug, Default)]
pub(crate) struct Needs {
    /// One of these must occur, in any case. Empty: nothing is asked for.
    ///
    /// In lower case.
    pub(crate) literals: Vec<Vec<u8>>,
    /// Of each of these sets, one byte must occur.
    ///
    /// At most four, the smallest first.
    pub(crate) sets: Vec<ByteSet>,
}

impl Needs {
    /// What a pattern needs.
    ///
    /// The pattern is in PCRE's syntax. One that cannot be read needs nothing; compiling it
    /// reports the error.
    pub(crate) fn of_pattern(text: &str) -> Self {
        let Ok(translated) = pattern::translate_pattern(text) else {
            return Self::default();
        };
        let mut parser = ParserBuilder::new();
        parser.unicode(false).utf8(false).dot_matches_new_line(true);
        parser
            .build()
            .parse(&translated)
            .map_or_else(|_| Self::default(), |hir| finish(&Known::of(&hir)))
    }

    /// One of these phrases.
    ///
    /// With a phrase of one byte, only its byte is asked for. With an empty phrase, nothing is.
    pub(crate) fn of_phrases(phrases: &[Vec<u8>]) -> Self {
        let short = phrases.iter().any(|phrase| phrase.len() < 2);
        let mut first = ByteSet::default();
        phrases
            .iter()
            .filter_map(|phrase| rarest_byte(phrase))
            .for_each(|byte| first.insert(byte));
        let empty = phrases.iter().any(Vec::is_empty);
        Self {
            literals: if short { Vec::new() } else { phrases.to_vec() },
            sets: if empty {
                Vec::new()
            } else {
                vec![first.both_cases()]
            },
        }
    }
}

/// Keeps what is worth asking.
///
/// Literals of one byte and sets of more than 200 bytes occur in nearly every text, so asking
/// would only cost time.
fn finish(known: &Known) -> Needs {
    let literals = known.literals().unwrap_or_default();
    let useful =
        literals.iter().all(|literal| literal.len() >= 2) && literals.len() <= MOST_LITERALS;
    let mut sets = known.sets();
    sets.sort_by_key(ByteSet::len);
    sets.dedup();
    sets.retain(|set| set.len() < 200);
    sets.truncate(4);
    Needs {
        literals: if useful {
            literals.into_iter().collect()
        } else {
            Vec::new()
        },
        sets: sets.iter().map(ByteSet::both_cases).collect(),
    }
}

/// The byte of a string that ordinary text has least often.
///
/// The order is that of English text and of URLs. It only changes the speed.
fn rarest_byte(string: &[u8]) -> Option<u8> {
    string
        .iter()
        .copied()
        .min_by_key(|byte| match byte.to_ascii_lowercase() {
            b'e' | b't' | b'a' | b'o' | b'i' | b'n' | b's' | b'r' | b' ' => 5,
            b'h' | b'l' | b'd' | b'c' | b'u' | b'm' | b'/' | b'.' | b'p' => 4,
            b'a'..=b'z' | b'0'..=b'9' | b'-' | b',' | b'=' | b'_' => 3,
            _ => 1_u8,
        })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn literals(pattern: &str) -> Vec<String> {
        let literals = Needs::of_pattern(pattern).literals;
        literals
            .iter()
            .map(|literal| String::from_utf8_lossy(literal).into_owned())
            .collect()
    }

    #[test]
    fn literals_are_found() {
        assert_eq!(literals(r"(?i)\bunion\s+select\b"), ["select"]);
        assert_eq!(literals(r"s(?:cript|tyle)[^>]*>"), ["script", "style"]);
        assert_eq!(literals(r"(?:ab|c*)"), [""; 0]);
        assert_eq!(literals(r"a?b+"), [""; 0]);
        assert_eq!(literals(r"x(?:ab)?y"), ["xaby", "xy"]);
    }

    #[test]
    fn sets_are_found() {
        let sets = Needs::of_pattern(r"[\n\r][^a]*<").sets;
        assert!(sets.contains(&ByteSet::of(b"\n\r")) && sets.contains(&ByteSet::of(b"<")));
    }

    /// Whether a value has what the needs ask for.
    fn met(needs: &Needs, value: &[u8]) -> bool {
        let lower = value.to_ascii_lowercase();
        let has = |literal: &Vec<u8>| lower.windows(literal.len()).any(|window| window == literal);
        (needs.literals.is_empty() || needs.literals.iter().any(has))
            && needs
                .sets
                .iter()
                .all(|set| set.intersects(&ByteSet::of(value)))
    }

    proptest! {
        #[test]
        fn a_value_that_matches_has_what_the_pattern_needs(
            pattern in "[abcAB()|+*?]{1,14}",
            value in "[abcAB]{0,12}",
        ) {
            let pattern = format!("(?i){pattern}");
            let Ok(compiled) = pattern::compile(&pattern) else { return Ok(()) };
            if compiled.is_match(value.as_bytes()) {
                let needs = Needs::of_pattern(&pattern);
                prop_assert!(met(&needs, value.as_bytes()), "{} {} {:?}", pattern, value, needs);
            }
        }
    }
}
