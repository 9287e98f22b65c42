//! The recognizers, one kind or country a file.
//!
//! Each adds what it finds, with a score from the shape and the check digits alone. Words nearby are
//! weighed afterwards.
//!
//! | file | finds | check digit |
//! |---|---|---|
//! | `card.rs` | payment cards (ISO/IEC 7812) | Luhn |
//! | `credit_code.rs` | unified social credit codes | yes |
//! | `documents.rs` | passports, permits, Hong Kong identity cards | Hong Kong only |
//! | `email.rs` | e-mail addresses (RFC 5322) | no |
//! | `iban.rs` | bank accounts (ISO 13616) | yes |
//! | `ip_address.rs` | IPv4 and IPv6 | no |
//! | `phone.rs` | phone numbers of mainland China | no |
//! | `plate.rs` | licence plates | no |
//! | `resident_id.rs` | identity numbers (GB 11643) | yes |
//! | `secret.rs` | keys and tokens | no |
//! | `united_kingdom.rs` | National Insurance numbers | no |
//! | `united_states.rs` | Social Security numbers | no |
//!
//! Candidates may overlap: the same digits can be a card and a phone number. Which one counts is
//! decided later, by score.

mod card;
mod credit_code;
mod documents;
mod email;
mod iban;
mod ip_address;
mod number_shape;
mod phone;
mod plate;
mod resident_id;
mod secret;
mod united_kingdom;
mod united_states;

use std::ops::Range;

use super::kind::PersonalDataKind;
use crate::text::{Folded, Number, each_number};

pub(crate) use self::plate::PROVINCES;
pub(super) use self::{card::is_card, phone::is_mobile, resident_id::is_resident_id};

/// What a recognizer found: where, in the text itself, and how certain its shape is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Candidate {
    /// What it would be.
    pub(super) kind: PersonalDataKind,
    /// Where it is, in bytes of the text.
    pub(super) span: Range<usize>,
    /// In percent.
    pub(super) score: u8,
    /// A check digit fits, so that words for other numbers do not count against it.
    pub(super) checked: bool,
}

/// A text in the forms that recognizers read, and what they found so far.
struct Search<'t> {
    /// The text itself, for numbers with signs around them.
    text: &'t str,
    /// Full-width letters and digits of any script are the ASCII ones here.
    folded: &'t Folded<'t>,
    /// What has the form of personal data, in the order in which it was found.
    found: Vec<Candidate>,
}

/// Finds what has the form of one of these kinds.
///
/// All recognizers run; what is not wanted is left out at the end. A text without digits and signs
/// costs little.
pub(super) fn candidates(text: &str, wanted: &[PersonalDataKind]) -> Vec<Candidate> {
    let folded = Folded::new(text);
    let mut search = Search {
        text,
        folded: &folded,
        found: Vec::new(),
    };
    search.numbers();
    search.tokens();
    email::find(&mut search);
    ip_address::find(&mut search);
    plate::find(&mut search);
    secret::find(&mut search);
    let mut found = search.found;
    found.retain(|found| wanted.contains(&found.kind));
    found
}

impl Search<'_> {
    /// Adds a finding at a place of the folded text.
    fn add(&mut self, kind: PersonalDataKind, place: Range<usize>, score: u8, checked: bool) {
        self.found.push(Candidate {
            kind,
            span: self.folded.in_source(place),
            score,
            checked,
        });
    }

    /// Looks at each number, in groups of any shape.
    ///
    /// Each recognizer sees each number once. Several may take the same one.
    fn numbers(&mut self) {
        let found = &mut self.found;
        let text = self.text;
        each_number(text, |number, span| {
            let recognizers = [
                card::recognize,
                documents::recognize_number,
                phone::recognize_landline,
                phone::recognize_mobile,
                resident_id::recognize,
                united_states::recognize,
            ];
            for recognize in recognizers {
                if let Some(candidate) = recognize(&number) {
                    let span = with_plus(text, span.clone(), &number, candidate.kind);
                    found.push(candidate.at(span));
                }
            }
        });
    }

    /// Looks at each run of ASCII letters and digits.
    ///
    /// A token ends at the first other character, so a code with hyphens is put together by the
    /// recognizers.
    fn tokens(&mut self) {
        let folded = self.folded;
        let view = folded.as_str();
        let mut rest = 0;
        while let Some(token) = next_token(view, rest) {
            rest = token.end;
            credit_code::find(self, view, &token);
            documents::find(self, view, &token);
            iban::find(self, view, &token);
            united_kingdom::find(self, view, &token);
        }
    }
}

/// Takes the plus sign before the country code of a phone number, and the bracket before an area code, as
/// part of it.
fn with_plus(
    text: &str,
    span: Range<usize>,
    number: &Number<'_>,
    kind: PersonalDataKind,
) -> Range<usize> {
    let is_phone = matches!(kind, PersonalDataKind::Landline | PersonalDataKind::Phone);
    let before = text
        .get(..span.start)
        .and_then(|before| before.chars().next_back());
    match before {
        Some(plus @ ('+' | '＋')) if is_phone && number.digits.starts_with("86") => {
            span.start - plus.len_utf8()..span.end
        }
        Some(open @ ('(' | '（')) if is_phone && closes_bracket(text, &span) => {
            span.start - open.len_utf8()..span.end
        }
        _ => span,
    }
}

/// Tells whether the first bracket in a range closes one before it.
///
/// In `(010) 12345678` the number begins behind the bracket that it closes.
fn closes_bracket(text: &str, span: &Range<usize>) -> bool {
    let mut brackets = text.get(span.clone()).unwrap_or_default().chars();
    let first = brackets.find(|c| matches!(c, '(' | '（' | ')' | '）'));
    matches!(first, Some(')' | '）'))
}

/// A number that may be of a kind.
///
/// The recognizers of numbers know digits and groups, but not where the number is.
struct NumberCandidate {
    /// What the number would be.
    kind: PersonalDataKind,
    /// How certain its form is, in percent.
    score: u8,
    /// Whether a check digit fits.
    checked: bool,
}

impl NumberCandidate {
    /// Names what a number would be. The place is added by [`at`](Self::at).
    const fn new(kind: PersonalDataKind, score: u8, checked: bool) -> Self {
        Self {
            kind,
            score,
            checked,
        }
    }

    /// Adds the place.
    fn at(self, span: Range<usize>) -> Candidate {
        Candidate {
            kind: self.kind,
            span,
            score: self.score,
            checked: self.checked,
        }
    }
}

/// Returns the next run of ASCII letters and digits.
fn next_token(text: &str, from: usize) -> Option<Range<usize>> {
    let bytes = text.as_bytes();
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric();
    let start = from + bytes.get(from..)?.iter().position(is_part)?;
    let length = bytes.get(start..)?.iter().position(|byte| !is_part(byte));
    Some(start..length.map_or(bytes.len(), |length| start + length))
}

/// Reads `count` letters and digits from `start` on, over single spaces and hyphens between them, in
/// upper case. Returns them and where they end; `None` if there are fewer, or if the run goes on.
///
/// For codes that are written in groups, such as `GB29 NWBK 6016`.
fn take_spaced(text: &str, start: usize, count: usize) -> Option<(String, usize)> {
    let mut taken = String::with_capacity(count);
    let mut end = start;
    let mut after_separator = false;
    for (at, c) in text.get(start..)?.char_indices() {
        match c {
            _ if taken.len() == count => break,
            ' ' | '-' if !after_separator && !taken.is_empty() => after_separator = true,
            c if c.is_ascii_alphanumeric() => {
                taken.push(c.to_ascii_uppercase());
                after_separator = false;
                end = start + at + 1;
            }
            _ => break,
        }
    }
    let next = text.get(end..)?.chars().next();
    let goes_on = next.is_some_and(|next| next.is_ascii_alphanumeric());
    (taken.len() == count && !goes_on).then_some((taken, end))
}

/// Returns whether a number is all digits, without a check character at its end.
fn is_all_digits(number: &Number<'_>) -> bool {
    number.digits.bytes().all(|byte| byte.is_ascii_digit())
}
