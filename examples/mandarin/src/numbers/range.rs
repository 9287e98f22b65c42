//! Ranges, differences and fractions, while the units still stand behind them.

use super::{
    cardinal::{amount, counted},
    rule::rules,
};

/// A number with or without decimals.
const NUMBER: &str = r"\d+(?:\.\d+)?";

rules! {
    // Two pressures of the blood are no fraction.
    r"(血压\D{0,4})(\d{2,3})/(\d{2,3})" => |found| Some(format!("{}{}、{}", found.get(1), found.get(2), found.get(3))),
    r"(\d{2,3})/(\d{2,3})(\s?mmHg)" => |found| {
        found.is_whole_number().then(|| format!("{}、{}{}", found.get(1), found.get(2), found.get(3)))
    },
    // Around the clock and the week.
    r"24/7" => |found| found.is_whole_number().then(|| "二十四七".to_owned()),
    &format!(r"({NUMBER})\s?-\s?({NUMBER})\s?=") => |found| {
        Some(format!("{}减{}=", amount(found.get(1)), amount(found.get(2))))
    },
    // The second number is left to the rules below, with the unit behind it.
    &format!(r"(-?)({NUMBER})\s?([-~]|—+|~-)\s?({NUMBER})") => |found| {
        let signed = !found.get(1).is_empty();
        let free = !matches!(found.before(), '0'..='9' | 'A'..='Z' | 'a'..='z' | '-' | '^' | '.') && found.after() != '-';
        let below = if found.rest().trim_start().starts_with('°') { "零下" } else { "负" };
        let sign = if signed { below } else { "" };
        let upper = if found.get(3) == "~-" { below } else { "" };
        (free && !(signed && found.get(3) == "-")).then(|| {
            let what = found.rest();
            format!("{sign}{}到{upper}{}", counted(found.get(2), what), found.get(4))
        })
    },
    r"(\d+)\s?/\s?(\d+)" => |found| {
        found.is_whole_number().then(|| format!("{}分之{}", amount(found.get(2)), amount(found.get(1))))
    },
}
