//! Numbers and characters read as markup says, whatever stands around them.

mod amount;
mod moment;
mod named;

use self::{
    amount::{currency, number},
    moment::{date, time},
    named::{character, each, named},
};
use super::cardinal::{cardinal, digits};
use crate::clean::clean;

/// What a piece of text is.
///
/// ```
/// use mandarin::SayAs;
///
/// assert_eq!(SayAs::Telephone.read("110", None).as_deref(), Some("幺幺零"));
/// assert_eq!(SayAs::Cardinal.read("110", None).as_deref(), Some("一百一十"));
/// assert_eq!(SayAs::Cardinal.read("abc", None), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SayAs {
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

impl SayAs {
    /// All kinds and the names markup has for them.
    pub const NAMES: [(&str, Self); 12] = [
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
    #[must_use]
    pub const fn pattern(self) -> &'static str {
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

    /// Writes text of this kind as it is spoken, `|` where a phrase ends; or nothing if it is of another kind.
    #[must_use]
    pub fn read(self, text: &str, format: Option<&str>) -> Option<String> {
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
                ' ' | '-' | '(' | ')' => Some("|".to_owned()),
                '+' => Some("加".to_owned()),
                '*' => Some("星".to_owned()),
                '#' => Some("井".to_owned()),
                c => named(c),
            }),
            Self::Time => time(text),
        }
    }
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
            "加八六|幺三八|零零幺三|八零零零",
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
