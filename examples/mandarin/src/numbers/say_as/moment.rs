//! Dates and times of day.

use crate::numbers::{
    cardinal::{cardinal, digits},
    spell_out,
};

/// Reads year, month and day, or some of them, in the order that the format has.
pub(super) fn date(text: &str, format: Option<&str>) -> Option<String> {
    let separator = |c| "-/.年月日号 ".contains(c);
    if !text.chars().all(|c| c.is_ascii_digit() || separator(c)) {
        return None;
    }
    let parts: Vec<&str> = text
        .split(separator)
        .filter(|part| !part.is_empty())
        .collect();
    let format = format.or(match *parts.as_slice() {
        [year, _, _] if year.len() == 4 => Some("ymd"),
        [year, _] if year.len() == 4 => Some("ym"),
        [_, _] => Some("md"),
        [year] if year.len() == 4 => Some("y"),
        _ => None,
    })?;
    if format.len() != parts.len() {
        return None;
    }
    let part = |letter: char| format.find(letter).and_then(|at| parts.get(at)).copied();
    let within = |part: &&str, last: u8| {
        part.parse()
            .is_ok_and(|number: u8| (1..=last).contains(&number))
    };
    let mut spoken = String::new();
    if let Some(year) = part('y') {
        let year = Some(year).filter(|year| matches!(year.len(), 2 | 4))?;
        spoken += &format!("{}年", digits(year));
    }
    if let Some(month) = part('m') {
        spoken += &format!(
            "{}月",
            cardinal(Some(month).filter(|part| within(part, 12))?)
        );
    }
    if let Some(day) = part('d') {
        spoken += &format!("{}日", cardinal(Some(day).filter(|part| within(part, 31))?));
    }
    Some(spoken)
}

pub(super) fn time(text: &str) -> Option<String> {
    let small = text.to_ascii_lowercase();
    let (half, clock) = match (small.strip_suffix("am"), small.strip_suffix("pm")) {
        (Some(clock), _) => ("上午", clock.trim_end()),
        (_, Some(clock)) => ("下午", clock.trim_end()),
        _ => ("", small.as_str()),
    };
    let parts: Vec<&str> = clock.split(':').collect();
    let (hour, rest) = parts.split_first()?;
    let number = |part: &str, last: u8| {
        let two_digits = matches!(part.len(), 1 | 2) && part.bytes().all(|b| b.is_ascii_digit());
        two_digits && part.parse::<u8>().is_ok_and(|number| number <= last)
    };
    let last_hour = if half.is_empty() { 24 } else { 12 };
    let fits = number(hour, last_hour)
        && matches!(rest.len(), 1 | 2)
        && rest.iter().all(|part| part.len() == 2 && number(part, 59));
    fits.then(|| format!("{half}{}", spell_out(clock)))
}
