//! Dates, times of day, scores.

use super::{
    cardinal::{amount, cardinal, counted, digits},
    number_words::pattern,
    rule::{Match, rules},
};

rules! {
    r"(\d{4}|\d{2})([-/.])(\d{1,2})([-/.])(\d{1,2})" => |found| {
        // With points, two digits of a year look like a version.
        let same = found.get(2) == found.get(4) && (found.get(1).len() == 4 || found.get(2) != ".");
        (same && found.is_whole_number() && !is_letter(found.before()))
            .then(|| date(found.get(1), found.number(3)?, found.number(5)))?
    },
    r"((?:19|20)\d{2})(\d{2})(\d{2})" => |found| {
        (found.is_whole_number() && !is_letter(found.before()))
            .then(|| date(found.get(1), found.number(2)?, found.number(3)))?
    },
    r"((?:19|20)\d{2})[-/](0[1-9]|1[0-2])" => |found| {
        (found.is_whole_number() && !found.rest().starts_with(['赛', '学', '年']))
            .then(|| date(found.get(1), found.number(2)?, None))?
    },
    // A fraction has no zeros in front.
    r"(0\d|1[0-2])/([0-3]\d)" => |found| {
        let day = found.get(1).starts_with('0') || found.get(2).starts_with('0');
        (day && found.is_whole_number()).then(|| day_of(found.number(1)?, found.number(2)))?
    },
    r"(\d{1,2})[-~](\d{1,2})(月|日|号)" => |found| {
        let number = |group| cardinal(found.get(group));
        found.is_whole_number().then(|| format!("{}到{}{}", number(1), number(2), found.get(3)))
    },
    &format!(r"(\d{{4}})[-/](\d{{2}})({})", pattern("season")) => |found| {
        Some(format!("{}到{}{}", digits(found.get(1)), digits(found.get(2)), found.get(3)))
    },
    r"(\d{3,4})(年?)\s?(?:[-~]|—+)\s?(\d{3,4})(年|学年|赛季|财年)" => |found| {
        Some(format!("{}{}到{}{}", digits(found.get(1)), found.get(2), digits(found.get(3)), found.get(4)))
    },
    r"(\d{4})(年)(前|后|来|间|以|历史|的历史|之)?" => |found| {
        let number = found.number(1)?;
        let span = !found.get(3).is_empty() && (number % 1000 == 0 || !(1000..2200).contains(&number));
        let free = !found.before().is_ascii_digit() && found.before() != '.';
        (free && !span).then(|| format!("{}年{}", digits(found.get(1)), found.get(3)))
    },
    r"(公元前?)(\d{3})年" => |found| Some(format!("{}{}年", found.get(1), digits(found.get(2)))),
    // Two digits are a year if they are one of the last century, or begin with zero.
    r"'?(0\d|[6-9][1-9])年" => |found| {
        let span = found.rest().starts_with(['代', '前', '后', '来', '间', '以', '历', '的', '多', '了']);
        let free = !matches!(found.before(), '0'..='9' | '.' | '第');
        (free && !span).then(|| format!("{}年", digits(found.get(1))))
    },
    // Scores are named as such before or behind them; what else looks like a time of day is one.
    &format!(r"({})([是为到成]?\s?)(\d{{1,3}})[:-](\d{{1,3}})", pattern("score-before")) => |found| {
        let [ours, theirs] = [3, 4].map(|group| cardinal(found.get(group)));
        found.is_whole_number().then(|| format!("{}{}{ours}比{theirs}", found.get(1), found.get(2)))
    },
    &format!(r"(\d{{1,3}})[:-](\d{{1,3}})({})", pattern("score-behind")) => |found| {
        Some(format!("{}比{}{}", cardinal(found.get(1)), cardinal(found.get(2)), found.get(3)))
    },
    r"(\d{1,2}):(\d{2})(?::(\d{2}))?(?:\s?(?i:([ap])\.?m(?-u:\b)\.?))?" => |found| {
        let free = !matches!(found.before(), '0'..='9' | ':') && !matches!(found.after(), '0'..='9' | ':');
        free.then(|| time(found))?
    },
    r"([点分秒日月年号时周午晚刻半])\s?(?:[-~]|—+)\s?([一二三四五六七八九十两零周上下中晚\d])" => |found| {
        Some(format!("{}到{}", found.get(1), found.get(2)))
    },
    r"([一二三四五六日])\s?(?:[-~]|—+)\s?(周|星期)" => |found| Some(format!("{}到{}", found.get(1), found.get(2))),
    r"(\d+(?:\.\d+)?):(\d+(?:\.\d+)?)" => |found| Some(format!("{}比{}", amount(found.get(1)), amount(found.get(2)))),
    r"(\d{1,2})\s?(?i:([ap])\.?m(?-u:\b))" => |found| {
        let half = if found.get(2).eq_ignore_ascii_case("a") { "上午" } else { "下午" };
        Some(format!("{half}{}点", counted(found.get(1), "点")))
    },
}

const fn is_letter(c: char) -> bool {
    c.is_ascii_alphabetic()
}

/// Writes a date, if it is one; the day may be missing.
fn date(year: &str, month: u64, day: Option<u64>) -> Option<String> {
    Some(format!("{}年{}", digits(year), day_of(month, day)?))
}

fn day_of(month: u64, day: Option<u64>) -> Option<String> {
    let valid = (1..=12).contains(&month) && day.is_none_or(|day| (1..=31).contains(&day));
    let day = day.map_or(String::new(), |day| {
        format!("{}日", cardinal(&day.to_string()))
    });
    valid.then(|| format!("{}月{day}", cardinal(&month.to_string())))
}

fn time(found: &Match<'_>) -> Option<String> {
    let (hour, minute) = (found.number(1)?, found.number(2)?);
    if hour > 24 || minute > 59 {
        return None;
    }
    let half = match found.get(4) {
        "a" | "A" => "上午",
        "p" | "P" => "下午",
        _ => "",
    };
    let part = |number: u64, unit: &str| match number {
        0 => String::new(),
        1..=9 => format!("零{}{unit}", cardinal(&number.to_string())),
        _ => format!("{}{unit}", cardinal(&number.to_string())),
    };
    let hour = counted(&hour.to_string(), "点");
    let second = found.number(3).unwrap_or(0);
    Some(format!(
        "{half}{hour}点{}{}",
        part(minute, "分"),
        part(second, "秒")
    ))
}
