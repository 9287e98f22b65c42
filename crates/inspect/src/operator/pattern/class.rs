//! Classes of characters, `[…]`, and the escapes that mean the same inside and outside of them.
//!
//! `regex` gives a meaning to `[`, `&&`, `--` and `~~` inside a class; PCRE does not. Therefore
//! each byte that is no letter or digit is written as `\xHH`.

use super::{Item, Translation, byte_text, bytes_text};

impl Translation<'_> {
    /// Reads an escape that means the same inside and outside of a class.
    ///
    /// `\h` and `\v` are those of ASCII only. An escaped letter without a meaning is that letter.
    ///
    /// # Errors
    ///
    /// `\c` without a letter, or a number that is no byte.
    pub(super) fn class_escape(&mut self, character: char) -> Result<Item, String> {
        Ok(match character {
            'd' | 'D' | 's' | 'S' | 'w' | 'W' => Item::Set(format!("\\{character}")),
            'h' => Item::Set("\\t\\x20".to_owned()),
            'H' => Item::Set("[^\\t\\x20]".to_owned()),
            'v' => Item::Set("\\n\\x0b\\f\\r".to_owned()),
            'V' => Item::Set("[^\\n\\x0b\\f\\r]".to_owned()),
            'n' => Item::Byte(b'\n'),
            'r' => Item::Byte(b'\r'),
            't' => Item::Byte(b'\t'),
            'f' => Item::Byte(0x0c),
            'a' => Item::Byte(0x07),
            'e' => Item::Byte(0x1b),
            'b' => Item::Byte(0x08),
            'x' => Item::Byte(self.read_hexadecimal()?),
            '0'..='7' => Item::Byte(self.read_octal(character)?),
            'c' => {
                let letter = self
                    .rest
                    .next()
                    .filter(char::is_ascii)
                    .ok_or("\\c needs a letter")?;
                let letter = u8::try_from(letter)
                    .unwrap_or_default()
                    .to_ascii_uppercase();
                Item::Byte(letter ^ 64)
            }
            _ => match u8::try_from(character) {
                Ok(byte) if byte.is_ascii() => Item::Byte(byte),
                _ => Item::Set(bytes_text(character)),
            },
        })
    }

    /// Reads the digits after `\x`.
    ///
    /// Up to two digits, or any number between braces. `\x` without digits is a null byte, as in
    /// PCRE. Values above 255 are errors: patterns are of bytes.
    ///
    /// # Errors
    ///
    /// A number above 255, or braces without digits.
    pub(super) fn read_hexadecimal(&mut self) -> Result<u8, String> {
        let braced = self.rest.peek() == Some(&'{');
        let digits: String = if braced {
            self.rest.next();
            self.rest
                .by_ref()
                .take_while(|character| *character != '}')
                .collect()
        } else {
            let ahead = self
                .rest
                .clone()
                .take(2)
                .take_while(char::is_ascii_hexdigit);
            let digits: String = ahead.collect();
            self.rest.by_ref().take(digits.len()).for_each(drop);
            digits
        };
        if digits.is_empty() && !braced {
            return Ok(0);
        }
        u8::from_str_radix(&digits, 16).map_err(|_| format!("\\x{{{digits}}} is no byte"))
    }

    /// Reads an octal number whose first digit was read.
    ///
    /// At most three digits in all.
    ///
    /// # Errors
    ///
    /// A number above 255.
    pub(super) fn read_octal(&mut self, first: char) -> Result<u8, String> {
        let more: String = self
            .rest
            .clone()
            .take(2)
            .take_while(|c| matches!(c, '0'..='7'))
            .collect();
        self.rest.by_ref().take(more.len()).for_each(drop);
        u8::from_str_radix(&format!("{first}{more}"), 8)
            .map_err(|_| format!("\\{first}{more} is no byte"))
    }

    /// Translates a class whose `[` was read.
    ///
    /// A `]` that comes first is a member, as in PCRE.
    ///
    /// # Errors
    ///
    /// The class has no end, or a range whose end is before its begin.
    pub(super) fn class(&mut self) -> Result<(), String> {
        self.out.push('[');
        if self.rest.peek() == Some(&'^') {
            self.rest.next();
            self.out.push('^');
        }
        let mut first = true;
        loop {
            let Some(character) = self.rest.next() else {
                return Err("a class is not closed".to_owned());
            };
            if character == ']' && !first {
                self.out.push(']');
                return Ok(());
            }
            first = false;
            match self.read_item(character)? {
                Item::Set(set) => self.out.push_str(&set),
                Item::Byte(from) => self.write_range(from)?,
            }
        }
    }

    /// Writes a byte of a class, or the range that it starts.
    ///
    /// A hyphen at the end of a class is plain.
    ///
    /// # Errors
    ///
    /// A range whose end is before its begin, or is no single byte.
    fn write_range(&mut self, from: u8) -> Result<(), String> {
        self.out.push_str(&byte_text(from));
        let mut ahead = self.rest.clone();
        if ahead.next() != Some('-') || matches!(ahead.peek(), None | Some(']')) {
            return Ok(());
        }
        self.rest.next();
        let Some(character) = self.rest.next() else {
            return Err("a class is not closed".to_owned());
        };
        match self.read_item(character)? {
            Item::Byte(to) => {
                self.out.push('-');
                self.out.push_str(&byte_text(to));
            }
            // `[a-\d]`: no range, and the hyphen is plain.
            Item::Set(set) => {
                self.out.push_str("\\x2d");
                self.out.push_str(&set);
            }
        }
        Ok(())
    }

    /// Reads what stands in a class and starts with `character`.
    ///
    /// # Errors
    ///
    /// As [`class_escape`](Self::class_escape).
    fn read_item(&mut self, character: char) -> Result<Item, String> {
        match character {
            '\\' => {
                let Some(next) = self.rest.next() else {
                    return Err("the pattern ends with a backslash".to_owned());
                };
                if matches!(next, 'p' | 'P' | 'X' | 'R' | 'N') {
                    return Err(format!("the pattern uses \\{next}, which is not supported"));
                }
                self.class_escape(next)
            }
            '[' => Ok(self.named_class().map_or(Item::Byte(b'['), Item::Set)),
            _ => Ok(match u8::try_from(character) {
                Ok(byte) if byte.is_ascii() => Item::Byte(byte),
                _ => Item::Set(bytes_text(character)),
            }),
        }
    }

    /// Reads `:alpha:]` if it is there.
    ///
    /// Without it the `[` is a member of the class. An unknown name is an error of `regex`.
    fn named_class(&mut self) -> Option<String> {
        let ahead: String = self.rest.clone().take(12).collect();
        let end = ahead.find(":]")?;
        let name = ahead.get(..end)?.strip_prefix(':')?;
        let letters = name.strip_prefix('^').unwrap_or(name);
        if letters.is_empty() || !letters.bytes().all(|byte| byte.is_ascii_lowercase()) {
            return None;
        }
        self.rest.by_ref().take(end + 2).for_each(drop);
        Some(format!("[:{name}:]"))
    }
}
