//! Writes one JSON object (RFC 8259) on one line: the same bytes for the same values.
//!
//! The hash chain covers bytes, so the writer has no choices: no whitespace, and members in the
//! order in which they are written. Characters that could end a line, move the cursor of a
//! terminal or change the reading direction are escaped. So a record is one harmless line in
//! every viewer.
//!
//! Escaped as `\uXXXX`, beyond what JSON demands: control characters (also those from U+0080 to U+009F), the line
//! and paragraph separators, characters that change the reading direction, and all that are shown as nothing.
//! Everything else is written as it is, in UTF-8.

use std::{fmt, io::Write as _, time::Duration};

use palisade_internal::decimal::with_digits;

use super::timestamp::write_rfc3339;

/// An object that is being written to a buffer.
#[derive(Debug)]
pub(crate) struct Object<'a> {
    /// The buffer. Members are written to its end at once.
    out: &'a mut Vec<u8>,
    /// Whether no member was written yet: the next one needs no comma.
    empty: bool,
}

impl<'a> Object<'a> {
    /// Begins an object at the end of `out`.
    pub(crate) fn open(out: &'a mut Vec<u8>) -> Self {
        out.push(b'{');
        Self { out, empty: true }
    }

    /// Ends the object with its brace.
    pub(crate) fn close(self) {
        self.out.push(b'}');
    }

    /// Leaves out the closing brace: the chain or a signature adds it.
    pub(crate) fn leave_open(self) {}

    /// Writes a text whose length is bounded by the caller.
    pub(crate) fn text(&mut self, key: &str, value: &str) {
        self.key(key);
        string(self.out, value);
    }

    /// Writes at most `limit` characters of a text. If it was cut, it ends with `…`.
    pub(crate) fn limited(&mut self, key: &str, value: &str, limit: usize) {
        self.key(key);
        limited(self.out, value, limit);
    }

    /// Writes a value whose text needs no escaping: an address, or an identifier of letters and digits.
    pub(crate) fn plain(&mut self, key: &str, value: impl fmt::Display) {
        self.key(key);
        // Writing to a buffer in memory cannot fail.
        let _ = write!(self.out, "\"{value}\"");
    }

    /// Writes a time, as [`rfc3339`](super::timestamp::rfc3339) does.
    pub(crate) fn time(&mut self, key: &str, unix_time: Duration) {
        self.key(key);
        self.out.push(b'"');
        write_rfc3339(self.out, unix_time);
        self.out.push(b'"');
    }

    /// Writes a number without sign and fraction.
    pub(crate) fn number(&mut self, key: &str, value: u64) {
        self.key(key);
        with_digits(value, |digits| self.out.extend_from_slice(digits));
    }

    /// Writes `true` or `false`.
    pub(crate) fn flag(&mut self, key: &str, value: bool) {
        self.key(key);
        self.out
            .extend_from_slice(if value { b"true" } else { b"false" });
    }

    /// Begins an object inside this one. The caller closes it.
    pub(crate) fn object(&mut self, key: &str) -> Object<'_> {
        self.key(key);
        Object::open(self.out)
    }

    /// Writes an array of objects. Nothing is written if there are no items.
    pub(crate) fn objects<T>(
        &mut self,
        key: &str,
        items: impl IntoIterator<Item = T>,
        mut write: impl FnMut(&mut Object<'_>, T),
    ) {
        let mut items = items.into_iter().peekable();
        if items.peek().is_none() {
            return;
        }
        self.key(key);
        for (index, item) in items.enumerate() {
            self.out.push(if index == 0 { b'[' } else { b',' });
            let mut object = Object::open(self.out);
            write(&mut object, item);
            object.close();
        }
        self.out.push(b']');
    }

    /// Writes a comma if needed, the name of a member and a colon.
    fn key(&mut self, key: &str) {
        if !std::mem::take(&mut self.empty) {
            self.out.push(b',');
        }
        string(self.out, key);
        self.out.push(b':');
    }
}

/// Writes a quoted text of at most `limit` characters.
fn limited(out: &mut Vec<u8>, value: &str, limit: usize) {
    let end = match value.len() <= limit {
        true => None, // It has no more characters than bytes.
        false => value.char_indices().nth(limit),
    };
    match end {
        None => string(out, value),
        Some((end, _)) => {
            out.push(b'"');
            escape(out, value.get(..end).unwrap_or_default());
            out.extend_from_slice("…\"".as_bytes());
        }
    }
}

/// Writes a quoted text.
fn string(out: &mut Vec<u8>, value: &str) {
    out.push(b'"');
    escape(out, value);
    out.push(b'"');
}

/// Escapes quotes, backslashes and harmful characters. All others are written as they are, in UTF-8 (RFC 3629).
///
/// Nearly all that is written is ASCII without any of them, and is copied as a whole.
fn escape(out: &mut Vec<u8>, value: &str) {
    let mut rest = value;
    loop {
        let plain = rest.bytes().position(|byte| !is_plain(byte));
        let (plain, other) = rest.split_at(plain.unwrap_or(rest.len()));
        out.extend_from_slice(plain.as_bytes());
        let mut characters = other.chars();
        match characters.next() {
            Some(character) => escape_one(out, character),
            None => return,
        }
        rest = characters.as_str();
    }
}

/// Returns whether a byte is a printable ASCII character that JSON does not escape.
const fn is_plain(byte: u8) -> bool {
    matches!(byte, b' '..=b'~') && byte != b'"' && byte != b'\\'
}

fn escape_one(out: &mut Vec<u8>, character: char) {
    match character {
        '"' => out.extend_from_slice(b"\\\""),
        '\\' => out.extend_from_slice(b"\\\\"),
        _ if is_harmful(character) => unicode(out, character),
        _ => out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes()),
    }
}

/// Writes a character as `\uXXXX`, with a surrogate pair where needed.
fn unicode(out: &mut Vec<u8>, character: char) {
    let mut buffer = [0; 2];
    for unit in character.encode_utf16(&mut buffer) {
        let _ = write!(out, "\\u{unit:04x}");
    }
}

/// Returns whether a character may break a line or lie about what is on it: controls, line and
/// paragraph separators, bidirectional characters, and all that are shown as nothing (Unicode's
/// default ignorable ones, variation selectors, Hangul fillers, the empty braille cell, tags).
fn is_harmful(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
            | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(value: &str) -> String {
        let mut out = Vec::new();
        string(&mut out, value);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn nothing_breaks_the_line() {
        assert_eq!(
            written("a\r\n\u{1b}[31m\u{7f}\u{9b}\u{2028}\u{202e}\""),
            r#""a\u000d\u000a\u001b[31m\u007f\u009b\u2028\u202e\"""#
        );
    }

    #[test]
    fn letters_that_are_shown_as_nothing_are_escaped() {
        for hidden in [
            '\u{3164}',
            '\u{ffa0}',
            '\u{115f}',
            '\u{1160}',
            '\u{fe0f}',
            '\u{e0100}',
            '\u{34f}',
            '\u{2800}',
            '\u{17b4}',
            '\u{180b}',
            '\u{1d173}',
        ] {
            let text = written(&format!("admin{hidden}"));
            assert!(text.is_ascii() && text.len() > "\"admin\"".len(), "{text}");
        }
    }

    #[test]
    fn tags_beyond_the_basic_plane_are_surrogate_pairs() {
        assert_eq!(written("\u{e0041}"), r#""\udb40\udc41""#);
    }

    #[test]
    fn long_text_is_cut_between_characters_and_says_so() {
        let mut out = Vec::new();
        limited(&mut out, "今天天气", 2);
        assert_eq!(out, "\"今天…\"".as_bytes());
        out.clear();
        limited(&mut out, "今天", 2);
        assert_eq!(out, "\"今天\"".as_bytes());
    }

    #[test]
    fn an_object_has_commas_between_its_members_only() {
        let mut out = Vec::new();
        let mut object = Object::open(&mut out);
        object.number("a", 1);
        object.objects("none", [0; 0], |_, _| {});
        object.objects("b", [1, 2], |inner, n| inner.number("n", n));
        object.object("c").close();
        object.close();
        assert_eq!(out, br#"{"a":1,"b":[{"n":1},{"n":2}],"c":{}}"#);
    }

    proptest::proptest! {
        #[test]
        fn every_text_stays_on_its_line_and_parses_back(value: String) {
            let line = written(&value);
            proptest::prop_assert!(!line.chars().any(is_harmful));
            proptest::prop_assert_eq!(serde_json::from_str::<String>(&line).unwrap(), value);
        }
    }
}
