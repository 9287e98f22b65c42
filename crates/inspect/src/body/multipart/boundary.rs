//! The boundary of a multipart body, and the parts between its lines.

use crate::body::BodyFields;

/// The boundary in a `Content-Type`.
///
/// It may be in quotes. Repeated ones, more than 70 bytes and characters outside RFC 2046 set the
/// strict flag. `None` if it is missing or empty.
pub(super) fn boundary<'r>(
    content_type: &'r [u8],
    fields: &mut BodyFields<'_>,
) -> Option<&'r [u8]> {
    let lower = content_type.to_ascii_lowercase();
    let at = memchr::memmem::find(&lower, b"boundary")?;
    let repeated = memchr::memmem::find_iter(&lower, b"boundary").count() > 1;
    let value = content_type
        .get(at + 8..)?
        .trim_ascii_start()
        .strip_prefix(b"=")?;
    let value = value.trim_ascii_start();
    let found = match value.strip_prefix(b"\"") {
        Some(quoted) => quoted.get(..memchr::memchr(b'"', quoted)?)?,
        None => {
            let end = value
                .iter()
                .position(|byte| matches!(byte, b';' | b',' | b' ' | b'\t'));
            value.get(..end.unwrap_or(value.len()))?
        }
    };
    let odd = |byte: &u8| !byte.is_ascii_alphanumeric() && !b"'()+_,-./:=?".contains(byte);
    fields.multipart_strict_error |= repeated || found.len() > 70 || found.iter().any(odd);
    (!found.is_empty()).then_some(found)
}

/// The parts of a body that are not yet read.
pub(super) struct Parts<'r, 'd> {
    /// The bytes behind the last boundary that was found.
    pub(super) body: &'r [u8],
    /// `--` and the boundary.
    pub(super) delimiter: &'d [u8],
}

impl<'r> Parts<'r, '_> {
    /// Takes what stands before the next boundary, and whether that boundary is the last. `None` if
    /// there is no other.
    ///
    /// Without another boundary, all the rest is the part.
    pub(super) fn next(&mut self, fields: &mut BodyFields<'_>) -> (&'r [u8], Option<bool>) {
        let start = self.body;
        let mut from = 0;
        while let Some(line) = start.get(from..).filter(|line| !line.is_empty()) {
            let end = memchr::memchr(b'\n', line).map_or(line.len(), |at| at + 1);
            let this = line.get(..end).unwrap_or_default();
            if let Some(after) = this.strip_prefix(self.delimiter) {
                let rest = after.trim_ascii();
                if rest.is_empty() || rest == b"--" {
                    self.body = line.get(end..).unwrap_or_default();
                    fields.multipart_strict_error |=
                        this.ends_with(b"\n") && !this.ends_with(b"\r\n");
                    return (
                        without_line_end(start.get(..from).unwrap_or_default()),
                        Some(rest == b"--"),
                    );
                }
            }
            fields.multipart_unmatched_boundary |= this.starts_with(b"--");
            from += end;
        }
        self.body = b"";
        (start, None)
    }
}

/// Removes the line end that belongs to the boundary.
///
/// RFC 2046 counts the line end before a delimiter to the delimiter.
fn without_line_end(part: &[u8]) -> &[u8] {
    let part = part.strip_suffix(b"\n").unwrap_or(part);
    part.strip_suffix(b"\r").unwrap_or(part)
}
