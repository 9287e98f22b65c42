//! Bodies: what forms, JSON, XML and multipart say, as the rules see it.
//!
//! A parser never gives up: what it cannot read is an error that rules may ask for
//! (`REQBODY_ERROR`), and what it read before is inspected nevertheless.
//!
//! The body is complete in memory when a parser runs; the layer has limited its size. Each parser
//! takes one pass. What needs no decoding is borrowed from the body.
//!
//! A body can be read in two ways by two programs. The parsers here therefore keep each reading
//! that an attacker could want: repeated names, several names of a file, text around the parts. A
//! handler may reject more than is rejected here, but it should not see a value that the rules
//! did not.

mod form;
mod json;
mod multipart;
mod xml;

use std::borrow::Cow;

pub(crate) use self::form::{bounded_pairs, decode_pairs};

/// A name or a value: borrowed from the request, or decoded.
///
/// It lives as long as the request.
pub(crate) type Text<'r> = Cow<'r, [u8]>;

/// How many values of a body are inspected one by one. What follows is inspected as one value, so that
/// nothing passes unseen and the number of values costs no time.
///
/// For JSON and multipart the rest is one value of raw bytes, with an error set, so
/// `REQBODY_ERROR` tells rules of it.
const MOST_VALUES: usize = 1000;

/// How a body is read.
///
/// "SecRequestBodyAccess" and `ctl:requestBodyProcessor` in the reference manual describe the
/// choice. A body of any other type is not parsed, but rules can read `REQUEST_BODY`.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum BodyFormat {
    /// `application/x-www-form-urlencoded`: pairs as in a query.
    Form,
    /// JSON (RFC 8259).
    Json,
    /// `multipart/form-data` (RFC 7578).
    Multipart,
    /// XML 1.0. Namespaces and schemas do not matter here.
    Xml,
}

impl BodyFormat {
    /// Chooses by the media type of a request, as the configuration that ModSecurity recommends.
    ///
    /// Parameters such as `charset` and the case do not count. `None` for all other types, also
    /// for an empty one.
    pub(crate) fn of_content_type(content_type: &[u8]) -> Option<Self> {
        let end = content_type
            .iter()
            .position(|byte| matches!(byte, b';' | b',' | b' ' | b'\t'));
        let media_type = content_type
            .get(..end.unwrap_or(content_type.len()))
            .unwrap_or_default();
        let media_type = media_type.to_ascii_lowercase();
        match media_type.as_slice() {
            b"application/x-www-form-urlencoded" => Some(Self::Form),
            b"multipart/form-data" => Some(Self::Multipart),
            b"text/xml" | b"application/xml" => Some(Self::Xml),
            b"application/json" => Some(Self::Json),
            other if other.starts_with(b"application/") && other.ends_with(b"+xml") => {
                Some(Self::Xml)
            }
            other if other.starts_with(b"application/") && other.ends_with(b"+json") => {
                Some(Self::Json)
            }
            _ => None,
        }
    }

    /// Reads the name in `ctl:requestBodyProcessor`.
    ///
    /// The name must be in upper case. `None`: it is unknown, and the body is not parsed.
    pub(crate) fn of_name(name: &str) -> Option<Self> {
        match name {
            "URLENCODED" => Some(Self::Form),
            "JSON" => Some(Self::Json),
            "MULTIPART" => Some(Self::Multipart),
            "XML" => Some(Self::Xml),
            _ => None,
        }
    }

    /// The value of `REQBODY_PROCESSOR`.
    ///
    /// It is the name that [`Self::of_name`] reads.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Form => "URLENCODED",
            Self::Json => "JSON",
            Self::Multipart => "MULTIPART",
            Self::Xml => "XML",
        }
    }
}

/// An uploaded file.
///
/// A part with several names of files gives one for each, with the same content.
#[derive(Clone, Debug)]
pub(crate) struct File<'r> {
    /// The name of the field.
    ///
    /// Empty if the part has no name.
    pub(crate) field: Text<'r>,
    /// The name of the file.
    ///
    /// As the client wrote it, without quotes. It may hold a path.
    pub(crate) name: Text<'r>,
    /// Its bytes.
    ///
    /// Not decoded: browsers send files as they are.
    pub(crate) content: &'r [u8],
}

/// What was found in a body.
///
/// The default is that of an empty body: nothing was found and nothing is wrong.
#[derive(Clone, Debug, Default)]
pub(crate) struct BodyFields<'r> {
    /// Parameters: name and value.
    ///
    /// In the order of the body. Names may repeat.
    pub(crate) parameters: Vec<(Text<'r>, Text<'r>)>,
    /// Uploaded files.
    ///
    /// Only multipart has them.
    pub(crate) files: Vec<File<'r>>,
    /// Names of the parts of a multipart body.
    ///
    /// One for each part, empty if it has none.
    pub(crate) part_names: Vec<Text<'r>>,
    /// Header lines of the parts, with the name of the part.
    ///
    /// Continued lines are joined.
    pub(crate) part_headers: Vec<(Text<'r>, Text<'r>)>,
    /// The text of all elements of XML.
    ///
    /// It is one text, so that words which tags split are found. `None` for other formats.
    pub(crate) xml_text: Option<Vec<u8>>,
    /// Each attribute of XML.
    ///
    /// With entities decoded. Names of attributes are not kept.
    pub(crate) xml_attributes: Vec<Vec<u8>>,
    /// Why the body is malformed.
    ///
    /// A fixed text, which is `REQBODY_ERROR_MSG`.
    pub(crate) error: Option<&'static str>,
    /// Whether a multipart body breaks a rule that browsers keep.
    ///
    /// A wrong body is always strict too. False for other formats.
    pub(crate) multipart_strict_error: bool,
    /// Whether a line in a part looks like a boundary.
    ///
    /// It starts with `--` but is not the boundary. Ordinary files may have such lines.
    pub(crate) multipart_unmatched_boundary: bool,
}

impl<'r> BodyFields<'r> {
    /// Reads a body.
    ///
    /// An empty body is valid in each format, as a request may have a media type without a body.
    /// Problems are in [`Self::error`].
    pub(crate) fn read(format: BodyFormat, content_type: &'r [u8], body: &'r [u8]) -> Self {
        let mut fields = Self::default();
        if body.is_empty() {
            return fields;
        }
        match format {
            BodyFormat::Form => form::read(body, &mut fields),
            BodyFormat::Json => json::read(body, &mut fields),
            BodyFormat::Multipart => multipart::read(content_type, body, &mut fields),
            BodyFormat::Xml => xml::read(body, &mut fields),
        }
        fields
    }
}
