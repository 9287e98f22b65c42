//! The `Content-Disposition` of a part: its name, and the names of its file.

use crate::transformation::Transformation;

/// What a `Content-Disposition` says.
///
/// The header is defined in RFC 6266 and RFC 7578, section 4.2.
#[derive(Debug, Default)]
pub(super) struct Disposition {
    /// Of several, the last.
    pub(super) name: Option<Vec<u8>>,
    /// Names of files: programs differ in which of several they take.
    ///
    /// Each `filename`, and `filename*` after decoding.
    pub(super) files: Vec<Vec<u8>>,
    /// Whether it is not what browsers send.
    ///
    /// It becomes the strict flag.
    pub(super) odd: bool,
}

impl Disposition {
    /// Reads `form-data; name="a"; filename="b"`.
    pub(super) fn read(value: &[u8]) -> Self {
        let mut found = Self::default();
        let mut rest = value;
        let kind = end_of_parameter(rest);
        found.odd |= !rest
            .get(..kind)
            .unwrap_or_default()
            .trim_ascii()
            .eq_ignore_ascii_case(b"form-data");
        rest = rest.get(kind + 1..).unwrap_or_default();
        while !rest.trim_ascii().is_empty() {
            let end = end_of_parameter(rest);
            found.read_parameter(rest.get(..end).unwrap_or_default().trim_ascii());
            rest = rest.get(end + 1..).unwrap_or_default();
        }
        found
    }

    /// Takes over one parameter.
    ///
    /// Browsers send only `name` and `filename`, both in quotes. `filename*` (RFC 8187) is
    /// forbidden in forms by RFC 7578.
    fn read_parameter(&mut self, text: &[u8]) {
        let Some(at) = memchr::memchr(b'=', text) else {
            self.odd = true;
            return;
        };
        let name = text
            .get(..at)
            .unwrap_or_default()
            .trim_ascii()
            .to_ascii_lowercase();
        let value = text.get(at + 1..).unwrap_or_default().trim_ascii();
        let value = self.unquote(value);
        match name.as_slice() {
            b"name" => self.odd |= self.name.replace(value).is_some(),
            b"filename" => {
                self.odd |= !self.files.is_empty();
                self.files.push(value);
            }
            b"filename*" => {
                self.odd = true;
                let encoded = value
                    .rsplit(|byte| *byte == b'\'')
                    .next()
                    .unwrap_or_default();
                let decoded = Transformation::UrlDecode.apply(encoded);
                self.files.push(decoded.unwrap_or_else(|| encoded.to_vec()));
            }
            _ => self.odd = true,
        }
    }

    /// Removes quotes and the backslash before a quote.
    ///
    /// Without quotes it is odd. Single quotes are removed too, as some programs do.
    fn unquote(&mut self, value: &[u8]) -> Vec<u8> {
        let Some(inner) = value.strip_prefix(b"\"") else {
            self.odd = true;
            return value
                .strip_prefix(b"'")
                .and_then(|v| v.strip_suffix(b"'"))
                .unwrap_or(value)
                .to_vec();
        };
        let inner = inner.strip_suffix(b"\"").unwrap_or_else(|| {
            self.odd = true;
            inner
        });
        let mut out = Vec::with_capacity(inner.len());
        let mut bytes = inner.iter().peekable();
        while let Some(&byte) = bytes.next() {
            if byte == b'\\'
                && bytes
                    .peek()
                    .is_some_and(|next| matches!(next, b'"' | b'\\'))
            {
                out.extend(bytes.next());
            } else {
                out.push(byte);
            }
        }
        out
    }
}

/// Where a parameter ends: at a `;` outside of quotes.
fn end_of_parameter(text: &[u8]) -> usize {
    let (mut quoted, mut escaped) = (false, false);
    for (index, byte) in text.iter().enumerate() {
        match byte {
            b'"' if !escaped => quoted = !quoted,
            b';' if !quoted => return index,
            _ => {}
        }
        escaped = *byte == b'\\' && quoted && !escaped;
    }
    text.len()
}
