//! Parameters of queries and forms (`application/x-www-form-urlencoded`).
//!
//! Stricter than common parsers. An incomplete escape or bytes that are not UTF-8 are refused in
//! every name and in every selected value: one parser would keep them and another would replace
//! them.
//!
//! | Input | Common parsers | Here |
//! |---|---|---|
//! | `%4`, `%zz` | kept or dropped | refused |
//! | `%ff` | replaced by U+FFFD, or kept as a byte | refused |
//! | `text=a&text=b` | the first, the last, or a list | refused for selected names |
//! | `text` without `=` | an empty value, or absent | an empty value |
//!
//! Parameters that are not selected stay byte for byte. A changed value is written with all characters
//! escaped but letters, digits and `-._~`.

use std::borrow::Cow;

use palisade_core::Rejection;
use palisade_internal::percent::{self, InvalidForm, decode_form_strictly, split_pair};
use smallvec::SmallVec;

use super::json::Caps;
use super::refusal::{self, InputPart};
use super::selection::Selection;
use super::splice::{Edit, splice};

/// The end of a sentence that begins with the part of the request.
const TOO_MANY: &str = "has too many parameters";
const TOO_LONG: &str = "has a name or a value that is too long";

/// Cleans the selected parameters. Borrows if nothing had to change.
///
/// Refuses a selected parameter that is given twice, and what is above the limits.
pub(crate) fn clean<'t>(
    source: &'t str,
    part: InputPart,
    caps: Caps,
    selection: &mut Selection,
) -> Result<Cow<'t, str>, Box<Rejection>> {
    if part == InputPart::Form && source.trim_ascii_start().starts_with(['{', '[', '"']) {
        return Err(refusal::type_mismatch("JSON"));
    }
    let mut edits = Vec::new();
    let mut seen = SmallVec::<[usize; 4]>::new();
    let mut start = 0usize;
    for (index, pair) in source.split('&').enumerate() {
        let end = start.saturating_add(pair.len());
        if index >= caps.keys {
            return Err(refusal::malformed(part, TOO_MANY));
        }
        let (name, value) = split_pair(pair);
        if name.len().max(value.len()) > caps.string {
            return Err(refusal::malformed(part, TOO_LONG));
        }
        if selection.refuses_near_names() {
            refuse_near_names(pair, selection)?;
        }
        let name = decode_form_strictly(name).map_err(|why| refusal::malformed(part, why))?;
        if let Some(field) = selection.parameter(&name) {
            if seen.contains(&field) {
                return Err(refusal::duplicated(&name));
            }
            seen.push(field);
            let text = decode_form_strictly(value).map_err(|why| refusal::malformed(part, why))?;
            if let Some(text) = selection.clean(&[field], &text)? {
                edits.push(Edit {
                    span: end.saturating_sub(value.len())..end,
                    text: percent::encode(&text),
                });
            }
        }
        start = end.saturating_add(1);
    }
    splice(source, edits).ok_or_else(|| refusal::malformed(part, InvalidForm::NotUtf8))
}

/// Refuses names that lenient parsers treat as the name of a field, also after a `;`.
fn refuse_near_names(pair: &str, selection: &Selection) -> Result<(), Box<Rejection>> {
    for (index, part) in pair.split(';').enumerate() {
        let (name, _) = split_pair(part);
        let Ok(name) = decode_form_strictly(name) else {
            continue;
        };
        // A parser that separates by `;` reads this as the field itself.
        let exact = (index > 0).then(|| selection.parameter(&name)).flatten();
        let exact = exact.map(|field| selection.name(field));
        if let Some(field) = exact.or_else(|| selection.near_parameter(&name)) {
            return Err(refusal::near_name(field));
        }
    }
    Ok(())
}

/// Tells whether a form parser would find a field in a text that is not a form.
pub(crate) fn would_find_field(source: &str, selection: &Selection) -> bool {
    source.split(['&', ';']).any(|pair| {
        let (name, _) = split_pair(pair);
        decode_form_strictly(name).is_ok_and(|name| selection.parameter(&name).is_some())
    })
}
