//! Finds numbers in a text: digits of any script in groups, and each number that begins and ends at
//! the border of a group.
//!
//! People write numbers in groups, and numbers next to each other: a date before a phone number, a
//! card before its expiry date. So a run of groups is not one number: each stretch of whole groups
//! may be one.
//!
//! # Example
//!
//! `2024-05-01 138 0013 8000` is one run of six groups: 2024, 05, 01, 138, 0013, 8000. A check for phone
//! numbers is offered each stretch of whole groups that has 6 to 32 digits: `20240501138...`,
//! `05 01 138 0013 8000`, and so on. Only `138 0013 8000` passes, and only that is masked.
//!
//! # Work
//!
//! From each group at most 32 stretches begin, because each has a digit or more. So the time grows in
//! proportion to the text, whatever it holds.

use std::ops::Range;

use smallvec::SmallVec;

use crate::characters::{Class, digit, suspect};

/// The fewest digits of a number that a check is called for.
const MIN_DIGITS: usize = 6;
/// The most digits of a number that a check is called for.
const MAX_DIGITS: usize = 32;

/// The limit of characters that may separate two groups.
const MAX_SEPARATORS: usize = 3;

/// A number as it is given to a check.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Number<'n> {
    /// ASCII digits, with `X` at the end if the text has one there.
    pub(crate) digits: &'n str,
    /// The number of digits of each group.
    pub(crate) groups: &'n [usize],
    /// Whether an `X` directly follows that is not part of `digits`.
    pub(crate) before_x: bool,
}

/// The groups of a run of digits, and where they are in the text.
#[derive(Debug, Default)]
struct Run {
    /// ASCII digits.
    digits: SmallVec<[u8; 64]>,
    groups: SmallVec<[Group; 8]>,
    /// Characters since the last digit.
    gap: usize,
}

/// One run of digits without separators.
#[derive(Clone, Debug)]
struct Group {
    span: Range<usize>,
    digits: Range<usize>,
    is_chinese: bool,
    /// Where the `X` right behind the group ends.
    x_end: Option<usize>,
}

/// Finds the numbers that pass a check, from left to right. Of two that begin at the same position,
/// the longer is returned.
pub(crate) fn find(text: &str, check: impl Fn(Number<'_>) -> bool) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut run = Run::default();
    for (at, c) in text.char_indices() {
        let end = at.saturating_add(c.len_utf8());
        if run.take(c, at..end, text) {
            continue;
        }
        run.check(&check, &mut found);
        run.clear();
    }
    run.check(&check, &mut found);
    found
}

/// Calls `visit` for each number of 6 to 32 digits: each stretch of whole groups, with its place.
///
/// A stretch that an `X` follows is visited with it and without it.
pub(crate) fn each_number(text: &str, mut visit: impl FnMut(Number<'_>, Range<usize>)) {
    let mut run = Run::default();
    for (at, c) in text.char_indices() {
        let end = at.saturating_add(c.len_utf8());
        if !run.take(c, at..end, text) {
            run.visit_stretches(&mut visit);
            run.clear();
        }
    }
    run.visit_stretches(&mut visit);
}

impl Run {
    /// Visits each stretch of whole groups.
    fn visit_stretches(&self, visit: &mut impl FnMut(Number<'_>, Range<usize>)) {
        if self.digits.len() < MIN_DIGITS {
            return;
        }
        for first in 0..self.groups.len() {
            let from = self.groups.get(first..).unwrap_or_default();
            let sizes = group_sizes(from);
            for count in 1..=sizes.len() {
                let sizes = sizes.get(..count).unwrap_or_default();
                // A check that never passes, so that each form of the stretch is offered.
                let _ = offer_stretches(from, sizes, &self.digits, &mut |number, span| {
                    visit(number, span);
                    false
                });
            }
        }
    }

    /// Reads the next character. Tells whether the run continues.
    fn take(&mut self, c: char, span: Range<usize>, text: &str) -> bool {
        if let Some(digit) = digit(c) {
            self.push(digit.value, digit.is_chinese, span);
            return true;
        }
        let behind_digit = self.gap == 0;
        if behind_digit
            && is_keycap(c)
            && let Some(group) = self.groups.last_mut()
        {
            group.span.end = span.end;
            return true;
        }
        self.gap = self.gap.saturating_add(1);
        if behind_digit && matches!(c, 'X' | 'x' | 'Ｘ' | 'ｘ') {
            let next = text.get(span.end..).and_then(|rest| rest.chars().next());
            let ends = !next.is_some_and(|next| next.is_ascii_alphabetic());
            if let Some(group) = self.groups.last_mut().filter(|_| ends) {
                group.x_end = Some(span.end);
            }
            return false;
        }
        !self.groups.is_empty() && self.gap <= MAX_SEPARATORS && is_separator(c)
    }

    /// Adds a digit to the last group, or begins a group with it.
    fn push(&mut self, value: u8, is_chinese: bool, span: Range<usize>) {
        let start = self.digits.len();
        self.digits.push(b'0'.saturating_add(value));
        let end = self.digits.len();
        let goes_on = self.gap == 0;
        self.gap = 0;
        match self.groups.last_mut() {
            // 第一13800138000: the Chinese digit is not part of the number.
            Some(group) if goes_on && group.is_chinese == is_chinese => {
                group.span.end = span.end;
                group.digits.end = end;
            }
            _ => self.groups.push(Group {
                span,
                digits: start..end,
                is_chinese,
                x_end: None,
            }),
        }
    }

    fn check(&self, check: &impl Fn(Number<'_>) -> bool, found: &mut Vec<Range<usize>>) {
        if self.digits.len() < MIN_DIGITS {
            return;
        }
        let mut first = 0;
        while let Some(from) = self.groups.get(first..).filter(|rest| !rest.is_empty()) {
            let hit = longest_number(from, &self.digits, check);
            let groups = hit.as_ref().map_or(1, |(groups, _)| *groups);
            found.extend(hit.map(|(_, span)| span));
            first = first.saturating_add(groups);
        }
    }

    /// Starts an empty run.
    fn clear(&mut self) {
        self.digits.clear();
        self.groups.clear();
        self.gap = 0;
    }
}

/// Returns the longest number that begins with the first of these groups: the number of groups, and
/// its position.
fn longest_number(
    groups: &[Group],
    digits: &[u8],
    check: &impl Fn(Number<'_>) -> bool,
) -> Option<(usize, Range<usize>)> {
    let sizes = group_sizes(groups);
    (1..=sizes.len()).rev().find_map(|count| {
        let sizes = sizes.get(..count)?;
        let place = offer_stretches(groups, sizes, digits, &mut |number, _| check(number))?;
        Some((count, place))
    })
}

/// Returns the sizes of the groups, from the first, that have at most [`MAX_DIGITS`] digits together.
fn group_sizes(groups: &[Group]) -> SmallVec<[usize; MAX_DIGITS]> {
    let start = groups.first().map_or(0, |first| first.digits.start);
    groups
        .iter()
        .take_while(|group| group.digits.end.saturating_sub(start) <= MAX_DIGITS)
        .map(|group| group.digits.len())
        .collect()
}

/// Offers the number of the first groups, one for each size, to a check: with the `X` behind it, then
/// without. Returns where it is if the check passes.
fn offer_stretches(
    groups: &[Group],
    sizes: &[usize],
    digits: &[u8],
    check: &mut impl FnMut(Number<'_>, Range<usize>) -> bool,
) -> Option<Range<usize>> {
    let start = groups.first()?;
    let last = groups.get(sizes.len().checked_sub(1)?)?;
    let digits = digits.get(start.digits.start..last.digits.end)?;
    if digits.len() < MIN_DIGITS {
        return None;
    }
    let digits = std::str::from_utf8(digits).ok()?;
    if let Some(end) = last.x_end {
        let with_x = format!("{digits}X");
        let number = Number {
            digits: &with_x,
            groups: sizes,
            before_x: false,
        };
        let place = start.span.start..end;
        if check(number, place.clone()) {
            return Some(place);
        }
    }
    let number = Number {
        digits,
        groups: sizes,
        before_x: last.x_end.is_some(),
    };
    let place = start.span.start..last.span.end;
    check(number, place.clone()).then_some(place)
}

/// Tells whether a character makes a keycap of the digit before it: a selector and a mark.
const fn is_keycap(c: char) -> bool {
    matches!(c, '\u{fe0f}' | '\u{20e3}')
}

/// Tells whether a character may stand between two groups of one number.
fn is_separator(c: char) -> bool {
    match c {
        ' ' | '\t' | '-' | '.' | '_' | '(' | ')' | '·' | '\u{2010}'..='\u{2015}' | '•' | '‧' => {
            true
        }
        '\u{2212}' | '・' | '･' | '－' | '．' | '（' | '）' | '\u{fe58}' | '\u{fe63}' => {
            true
        }
        _ => matches!(suspect(c), Some(Class::PrivateUse | Class::Space)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found<'t>(text: &'t str, digits: &str) -> Vec<&'t str> {
        let spans = find(text, |number| number.digits == digits);
        spans.into_iter().map(|span| &text[span]).collect()
    }

    #[test]
    fn a_number_is_found_between_any_borders_of_groups() {
        for text in [
            "123456",
            "1 2 3 4 5 6",
            "12-34.56",
            "123\u{a0}—\u{3000}456",
            "１２３456",
            "123)456",
            "1️⃣23456",
        ] {
            assert_eq!(found(text, "123456"), [text], "{text}");
            let among = format!("2024-05-01 7 {text} 8 99");
            assert_eq!(found(&among, "123456"), [text], "{among}");
            assert_eq!(found(&format!("第一{text}好"), "123456"), [text], "{text}");
        }
        assert_eq!(
            found("12345X", "12345X"),
            ["12345X"; 0],
            "fewer than six digits"
        );
        assert_eq!(found("号123456x。", "123456X"), ["123456x"]);
        assert_eq!(found("123456xy", "123456X"), ["123456x"; 0]);
    }

    #[test]
    fn a_part_of_a_group_is_no_number_and_far_groups_are_not_joined() {
        for text in [
            "1234567",
            "0123456",
            "123    456",
            "123\n456",
            "123,456",
            "123/456",
            "123 a 456",
        ] {
            assert_eq!(found(text, "123456"), [""; 0], "{text}");
        }
    }
}
