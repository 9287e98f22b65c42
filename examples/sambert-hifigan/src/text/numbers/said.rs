//! Numbers and characters read as markup says, whatever stands around them.

use super::{
    cardinal::{amount, cardinal, counted, digits},
    spell_out,
};
use crate::text::clean::clean;

/// What a piece of text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SayAs {
    /// An integer or a decimal that counts.
    Cardinal,
    /// Characters one by one, marks by their names.
    Characters,
    /// An amount of money.
    Currency,
    /// A day, or a part of its name.
    Date,
    /// Digits one by one.
    Digits,
    /// A name of digits and letters: an identity card, a code.
    Id,
    /// A place in an order.
    Ordinal,
    /// A telephone number.
    Telephone,
    /// A time of day.
    Time,
}

/// Names of currencies by their signs and codes.
const CURRENCIES: [(&str, &str); 15] = [
    ("¥", "元"),
    ("CNY", "元"),
    ("RMB", "元"),
    ("元", "元"),
    ("$", "美元"),
    ("USD", "美元"),
    ("美元", "美元"),
    ("€", "欧元"),
    ("EUR", "欧元"),
    ("£", "英镑"),
    ("GBP", "英镑"),
    ("HKD", "港元"),
    ("JPY", "日元"),
    ("KRW", "韩元"),
    ("TWD", "新台币"),
];

/// Names of marks.
const MARKS: [(char, &str); 22] = [
    ('.', "点"),
    (',', "逗号"),
    ('-', "杠"),
    ('_', "下划线"),
    ('/', "斜杠"),
    ('\\', "反斜杠"),
    (':', "冒号"),
    (';', "分号"),
    ('@', "艾特"),
    ('#', "井号"),
    ('*', "星号"),
    ('%', "百分号"),
    ('+', "加号"),
    ('=', "等号"),
    ('&', "和号"),
    ('!', "感叹号"),
    ('?', "问号"),
    ('(', "左括号"),
    (')', "右括号"),
    ('<', "小于号"),
    ('>', "大于号"),
    ('$', "美元符号"),
];

/// More digits than this are not counted by anyone.
const COUNTED_DIGITS: usize = 16;

impl SayAs {
    /// All kinds and the names markup has for them.
    pub(crate) const NAMES: [(&str, Self); 12] = [
        ("cardinal", Self::Cardinal),
        ("number", Self::Cardinal),
        ("ordinal", Self::Ordinal),
        ("digits", Self::Digits),
        ("telephone", Self::Telephone),
        ("id", Self::Id),
        ("characters", Self::Characters),
        ("spell-out", Self::Characters),
        ("verbatim", Self::Characters),
        ("date", Self::Date),
        ("time", Self::Time),
        ("currency", Self::Currency),
    ];

    /// Tells what the text of this kind looks like.
    pub(crate) const fn pattern(self) -> &'static str {
        match self {
            Self::Cardinal => "a number of at most 16 digits, such as -1,024.5",
            Self::Characters => "letters, digits, Chinese characters and common marks",
            Self::Currency => {
                "a number with a currency's sign or code, such as ¥12.50 or 12.50 USD"
            }
            Self::Date => {
                "a date such as 2024-05-01, 2024-05, 05-01 or 2024, in the order the format names"
            }
            Self::Digits => "digits, with points, blanks and hyphens between them",
            Self::Id => "digits and letters, with blanks and hyphens between them",
            Self::Ordinal => "an integer of at most 16 digits",
            Self::Telephone => "digits, with +, *, #, blanks, hyphens and parentheses",
            Self::Time => "a time such as 14:20, 14:20:15 or 2:20pm",
        }
    }

    /// Writes text of this kind as it is spoken, or nothing if it is of another kind.
    pub(crate) fn read(self, text: &str, format: Option<&str>) -> Option<String> {
        let text = clean(text);
        let text = text.trim();
        match self {
            Self::Cardinal => number(text),
            Self::Characters => each(text, character),
            Self::Currency => currency(text),
            Self::Date => date(text, format),
            Self::Digits => each(text, |c| match c {
                '.' => Some("点".to_owned()),
                ' ' | '-' => Some(String::new()),
                c => c.is_ascii_digit().then(|| digits(&c.to_string())),
            }),
            Self::Id => each(text, |c| match c {
                ' ' | '-' => Some(String::new()),
                c if c.is_ascii_alphabetic() => Some(format!(" {c} ")),
                c => named(c),
            }),
            Self::Ordinal => number(text)
                .filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()))
                .map(|_| format!("第{}", cardinal(text))),
            Self::Telephone => each(text, |c| match c {
                ' ' | '-' | '(' | ')' => Some(" ".to_owned()),
                '+' => Some("加".to_owned()),
                '*' => Some("星".to_owned()),
                '#' => Some("井".to_owned()),
                c => named(c),
            }),
            Self::Time => time(text),
        }
    }
}

/// Reads characters one by one; nothing if there are none with a sound.
fn each(text: &str, read: impl Fn(char) -> Option<String>) -> Option<String> {
    let spoken: String = text.chars().map(read).collect::<Option<_>>()?;
    (!spoken.trim().is_empty()).then_some(spoken)
}

/// Reads a digit with the one that is not mistaken for a seven.
fn named(c: char) -> Option<String> {
    c.is_ascii_digit()
        .then(|| digits(&c.to_string()).replace('一', "幺"))
}

fn character(c: char) -> Option<String> {
    if let Some((_, name)) = MARKS.iter().find(|(mark, _)| *mark == c) {
        return Some(format!(" {name} "));
    }
    // Blanks keep letters from becoming a word, and characters too.
    match c {
        c if c.is_whitespace() => Some(" ".to_owned()),
        c if c.is_alphanumeric() => Some(format!(" {} ", digits(&c.to_string()))),
        _ => None,
    }
}

fn number(text: &str) -> Option<String> {
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

fn currency(text: &str) -> Option<String> {
    let (name, number) = CURRENCIES.iter().find_map(|(sign, name)| {
        let number = text
            .strip_prefix(sign)
            .or_else(|| text.strip_suffix(sign))?;
        Some((*name, number.trim()))
    })?;
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

/// Reads year, month and day, or some of them, in the order that the format has.
fn date(text: &str, format: Option<&str>) -> Option<String> {
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

fn time(text: &str) -> Option<String> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(kind: &str, text: &str, words: &str) {
        let (_, kind) = SayAs::NAMES
            .into_iter()
            .find(|(name, _)| *name == kind)
            .unwrap();
        let spoken = kind.read(text, None).unwrap_or_default();
        let spoken: Vec<_> = spoken.split_whitespace().collect();
        assert_eq!(spoken.join(" "), words, "{text}");
    }

    #[test]
    fn each_kind_has_its_reading() {
        check("cardinal", "2024", "两千零二十四");
        check("cardinal", "-1,024.50", "负一千零二十四点五零");
        check("cardinal", "１２", "十二");
        check("ordinal", "21", "第二十一");
        check("digits", "2024", "二零二四");
        check("digits", "1-2.5", "一二点五");
        check(
            "telephone",
            "+86 138-0013-8000",
            "加八六 幺三八 零零幺三 八零零零",
        );
        check("telephone", "*100#", "星幺零零井");
        check("id", "AB-1024", "A B 幺零二四");
        check("characters", "a1.中", "a 一 点 中");
        check("verbatim", "x_y", "x 下划线 y");
        check("date", "2024-05-01", "二零二四年五月一日");
        check("date", "2024/12", "二零二四年十二月");
        check("date", "5月20日", "五月二十日");
        check("date", "1999", "一九九九年");
        check("time", "14:20", "十四点二十分");
        check("time", "2:05:09 PM", "下午两点零五分零九秒");
        check("currency", "¥12.50", "十二点五元");
        check("currency", "20 USD", "二十美元");
        check("currency", "2元", "两元");
    }

    #[test]
    fn the_format_says_which_part_of_a_date_is_which() {
        let read = |text, format| SayAs::Date.read(text, Some(format));
        assert_eq!(read("05/01/2024", "mdy").unwrap(), "二零二四年五月一日");
        assert_eq!(read("01.05.24", "dmy").unwrap(), "二四年五月一日");
        assert_eq!(read("13", "m"), None);
        assert_eq!(read("2024-05", "ymd"), None);
    }

    #[test]
    fn what_is_of_another_kind_has_no_reading() {
        for (kind, texts) in [
            (
                SayAs::Cardinal,
                &["", "abc", "1,02", "1.2.3", "12345678901234567", "-", "1 2"][..],
            ),
            (SayAs::Ordinal, &["-1", "1.5", ""]),
            (SayAs::Digits, &["", "-", "1a"]),
            (SayAs::Telephone, &["110a", " "]),
            (SayAs::Id, &["一", "a.b"]),
            (SayAs::Characters, &["", "🙂"]),
            (
                SayAs::Date,
                &[
                    "2024-13-01",
                    "2024-00-01",
                    "5",
                    "2024-5-1-1",
                    "99999",
                    "五月",
                ],
            ),
            (
                SayAs::Time,
                &[
                    "25:00",
                    "12:60",
                    "12",
                    "13:00pm",
                    "1:2",
                    "12:00:00:00",
                    "-1:00",
                ],
            ),
            (SayAs::Currency, &["12", "¥", "$1$", "¥1,2", "12 XYZ"]),
        ] {
            for text in texts {
                assert_eq!(kind.read(text, None), None, "{kind:?} {text:?}");
            }
        }
    }
}
