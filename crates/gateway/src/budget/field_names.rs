//! Names of fields in a query, a form or a JSON object, as servers of all kinds read them.
//!
//! Servers differ in which name is `text`. What some server could take for the name of a field is found here, so that it
//! is counted or refused:
//!
//! | written | who takes it for `text` |
//! |---|---|
//! | `Text`, `te\u{17F}t` | parsers that compare without case |
//! | `text[]`, `text[a]`, `text.a` | parsers that make lists and objects of names |
//! | ` text`, `text\0x`, `\u{FEFF}text` | parsers that trim, end at a zero byte, or drop a byte order mark |
//! | `my.text`, `my text`, `my[text` for `my_text` | parsers that make names of variables |

use std::borrow::Cow;

use palisade_internal::percent;

use crate::json_text::fold_name;

/// The longest name of a model.
const LONGEST_MODEL: usize = 200;
/// Fields by which some servers, such as routers, use another model than `model`.
const FURTHER_MODELS: [&str; 8] = [
    "content_policy_fallbacks",
    "context_window_fallback_dict",
    "context_window_fallbacks",
    "default_fallbacks",
    "fallbacks",
    "model_list",
    "models",
    "route",
];

/// How the name of a field compares with a wanted one.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum NameMatch {
    /// Every letter is the same.
    Exact,
    /// Some servers take it for the wanted one, but may read the value in another way.
    Near,
    /// No server takes it for the wanted one.
    Other,
    /// Only the case of letters differs.
    OtherCase,
}

impl NameMatch {
    /// Compares two names.
    pub(super) fn of(written: &str, wanted: &str) -> Self {
        if written == wanted {
            return Self::Exact;
        }
        let is_plain = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-');
        if written.len() != wanted.len() && written.bytes().all(is_plain) {
            return Self::Other;
        }
        let (folded, wanted) = (fold_name(written), fold_name(wanted));
        let visible: String = folded.chars().filter(|it| !is_dropped(*it)).collect();
        let is_base = |name: &str| {
            let end = name.find(['[', ']', '.']).unwrap_or(name.len());
            name.get(..end) == Some(wanted.as_str())
        };
        let before_zero = folded.split('\0').next().unwrap_or_default();
        let variable = folded.trim_start().replace([' ', '.', '['], "_");
        match folded == wanted {
            true => Self::OtherCase,
            false if is_base(&visible) || before_zero == wanted || variable == wanted => Self::Near,
            false => Self::Other,
        }
    }
}

/// Returns whether a field names further models, which some servers use in place of `model`.
pub(super) fn names_further_models(name: &str) -> bool {
    let is_it = |known: &&str| NameMatch::of(name, known) != NameMatch::Other;
    FURTHER_MODELS.iter().any(is_it)
}

/// Returns whether a text can be the name of a model: some servers end it at a zero byte.
pub(super) fn is_model_name(text: &str) -> bool {
    text.len() <= LONGEST_MODEL && !text.contains(char::is_control)
}

/// Returns the pairs of a query or form. Some servers separate them by `;` too, so a pair with `;` is there whole, and each
/// of its further parts again.
pub(super) fn all_pairs(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    let parts = pairs.flat_map(|pair| std::iter::once(pair).chain(pair.split(';').skip(1)));
    parts.map(percent::split_pair)
}

/// Returns whether a query has a field that some server takes for this one, also if its name cannot be decoded.
pub(super) fn has_field(query: &str, wanted: &str) -> bool {
    all_pairs(query).any(|(name, _)| {
        let name = match percent::decode_form(name) {
            Cow::Borrowed(name) => String::from_utf8_lossy(name).into_owned(),
            Cow::Owned(name) => String::from_utf8_lossy(&name).into_owned(),
        };
        NameMatch::of(&name, wanted) != NameMatch::Other
    })
}

/// Returns whether parsers drop a letter, or read a name with it as one without it.
fn is_dropped(letter: char) -> bool {
    let is_invisible = matches!(
        letter,
        '\u{AD}' | '\u{200B}'..='\u{200F}' | '\u{2060}'..='\u{2064}' | '\u{FEFF}' | '\u{FFFD}'
    );
    is_invisible || letter.is_control() || letter.is_whitespace()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(written: &str, wanted: &str, expected: NameMatch) {
        assert_eq!(NameMatch::of(written, wanted), expected, "{written:?}");
    }

    #[test]
    fn names_that_some_server_takes_for_another_are_near() {
        check("text", "text", NameMatch::Exact);
        check("TeXt", "text", NameMatch::OtherCase);
        check("\u{17F}peech", "speech", NameMatch::OtherCase);
        let near = [
            "text[]",
            "text[a]",
            "text]",
            "text.a",
            " text",
            "text ",
            "text\0a",
            "\u{FEFF}text",
            "\u{FFFD}text",
            "te\u{FFFD}xt",
            "Text[0]",
            "te\u{200B}xt",
        ];
        for name in near {
            check(name, "text", NameMatch::Near);
        }
        for name in ["my.text", "my text", "my[text", " my.text"] {
            check(name, "my_text", NameMatch::Near);
        }
        for name in [
            "text_lang",
            "texts",
            "prompt_text",
            "tex",
            "",
            "a[text]",
            "text-id",
        ] {
            check(name, "text", NameMatch::Other);
        }
    }

    #[test]
    fn a_pair_with_semicolons_is_read_in_both_ways() {
        let pairs: Vec<_> = all_pairs("a=1;text=b;c&&d").collect();
        assert_eq!(
            pairs,
            [("a", "1;text=b;c"), ("text", "b"), ("c", ""), ("d", "")]
        );
        assert!(has_field("a=1;te%FFxt=b", "text"));
        assert!(has_field("%EF%BB%BFtext=b", "text"));
        assert!(!has_field("texts=b&a[text]=c", "text"));
    }
}
