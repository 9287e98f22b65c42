//! JSON: each string, number and constant under the path to it.
//!
//! The names are those of ModSecurity: `json.a.b` for members, `json.a.array_0` for elements. The
//! reader takes one pass and keeps its place in a list, so that depth costs no stack.
//!
//! For `{"a": {"b": "x"}, "c": [1, null]}` the parameters are:
//!
//! | Name | Value |
//! |---|---|
//! | `json.a.b` | `x` |
//! | `json.c.array_0` | `1` |
//! | `json.c.array_1` | empty |
//!
//! The syntax is that of RFC 8259, read leniently where that shows more to the rules: control
//! characters in strings and a byte order mark are accepted, repeated members are all kept, and
//! empty objects and arrays give no value. An escape of half a surrogate pair becomes `U+FFFD`.

use std::borrow::Cow;

use super::{BodyFields, MOST_VALUES};

/// How deep documents may be. Deeper ones are malformed.
///
/// The limit bounds the length of the paths, since each value is stored with its own.
const DEEPEST: usize = 512;

/// Reads a document. What stands before an error is kept, and what follows it is one value.
///
/// So a handler with a more lenient parser gets nothing that no rule saw.
pub(super) fn read<'r>(body: &'r [u8], fields: &mut BodyFields<'r>) {
    let mut reader = Reader {
        rest: body,
        path: b"json".to_vec(),
        open: Vec::new(),
        fields,
    };
    if let Err(reason) = reader.read_document() {
        reader.fields.error = Some(reason);
        if !reader.rest.is_empty() {
            let name = Cow::Borrowed(&b"json"[..]);
            let rest = (name, Cow::Borrowed(reader.rest));
            reader.fields.parameters.push(rest);
        }
    }
}

/// An object or array that is open.
struct Open {
    /// How long the path to it is.
    ///
    /// In bytes. The path is cut to it when the object or array ends.
    path: usize,
    /// The index of the next element; `None` for an object.
    ///
    /// Counted from 0.
    index: Option<usize>,
}

/// A document while it is read.
struct Reader<'r, 'f> {
    /// What is not read yet.
    rest: &'r [u8],
    /// The name of the next value.
    path: Vec<u8>,
    /// From the outermost to the innermost.
    open: Vec<Open>,
    /// Where values go.
    fields: &'f mut BodyFields<'r>,
}

impl<'r> Reader<'r, '_> {
    /// Reads the whole document.
    ///
    /// The error is a fixed text. It is also an error if something follows the document.
    fn read_document(&mut self) -> Result<(), &'static str> {
        self.rest = self.rest.strip_prefix(b"\xef\xbb\xbf").unwrap_or(self.rest);
        loop {
            self.value()?;
            if self.fields.parameters.len() >= MOST_VALUES {
                return Err("there are too many values");
            }
            // Close what ends here, and go on to the next member or element.
            loop {
                self.skip_blanks();
                let Some(open) = self.open.last() else {
                    return if self.rest.is_empty() {
                        Ok(())
                    } else {
                        Err("text after the document")
                    };
                };
                let is_array = open.index.is_some();
                match self.next() {
                    Some(b',') => {
                        self.begin_item()?;
                        break;
                    }
                    Some(b']') if is_array => self.close(),
                    Some(b'}') if !is_array => self.close(),
                    Some(_) => return Err("a comma or an end is missing"),
                    None => return Err("the document ends too early"),
                }
            }
        }
    }

    /// Reads values until one is complete. An object or array with content is opened instead.
    ///
    /// Afterwards a comma or an end must follow.
    fn value(&mut self) -> Result<(), &'static str> {
        loop {
            self.skip_blanks();
            match self.rest.first() {
                Some(b'{') if self.open(None, b'}')? => {}
                Some(b'[') if self.open(Some(0), b']')? => {}
                Some(b'{' | b'[') => return Ok(()),
                Some(b'"') => {
                    let text = self.read_string()?;
                    self.add(text);
                    return Ok(());
                }
                Some(_) => return self.read_scalar(),
                None => return Err("a value is missing"),
            }
        }
    }

    /// Opens an object or array. False if it is empty, and then it is closed again.
    ///
    /// `index` is `None` for an object; `end` is the closing bracket.
    fn open(&mut self, index: Option<usize>, end: u8) -> Result<bool, &'static str> {
        if self.open.len() >= DEEPEST {
            return Err("the document is too deep");
        }
        self.next();
        self.skip_blanks();
        if self.rest.first() == Some(&end) {
            self.next();
            return Ok(false);
        }
        self.open.push(Open {
            path: self.path.len(),
            index,
        });
        self.begin_item()?;
        Ok(true)
    }

    /// Leaves an object or array.
    ///
    /// The path is that of the object or array again.
    fn close(&mut self) {
        if let Some(open) = self.open.pop() {
            self.path.truncate(open.path);
        }
    }

    /// Sets the path to the next member or element; reads the name of a member.
    ///
    /// A dot in the name of a member is not escaped, as in ModSecurity. So `{"a.b": 1}` and
    /// `{"a": {"b": 1}}` have the same name.
    fn begin_item(&mut self) -> Result<(), &'static str> {
        let Some(open) = self.open.last_mut() else {
            return Ok(());
        };
        self.path.truncate(open.path);
        if let Some(index) = &mut open.index {
            self.path
                .extend_from_slice(format!(".array_{index}").as_bytes());
            *index += 1;
            return Ok(());
        }
        self.skip_blanks();
        if self.rest.first() != Some(&b'"') {
            return Err("a name is missing");
        }
        let name = self.read_string()?;
        self.path.push(b'.');
        self.path.extend_from_slice(&name);
        self.skip_blanks();
        if self.next() == Some(b':') {
            Ok(())
        } else {
            Err("a colon is missing")
        }
    }

    /// Reads a number, `true`, `false` or `null`.
    ///
    /// `null` is an empty value. An unknown word is kept as a value before it is an error.
    /// Numbers are kept as written and not checked further.
    fn read_scalar(&mut self) -> Result<(), &'static str> {
        let end = self
            .rest
            .iter()
            .position(|byte| matches!(byte, b',' | b']' | b'}') || byte.is_ascii_whitespace());
        let (text, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        let is_number = text
            .first()
            .is_some_and(|first| first.is_ascii_digit() || *first == b'-')
            && text
                .iter()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'));
        let known = is_number || matches!(text, b"true" | b"false" | b"null");
        let value = if text == b"null" { b"" } else { text };
        self.add(Cow::Borrowed(value));
        if known {
            Ok(())
        } else {
            Err("a value is unknown")
        }
    }

    /// Reads a string and decodes its escapes.
    ///
    /// One without a backslash is borrowed from the body.
    fn read_string(&mut self) -> Result<Cow<'r, [u8]>, &'static str> {
        let inner = self.rest.get(1..).unwrap_or_default();
        let Some(at) = memchr::memchr2(b'"', b'\\', inner) else {
            return Err("a string is not closed");
        };
        let (plain, after) = inner.split_at(at);
        if after.first() == Some(&b'"') {
            self.rest = after.get(1..).unwrap_or_default();
            return Ok(Cow::Borrowed(plain));
        }
        self.rest = after;
        self.escaped_string(plain.to_vec()).map(Cow::Owned)
    }

    /// Reads the rest of a string that has escapes.
    ///
    /// `out` has what stands before the first escape.
    fn escaped_string(&mut self, mut out: Vec<u8>) -> Result<Vec<u8>, &'static str> {
        loop {
            match self.next() {
                Some(b'"') => return Ok(out),
                Some(b'\\') => self.decode_escape(&mut out)?,
                Some(byte) => out.push(byte),
                None => return Err("a string is not closed"),
            }
        }
    }

    /// Decodes an escape whose backslash was read.
    fn decode_escape(&mut self, out: &mut Vec<u8>) -> Result<(), &'static str> {
        let byte = match self.next() {
            Some(byte @ (b'"' | b'\\' | b'/')) => byte,
            Some(b'b') => 0x08,
            Some(b'f') => 0x0c,
            Some(b'n') => b'\n',
            Some(b'r') => b'\r',
            Some(b't') => b'\t',
            Some(b'u') => {
                let character = self.unicode_escape()?;
                out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
                return Ok(());
            }
            _ => return Err("an escape is unknown"),
        };
        out.push(byte);
        Ok(())
    }

    /// Decodes the digits of `\uXXXX`, with the second half of a surrogate pair.
    ///
    /// `\u0000` is a null byte, which rules look for.
    fn unicode_escape(&mut self) -> Result<char, &'static str> {
        let first = self.four_digits()?;
        if !(0xd800..0xdc00).contains(&first) {
            return Ok(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER));
        }
        let Some(rest) = self.rest.strip_prefix(b"\\u") else {
            return Ok(char::REPLACEMENT_CHARACTER);
        };
        self.rest = rest;
        let second = self.four_digits()?;
        let low = second.checked_sub(0xdc00).filter(|low| *low < 0x400);
        let character =
            low.and_then(|low| char::from_u32(0x10000 + ((first - 0xd800) << 10) + low));
        Ok(character.unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    /// Reads four hexadecimal digits.
    fn four_digits(&mut self) -> Result<u32, &'static str> {
        let digits = self
            .rest
            .get(..4)
            .and_then(|digits| std::str::from_utf8(digits).ok());
        let digits = digits.filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let number = digits.and_then(|digits| u32::from_str_radix(digits, 16).ok());
        self.rest = self.rest.get(4..).unwrap_or_default();
        number.ok_or("an escape is incomplete")
    }

    /// Keeps a value under the path.
    fn add(&mut self, value: Cow<'r, [u8]>) {
        self.fields
            .parameters
            .push((Cow::Owned(self.path.clone()), value));
    }

    /// Takes the next byte.
    fn next(&mut self) -> Option<u8> {
        let (&first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(first)
    }

    /// Skips blanks.
    fn skip_blanks(&mut self) {
        self.rest = self.rest.trim_ascii_start();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read_all(body: &[u8]) -> (Vec<(String, String)>, Option<&'static str>) {
        let mut fields = BodyFields::default();
        read(body, &mut fields);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let found = fields
            .parameters
            .iter()
            .map(|(name, value)| (text(name), text(value)));
        (found.collect(), fields.error)
    }

    #[test]
    fn each_value_has_its_path() {
        let body = br#"{"a":{"b":[1,"x\u0041\n",{"c":null}],"d":{}},"e":[],"f":true}"#;
        let expected = [
            ("json.a.b.array_0", "1"),
            ("json.a.b.array_1", "xA\n"),
            ("json.a.b.array_2.c", ""),
            ("json.f", "true"),
        ];
        let expected: Vec<_> = expected
            .iter()
            .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
            .collect();
        assert_eq!(read_all(body), (expected, None));
        assert_eq!(read_all(br#""\ud83d\ude00""#).0[0].1, "😀");
    }

    #[test]
    fn what_stands_before_and_after_an_error_is_kept() {
        for (body, names, error) in [
            (&br#"{"a":"x","#[..], 1, "a name is missing"),
            (br#"{"a":"x"} y"#, 2, "text after the document"),
            (br#"{"a":"x""#, 1, "the document ends too early"),
            (br#"{"a" 1}"#, 1, "a colon is missing"),
            (br#"[1,evil]"#, 3, "a value is unknown"),
            (br#"["a]"#, 1, "a string is not closed"),
            (b"", 0, "a value is missing"),
        ] {
            let (found, reason) = read_all(body);
            assert_eq!(
                (found.len(), reason),
                (names, Some(error)),
                "{}",
                String::from_utf8_lossy(body)
            );
        }
        let deep = "[".repeat(100_000);
        assert_eq!(
            read_all(deep.as_bytes()).1,
            Some("the document is too deep")
        );
    }

    proptest! {
        #[test]
        fn valid_documents_have_no_error(value in "[a-z\"\\\\\n]{0,10}", number in any::<i32>()) {
            let document = serde_json::json!({"a": [value, {"b": number}], "c": value}).to_string();
            let (found, error) = read_all(document.as_bytes());
            prop_assert_eq!(error, None);
            prop_assert_eq!(&found[0].1, &value);
            prop_assert_eq!(found.len(), 3);
        }

        #[test]
        fn any_bytes_end(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            read_all(&body);
        }
    }
}
