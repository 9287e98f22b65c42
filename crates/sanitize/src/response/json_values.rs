//! The strings of a JSON document that is complete, each with its place in the document.
//!
//! Members that tell which text of a stream a document continues, and whether it ends, are noted too.

use std::ops::Range;

use crate::json_string::decode_lossy;

/// More levels are not read. A document with more is cleaned string by string.
const DEEPEST: usize = 64;

/// More strings, and longer paths, are not read either. So the memory is bounded.
const MOST_STRINGS: usize = 4096;
/// In bytes.
const LONGEST_PATH: usize = 512;

/// A longer value of a member that tells something is not kept.
const LONGEST_VALUE: usize = 128;

/// Members that tell apart the texts of a stream.
const INDEXES: [&str; 5] = [
    "index",
    "output_index",
    "content_index",
    "summary_index",
    "item_id",
];

/// Members that tell that a text is complete, unless their value is one of [`NO_ENDS`].
const ENDS: [&str; 4] = ["finish_reason", "stop_reason", "done", "stop"];

/// Values that tell no end, in any case and also as strings: services write them in each event.
const NO_ENDS: [&str; 4] = ["", "null", "none", "false"];

/// Members that repeat a text token by token, so that masked data could be put together from them.
const REPEATS: [&str; 6] = [
    "logprobs",
    "top_logprobs",
    "prompt_logprobs",
    "logprobsResult",
    "completion_probabilities",
    "top_tokens",
];

/// Tells whether a member of this name repeats a text token by token.
pub(super) fn repeats_text(name: &str) -> bool {
    REPEATS.contains(&&*decode_lossy(name))
}

/// A string value.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct FoundString {
    /// As in `/choices/0/delta/content`.
    pub(super) path: String,
    /// What is between the quotes, with its escapes.
    pub(super) span: Range<usize>,
}

/// A document, as far as streams of text need it.
#[derive(Debug, Default)]
pub(super) struct Document {
    /// In the order of their places.
    pub(super) strings: Vec<FoundString>,
    /// The path of the object, and the member with its value.
    indexes: Vec<(String, String)>,
    /// Names of the members of the document itself.
    names: Vec<String>,
    /// Whether a member says that the text is complete.
    pub(super) is_end: bool,
    /// Objects and arrays of members that repeat a text, in the order of their places.
    pub(super) repeats: Vec<Range<usize>>,
    /// The member `type`, with its quotes.
    kind: String,
}

impl Document {
    /// Returns whether the document has a member of this name.
    pub(super) fn has_member(&self, name: &str) -> bool {
        self.names.iter().any(|known| known == name)
    }

    /// Returns the members that tell apart the text at a path.
    pub(super) fn indexes_of(&self, path: &str) -> Vec<String> {
        let leads_to = |parent: &str| {
            let behind = path.strip_prefix(parent);
            behind.is_some_and(|behind| behind.starts_with('/'))
        };
        let found = self.indexes.iter().filter(|(parent, _)| leads_to(parent));
        found.map(|(_, member)| member.clone()).collect()
    }

    /// Returns whether the document only shows that the connection is alive.
    pub(super) fn is_ping(&self) -> bool {
        self.kind == "\"ping\""
    }

    /// Returns whether the document continues the arguments of a call, which are JSON.
    pub(super) fn has_arguments(&self) -> bool {
        self.kind.contains("arguments")
    }

    /// Returns whether the document can be about a text with these members.
    pub(super) fn is_about(&self, members: &[String]) -> bool {
        members.iter().all(|member| {
            let (name, _) = member.split_once('=').unwrap_or_default();
            let all = self.indexes.iter().map(|(_, other)| other);
            let is_same_name = |other: &&String| {
                let behind = other.strip_prefix(name);
                behind.is_some_and(|behind| behind.starts_with('='))
            };
            let mut same_name = all.filter(is_same_name).peekable();
            same_name.peek().is_none() || same_name.any(|other| other == member)
        })
    }
}

/// Why a document is not read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Unread {
    NotJson,
    /// Too deep, or too many strings. Whether it is JSON is not known.
    TooLarge,
}

/// Reads a document, with its brackets, quotes, commas, numbers and words. Escapes are not checked.
///
/// # Errors
///
/// It is not JSON, too deep, or has too many strings.
pub(super) fn read(text: &str) -> Result<Document, Unread> {
    let mut reader = Reader {
        text,
        at: 0,
        path: String::new(),
        depth: 0,
        too_large: false,
        document: Document::default(),
    };
    let value = reader.read_value();
    reader.skip_space();
    match value {
        Some(()) if reader.at == text.len() => Ok(reader.document),
        None if reader.too_large => Err(Unread::TooLarge),
        _ => Err(Unread::NotJson),
    }
}

/// Tells whether a text is white space of JSON: a form feed is none.
pub(super) const fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

/// Tells whether a text is a number or a word of JSON, or one of those that some services write beside
/// (`NaN`, `Infinity`).
pub(super) fn is_word(text: &str) -> bool {
    let words = ["true", "false", "null", "NaN", "Infinity", "-Infinity"];
    words.contains(&text) || is_number(text)
}

/// RFC 8259, section 6.
fn is_number(text: &str) -> bool {
    let text = text.strip_prefix('-').unwrap_or(text);
    let (number, exponent) = match text.split_once(['e', 'E']) {
        Some((number, exponent)) => (
            number,
            exponent.strip_prefix(['+', '-']).unwrap_or(exponent),
        ),
        None => (text, "0"),
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let is_whole = whole == "0" || !whole.starts_with('0');
    is_whole && [whole, fraction, exponent].into_iter().all(is_digits)
}

/// The state of one pass.
struct Reader<'t> {
    /// The document.
    text: &'t str,
    /// The next byte to read.
    at: usize,
    /// The path of the value that is read.
    path: String,
    /// How many objects and arrays are open.
    depth: usize,
    /// Whether a limit ended the pass.
    too_large: bool,
    /// What was found so far.
    document: Document,
}

impl Reader<'_> {
    /// Returns the next byte without reading it.
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Goes to the next byte that is no space.
    fn skip_space(&mut self) {
        while self.peek().is_some_and(is_space) {
            self.at += 1;
        }
    }

    /// Reads one byte if it is this one.
    fn accept(&mut self, byte: u8) -> bool {
        self.skip_space();
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    /// Reads any value. `None`: it is malformed, or a limit was reached.
    fn read_value(&mut self) -> Option<()> {
        self.skip_space();
        match self.peek()? {
            b'{' => self.read_object(),
            b'[' => self.read_array(),
            b'"' => {
                let span = self.read_string()?;
                let path = self.path.clone();
                self.document.strings.push(FoundString { path, span });
                self.within(self.document.strings.len() <= MOST_STRINGS)
            }
            _ => self.read_word(),
        }
    }

    /// Reads an object. `None` as for a value.
    fn read_object(&mut self) -> Option<()> {
        self.enter()?;
        if self.accept(b'}') {
            return self.leave();
        }
        loop {
            self.skip_space();
            let name = self.read_string()?;
            if !self.accept(b':') {
                return None;
            }
            self.read_member(name)?;
            if self.accept(b'}') {
                return self.leave();
            }
            if !self.accept(b',') {
                return None;
            }
        }
    }

    /// Reads the value of a member, and notes what it tells.
    fn read_member(&mut self, name: Range<usize>) -> Option<()> {
        let name = self.text.get(name)?;
        self.skip_space();
        let start = self.at;
        let length = self.path.len();
        self.path.push('/');
        self.path.push_str(name);
        self.within(self.path.len() <= LONGEST_PATH)?;
        self.read_value()?;
        self.path.truncate(length);
        let value = self.text.get(start..self.at)?;
        if value.starts_with(['{', '[']) && repeats_text(name) {
            let repeats = &mut self.document.repeats;
            repeats.retain(|inner| inner.start < start);
            repeats.push(start..self.at);
        }
        if value.len() <= LONGEST_VALUE {
            self.note_member(name, value);
        }
        if self.depth == 1 && self.document.names.len() < MOST_STRINGS {
            self.document.names.push(name.to_owned());
        }
        Some(())
    }

    /// Notes what a member tells about the text of a stream.
    fn note_member(&mut self, name: &str, value: &str) {
        if self.depth == 1 && name == "type" {
            value.clone_into(&mut self.document.kind);
        }
        if INDEXES.contains(&name) && self.document.indexes.len() < MOST_STRINGS {
            let member = format!("{name}={value}");
            self.document.indexes.push((self.path.clone(), member));
        }
        let content = value.trim_matches('"').trim().to_ascii_lowercase();
        self.document.is_end |= ENDS.contains(&name) && !NO_ENDS.contains(&&*content);
    }

    /// Reads an array. `None` as for a value.
    fn read_array(&mut self) -> Option<()> {
        self.enter()?;
        if self.accept(b']') {
            return self.leave();
        }
        let length = self.path.len();
        for index in 0_usize.. {
            self.path.push_str(&format!("/{index}"));
            self.read_value()?;
            self.path.truncate(length);
            if self.accept(b']') {
                return self.leave();
            }
            if !self.accept(b',') {
                return None;
            }
        }
        None
    }

    /// Reads an opening bracket.
    fn enter(&mut self) -> Option<()> {
        self.at += 1;
        self.depth += 1;
        self.within(self.depth <= DEEPEST)
    }

    /// Ends the pass above a limit.
    fn within(&mut self, is_within: bool) -> Option<()> {
        self.too_large |= !is_within;
        is_within.then_some(())
    }

    /// Ends a level. Its closing bracket was read.
    fn leave(&mut self) -> Option<()> {
        self.depth = self.depth.checked_sub(1)?;
        Some(())
    }

    /// Reads a string. Returns the place of what is between the quotes.
    fn read_string(&mut self) -> Option<Range<usize>> {
        if self.peek() != Some(b'"') {
            return None;
        }
        let start = self.at + 1;
        let mut end = start;
        loop {
            let rest = self.text.as_bytes().get(end..)?;
            let sign = end + memchr::memchr2(b'"', b'\\', rest)?;
            if self.text.as_bytes().get(sign) == Some(&b'"') {
                self.at = sign + 1;
                return Some(start..sign);
            }
            end = sign + 2;
        }
    }

    /// Reads a number or a word.
    fn read_word(&mut self) -> Option<()> {
        let rest = self.text.as_bytes().get(self.at..)?;
        let is_part = |byte: &&u8| byte.is_ascii_alphanumeric() || b"+-.".contains(byte);
        let length = rest.iter().take_while(is_part).count();
        let word = self.text.get(self.at..self.at + length)?;
        self.at += length;
        is_word(word).then_some(())
    }
}
