//! Finds the text fields of a JSON document and changes nothing else in it.
//!
//! Stricter than most parsers. A name that occurs twice in one object is refused, because parsers
//! differ in which one they use.
//!
//! `scan` parses and finds, `path` is a parsed pointer, `parts` puts the strings of a list together, `json_string` reads and writes the escapes of
//! one string. The changed strings are written into the document at their places; everything else stays
//! byte for byte: order, spaces, numbers.
//!
//! Failures: 400 `json_malformed` for syntax and limits, 415 `content_type_mismatch` for a form that is
//! declared as JSON, 422 for a refused text.

mod scan;
mod scan_number;
mod found;
mod names;
mod parts;
mod path;

use std::borrow::Cow;
use std::collections::HashSet;

use palisade_core::Rejection;
use smallvec::SmallVec;

use self::found::{Flaw, FoundField, Target, Value};
use self::parts::JoinedParts;
pub(crate) use self::path::Path;
use self::scan::Scanner;
use super::refusal::{self, InputPart};
use super::selection::Selection;
use super::splice::{Edit, splice};
use crate::json_string::{self, StringFlaw};

impl From<StringFlaw> for Flaw {
    fn from(flaw: StringFlaw) -> Self {
        match flaw {
            StringFlaw::Surrogate => Self::Surrogate,
            StringFlaw::Syntax => Self::Syntax,
        }
    }
}

/// The limits of a document. Forms and queries have those of keys and strings.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Caps {
    /// A scalar as document has depth 0.
    pub(crate) depth: usize,
    /// In the whole document, so many small objects count as much as a large one.
    pub(crate) keys: usize,
    /// The longest string or name, in bytes as it is written.
    pub(crate) string: usize,
    /// The most digits of a number, those of its exponent included.
    pub(crate) digits: usize,
    /// The largest exponent of a number, in both directions.
    pub(crate) exponent: usize,
}

/// Cleans the selected strings. Borrows if nothing had to change.
///
/// Fails for a document that is not valid, and for a field that is refused.
///
/// Names that were cleaned are compared again: two names must not become equal by cleaning.
pub(crate) fn clean<'t>(
    source: &'t str,
    caps: Caps,
    selection: &mut Selection,
) -> Result<Cow<'t, str>, Box<Rejection>> {
    let paths = selection.paths()?;
    let targets: SmallVec<[Target<'_>; 4]> = paths
        .iter()
        .map(|(path, names)| Target {
            path,
            names: *names,
        })
        .collect();
    let found = Scanner::scan(source, caps, &targets, selection.refuses_near_names());
    let found = found.map_err(|flaw| refuse(flaw, source, selection))?;
    let edits = clean_found(found, Some(caps), selection)?;
    splice(source, edits).ok_or_else(|| refusal::malformed(InputPart::Json, Flaw::Syntax.words()))
}

/// Cleans the values and names that were found in one document. With `caps` the documents in its strings are read too.
///
/// # Errors
///
/// A text or a name is refused, or two names of one object are equal once they are clean.
fn clean_found(
    found: Vec<FoundField<'_>>,
    caps: Option<Caps>,
    selection: &mut Selection,
) -> Result<Vec<Edit>, Box<Rejection>> {
    let mut edits: Vec<Edit> = Vec::new();
    let mut names: HashSet<(usize, String)> = HashSet::new();
    let mut parts = JoinedParts::default();
    for found in found {
        let FoundField {
            targets,
            span,
            value,
            object,
            part,
        } = found;
        let text = match value {
            Value::Text(text) => text,
            // Nothing is there, which matters only for a field that must be there.
            Value::Null => continue,
            // A list of strings would pass by, and some readers take one for a text.
            Value::Other => {
                selection.refuse_other_type(&targets)?;
                continue;
            }
        };
        let mut changed = match object {
            Some(_) if text.is_empty() => None,
            Some(_) => selection.clean_name(&targets, &text)?,
            None => selection.clean(&targets, &text)?,
        };
        if let Some(caps) = caps.filter(|_| object.is_none() && selection.holds_json(&targets)) {
            let inner = clean_document(
                changed.as_deref().unwrap_or(&text),
                caps,
                &targets,
                selection,
            )?;
            changed = inner.or(changed);
        }
        if let Some(part) = part {
            parts.push(part, changed.as_deref().unwrap_or(&text), |before, text| {
                selection.refuse_joined(&targets, before, text)
            })?;
        }
        if let Some(object) = object {
            let name = changed.clone().unwrap_or_else(|| text.into_owned());
            if !names.insert((object, name)) {
                return Err(refusal::malformed(InputPart::Json, Flaw::Duplicate.words()));
            }
        }
        edits.extend(changed.map(|text| Edit {
            span,
            text: json_string::encode(&text),
        }));
    }
    Ok(edits)
}

/// Cleans a document in a string, for the fields that selected the string. `None`: nothing changes.
///
/// Without a backslash the document has no escapes, and its strings were cleaned as parts of the text.
///
/// # Errors
///
/// The document is not valid, or a text of it is refused.
fn clean_document(
    document: &str,
    caps: Caps,
    targets: &[usize],
    selection: &mut Selection,
) -> Result<Option<String>, Box<Rejection>> {
    if !document.contains('\\') {
        return Ok(None);
    }
    let malformed = || {
        refusal::malformed(
            InputPart::Json,
            "has a document in a string that is not valid",
        )
    };
    let everything = Path::everything();
    let target = [Target {
        path: &everything,
        names: true,
    }];
    let mut found = Scanner::scan(document, caps, &target, false).map_err(|_| malformed())?;
    for field in &mut found {
        field.targets = SmallVec::from_slice(targets);
    }
    let edits = clean_found(found, None, selection)?;
    if edits.is_empty() {
        return Ok(None);
    }
    let clean = splice(document, edits).ok_or_else(malformed)?;
    Ok(Some(clean.into_owned()))
}

/// Makes the refusal for a document that was not accepted.
///
/// The position of a flaw is not told: it would help no one but someone who probes the parser.
fn refuse(flaw: Flaw, source: &str, selection: &Selection) -> Box<Rejection> {
    match flaw {
        Flaw::NearName(field) => refusal::near_name(selection.name(field)),
        Flaw::Syntax if looks_like_form(source) => refusal::type_mismatch("a form"),
        flaw => refusal::malformed(InputPart::Json, flaw.words()),
    }
}

/// Tells whether a text that is not JSON begins like a form: a name, then `=`.
fn looks_like_form(source: &str) -> bool {
    let (name, _) = source.split_once('=').unwrap_or_default();
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~%+[]*$".contains(&byte);
    !name.is_empty() && !name.starts_with('[') && name.bytes().all(plain)
}
