//! What follows from the syntax tree of a pattern, for a part after the other.

use std::collections::BTreeSet;

use regex_syntax::hir::{Class, Hir, HirKind};

use super::{MOST_LITERALS, rarest_byte};
use crate::byte_set::ByteSet;

/// Beyond it, the strings so far are offered as literals and a new run begins.
const MOST_STRINGS: usize = 64;
/// In bytes. Longer strings would tell little more.
const LONGEST_STRING: usize = 24;

/// Strings in lower case.
pub(super) type Strings = BTreeSet<Vec<u8>>;

/// What is known about all texts that a part of a pattern matches.
pub(super) struct Known {
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
    pub(super) fn of(hir: &Hir) -> Self {
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
    pub(super) fn literals(&self) -> Option<Strings> {
        let candidates = [self.exact.as_ref(), self.contains.as_ref()]
            .into_iter()
            .flatten();
        candidates
            .filter(|strings| string_quality(strings).0 > 0)
            .max_by_key(|s| string_quality(s))
            .cloned()
    }

    /// The sets that are met, one of them from the literals.
    pub(super) fn sets(&self) -> Vec<ByteSet> {
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
