//! The header of one part: its name, and whether it is a file.
//!
//! Accepted are `Content-Disposition`, `Content-Type` and `Content-Transfer-Encoding`, each once. RFC
//! 7578, section 4.8 names no other. Lines that continue the one before are refused: parsers differ in
//! them.

/// The longest header of a part.
///
/// In bytes. Real headers have a tenth of it.
const LONGEST: usize = 4096;

/// A header that parsers read differently is refused.
const NOT_A_HEADER: &str = "has a part whose header is malformed";
/// Without exactly one name, two parsers may take two names.
const NO_NAME: &str = "has a part without exactly one name";

/// What the header of a part says.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct PartHeader<'b> {
    /// As it is written, without quotes. It has no escapes.
    pub(super) name: &'b str,
    /// Whether there is a file name, even an empty one.
    pub(super) is_file: bool,
    /// No type, or `text/plain` in UTF-8.
    is_plain: bool,
}

impl<'b> PartHeader<'b> {
    /// Reads the header. Returns it with its length, including the empty line.
    ///
    /// # Errors
    ///
    /// What is wrong, as the end of a sentence about the body.
    pub(super) fn parse(bytes: &'b [u8]) -> Result<(Self, usize), &'static str> {
        let head = bytes.get(..LONGEST.min(bytes.len())).unwrap_or_default();
        let end = super::find_bytes(head, b"\r\n\r\n").ok_or(NOT_A_HEADER)?;
        let text = head
            .get(..end)
            .and_then(|head| std::str::from_utf8(head).ok());
        let text = text.ok_or(NOT_A_HEADER)?;
        let mut disposition = None;
        let mut is_plain = None;
        for line in text.split("\r\n") {
            // A line that goes on the one before, a lone CR or LF, or another control character.
            if line.starts_with([' ', '\t']) || line.contains(|c: char| c.is_control() && c != '\t')
            {
                return Err(NOT_A_HEADER);
            }
            let (name, value) = line.split_once(':').ok_or(NOT_A_HEADER)?;
            let value = value.trim_matches([' ', '\t']);
            match name.to_ascii_lowercase().as_str() {
                "content-disposition" if disposition.is_none() => disposition = Some(value),
                "content-type" if is_plain.is_none() => is_plain = Some(is_plain_text(value)),
                "content-transfer-encoding" if is_identity(value) => {}
                _ => return Err("has a part with a header that is not accepted"),
            }
        }
        let (name, is_file) = form_data(disposition.ok_or(NO_NAME)?)?;
        let header = Self {
            name,
            is_file,
            is_plain: is_plain.unwrap_or(true),
        };
        Ok((header, end + 4))
    }

    /// Tells whether every parser takes the part for text.
    pub(super) fn is_text(&self) -> bool {
        self.is_plain && !self.is_file
    }
}

/// Reads `form-data; name="text"; filename="a.txt"`: the name, and whether there is a file name.
///
/// Both values must be in quotes. `filename*` is refused, as RFC 7578, section 4.2 demands.
fn form_data(value: &str) -> Result<(&str, bool), &'static str> {
    let (kind, mut rest) = value.split_once(';').ok_or(NO_NAME)?;
    if !kind.trim().eq_ignore_ascii_case("form-data") {
        return Err(NOT_A_HEADER);
    }
    let (mut name, mut is_file) = (None, false);
    loop {
        let (key, quoted) = rest.split_once("=\"").ok_or(NOT_A_HEADER)?;
        let (value, after) = quoted.split_once('"').ok_or(NOT_A_HEADER)?;
        match key.trim_matches([' ', '\t']).to_ascii_lowercase().as_str() {
            // A backslash would be an escape for some parsers.
            "name" if name.is_none() && !value.contains('\\') => name = Some(value),
            "filename" if !is_file && !value.ends_with('\\') => is_file = true,
            _ => return Err(NO_NAME),
        }
        match after.trim_start_matches([' ', '\t']) {
            "" => break,
            after => rest = after.strip_prefix(';').ok_or(NOT_A_HEADER)?,
        }
    }
    // `_charset_` would change how other parts are decoded.
    let name = name.filter(|name| !name.is_empty() && *name != "_charset_");
    Ok((name.ok_or(NO_NAME)?, is_file))
}

/// Tells whether a type is plain text in UTF-8.
fn is_plain_text(value: &str) -> bool {
    let (essence, parameters) = value.split_once(';').unwrap_or((value, ""));
    essence.trim().eq_ignore_ascii_case("text/plain")
        && crate::request::content_type::is_utf8(parameters)
}

/// Tells whether an encoding leaves the bytes as they are.
fn is_identity(value: &str) -> bool {
    let known = ["7bit", "8bit", "binary"];
    known.iter().any(|known| value.eq_ignore_ascii_case(known))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(lines: &str) -> Result<(&str, bool, bool), &'static str> {
        let text: &'static str = Box::leak(format!("{lines}\r\n\r\nrest").into_boxed_str());
        let (header, length) = PartHeader::parse(text.as_bytes())?;
        assert_eq!(length, lines.len() + 4);
        Ok((header.name, header.is_file, header.is_text()))
    }

    #[test]
    fn headers_of_browsers_and_libraries_are_read() {
        for (lines, expected) in [
            (
                "Content-Disposition: form-data; name=\"text\"",
                ("text", false, true),
            ),
            (
                "content-disposition:form-data;name=\"a b\"",
                ("a b", false, true),
            ),
            (
                "Content-Disposition: form-data; name=\"f\"; filename=\"C:\\a.txt\"\r\nContent-Type: text/plain",
                ("f", true, false),
            ),
            (
                "Content-Type: text/plain; charset=UTF-8\r\nContent-Disposition: form-data; name=\"t\"\r\nContent-Transfer-Encoding: 8bit",
                ("t", false, true),
            ),
            (
                "Content-Disposition: form-data; name=\"t\"\r\nContent-Type: application/json",
                ("t", false, false),
            ),
            (
                "Content-Disposition: form-data; name=\"t\"\r\nContent-Type: text/plain; charset=utf-16",
                ("t", false, false),
            ),
        ] {
            assert_eq!(parse(lines), Ok(expected), "{lines}");
        }
    }

    #[test]
    fn headers_that_parsers_read_differently_are_refused() {
        for lines in [
            "",
            "Content-Type: text/plain",
            "Content-Disposition: form-data",
            "Content-Disposition: form-data; name=text",
            "Content-Disposition: form-data; name=\"\"",
            "Content-Disposition: form-data; name=\"a\"; name=\"b\"",
            "Content-Disposition: form-data; name*=UTF-8''text",
            "Content-Disposition: form-data; name=\"a\\\"; filename=\"b\"",
            "Content-Disposition: form-data; name=\"a\"; filename=\"x\"; filename*=UTF-8''y",
            "Content-Disposition: form-data; name=\"_charset_\"",
            "Content-Disposition: form-data; name=\"a\"x",
            "Content-Disposition: attachment; name=\"a\"",
            "Content-Disposition: form-data;\r\n name=\"a\"",
            "Content-Disposition: form-data; name=\"a\"\r\nContent-Disposition: form-data; name=\"b\"",
            "Content-Disposition: form-data; name=\"a\"\r\nContent-Transfer-Encoding: base64",
            "Content-Disposition: form-data; name=\"a\"\r\nContent-Length: 3",
            "Content-Disposition: form-data; name=\"a\nb\"",
            "Content-Disposition form-data",
        ] {
            assert!(parse(lines).is_err(), "{lines:?}");
        }
    }
}
