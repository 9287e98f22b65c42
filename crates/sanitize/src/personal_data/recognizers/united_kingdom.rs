//! National Insurance numbers of the United Kingdom.
//!
//! Two letters, six digits, and a suffix from A to D. The first letter is not D, F, I, Q, U or V, and the
//! second is not O either (HM Revenue and Customs, NIM39110).

use std::ops::Range;

use super::super::kind::PersonalDataKind;
use super::{Search, take_spaced};

/// Prefixes that are not allocated.
const UNUSED: [&str; 7] = ["BG", "GB", "KN", "NK", "NT", "TN", "ZZ"];

/// Adds a number that begins with this token: two letters, six digits, a letter from A to D.
pub(super) fn find(search: &mut Search<'_>, view: &str, token: &Range<usize>) {
    let first = view.get(token.clone()).unwrap_or_default().as_bytes();
    if !matches!(first, [a, b, ..] if a.is_ascii_alphabetic() && b.is_ascii_alphabetic()) {
        return;
    }
    if let Some((number, end)) = take_spaced(view, token.start, 9)
        && is_number(&number)
    {
        search.add(PersonalDataKind::Nino, token.start..end, 70, false);
    }
}

fn is_number(number: &str) -> bool {
    let Some((prefix, rest)) = number.split_at_checked(2) else {
        return false;
    };
    let Some((digits, suffix)) = rest.split_at_checked(6) else {
        return false;
    };
    let mut letters = prefix.chars();
    let allowed =
        |c: Option<char>, not: &str| c.is_some_and(|c| c.is_ascii_uppercase() && !not.contains(c));
    allowed(letters.next(), "DFIQUV")
        && allowed(letters.next(), "DFIOQUV")
        && !UNUSED.contains(&prefix)
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && matches!(suffix, "A" | "B" | "C" | "D")
}

#[cfg(test)]
mod tests {
    use super::is_number;

    #[test]
    fn prefixes_that_are_not_allocated_are_no_numbers() {
        assert!(is_number("QQ123456C") == is_number("DA123456C"));
        assert!(is_number("AB123456C") && is_number("JG103759A"));
        for number in ["GB123456C", "AB12345XC", "AB123456E", "FB123456A"] {
            assert!(!is_number(number), "{number}");
        }
    }
}
