//! Reads the attributes of an element.

use quick_xml::{
    XmlVersion,
    errors::Error,
    escape::EscapeError,
    events::{BytesStart, attributes::Attribute},
};

use super::{
    characters::legal,
    element::{Attributes, Element},
    error::{At, SsmlProblem, malformed, shown},
};

/// Reads the attributes of an element; the first that it does not have ends the reading.
pub(super) fn attributes(
    element: Element,
    start: &BytesStart<'_>,
    offset: usize,
) -> At<Attributes> {
    let mut values: Vec<(&'static str, String)> = Vec::new();
    let mut written = start.attributes();
    // Its check for duplicates compares each with each; here there are never more than an element has.
    written.with_checks(false);
    for attribute in written {
        let attribute = attribute.map_err(|error| malformed(offset, &error.to_string()))?;
        let name: &str = attribute.key.as_ref();
        let allowed = element.attributes();
        let Some(name) = allowed.iter().copied().find(|known| *known == name) else {
            let problem = SsmlProblem::Attribute {
                element: element.name(),
                name: shown(name),
                allowed,
            };
            return Err((offset, problem));
        };
        if values.iter().any(|(known, _)| *known == name) {
            return Err(malformed(offset, &format!("{name} twice in one element")));
        }
        values.push((name, value(&attribute, offset)?));
    }
    Ok(Attributes {
        element,
        offset,
        values,
    })
}

fn value(attribute: &Attribute<'_>, offset: usize) -> At<String> {
    let value = attribute.normalized_value(XmlVersion::Explicit1_0);
    let value = value.map_err(|error| match error {
        Error::Escape(EscapeError::UnrecognizedEntity(_, name)) => {
            let name = shown(&name);
            (offset, SsmlProblem::Entity { name })
        }
        error => malformed(offset, &error.to_string()),
    })?;
    if attribute.value.contains('<') {
        return Err(malformed(offset, "`<` in the value of an attribute"));
    }
    legal(&value, offset)?;
    Ok(value.into_owned())
}
