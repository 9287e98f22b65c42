//! Currencies by their signs and codes.

use std::sync::OnceLock;

use crate::table::rows;

const CURRENCIES: &str = include_str!("../../data/currencies.tsv");

/// A row of the table.
#[derive(Debug)]
struct Currency {
    sign: &'static str,
    name: &'static str,
    place: &'static str,
}

/// All rows, the longest signs first: `US$` before `$`.
fn all() -> &'static [Currency] {
    static TABLE: OnceLock<Vec<Currency>> = OnceLock::new();
    TABLE.get_or_init(|| {
        let row = |[sign, name, place, _, _]: [&'static str; 5]| Currency { sign, name, place };
        let mut all: Vec<_> = rows(CURRENCIES).map(row).collect();
        all.sort_by_key(|currency| std::cmp::Reverse(currency.sign.len()));
        all
    })
}

/// Returns the name of a currency.
pub(super) fn name(sign: &str) -> Option<&'static str> {
    let found = all().iter().find(|currency| currency.sign == sign)?;
    Some(found.name)
}

/// Returns a pattern of the signs that stand before a number. Codes need a blank, or they could be part of a word.
pub(super) fn before() -> String {
    joined(|currency| match currency.place {
        "before" => Some(regex::escape(currency.sign)),
        "both" => Some(format!(r"{}\s", regex::escape(currency.sign))),
        _ => None,
    })
}

/// Returns a pattern of the signs that stand behind a number.
pub(super) fn behind() -> String {
    joined(|currency| {
        let stands = matches!(currency.place, "after" | "both");
        stands.then(|| regex::escape(currency.sign))
    })
}

fn joined(pattern: impl Fn(&Currency) -> Option<String>) -> String {
    let patterns: Vec<String> = all().iter().filter_map(pattern).collect();
    patterns.join("|")
}

/// Takes the sign off an amount of money; returns the name of the currency, and the number.
pub(super) fn split(text: &str) -> Option<(&'static str, &str)> {
    all().iter().find_map(|currency| {
        let number = text.strip_prefix(currency.sign);
        let number = number.or_else(|| text.strip_suffix(currency.sign))?;
        Some((currency.name, number.trim()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        clean::clean,
        numbers::{SayAs, spell_out},
        table::lines,
    };

    #[test]
    fn every_row_is_said_as_its_example() {
        for [sign, name, place, example, said] in rows(CURRENCIES) {
            assert!(
                matches!(place, "before" | "after" | "both" | "markup"),
                "{sign}"
            );
            assert!(example.contains(sign) && said.ends_with(name), "{sign}");
            assert_eq!(
                SayAs::Currency.read(example, None).as_deref(),
                Some(said),
                "{sign}"
            );
            if place != "markup" {
                assert_eq!(spell_out(&clean(example)), said, "{sign}");
            }
            if place == "both" {
                assert_eq!(spell_out(&format!("{sign} 3.50")), said, "{sign}");
            }
        }
        assert_eq!(all().len(), lines(CURRENCIES).count());
    }
}
