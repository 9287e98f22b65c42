//! The strings of a JSON document that arrives in chunks, cleaned at their places.
//!
//! Names of members, numbers and words are not changed where JSON has them. From the first place that is
//! not JSON, all that is outside of quotation marks is a text, and every string is a value. A string that
//! is not changed stays byte for byte, up to 16 KiB; a longer one is written anew in pieces.

use memchr::{memchr, memchr3};

use super::cleaning::TextCleaning;
use super::hold::LONGEST_HELD;
use super::json_values::{is_space, is_word, repeats_text};
use super::response_text::ResponseText;
use crate::json_string::{complete_length, decode_lossy, push_escaped};

/// The most levels that are followed. What is below is cleaned as if it were not JSON.
const DEEPEST: usize = 4096;

/// The longest number. A longer one is cleaned as text.
const LONGEST_WORD: usize = 1024;

/// A longer name of a member is not compared.
const LONGEST_NAME: usize = 128;

/// Cleans the strings of one document after another.
#[derive(Debug, Default)]
pub(super) struct JsonStrings {
    /// The open brackets; true is an object.
    open: Vec<bool>,
    next: Next,
    place: Place,
    /// The name of the last member, at most [`LONGEST_NAME`] bytes and a part.
    name: String,
    /// The level of the member that repeats a text, while it is left out.
    left_out: Option<usize>,
    /// The number or word so far, with the white space behind it.
    word: String,
    /// What is outside of quotation marks, if the document is not JSON.
    between: Option<Box<ResponseText<'static>>>,
    /// Whether the next character belongs to an escape.
    escaped: bool,
    /// The string so far, with its escapes.
    raw: String,
    /// The text of a string that is too long to be held.
    long: Option<ResponseText<'static>>,
}

/// Where the next character is.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Place {
    Name,
    #[default]
    Outside,
    Value,
}

/// What JSON has next.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
enum Next {
    #[default]
    Value,
    Name,
    Colon,
    /// A comma or a closing bracket.
    Comma,
}

impl JsonStrings {
    /// Takes a part of the document and writes what is certain.
    pub(super) fn push(&mut self, part: &str, cleaning: &mut TextCleaning, out: &mut String) {
        let mut rest = part;
        let mut dropped = String::new();
        while !rest.is_empty() {
            let out = match self.left_out.is_some() && self.between.is_none() {
                true => &mut dropped,
                false => &mut *out,
            };
            let length = match self.place {
                Place::Outside => self.take_outside(rest, cleaning, out),
                Place::Name | Place::Value => self.take_string(rest, cleaning, out),
            };
            dropped.clear();
            rest = rest.get(length..).unwrap_or_default();
        }
        if self.raw.len() > LONGEST_HELD {
            let is_dropped = self.left_out.is_some() && self.between.is_none();
            self.release_piece(cleaning, if is_dropped { &mut dropped } else { out });
        }
    }

    /// Writes what was held back: the document ended inside of a string.
    pub(super) fn finish(&mut self, cleaning: &mut TextCleaning, out: &mut String) {
        let mut dropped = String::new();
        let is_dropped = self.left_out.is_some() && self.between.is_none();
        let out = if is_dropped { &mut dropped } else { out };
        if self.place != Place::Outside {
            self.end_string(cleaning, out);
        }
        self.end_word(cleaning, out);
        self.end_between(cleaning, out);
        *self = Self::default();
    }

    /// Takes what is outside of strings, up to a sign of JSON. Returns how many bytes were read.
    fn take_outside(&mut self, rest: &str, cleaning: &mut TextCleaning, out: &mut String) -> usize {
        if self.between.is_some() {
            return self.take_between(rest, cleaning, out);
        }
        let sign = rest.find(['{', '}', '[', ']', ',', ':', '"']);
        let (word, behind) = rest
            .split_at_checked(sign.unwrap_or(rest.len()))
            .unwrap_or_default();
        self.word.push_str(word);
        let is_blank = self.word.bytes().all(is_space);
        if sign.is_some() || is_blank || self.word.len() > LONGEST_WORD {
            self.end_word(cleaning, out);
        }
        let Some(sign) = behind.bytes().next().filter(|_| self.between.is_none()) else {
            return word.len();
        };
        let is_opening = matches!(sign, b'{' | b'[');
        let is_repeat = is_opening && self.is_member() && cleaning.masks();
        match self.take_sign(sign) {
            true if is_repeat && self.left_out.is_none() && repeats_text(&self.name) => {
                self.left_out = Some(self.open.len());
                cleaning.count_emptied();
                out.push_str("null");
            }
            true if matches!(sign, b'}' | b']') && self.left_out == Some(self.open.len() + 1) => {
                self.left_out = None;
            }
            true => out.push(char::from(sign)),
            false => {
                self.place = Place::Outside;
                self.break_off(cleaning);
            }
        }
        // A sign that is not JSON is read again, as text.
        word.len() + usize::from(self.between.is_none())
    }

    /// Tells whether what is next is the value of a member.
    fn is_member(&self) -> bool {
        self.next == Next::Value && self.open.last() == Some(&true)
    }

    /// Writes the number or word that is complete.
    fn end_word(&mut self, cleaning: &mut TextCleaning, out: &mut String) {
        let word = std::mem::take(&mut self.word);
        let content = word.trim_matches(|c| u8::try_from(c).is_ok_and(is_space));
        if content.is_empty() {
            return out.push_str(&word);
        }
        if self.next == Next::Value && word.len() <= LONGEST_WORD && is_word(content) {
            self.next = self.behind_value();
            return out.push_str(&word);
        }
        self.break_off(cleaning);
        self.take_between(&word, cleaning, out);
    }

    /// Goes on as with a text.
    fn break_off(&mut self, cleaning: &TextCleaning) {
        self.between
            .get_or_insert_with(|| Box::new(cleaning.text(false)));
    }

    /// Takes a text up to a quotation mark. Returns how many bytes were read.
    fn take_between(&mut self, rest: &str, cleaning: &mut TextCleaning, out: &mut String) -> usize {
        let end = memchr(b'"', rest.as_bytes());
        let content = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
        if let Some(between) = &mut self.between {
            out.push_str(&between.push(content));
        }
        if end.is_some() {
            self.end_between(cleaning, out);
            out.push('"');
            self.place = Place::Value;
        }
        content.len() + usize::from(end.is_some())
    }

    /// Writes what is held back of the text outside.
    fn end_between(&mut self, cleaning: &mut TextCleaning, out: &mut String) {
        if let Some(between) = &mut self.between {
            out.push_str(&between.finish());
            cleaning.count(between);
        }
    }

    /// Follows a bracket, a comma, a colon or a quotation mark. Returns whether JSON has it here.
    fn take_sign(&mut self, sign: u8) -> bool {
        let is_in_object = self.open.last() == Some(&true);
        let (is_right, next) = match sign {
            b'{' | b'[' => {
                let is_right = self.next == Next::Value && self.open.len() < DEEPEST;
                self.open.push(sign == b'{');
                (
                    is_right,
                    if sign == b'{' {
                        Next::Name
                    } else {
                        Next::Value
                    },
                )
            }
            b'}' | b']' => {
                let is_right = self.open.pop() == Some(sign == b'}');
                (is_right, self.behind_value())
            }
            b',' if is_in_object => (self.next == Next::Comma, Next::Name),
            b',' => (self.next == Next::Comma, Next::Value),
            b':' => (self.next == Next::Colon, Next::Value),
            _ if self.next == Next::Name => {
                self.place = Place::Name;
                self.name.clear();
                (true, Next::Colon)
            }
            _ => {
                self.place = Place::Value;
                (self.next == Next::Value, self.behind_value())
            }
        };
        self.next = next;
        is_right
    }

    /// What follows a value. Behind a document another one may follow.
    fn behind_value(&self) -> Next {
        match self.open.is_empty() {
            true => Next::Value,
            false => Next::Comma,
        }
    }

    /// Takes characters of a string. Returns how many bytes were read.
    fn take_string(&mut self, rest: &str, cleaning: &mut TextCleaning, out: &mut String) -> usize {
        if std::mem::take(&mut self.escaped) {
            let first = rest.chars().next().map_or(0, char::len_utf8);
            self.take_characters(rest.get(..first).unwrap_or_default(), out);
            return first;
        }
        // A line end cannot be in a string, so it ends one that was never closed.
        let end = memchr3(b'"', b'\\', b'\n', rest.as_bytes());
        let content = rest.get(..end.unwrap_or(rest.len())).unwrap_or_default();
        self.take_characters(content, out);
        let sign = end.and_then(|end| rest.get(end..=end));
        match sign {
            Some("\\") => {
                self.escaped = true;
                self.take_characters("\\", out);
            }
            Some(end) => {
                self.end_string(cleaning, out);
                out.push_str(end);
                if end == "\n" {
                    self.break_off(cleaning);
                }
            }
            None => {}
        }
        content.len() + sign.map_or(0, str::len)
    }

    /// Names are copied, values are held until they are complete.
    fn take_characters(&mut self, characters: &str, out: &mut String) {
        match self.place {
            Place::Value => self.raw.push_str(characters),
            Place::Name | Place::Outside => {
                if self.name.len() < LONGEST_NAME {
                    self.name.push_str(characters);
                }
                out.push_str(characters);
            }
        }
    }

    /// Writes a string that is complete.
    fn end_string(&mut self, cleaning: &mut TextCleaning, out: &mut String) {
        self.place = Place::Outside;
        self.escaped = false;
        let raw = std::mem::take(&mut self.raw);
        let text = decode_lossy(&raw);
        let Some(mut long) = self.long.take() else {
            let clean = cleaning.clean_whole(&text, false);
            return match clean == text {
                true => out.push_str(&raw),
                false => push_escaped(out, &clean),
            };
        };
        push_escaped(out, &long.push_last(&text));
        cleaning.count(&mut long);
    }

    /// Writes what is certain of a long string.
    fn release_piece(&mut self, cleaning: &mut TextCleaning, out: &mut String) {
        // An escape that was not complete is not read yet.
        let behind = self.raw.split_off(complete_length(&self.raw));
        let raw = std::mem::replace(&mut self.raw, behind);
        let long = self.long.get_or_insert_with(|| cleaning.text(false));
        push_escaped(out, &long.push(&decode_lossy(&raw)));
        cleaning.count(long);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::personal_data::PersonalData;

    /// Cleans a document in parts of `size` characters, with masks.
    fn clean(document: &str, size: usize) -> String {
        let mut cleaning = TextCleaning::new(Some(PersonalData::new()), None);
        let mut strings = JsonStrings::default();
        let mut out = String::new();
        let characters: Vec<char> = document.chars().collect();
        for part in characters.chunks(size) {
            let part: String = part.iter().collect();
            strings.push(&part, &mut cleaning, &mut out);
        }
        strings.finish(&mut cleaning, &mut out);
        out
    }

    #[test]
    fn strings_are_cleaned_wherever_parts_are_cut_and_all_else_stays() {
        let document = r#" {"13800138000":["call 138\u00300138000","a\/b\"c\\", {"x":1.0e5,"y":"\u202eok"}],"z":"\ud83d"}"#;
        let expected = r#" {"13800138000":["call ***********","a\/b\"c\\", {"x":1.0e5,"y":"ok"}],"z":"\ud83d"}"#;
        for size in 1..document.len() {
            assert_eq!(clean(document, size), expected, "parts of {size}");
        }
    }

    #[test]
    fn a_long_string_is_cleaned_in_pieces_and_little_is_held() {
        let text = "好 \\u597d \\ud83d\\ude00 13800138000, ".repeat(4000);
        let document = format!("[\"{text}\"]");
        let expected: Vec<String> = vec!["好 好 😀 ***********, ".repeat(4000)];
        for size in [7, 1000, 20_000] {
            let read: Vec<String> = serde_json::from_str(&clean(&document, size)).unwrap();
            assert!(read == expected, "parts of {size}");
        }
        let mut strings = JsonStrings::default();
        let mut cleaning = TextCleaning::new(None, None);
        let mut out = String::new();
        for part in document.as_bytes().chunks(8192) {
            strings.push(&String::from_utf8_lossy(part), &mut cleaning, &mut out);
            assert!(strings.raw.len() <= LONGEST_HELD + 8192);
        }
    }

    #[test]
    fn what_is_not_json_is_a_text_wherever_parts_are_cut() {
        for (document, expected) in [
            ("[call 13800138000]", "[call ***********]"),
            ("{\u{202e}\u{e0041} 13800138000}", "{ ***********}"),
            ("{13800138000}", "{***********}"),
            ("call 13800138000", "call ***********"),
            ("[\"a\" 13800138000]", "[\"a\" ***********]"),
            (
                "{\"a\":\"x\ny [13800138000]\",\"b\":\"13800138000\"}",
                "{\"a\":\"x\ny [***********]\",\"b\":\"***********\"}",
            ),
            (
                "[13800138000, -0.5e+3 ,true]",
                "[13800138000, -0.5e+3 ,true]",
            ),
        ] {
            for size in 1..30 {
                assert_eq!(clean(document, size), expected, "parts of {size}");
            }
        }
    }

    #[test]
    fn what_is_not_json_passes_and_nesting_without_end_takes_little() {
        for text in ["", "nul", "]]}}", "\"open", "{\"a", "\\u12", "[1,,2"] {
            assert_eq!(clean(text, 1), text);
        }
        let deep = "[{\"a\":".repeat(100_000);
        assert_eq!(clean(&deep, 5000), deep);
        assert_eq!(clean("\"13800138000\n[\"x\"]", 3), "\"***********\n[\"x\"]");
    }
}
