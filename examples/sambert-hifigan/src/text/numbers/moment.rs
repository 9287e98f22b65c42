//! Dates, times of day, scores.

use super::{
    cardinal::{cardinal, counted, digits},
    rule::{Found, rules},
};

rules! {
    r"(^|\D)(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})($|[^\d.])" => |found| {
        let (month, day) = (found.number(3)?, found.number(4)?);
        ((1..=12).contains(&month) && (1..=31).contains(&day)).then(|| {
            let (year, month, day) = (digits(found.get(2)), cardinal(found.get(3)), cardinal(found.get(4)));
            format!("{}{year}年{month}月{day}日{}", found.get(1), found.get(5))
        })
    },
    r"(\d{4})/(\d{2})(赛季|年度|学年)" => |found| {
        Some(format!("{}到{}{}", digits(found.get(1)), digits(found.get(2)), found.get(3)))
    },
    r"(\d{3,4})(年?)\s?(?:[-~]|—+)\s?(\d{3,4})年" => |found| {
        Some(format!("{}{}到{}年", digits(found.get(1)), found.get(2), digits(found.get(3))))
    },
    r"(^|\D)(\d{4})(年)(前|后|来|间|以|历史|的历史|之)?" => |found| {
        let number = found.number(2)?;
        let span = !found.get(4).is_empty() && (number % 1000 == 0 || !(1000..2200).contains(&number));
        (!span).then(|| format!("{}{}年{}", found.get(1), digits(found.get(2)), found.get(4)))
    },
    r"(^|[^\d:])(\d{1,2}):(\d{2})(?::(\d{2}))?($|[^\d:])" => |found| {
        Some(format!("{}{}{}", found.get(1), time(found)?, found.get(5)))
    },
    // Where two times follow each other, the first replacement took the mark between them.
    r"(^|[^\d:])(\d{1,2}):(\d{2})(?::(\d{2}))?($|[^\d:])" => |found| {
        Some(format!("{}{}{}", found.get(1), time(found)?, found.get(5)))
    },
    r"([点分秒日月年])\s?(?:[-~]|—+)\s?([一二三四五六七八九十两零\d])" => |found| {
        Some(format!("{}到{}", found.get(1), found.get(2)))
    },
    r"(\d+):(\d+)" => |found| Some(format!("{}比{}", cardinal(found.get(1)), cardinal(found.get(2)))),
}

fn time(found: &Found<'_>) -> Option<String> {
    let (hour, minute) = (found.number(2)?, found.number(3)?);
    if hour > 24 || minute > 59 {
        return None;
    }
    let part = |number: u64, unit: &str| match number {
        0 => String::new(),
        1..=9 => format!("零{}{unit}", cardinal(&number.to_string())),
        _ => format!("{}{unit}", cardinal(&number.to_string())),
    };
    let hour = counted(&hour.to_string(), "点");
    let second = found.number(4).unwrap_or(0);
    Some(format!(
        "{hour}点{}{}",
        part(minute, "分"),
        part(second, "秒")
    ))
}
