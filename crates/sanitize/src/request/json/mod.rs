//! Finds the watched strings of a JSON text without changing anything else in it.
//!
//! Stricter than most readers: a name twice in one object is refused, for readers do not agree on which counts.

mod path;
mod scan;
mod string;

use std::borrow::Cow;

use palisade_core::Rejection;

use self::path::Path;
use self::scan::{Scanner, Value};
use crate::fault::{self, Place};
use crate::watch::{Edit, Watch, splice};

/// How deep and how large a document may be.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Caps {
    pub(crate) depth: usize,
    pub(crate) keys: usize,
}

/// Cleans the watched strings; borrows if nothing had to change.
pub(crate) fn clean<'t>(
    source: &'t str,
    caps: Caps,
    watch: &mut Watch,
) -> Result<Cow<'t, str>, Box<Rejection>> {
    let paths: Vec<Path> = watch.names().map(|name| Path::parse(name)).collect();
    let found = Scanner::scan(source, caps, &paths);
    let found = found.map_err(|flaw| fault::malformed(Place::Json, flaw.words()))?;
    let mut edits: Vec<Edit> = Vec::new();
    let mut last = 0..0;
    for found in found {
        let name = watch
            .name(found.field)
            .map(AsRef::as_ref)
            .unwrap_or_default();
        let text = match found.value {
            Value::Text(text) => text,
            // Nothing is there, which only a field that must be there minds.
            Value::Null => continue,
            // A list of strings would pass by, and some readers take one for a text.
            Value::Other => return Err(fault::not_text(name)),
        };
        let changed = watch.clean(found.field, &text)?;
        // Two pointers can mean the same string; the first one decides what it becomes.
        if let Some(text) = changed.filter(|_| last != found.span) {
            edits.push(Edit {
                span: found.span.clone(),
                text: string::encode(&text),
            });
        }
        last = found.span;
    }
    splice(source, edits).ok_or_else(|| fault::malformed(Place::Json, scan::Flaw::Syntax.words()))
}
