//! Numbers that count, and money.

use crate::numbers::{
    cardinal::{amount, counted},
    currency::split,
};

/// More digits than this are not counted by anyone.
const COUNTED_DIGITS: usize = 16;

pub(super) fn number(text: &str) -> Option<String> {
    let (sign, amount_text) = match text.strip_prefix(['-', '+']) {
        Some(rest) if text.starts_with('-') => ("负", rest),
        Some(rest) => ("正", rest),
        None => ("", text),
    };
    let plain = ungrouped(amount_text)?;
    // Only what it counts, which follows, tells whether two is 两.
    if sign.is_empty() && plain == "2" {
        return Some(plain);
    }
    Some(format!("{sign}{}", amount(&plain)))
}

/// Takes the commas out of a number, or returns nothing if it is none.
fn ungrouped(number: &str) -> Option<String> {
    let (whole, decimals) = match number.split_once('.') {
        Some((whole, decimals)) => (whole, Some(decimals)),
        None => (number, None),
    };
    let all_digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let mut groups = whole.split(',');
    let first = groups.next()?;
    let grouped = whole.contains(',');
    let fits = all_digits(first)
        && (!grouped || first.len() <= 3)
        && groups.all(|group| group.len() == 3 && all_digits(group))
        && decimals.is_none_or(|decimals| decimals.len() <= COUNTED_DIGITS && all_digits(decimals));
    let plain = whole.replace(',', "");
    (fits && plain.len() <= COUNTED_DIGITS).then(|| match decimals {
        Some(decimals) => format!("{plain}.{decimals}"),
        None => plain,
    })
}

pub(super) fn currency(text: &str) -> Option<String> {
    let (name, number) = split(text)?;
    let (sign, number) = match number.strip_prefix('-') {
        Some(number) => ("负", number),
        None => ("", number),
    };
    let number = ungrouped(number)?;
    let number = match number.contains('.') {
        true => number.trim_end_matches('0').trim_end_matches('.'),
        false => &number,
    };
    Some(format!("{sign}{}{name}", counted(number, name)))
}
