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

use std::collections::BTreeSet;

use regex_syntax::ParserBuilder;
use regex_syntax::hir::{Class, Hir, HirKind};

use super::pattern;
use crate::byte_set::ByteSet;

/// How many literals one pattern may name, and how many strings are followed through a sequence.
///
/// With more, the pattern gets no literals and only sets.
const MOST_LITERALS: usize = 200;
/// Beyond it, the strings so far are offered as literals and a new run begins.
const MOST_STRINGS: usize = 64;
/// In bytes. Longer strings would tell little more.
const LONGEST_STRING: usize = 24;

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

/// Strings in lower case.
type Strings = BTreeSet<Vec<u8>>;

/// What is known about all texts that a part of a pattern matches.
struct Known {
    /// All of them, if they are few.
    ///
    /// `None`: they are too many or without bound.
    exact: Option<Strings>,
    /// Strings of which each text contains one.
    ///
    /// `None`: no such strings are known.
    contains: Option<Strings>,
    /// Sets of which each text has a byte.
    ///
    /// Empty: no such set is known.
    meets: Vec<ByteSet>,
}

impl Known {
    /// Nothing is known.
    const fn nothing() -> Self {
        Self {
            exact: None,
            contains: None,
            meets: Vec::new(),
        }
    }

    /// The only texts are these.
    const fn exactly(strings: Strings) -> Self {
        Self {
            exact: Some(strings),
            contains: None,
            meets: Vec::new(),
        }
    }

    /// Follows the syntax tree. The parser limits its depth.
    ///
    /// Anchors and word boundaries match the empty text.
    fn of(hir: &Hir) -> Self {
        match hir.kind() {
            HirKind::Empty | HirKind::Look(_) => Self::exactly(Strings::from([Vec::new()])),
            HirKind::Literal(literal) => {
                Self::exactly(Strings::from([literal.0.to_ascii_lowercase()]))
            }
            HirKind::Class(class) => Self::of_class(class),
            HirKind::Capture(capture) => Self::of(&capture.sub),
            HirKind::Concat(parts) => Self::of_sequence(parts),
            HirKind::Alternation(parts) => Self::of_alternatives(parts),
            HirKind::Repetition(repetition) => {
                let inner = Self::of(&repetition.sub);
                match (repetition.min, repetition.max) {
                    (1, Some(1)) => inner,
                    (0, Some(1)) => Self {
                        exact: inner.exact.map(|mut strings| {
                            strings.insert(Vec::new());
                            strings
                        }),
                        ..Self::nothing()
                    },
                    (0, _) => Self::nothing(),
                    _ => Self {
                        contains: inner.literals(),
                        meets: inner.sets(),
                        exact: None,
                    },
                }
            }
        }
    }

    /// A class: its bytes, one by one if they are few.
    ///
    /// Up to eight bytes are followed as strings; `[sS]` is one after lower case.
    fn of_class(class: &Class) -> Self {
        let mut set = ByteSet::default();
        let Class::Bytes(class) = class else {
            return Self::nothing();
        };
        class
            .iter()
            .flat_map(|range| range.start()..=range.end())
            .for_each(|byte| set.insert(byte));
        let strings: Strings = (0..=u8::MAX)
            .filter(|byte| set.contains(*byte))
            .map(|byte| vec![byte.to_ascii_lowercase()])
            .collect();
        Self {
            exact: (strings.len() <= 8).then_some(strings),
            contains: None,
            meets: vec![set],
        }
    }

    /// Parts one after another: strings are followed as long as they are few.
    ///
    /// A run ends where a part has too many texts; then the best strings so far are kept.
    fn of_sequence(parts: &[Hir]) -> Self {
        let mut run = Strings::from([Vec::new()]);
        let mut whole = true;
        let mut known = Self::nothing();
        for part in parts.iter().map(Self::of) {
            known.meets.extend(part.sets());
            let joined = part
                .exact
                .as_ref()
                .and_then(|exact| join_strings(&run, exact));
            match joined {
                Some(joined) => run = joined,
                None => {
                    whole = false;
                    known.offer_strings(std::mem::take(&mut run));
                    known.offer_strings(part.contains.clone().unwrap_or_default());
                    run = part.exact.unwrap_or_else(|| Strings::from([Vec::new()]));
                }
            }
        }
        if whole {
            known.exact = Some(run);
        } else {
            known.offer_strings(run);
        }
        known
    }

    /// One part of several.
    ///
    /// What is known must hold for each of them: strings are joined, and of the sets the union is
    /// taken.
    fn of_alternatives(parts: &[Hir]) -> Self {
        let parts: Vec<Self> = parts.iter().map(Self::of).collect();
        let exact: Option<Strings> = parts.iter().map(|part| part.exact.clone()).try_fold(
            Strings::new(),
            |mut all, part| {
                all.extend(part?);
                (all.len() <= MOST_LITERALS).then_some(all)
            },
        );
        let contains = parts.iter().try_fold(Strings::new(), |mut all, part| {
            all.extend(part.literals()?);
            (all.len() <= MOST_LITERALS).then_some(all)
        });
        let meets = parts.iter().try_fold(ByteSet::default(), |all, part| {
            part.sets()
                .into_iter()
                .min_by_key(ByteSet::len)
                .map(|set| all.union(&set))
        });
        Self {
            exact,
            contains,
            meets: meets.into_iter().collect(),
        }
    }

    /// Takes strings over if they are better than those that are known.
    fn offer_strings(&mut self, strings: Strings) {
        let better = self
            .contains
            .as_ref()
            .is_none_or(|known| string_quality(&strings) > string_quality(known));
        if string_quality(&strings).0 > 0 && better {
            self.contains = Some(strings);
        }
    }

    /// The better of `exact` and `contains`.
    ///
    /// `None` if neither has strings that are not empty.
    fn literals(&self) -> Option<Strings> {
        let candidates = [self.exact.as_ref(), self.contains.as_ref()]
            .into_iter()
            .flatten();
        candidates
            .filter(|strings| string_quality(strings).0 > 0)
            .max_by_key(|s| string_quality(s))
            .cloned()
    }

    /// The sets that are met, one of them from the literals.
    fn sets(&self) -> Vec<ByteSet> {
        let mut sets = self.meets.clone();
        if let Some(literals) = self.literals() {
            let mut set = ByteSet::default();
            literals
                .iter()
                .filter_map(|literal| rarest_byte(literal))
                .for_each(|byte| set.insert(byte));
            sets.push(set);
        }
        sets
    }
}

/// How well strings tell values apart: the shortest counts, then their number.
///
/// More than six bytes count as six. Of equal length, fewer strings are better.
fn string_quality(strings: &Strings) -> (usize, std::cmp::Reverse<usize>) {
    let shortest = strings.iter().map(Vec::len).min().unwrap_or_default();
    (shortest.min(6), std::cmp::Reverse(strings.len()))
}

/// Each string of one set followed by each of the other. `None` if they are too many or too long.
fn join_strings(first: &Strings, second: &Strings) -> Option<Strings> {
    if first.len().saturating_mul(second.len()) > MOST_STRINGS {
        return None;
    }
    let pairs = first
        .iter()
        .flat_map(|a| second.iter().map(move |b| [a.as_slice(), b].concat()));
    let joined: Strings = pairs.collect();
    joined
        .iter()
        .all(|string| string.len() <= LONGEST_STRING)
        .then_some(joined)
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
