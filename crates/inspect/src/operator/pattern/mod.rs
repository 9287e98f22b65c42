//! Patterns: from the syntax of PCRE, in which rules are written, to that of `regex`.
//!
//! `regex` runs in linear time and so has no look-around and no back-references. A pattern with one
//! is an error here, which the loader reports. All else is the same language in another spelling:
//! PCRE takes `[[]`, `{` and `\<` as plain characters, `regex` does not.
//!
//! | PCRE | Here |
//! |---|---|
//! | `{` that is no quantifier, `}`, `]` | escaped |
//! | `a++`, `(?>a)` | `a+`, `(?:a)` |
//! | `\Z`, `\R`, `\h`, `\Q…\E`, `\x{41}`, octal | written out |
//! | `(?#comment)` | left out |
//! | `(?=`, `(?!`, `(?<=`, `(?<!`, `\1`, `(?R)` | an error |
//!
//! A possessive or atomic part matches less in PCRE than its translation does here, because PCRE
//! does not try again inside it. So such a pattern may match more, never less.

mod class;

use std::iter::Peekable;
use std::str::Chars;

use regex::bytes::{Regex, RegexBuilder};

/// How much memory one compiled pattern may take, in bytes. The largest of CRS needs 8 MiB.
///
/// A larger pattern is an error of its rule, so one rule cannot take all the memory.
const SIZE_LIMIT: usize = 64 << 20;

/// How much memory the states of one pattern may take for each thread that matches it, in bytes.
///
/// States are made while values are read. With the 2 MiB of `regex`, values written against the largest patterns of CRS fill
/// the table again and again. After a few times each step is computed anew, about ten times as slow, until the process
/// ends. Ordinary values need far less than either limit.
const STATES_LIMIT: usize = 16 << 20;

/// Compiles a pattern: bytes, `.` matches line ends, `^` and `$` only the ends of the value.
///
/// Case counts unless the pattern has `(?i)`. Patterns are not anchored.
///
/// # Errors
///
/// The reason as text.
pub(crate) fn compile(pattern: &str) -> Result<Regex, String> {
    RegexBuilder::new(&translate_pattern(pattern)?)
        .unicode(false)
        .dot_matches_new_line(true)
        .size_limit(SIZE_LIMIT)
        .dfa_size_limit(STATES_LIMIT)
        .build()
        .map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => "the pattern is too large".to_owned(),
            error => first_line_of_reason(&error.to_string()),
        })
}

/// The reason in an error of `regex`, without its drawing of the pattern.
fn first_line_of_reason(error: &str) -> String {
    let reason = error
        .lines()
        .rev()
        .find_map(|line| line.trim().strip_prefix("error: "));
    format!(
        "the pattern is not valid: {}",
        reason.unwrap_or("syntax error")
    )
}

/// Writes a pattern of PCRE in the syntax of `regex`.
///
/// The result is not checked here; `regex` does that when it compiles.
///
/// # Errors
///
/// The reason as text: what cannot be written.
pub(crate) fn translate_pattern(pattern: &str) -> Result<String, String> {
    let mut translation = Translation {
        rest: pattern.chars().peekable(),
        out: String::with_capacity(pattern.len() + 16),
    };
    while let Some(character) = translation.rest.next() {
        translation.translate_step(character)?;
    }
    Ok(translation.out)
}

/// A pattern while it is translated.
struct Translation<'p> {
    /// What is not read yet.
    rest: Peekable<Chars<'p>>,
    /// What was written so far.
    out: String,
}

/// What stands in a class.
enum Item {
    /// One byte, which may start or end a range.
    Byte(u8),
    /// Several, as written for `regex`.
    ///
    /// It stands inside brackets, or gets them outside of a class.
    Set(String),
}

impl Translation<'_> {
    /// Translates what starts with `character`, outside of classes.
    ///
    /// # Errors
    ///
    /// Syntax that has no linear time, or an escape that is not complete.
    fn translate_step(&mut self, character: char) -> Result<(), String> {
        match character {
            '\\' => self.translate_escape()?,
            '[' => self.class()?,
            '(' => self.translate_group()?,
            '{' => self.translate_braces(),
            '}' | ']' => {
                self.out.push('\\');
                self.out.push(character);
            }
            '*' | '+' | '?' => {
                self.out.push(character);
                self.after_quantifier();
            }
            _ => self.out.push(character),
        }
        Ok(())
    }

    /// Drops the `+` of a possessive quantifier: it only forbids to try again, and a linear engine
    /// does not.
    fn after_quantifier(&mut self) {
        if self.rest.peek() == Some(&'+') {
            self.rest.next();
        }
    }

    /// Translates `{`: a quantifier if it is one, a plain character if not.
    ///
    /// `{2}`, `{2,}` and `{2,5}` are quantifiers; `{,5}` is not, as in PCRE.
    fn translate_braces(&mut self) {
        let ahead: String = self.rest.clone().take_while(|c| *c != '}').collect();
        let closed = self.rest.clone().nth(ahead.chars().count()) == Some('}');
        let (least, most) = ahead.split_once(',').unwrap_or((&ahead, ""));
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if !closed || least.is_empty() || !digits(least) || !digits(most) {
            self.out.push_str("\\{");
            return;
        }
        self.out.push('{');
        self.out.extend(self.rest.by_ref().take(ahead.len() + 1));
        self.after_quantifier();
    }

    /// Translates `(`.
    ///
    /// Named groups and flags such as `(?i:` are the same in both and are copied.
    ///
    /// # Errors
    ///
    /// A group that has no linear time, such as one that looks ahead.
    fn translate_group(&mut self) -> Result<(), String> {
        let ahead: String = self.rest.clone().take(4).collect();
        for (start, reason) in [
            ("?=", "look-ahead"),
            ("?!", "look-ahead"),
            ("?<=", "look-behind"),
            ("?<!", "look-behind"),
            ("?P=", "a back-reference"),
            ("?(", "a condition"),
            ("?R", "recursion"),
            ("?&", "recursion"),
            ("?|", "a branch reset"),
            ("*", "a control verb"),
        ] {
            if ahead.starts_with(start) {
                return Err(format!(
                    "the pattern uses {reason}, which has no linear time"
                ));
            }
        }
        if ahead.starts_with("?#") {
            let _ = self.rest.by_ref().find(|character| *character == ')');
            return Ok(());
        }
        self.out.push('(');
        if ahead.starts_with("?>") {
            // An atomic group only forbids to try again.
            self.out.push_str("?:");
            self.rest.next();
            self.rest.next();
        } else if ahead.starts_with('?') {
            self.out.push('?');
            self.rest.next();
        }
        Ok(())
    }

    /// Translates a backslash outside of classes.
    ///
    /// Digits from 1 on are back-references; `\0` is octal.
    ///
    /// # Errors
    ///
    /// A reference back, or a backslash at the end.
    fn translate_escape(&mut self) -> Result<(), String> {
        let Some(character) = self.rest.next() else {
            return Err("the pattern ends with a backslash".to_owned());
        };
        let text = match character {
            'b' | 'B' | 'A' | 'z' => format!("\\{character}"),
            'Z' => "(?:\\n?\\z)".to_owned(),
            'R' => "(?:\\r\\n|[\\n\\x0b\\f\\r])".to_owned(),
            'N' => "[^\\n]".to_owned(),
            'Q' => {
                self.literal_run();
                return Ok(());
            }
            '1'..='9' | 'g' | 'k' => {
                return Err(
                    "the pattern uses a back-reference, which has no linear time".to_owned(),
                );
            }
            'p' | 'P' | 'X' | 'C' | 'K' | 'G' => {
                return Err(format!(
                    "the pattern uses \\{character}, which is not supported"
                ));
            }
            _ => match self.class_escape(character)? {
                Item::Byte(byte) => byte_text(byte),
                Item::Set(set) => format!("[{set}]"),
            },
        };
        self.out.push_str(&text);
        Ok(())
    }

    /// Translates `\Q…\E`.
    ///
    /// Without `\E` it reaches to the end.
    fn literal_run(&mut self) {
        while let Some(character) = self.rest.next() {
            if character == '\\' && self.rest.peek() == Some(&'E') {
                self.rest.next();
                return;
            }
            self.out.push_str(&regex::escape(&character.to_string()));
        }
    }
}

/// Writes a byte so that it is never syntax.
fn byte_text(byte: u8) -> String {
    if byte.is_ascii_alphanumeric() {
        char::from(byte).to_string()
    } else {
        format!("\\x{byte:02x}")
    }
}

/// Writes each byte of a character beyond ASCII, as PCRE without its UTF option reads it.
///
/// Inside a class each of these bytes is a member by itself.
fn bytes_text(character: char) -> String {
    let mut buffer = [0; 4];
    character
        .encode_utf8(&mut buffer)
        .bytes()
        .map(byte_text)
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(pattern: &str, matching: &[u8], other: &[u8]) {
        let compiled = compile(pattern).unwrap_or_else(|error| panic!("{pattern}: {error}"));
        assert!(
            compiled.is_match(matching),
            "{pattern} matches {matching:?}"
        );
        assert!(
            !compiled.is_match(other),
            "{pattern} does not match {other:?}"
        );
    }

    #[test]
    fn what_is_plain_for_pcre_stays_plain() {
        check(r"^[[&&~~-]$", b"[", b"]");
        check(r"^[]a]$", b"]", b"b");
        check(r"^[\w-]$", b"-", b".");
        check(r"^[\w-.]$", b"-", b"/");
        check(r"^[!-\-]$", b"#", b".");
        check(r"^a{,2}$", b"a{,2}", b"aa");
        check(r"^\<\>\'\#{$", b"<>'#{", b"");
        check(r"^[\x{c2}\x5c]$", b"\xc2", b"x");
        check(r"^\x5cu$", b"\\u", b"\\");
        check(r"^[[:alpha:]_]$", b"_", b"1");
        check(r"^\Qa.b\E$", b"a.b", b"axb");
        check(r"^(?>ab)c++(?#no)$", b"abcc", b"ab");
        check(r"^[^a]b$", b"\xffb", b"ab");
        check(r"a.c$", b"a\nc", b"a\nc\n");
        check(r"\0\x41", b"\0A", b"0A");
    }

    #[test]
    fn what_has_no_linear_time_is_named() {
        for (pattern, reason) in [
            ("a(?=b)", "look-ahead"),
            ("(?<!a)b", "look-behind"),
            (r"(a)\1", "back-reference"),
            ("(?R)", "recursion"),
            (r"\p{L}", "not supported"),
            ("(a", "not valid"),
            ("[a", "not closed"),
        ] {
            let error = compile(pattern).expect_err(pattern);
            assert!(error.contains(reason), "{pattern}: {error}");
        }
    }

    proptest! {
        #[test]
        fn any_text_compiles_or_is_refused(pattern in "[\\\\\\[\\](){}a-c^$|*+?.:x0-9&~ -]{0,24}") {
            let _ = compile(&pattern);
        }

        #[test]
        fn an_escaped_text_matches_itself(text in "[ -~]{1,20}") {
            let escaped: String = text.chars().flat_map(|c| match c {
                c if c.is_ascii_alphanumeric() => vec![c],
                c => vec!['\\', c],
            }).collect();
            let compiled = compile(&format!("^{escaped}$")).expect("valid");
            prop_assert!(compiled.is_match(text.as_bytes()));
        }
    }
}
