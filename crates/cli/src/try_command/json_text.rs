//! A line of input that is a JSON string.
//!
//! Errors tell two cases apart, since a service treats them in two ways: a lone surrogate is a
//! malformed body that a parser refuses, anything else is a mistake in the input of this command.

use std::fmt;

use serde::Deserializer as _;
use serde::de::Visitor;

/// Why a line holds no text.
pub(super) enum NoText {
    /// A JSON string with an escaped surrogate that has no partner, so that it is no Unicode text.
    LoneSurrogate,
    /// The line is no JSON string. Says what was found.
    NoString(String),
}

/// Reads a JSON string (RFC 8259). White space around it is allowed, anything else is not.
///
/// # Errors
///
/// [`NoText::LoneSurrogate`] for `"\ud800"` and the like (RFC 8259, section 8.2);
/// [`NoText::NoString`] for an empty line, bytes that are not UTF-8, and all other JSON.
pub(super) fn parse(line: &[u8]) -> Result<String, NoText> {
    let no_string = |why: String| NoText::NoString(why);
    let line = std::str::from_utf8(line)
        .map_err(|_| no_string("the line is not UTF-8; write one JSON string a line".to_owned()))?;
    if line.trim().is_empty() {
        return Err(no_string(
            "the line is empty; write one JSON string a line, such as \"\"".to_owned(),
        ));
    }
    serde_json::from_str(line).map_err(|problem| {
        if has_form_of_string(line) {
            return NoText::LoneSurrogate;
        }
        no_string(format!("write one JSON string a line: {problem}"))
    })
}

/// Tells whether a line is a JSON string if surrogates need no partner: the parser reads it as bytes,
/// and then also accepts control characters.
fn has_form_of_string(line: &str) -> bool {
    if line.trim().contains(|c| c < ' ') {
        return false;
    }
    let mut parser = serde_json::Deserializer::from_str(line);
    parser.deserialize_bytes(Bytes).is_ok() && parser.end().is_ok()
}

/// Accepts the bytes of a string and keeps nothing.
struct Bytes;

impl Visitor<'_> for Bytes {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    /// The content does not matter: only the form was in question.
    fn visit_bytes<E>(self, _: &[u8]) -> Result<(), E> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strings_are_read_and_all_else_is_told_apart() {
        let read = |line: &str| match parse(line.as_bytes()) {
            Ok(text) => text,
            Err(NoText::LoneSurrogate) => "lone".to_owned(),
            Err(NoText::NoString(_)) => "none".to_owned(),
        };
        assert_eq!(read(r#" "a\u00e9\ud83d\ude00" "#), "aé😀");
        for line in [
            r#""\ud800""#,
            r#""a\udc00b""#,
            r#""\ud800\u0041""#,
            r#""\udc00\ud800""#,
        ] {
            assert_eq!(read(line), "lone", "{line}");
        }
        let no_strings = [
            "",
            "  ",
            "abc",
            "1",
            "null",
            "[\"a\"]",
            "{}",
            "\"a",
            "\"a\" \"b\"",
            "\"a\"x",
            "'a'",
            "\"\\x41\"",
            "\"\\ud8\"",
            "\"a\tb\"",
        ];
        for line in no_strings {
            assert_eq!(read(line), "none", "{line}");
        }
        assert!(matches!(parse(b"\"\xff\""), Err(NoText::NoString(why)) if why.contains("UTF-8")));
    }
}
