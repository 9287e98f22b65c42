//! The strings of a JSON document that arrives in chunks, cleaned at their places.
//!
//! It follows brackets and quotes, and checks nothing else: what is not JSON passes as it is. Names of
//! members are not changed. A string that is not changed stays byte for byte, up to 16 KiB; a longer one
//! is written anew in pieces.

use memchr::memchr3;

use super::cleaning::TextCleaning;
use super::hold::LONGEST_HELD;
use super::response_text::ResponseText;
use crate::json_string::{complete_length, decode_lossy, push_escaped};

/// The most levels that are followed. Below, names of members count as values.
const DEEPEST: usize = 4096;

/// Cleans the strings of one document after another.
#[derive(Debug, Default)]
pub(super) struct JsonStrings {
    /// The open brackets; true is an object.
    open: Vec<bool>,
    /// Levels that are open beyond the deepest one.
    deeper: usize,
    /// Whether the next string is the name of a member.
    expects_name: bool,
    place: Place,
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

impl JsonStrings {
    /// Takes a part of the document and writes what is certain.
    pub(super) fn push(&mut self, part: &str, cleaning: &mut TextCleaning, out: &mut String) {
        let mut rest = part;
        while !rest.is_empty() {
            let length = match self.place {
                Place::Outside => self.copy_structure(rest, out),
                Place::Name | Place::Value => self.take_string(rest, cleaning, out),
            };
            rest = rest.get(length..).unwrap_or_default();
        }
        if self.raw.len() > LONGEST_HELD {
            self.release_piece(cleaning, out);
        }
    }

    /// Writes what was held back: the document ended inside of a string.
    pub(super) fn finish(&mut self, cleaning: &mut TextCleaning, out: &mut String) {
        self.end_string(cleaning, out);
        *self = Self::default();
    }

    /// Copies up to the quotation mark of the next string. Returns how many bytes were read.
    fn copy_structure(&mut self, rest: &str, out: &mut String) -> usize {
        for (at, byte) in rest.bytes().enumerate() {
            match byte {
                b'{' | b'[' => self.open_level(byte == b'{'),
                b'}' | b']' => self.close_level(),
                b',' => self.expects_name = self.open.last() == Some(&true) && self.deeper == 0,
                b':' => self.expects_name = false,
                b'"' => {
                    self.place = match self.expects_name {
                        true => Place::Name,
                        false => Place::Value,
                    };
                    out.push_str(rest.get(..=at).unwrap_or_default());
                    return at + 1;
                }
                _ => {}
            }
        }
        out.push_str(rest);
        rest.len()
    }

    fn open_level(&mut self, is_object: bool) {
        self.expects_name = is_object;
        if self.deeper > 0 || self.open.len() >= DEEPEST {
            self.deeper = self.deeper.saturating_add(1);
            self.expects_name = false;
        } else {
            self.open.push(is_object);
        }
    }

    fn close_level(&mut self) {
        self.expects_name = false;
        match self.deeper.checked_sub(1) {
            Some(deeper) => self.deeper = deeper,
            None => {
                self.open.pop();
            }
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
            }
            None => {}
        }
        content.len() + sign.map_or(0, str::len)
    }

    /// Names are copied, values are held until they are complete.
    fn take_characters(&mut self, characters: &str, out: &mut String) {
        match self.place {
            Place::Value => self.raw.push_str(characters),
            Place::Name | Place::Outside => out.push_str(characters),
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
    fn what_is_not_json_passes_and_nesting_without_end_takes_little() {
        for text in ["", "nul", "]]}}", "\"open", "{\"a", "\\u12", "[1,,2"] {
            assert_eq!(clean(text, 1), text);
        }
        let deep = "[{\"a\":".repeat(100_000);
        assert_eq!(clean(&deep, 5000), deep);
        assert_eq!(clean("\"13800138000\n[\"x\"]", 3), "\"***********\n[\"x\"]");
    }
}
