//! Money, percentages and prices.

use super::{
    cardinal::{amount, counted},
    currency,
    rule::rules,
    unit,
};

/// A number with or without decimals.
const NUMBER: &str = r"\d+(?:\.\d+)?";

rules! {
    &format!(r"({NUMBER})\s?[-~—]+\s?({NUMBER})\s?%") => |found| {
        Some(format!("百分之{}到{}", amount(found.get(1)), amount(found.get(2))))
    },
    &format!(r"(-?)({NUMBER})\s?([%‰])(?:\s?[-~—]+\s?({NUMBER})\s?[%‰])?") => |found| {
        let of = if found.get(3) == "%" { "百分之" } else { "千分之" };
        let sign = if found.get(1).is_empty() { "" } else { "负" };
        let upper = if found.get(4).is_empty() { String::new() } else { format!("到{of}{}", amount(found.get(4))) };
        Some(format!("{sign}{of}{}{upper}", amount(found.get(2))))
    },
    &format!(r"(-?)({before})\s?(-?)({NUMBER})(?:\s?[-~—]+\s?({NUMBER}))?([百千万亿]*)(?:元|块)?", before = currency::before()) => |found| {
        let currency = currency::name(found.get(2).trim())?;
        let sign = if found.get(1).is_empty() && found.get(3).is_empty() { "" } else { "负" };
        let what = if found.get(6).is_empty() { currency } else { found.get(6) };
        let upper = if found.get(5).is_empty() { String::new() } else { format!("到{}", counted(short(found.get(5)), what)) };
        Some(format!("{sign}{}{upper}{}{currency}", counted(short(found.get(4)), what), found.get(6)))
    },
    &format!(r"({NUMBER})([百千万亿]*)\s?({behind})", behind = currency::behind()) => |found| {
        let currency = currency::name(found.get(3))?;
        let what = if found.get(2).is_empty() { currency } else { found.get(2) };
        (!found.after().is_ascii_alphabetic()).then(|| format!("{}{}{currency}", counted(short(found.get(1)), what), found.get(2)))
    },
    // Prices to the cent end in zeros that are not spoken.
    &format!(r"({NUMBER})(元|块)") => |found| {
        found.get(1).contains('.').then(|| format!("{}{}", counted(short(found.get(1)), found.get(2)), found.get(2)))
    },
    // A price or a speed per something.
    r"([元块万亿千百米克吨次])\s?/\s?(m\^?2|kg|km|L|[年月日天人次个只件台辆晚小公斤平吨米秒分])" => |found| {
        let per = unit::name(found.get(2)).unwrap_or_else(|| found.get(2).to_owned());
        Some(format!("{}每{per}", found.get(1)))
    },
}

/// Takes zeros off the end of decimals.
fn short(number: &str) -> &str {
    if number.contains('.') {
        number.trim_end_matches('0').trim_end_matches('.')
    } else {
        number
    }
}
