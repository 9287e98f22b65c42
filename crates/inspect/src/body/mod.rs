//! Bodies: what forms, JSON, XML and multipart say, as the rules see it.
//!
//! A parser never gives up: what it cannot read is an error that rules may ask for
//! (`REQBODY_ERROR`), and what it read before is looked at all the same.

mod form;
mod json;
mod multipart;
mod xml;

use std::borrow::Cow;

pub(crate) use self::form::{decode_pairs, split_pairs};

/// A name or a value: borrowed from the request, or decoded.
pub(crate) type Text<'r> = Cow<'r, [u8]>;

/// How many values of a body are inspected one by one. What follows is inspected as one value, so that
/// nothing passes unseen and the number of values costs no time.
const MOST_VALUES: usize = 1000;

/// How a body is read.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum BodyFormat {
    Form,
    Json,
    Multipart,
    Xml,
}

impl BodyFormat {
    /// Chooses by the media type of a request, as the configuration that ModSecurity recommends.
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
#[derive(Clone, Debug)]
pub(crate) struct File<'r> {
    /// The name of the field.
    pub(crate) field: Text<'r>,
    /// The name of the file.
    pub(crate) name: Text<'r>,
    /// Its bytes.
    pub(crate) content: &'r [u8],
}

/// What was found in a body.
#[derive(Clone, Debug, Default)]
pub(crate) struct BodyFields<'r> {
    /// Parameters: name and value.
    pub(crate) parameters: Vec<(Text<'r>, Text<'r>)>,
    /// Uploaded files.
    pub(crate) files: Vec<File<'r>>,
    /// Names of the parts of a multipart body.
    pub(crate) part_names: Vec<Text<'r>>,
    /// Header lines of the parts, with the name of the part.
    pub(crate) part_headers: Vec<(Text<'r>, Text<'r>)>,
    /// The text of all elements of XML.
    pub(crate) xml_text: Option<Vec<u8>>,
    /// Each attribute of XML.
    pub(crate) xml_attributes: Vec<Vec<u8>>,
    /// Why the body is malformed.
    pub(crate) error: Option<&'static str>,
    /// Whether a multipart body breaks a rule that browsers keep.
    pub(crate) multipart_strict_error: bool,
    /// Whether a line in a part looks like a boundary.
    pub(crate) multipart_unmatched_boundary: bool,
}

impl<'r> BodyFields<'r> {
    /// Reads a body.
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
