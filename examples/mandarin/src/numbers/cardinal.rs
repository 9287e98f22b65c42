//! Numbers that count.

use super::{measure::is_measure, rule::rules};

const DIGITS: [char; 10] = ['零', '一', '二', '三', '四', '五', '六', '七', '八', '九'];

rules! {
    // Versions and other numbers with several points, then decimals.
    r"\d+(?:\.\d+){2,}" => |found| {
        let parts: Vec<_> = found.get(0).split('.').map(cardinal).collect();
        Some(parts.join("点"))
    },
    r"(\d+)\.(\d+)" => |found| Some(amount(found.get(0))),
    r"\d+" => |found| {
        let named = found.before() == '第' || found.before().is_ascii_alphabetic();
        Some(if named { cardinal(found.get(0)) } else { counted(found.get(0), found.rest()) })
    },
}

/// Reads digits one by one.
pub(super) fn digits(number: &str) -> String {
    number
        .chars()
        .map(|c| {
            c.to_digit(10)
                .and_then(|d| DIGITS.get(d as usize))
                .copied()
                .unwrap_or(c)
        })
        .collect()
}

/// Reads digits one by one, with the one that is not mistaken for a seven.
pub(super) fn by_name(number: &str) -> String {
    digits(number).replace('一', "幺")
}

/// Reads a number with or without decimals.
pub(super) fn amount(number: &str) -> String {
    match number.split_once('.') {
        Some((whole, decimals)) => format!("{}点{}", cardinal(whole), digits(decimals)),
        None => cardinal(number),
    }
}

/// Reads a number before what it counts: two things are 两.
pub(super) fn counted(number: &str, what: &str) -> String {
    if number == "2" && is_measure(what) {
        "两".to_owned()
    } else {
        amount(number)
    }
}

/// Reads an integer.
pub(super) fn cardinal(number: &str) -> String {
    let trimmed = number.trim_start_matches('0');
    if trimmed.is_empty() {
        return "零".to_owned();
    }
    let Ok(value) = trimmed.parse::<u64>() else {
        return digits(number);
    };
    if value >= 10_000_000_000_000_000 {
        return digits(number);
    }
    let spoken = large(value);
    let spoken = spoken
        .strip_prefix("一十")
        .map_or_else(|| spoken.clone(), |rest| format!("十{rest}"));
    // Great numbers begin with 两; inside them two stays 二.
    match spoken.strip_prefix('二') {
        Some(rest) if rest.starts_with(['百', '千', '万', '亿']) => format!("两{rest}"),
        _ => spoken,
    }
}

/// Reads by groups of four digits.
fn large(value: u64) -> String {
    for (unit, name) in [(1_0000_0000, "亿"), (1_0000, "万")] {
        if value >= unit {
            let (above, below) = (value / unit, value % unit);
            let gap = if below > 0 && below < unit / 10 {
                "零"
            } else {
                ""
            };
            let below = if below > 0 {
                large(below)
            } else {
                String::new()
            };
            return format!("{}{name}{gap}{below}", large(above));
        }
    }
    small(value)
}

/// Reads up to four digits.
fn small(value: u64) -> String {
    let mut spoken = String::new();
    let mut gap = false;
    for (unit, name) in [(1000, "千"), (100, "百"), (10, "十"), (1, "")] {
        let digit = value / unit % 10;
        if digit == 0 {
            gap = !spoken.is_empty();
            continue;
        }
        if gap {
            spoken.push('零');
        }
        gap = false;
        spoken.extend(DIGITS.get(digit as usize));
        spoken.push_str(name);
    }
    spoken
}
