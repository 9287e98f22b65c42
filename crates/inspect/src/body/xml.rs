//! XML: the text of the elements, and the attributes.
//!
//! The reader is lenient on purpose. It asks only for what an attacker's text can stand in: text,
//! `CDATA`, attributes, and the values that a document type gives to its entities, which a parser
//! behind would insert.
//!
//! | Value | Has |
//! |---|---|
//! | `XML:/*` | all text, with `CDATA` and quoted values of a document type |
//! | `XML://@*` | each attribute |
//!
//! Entities are decoded but never expanded: no file and no URL is read, and a document cannot
//! grow ("billion laughs"). Comments and processing instructions are skipped, since handlers do
//! not use them. Names of elements and attributes are not checked.

use super::{BodyFields, MOST_VALUES};
use crate::transformation::Transformation;

/// Reads a document.
///
/// Errors are kept in `fields`; the text so far is kept too.
pub(super) fn read(body: &[u8], fields: &mut BodyFields<'_>) {
    let mut text = Vec::new();
    let mut rest = body;
    let mut depth = 0_usize;
    if body.trim_ascii_start().first() != Some(&b'<') {
        fields.error = Some("the document does not start with an element");
    }
    while let Some(at) = memchr::memchr(b'<', rest) {
        let (before, markup) = rest.split_at(at);
        push_text(&mut text, before);
        rest = read_element(markup, &mut text, &mut depth, fields);
    }
    push_text(&mut text, rest);
    if depth > 0 && fields.error.is_none() {
        fields.error = Some("an element is not closed");
    }
    fields.xml_text = Some(text);
}

/// Adds text with its entities decoded.
///
/// The entities are those of HTML and `&apos;`.
fn push_text(text: &mut Vec<u8>, raw: &[u8]) {
    match Transformation::HtmlEntityDecode.apply(raw) {
        Some(decoded) => text.extend(decode_apostrophe(&decoded)),
        None => text.extend(decode_apostrophe(raw)),
    }
}

/// Decodes `&apos;`, which HTML of old does not know.
///
/// XML defines five entities; the decoder of HTML has the other four.
fn decode_apostrophe(raw: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = memchr::memmem::find(rest, b"&apos;") {
        out.extend_from_slice(rest.get(..at).unwrap_or_default());
        out.push(b'\'');
        rest = rest.get(at + 6..).unwrap_or_default();
    }
    out.extend_from_slice(rest);
    out
}

/// Reads what starts with `<`. Returns what follows it.
///
/// `depth` counts open elements. Whether names of start and end agree is not checked.
fn read_element<'r>(
    markup: &'r [u8],
    text: &mut Vec<u8>,
    depth: &mut usize,
    fields: &mut BodyFields<'_>,
) -> &'r [u8] {
    if let Some(rest) = markup.strip_prefix(b"<!--") {
        return split_after(rest, b"-->", fields).1;
    }
    if let Some(rest) = markup.strip_prefix(b"<![CDATA[") {
        let (data, rest) = split_after(rest, b"]]>", fields);
        text.extend_from_slice(data);
        return rest;
    }
    if let Some(rest) = markup.strip_prefix(b"<?") {
        return split_after(rest, b"?>", fields).1;
    }
    if let Some(rest) = markup.strip_prefix(b"<!") {
        return document_type(rest, text, fields);
    }
    if let Some(rest) = markup.strip_prefix(b"</") {
        *depth = depth.saturating_sub(1);
        return split_after(rest, b">", fields).1;
    }
    let (empty, rest) = read_tag(markup.get(1..).unwrap_or_default(), fields);
    *depth += usize::from(!empty);
    rest
}

/// Splits at the end of a construct, which is malformed if it does not end.
///
/// Without an end, all the rest belongs to the construct.
fn split_after<'r>(
    text: &'r [u8],
    end: &[u8],
    fields: &mut BodyFields<'_>,
) -> (&'r [u8], &'r [u8]) {
    match memchr::memmem::find(text, end) {
        Some(at) => (
            text.get(..at).unwrap_or_default(),
            text.get(at + end.len()..).unwrap_or_default(),
        ),
        None => {
            fields.error = Some("a construct is not closed");
            (text, b"")
        }
    }
}

/// Reads a document type; its quoted values count as text.
///
/// It ends at a `>` outside of brackets and quotes.
fn document_type<'r>(
    declaration: &'r [u8],
    text: &mut Vec<u8>,
    fields: &mut BodyFields<'_>,
) -> &'r [u8] {
    let mut rest = declaration;
    let mut brackets = 0_i32;
    while let Some((&first, following)) = rest.split_first() {
        rest = following;
        match first {
            b'"' | b'\'' => {
                let (value, after_value) = split_after(following, &[first], fields);
                push_text(text, value);
                text.push(b' ');
                rest = after_value;
            }
            b'[' => brackets += 1,
            b']' => brackets -= 1,
            b'>' if brackets <= 0 => return rest,
            _ => {}
        }
    }
    fields.error = Some("the document type is not closed");
    rest
}

/// Reads a tag without its `<`: whether it is empty (`/>`), and what follows it.
///
/// A quote counts as the start of a value only after `=`.
fn read_tag<'r>(tag: &'r [u8], fields: &mut BodyFields<'_>) -> (bool, &'r [u8]) {
    let mut rest = tag;
    let mut last = b'<';
    while let Some((&first, following)) = rest.split_first() {
        rest = following;
        match first {
            b'>' => return (last == b'/', rest),
            b'"' | b'\'' if last == b'=' => {
                let (value, after_value) = split_after(following, &[first], fields);
                let mut decoded = Vec::new();
                push_text(&mut decoded, value);
                add_attribute(decoded, &mut fields.xml_attributes);
                rest = after_value;
                last = first;
            }
            _ if first.is_ascii_whitespace() => {}
            _ => last = first,
        }
    }
    fields.error = Some("a tag is not closed");
    (true, rest)
}

/// Keeps an attribute; those beyond the limit are one.
fn add_attribute(value: Vec<u8>, attributes: &mut Vec<Vec<u8>>) {
    let is_full = attributes.len() >= MOST_VALUES;
    match attributes.last_mut().filter(|_| is_full) {
        Some(last) => {
            last.push(b' ');
            last.extend(value);
        }
        None => attributes.push(value),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read_all(body: &str) -> (String, Vec<String>, Option<&'static str>) {
        let mut fields = BodyFields::default();
        read(body.as_bytes(), &mut fields);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let attributes = fields
            .xml_attributes
            .iter()
            .map(|value| text(value))
            .collect();
        (
            text(&fields.xml_text.unwrap_or_default()),
            attributes,
            fields.error,
        )
    }

    #[test]
    fn text_and_attributes_are_read() {
        let (text, attributes, error) = read_all(
            "<?xml version='1.0'?><a x='1' y = \"&lt;b\">t&#65;<b/><![CDATA[<c>]]><!-- no --> &apos;</a>",
        );
        assert_eq!(text, "tA<c> '");
        assert_eq!(attributes, ["1", "<b"]);
        assert_eq!(error, None);
    }

    #[test]
    fn values_of_entities_are_text() {
        let (text, _, error) = read_all("<!DOCTYPE a [<!ENTITY x \"union select\">]><a>&x;</a>");
        assert!(text.contains("union select"));
        assert_eq!(error, None);
    }

    #[test]
    fn what_does_not_end_is_an_error() {
        for body in [
            "<a",
            "<a>",
            "<a b='",
            "<!-- ",
            "<![CDATA[x",
            "text",
            "<!DOCTYPE a [",
        ] {
            assert!(read_all(body).2.is_some(), "{body}");
        }
    }

    proptest! {
        #[test]
        fn any_text_ends(body in "[<>!?/'\"=a \\[\\]&;#-]{0,60}") {
            read_all(&body);
        }
    }
}
