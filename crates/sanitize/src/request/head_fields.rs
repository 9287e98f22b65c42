//! Text in the head of a request: header values, and parameters of the path.
//!
//! | text | how it is read | what happens if it is not clean |
//! |---|---|---|
//! | a header value | as UTF-8 | it is rewritten, or the request is refused |
//! | a parameter of the path | percent-decoded, as UTF-8 | the request is refused |
//!
//! A path is never rewritten: a router outside of the layer has read it already, and a rule was chosen by
//! it. A handler that reads its parameters gets what the router found.

use std::sync::Arc;

use http::{HeaderMap, HeaderName, HeaderValue, request};
use palisade_core::{Rejection, RouteMatch};
use palisade_internal::percent::decode_form_strictly;

use super::field::Field;
use super::refusal;
use super::selection::Selection;
use super::settings::Settings;
use crate::error::SanitizeBuildError;
use crate::text::Sanitizer;

/// Headers that are no text: they frame the message, name its sender or cover other fields.
const NOT_TEXT: [HeaderName; 17] = [
    http::header::AUTHORIZATION,
    http::header::CONNECTION,
    http::header::CONTENT_ENCODING,
    http::header::CONTENT_LENGTH,
    http::header::CONTENT_TYPE,
    http::header::COOKIE,
    http::header::EXPECT,
    http::header::FORWARDED,
    http::header::HOST,
    http::header::PROXY_AUTHORIZATION,
    http::header::TE,
    http::header::TRAILER,
    http::header::TRANSFER_ENCODING,
    http::header::UPGRADE,
    HeaderName::from_static("signature"),
    HeaderName::from_static("signature-input"),
    HeaderName::from_static("x-forwarded-for"),
];

/// A text of the head.
#[derive(Clone, Debug)]
pub(crate) struct HeadField {
    place: HeadPlace,
    field: Field,
}

/// Where a text of the head is.
#[derive(Clone, Debug)]
enum HeadPlace {
    /// Its values are rewritten.
    CleanedHeader(HeaderName),
    /// A parameter of the template of the route.
    PathParameter(Arc<str>),
    /// Values that are not clean are refused.
    StrictHeader(HeaderName),
}

impl HeadField {
    /// Selects the values of a header.
    pub(crate) fn header(name: HeaderName, sanitizer: Sanitizer, strict: bool) -> Self {
        let field = Field::of_head(format!("header {name}"), sanitizer);
        let place = match strict {
            true => HeadPlace::StrictHeader(name),
            false => HeadPlace::CleanedHeader(name),
        };
        Self { place, field }
    }

    /// Selects a parameter of the path.
    pub(crate) fn path_parameter(name: Arc<str>, sanitizer: Sanitizer) -> Self {
        Self {
            field: Field::of_head(format!("path parameter {name}"), sanitizer),
            place: HeadPlace::PathParameter(name),
        }
    }

    /// # Errors
    ///
    /// The header is no text, or another of these fields has the same name.
    pub(crate) fn check_all(all: &[Self]) -> Result<(), SanitizeBuildError> {
        for (index, one) in all.iter().enumerate() {
            if let HeadPlace::CleanedHeader(name) | HeadPlace::StrictHeader(name) = &one.place
                && NOT_TEXT.contains(name)
            {
                return Err(SanitizeBuildError::HeaderNotText {
                    header: name.clone(),
                });
            }
            let mut before = all.iter().take(index);
            if before.any(|other| other.field.name == one.field.name) {
                let field = Arc::clone(&one.field.name);
                return Err(SanitizeBuildError::NamedTwice { field });
            }
        }
        Ok(())
    }
}

/// Cleans the texts of the head that the settings select.
///
/// # Errors
///
/// - 400 `header_malformed`, `path_malformed`: the text cannot be read
/// - 422 `field_not_clean`: it is not clean, and is not rewritten
/// - 422: the sanitizer refuses the text
pub(crate) fn clean(
    settings: &Settings,
    head: &mut request::Parts,
    selection: &mut Selection,
) -> Result<(), Box<Rejection>> {
    if matches!(selection.context().route(), Some(RouteMatch::Preflight)) {
        return Ok(());
    }
    for HeadField { place, field } in &settings.head_fields {
        match place {
            HeadPlace::CleanedHeader(name) | HeadPlace::StrictHeader(name) => {
                let strict = matches!(place, HeadPlace::StrictHeader(_));
                let changed = clean_header(name, field, strict, &mut head.headers, selection)?;
                if changed {
                    settings.stale_headers.remove_signatures(&mut head.headers);
                }
            }
            HeadPlace::PathParameter(name) => {
                check_parameter(name, field, head.uri.path(), selection)?;
            }
        }
    }
    Ok(())
}

/// Cleans all values of a header. Returns whether one was changed.
fn clean_header(
    name: &HeaderName,
    field: &Field,
    strict: bool,
    headers: &mut HeaderMap,
    selection: &mut Selection,
) -> Result<bool, Box<Rejection>> {
    if !headers.contains_key(name) {
        return Ok(false);
    }
    let index = selection.add_of_head(field);
    let mut values = Vec::new();
    let mut changed = false;
    for value in headers.get_all(name) {
        let text = std::str::from_utf8(value.as_bytes());
        let text = text.map_err(|_| refusal::head_malformed("header_malformed", &field.name))?;
        values.push(match selection.clean(&[index], text)? {
            None => value.clone(),
            Some(_) if strict => return Err(refusal::not_clean(&field.name)),
            Some(clean) => {
                changed = true;
                HeaderValue::try_from(clean).map_err(|_| refusal::not_clean(&field.name))?
            }
        });
    }
    if changed {
        headers.remove(name);
        values.into_iter().for_each(|value| {
            headers.append(name, value);
        });
    }
    Ok(changed)
}

/// Refuses a parameter of the path that is not clean.
fn check_parameter(
    name: &str,
    field: &Field,
    path: &str,
    selection: &mut Selection,
) -> Result<(), Box<Rejection>> {
    let cx = selection.context().clone();
    let Some(rule) = cx.rule() else {
        return Ok(());
    };
    let raw = parameter_of(rule.template(), path, name).map_err(|()| unlike_template())?;
    let Some(raw) = raw else {
        return Ok(());
    };
    // In a path, `+` is a plus.
    let raw = raw.replace('+', "%2B");
    let text = decode_form_strictly(&raw);
    let text = text.map_err(|_| refusal::head_malformed("path_malformed", &field.name))?;
    let index = selection.add_of_head(field);
    match selection.clean(&[index], &text)? {
        Some(_) => Err(refusal::not_clean(&field.name)),
        None => Ok(()),
    }
}

/// Returns the value of a parameter as it is in the path. `None`: the template has no such parameter.
///
/// # Errors
///
/// The path is not one of the template.
fn parameter_of<'p>(template: &str, path: &'p str, name: &str) -> Result<Option<&'p str>, ()> {
    let mut rest = path;
    for segment in template.split('/') {
        let parameter = segment.split_once('{').and_then(|(before, parameter)| {
            let (parameter, behind) = parameter.split_once('}')?;
            Some((before, parameter, behind))
        });
        let (value, after) = rest.split_once('/').unwrap_or((rest, ""));
        match parameter {
            Some((_, wildcard, _)) if wildcard.strip_prefix('*') == Some(name) => {
                return Ok(Some(rest));
            }
            Some((before, own, behind)) if own == name => {
                let value = value.strip_prefix(before);
                let value = value.and_then(|value| value.strip_suffix(behind));
                return value.map(Some).ok_or(());
            }
            Some(_) => {}
            None if segment == value => {}
            None => return Err(()),
        }
        rest = after;
    }
    Ok(None)
}

/// Refuses a request whose path is not the one by which its rule was chosen.
fn unlike_template() -> Box<Rejection> {
    let why = "the path was changed between the table of routes and SanitizeLayer, so its parameters \
               cannot be found";
    Box::new(Rejection::misconfigured(why))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_found_where_the_template_has_them() {
        let check = |template, path, expected| {
            assert_eq!(
                parameter_of(template, path, "x"),
                expected,
                "{template} {path}"
            );
        };
        check("/a/{x}", "/a/b%20c", Ok(Some("b%20c")));
        check("/{y}/{x}/c", "/a/b/c", Ok(Some("b")));
        check("/a/{*x}", "/a/b/c", Ok(Some("b/c")));
        check("/a/{y}", "/a/b", Ok(None));
        check("/a", "/a", Ok(None));
        check("/a/v{x}.txt", "/a/v1.txt", Ok(Some("1")));
        check("/a/{x}", "/b/c", Err(()));
        check("/a/v{x}", "/a/w1", Err(()));
    }
}
