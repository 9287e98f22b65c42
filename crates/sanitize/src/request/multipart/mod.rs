//! Text parts of `multipart/form-data` (RFC 7578).
//!
//! Stricter than common parsers, which differ in what they accept. What is read differently is refused:
//!
//! | Input | Common parsers | Here |
//! |---|---|---|
//! | text before the first or behind the last boundary | ignored | refused |
//! | a boundary after LF alone | a boundary, or part of the text | refused |
//! | a part without a name, two names, `name*` | ignored, the first, the last | refused |
//! | a backslash in a name | an escape, or itself | refused |
//! | an encoded part, another character set | decoded, or not | refused |
//! | a selected part with a file name | a file, or a text | refused |
//! | a selected part that is there twice | the first, the last, or a list | refused |
//!
//! Files and parts that are not selected stay byte for byte.
//!
//! The code is always 400 `multipart_malformed`, except for a refused file (422 `file_not_accepted`), a
//! selected file (422 `field_not_text`) and a field that is there twice (400 `field_duplicated`).

use std::ops::Range;

use palisade_core::Rejection;

use super::refusal::{self, InputPart};
use super::selection::Selection;
use part_header::PartHeader;

mod part_header;

/// Why a body is not multipart.
///
/// The end of a sentence that begins with "The multipart body of the request".
type Why = &'static str;

/// More parts than the limit of the layer.
const TOO_MANY: Why = "has too many parts";
/// Bytes before the first boundary are refused: some parsers read a part in them.
const NO_START: Why = "does not begin with its boundary";
/// Without the last boundary the body is not complete.
const NO_END: Why = "does not end with its boundary";
/// Also used for a clean text that holds the boundary.
const HIDDEN_BOUNDARY: Why = "has a boundary that parsers read differently";

/// A body, and how its parts are separated.
pub(crate) struct Multipart<'b> {
    /// The whole body, as it was received.
    pub(crate) body: &'b [u8],
    /// From the `Content-Type`, without the hyphens before it.
    pub(crate) boundary: &'b str,
    /// The limit of parts.
    pub(crate) max_parts: usize,
    /// Whether a part with a file name is refused, selected or not.
    pub(crate) refuses_files: bool,
}

/// A part: its header, and where its content is in the body.
struct Part<'b> {
    /// The name of the part, and whether it is a file.
    header: PartHeader<'b>,
    /// Where the content is in the body.
    content: Range<usize>,
}

impl Multipart<'_> {
    /// Cleans the selected parts. Returns the body if it had to be rewritten, and otherwise `None`.
    ///
    /// # Errors
    ///
    /// The body is not what parsers agree on, a file is refused, or a text is.
    pub(crate) fn clean(
        &self,
        selection: &mut Selection,
    ) -> Result<Option<Vec<u8>>, Box<Rejection>> {
        let parts = self.split_parts().map_err(malformed)?;
        let mut seen = Vec::new();
        let mut edits = Vec::new();
        for part in parts {
            if self.refuses_files && part.header.is_file {
                return Err(refusal::file_not_accepted());
            }
            if let Some(text) = self.clean_part(&part, &mut seen, selection)? {
                edits.push((part.content, text));
            }
        }
        Ok((!edits.is_empty()).then(|| self.with_edits(&edits)))
    }

    /// Cleans a part if it is selected. Returns the new text if it changed.
    ///
    /// `seen` holds the fields that were there already.
    fn clean_part(
        &self,
        part: &Part<'_>,
        seen: &mut Vec<usize>,
        selection: &mut Selection,
    ) -> Result<Option<String>, Box<Rejection>> {
        let name = part.header.name;
        let Some(field) = selection.parameter(name) else {
            return match selection.near_parameter(name) {
                Some(field) if selection.refuses_near_names() => Err(refusal::near_name(field)),
                _ => Ok(None),
            };
        };
        if seen.contains(&field) {
            return Err(refusal::duplicated(name));
        }
        seen.push(field);
        if !part.header.is_text() {
            return Err(refusal::not_text(name));
        }
        let content = self.body.get(part.content.clone()).unwrap_or_default();
        let text =
            std::str::from_utf8(content).map_err(|_| malformed("has text that is not UTF-8"))?;
        let clean = selection.clean(&[field], text)?;
        match clean {
            // What was hidden before may have kept the boundary apart.
            Some(text) if text.contains(self.boundary) => Err(malformed(HIDDEN_BOUNDARY)),
            clean => Ok(clean),
        }
    }

    /// Splits the body at its boundaries.
    ///
    /// # Errors
    ///
    /// The framing is not what RFC 2046, section 5.1.1 says, or there are more parts than `max_parts`.
    fn split_parts(&self) -> Result<Vec<Part<'_>>, Why> {
        let delimiter = format!("--{}", self.boundary);
        let mut at = match self.body.starts_with(delimiter.as_bytes()) {
            true => delimiter.len(),
            false => return Err(NO_START),
        };
        let mut parts = Vec::new();
        loop {
            let rest = self.body.get(at..).unwrap_or_default();
            match rest {
                b"--" | b"--\r\n" => return Ok(parts),
                [b'\r', b'\n', ..] if parts.len() == self.max_parts => return Err(TOO_MANY),
                [b'\r', b'\n', ..] => at += 2,
                _ => return Err(NO_END),
            }
            let (header, length) = PartHeader::parse(self.body.get(at..).unwrap_or_default())?;
            let start = at + length;
            let content = self.body.get(start..).unwrap_or_default();
            let length = content_length(content, delimiter.as_bytes())?;
            parts.push(Part {
                header,
                content: start..start + length,
            });
            at = start + length + 2 + delimiter.len();
        }
    }

    /// Returns the body with other contents of some parts.
    ///
    /// `edits` are in the order of their places and do not overlap.
    fn with_edits(&self, edits: &[(Range<usize>, String)]) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.body.len());
        let mut done = 0;
        for (place, text) in edits {
            out.extend_from_slice(self.body.get(done..place.start).unwrap_or_default());
            out.extend_from_slice(text.as_bytes());
            done = place.end;
        }
        out.extend_from_slice(self.body.get(done..).unwrap_or_default());
        out
    }
}

/// Returns the length of the content before CR LF and the delimiter. A delimiter at the start of any
/// other line is refused: some parsers accept it.
fn content_length(content: &[u8], delimiter: &[u8]) -> Result<usize, Why> {
    // A part may be empty: its header ends with the line break that is before the delimiter.
    let found = find_bytes(content, delimiter).ok_or(NO_END)?;
    match content.get(..found) {
        Some([.., b'\r', b'\n']) => Ok(found - 2),
        _ => Err(HIDDEN_BOUNDARY),
    }
}

/// Returns where a sequence of bytes first occurs.
fn find_bytes(text: &[u8], wanted: &[u8]) -> Option<usize> {
    let first = *wanted.first()?;
    let mut at = 0;
    loop {
        let rest = text.get(at..)?;
        at += rest.iter().position(|byte| *byte == first)?;
        if text.get(at..)?.starts_with(wanted) {
            return Some(at);
        }
        at += 1;
    }
}

/// Status 400.
fn malformed(why: Why) -> Box<Rejection> {
    refusal::malformed(InputPart::Multipart, why)
}
