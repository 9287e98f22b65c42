//! The fields of one request: which are looked at, which were seen, and what became of them.

use std::borrow::Cow;
use std::sync::Arc;

use http::StatusCode;
use palisade_core::{Fact, Rejection, SecurityContext};
use smallvec::SmallVec;

use crate::fault;
use crate::field::Field;
use crate::report::Report;
use crate::service::NAME;

/// Cleans the fields of one request and remembers which it saw.
#[derive(Debug)]
pub(crate) struct Watch {
    cx: SecurityContext,
    shadow: bool,
    fields: SmallVec<[Watched; 2]>, // Few requests have more than one, so none allocates.
}

#[derive(Debug)]
struct Watched {
    field: Field,
    seen: bool,
}

impl Watch {
    pub(crate) fn new(
        cx: SecurityContext,
        shadow: bool,
        fields: impl Iterator<Item = Field>,
    ) -> Self {
        let mut watch = Self {
            cx,
            shadow,
            fields: SmallVec::new(),
        };
        for field in fields {
            // The first word counts: what the layer was told stands before what a rule names.
            if watch
                .fields
                .iter()
                .all(|watched| watched.field.name != field.name)
            {
                watch.fields.push(Watched { field, seen: false });
            }
        }
        watch
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.fields.is_empty()
    }

    /// Finds the field that a parameter of this name is.
    pub(crate) fn parameter(&self, name: &str) -> Option<usize> {
        self.fields
            .iter()
            .position(|watched| !watched.field.is_pointer() && *watched.field.name == *name)
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &Arc<str>> {
        self.fields.iter().map(|watched| &watched.field.name)
    }

    pub(crate) fn name(&self, field: usize) -> Option<&Arc<str>> {
        self.fields.get(field).map(|watched| &watched.field.name)
    }

    /// Cleans one field; gives its new text, or `None` if it stays as it is.
    pub(crate) fn clean(
        &mut self,
        field: usize,
        text: &str,
    ) -> Result<Option<String>, Box<Rejection>> {
        let Some(watched) = self.fields.get_mut(field) else {
            return Ok(None);
        };
        watched.seen = true;
        let name = &watched.field.name;
        let clean = watched
            .field
            .sanitizer
            .clean(text)
            .map_err(|refused| fault::refused(name, &refused))?;
        if let Some(value) = flags(&watched.field, clean.report()) {
            self.cx.record(Fact::Noted {
                key: "text_flagged",
                value: value.into(),
            });
        }
        if !clean.report().is_changed() {
            return Ok(None);
        }
        let removed = clean.report().removed();
        if self.shadow {
            let value = format!("{name}: {removed}").into();
            self.cx.record(Fact::Noted {
                key: "text_would_be_cleaned",
                value,
            });
            return Ok(None);
        }
        self.cx.record(Fact::Cleaned {
            field: Arc::clone(name),
            removed,
        });
        Ok(Some(clean.into_text().into_owned()))
    }

    /// Tells whether a refusal counts. In shadow it is recorded and the request goes on as it came, unless its
    /// body is too large.
    pub(crate) fn lets_pass(&self, rejection: &Rejection) -> bool {
        if !self.shadow || rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
            return false;
        }
        self.cx.record(Fact::WouldRefuse {
            guard: NAME,
            code: rejection.code(),
        });
        true
    }

    /// Refuses a request that lacks a field it must have.
    pub(crate) fn demand(&self) -> Result<(), Box<Rejection>> {
        match self
            .fields
            .iter()
            .find(|watched| watched.field.required && !watched.seen)
        {
            Some(watched) => Err(fault::missing(&watched.field.name)),
            None => Ok(()),
        }
    }

    pub(crate) fn context(&self) -> &SecurityContext {
        &self.cx
    }
}

/// Says what was flagged in a field, in words of the configuration.
fn flags(field: &Field, report: &Report) -> Option<String> {
    let classes = report
        .flagged_classes()
        .map(|(class, count)| (class.name(), count));
    let rule = |(index, count)| (field.sanitizer.rule_name(index).unwrap_or_default(), count);
    let all: Vec<String> = classes
        .chain(report.flagged_rules().map(rule))
        .map(|(what, count)| format!("{what} ({count})"))
        .collect();
    (!all.is_empty()).then(|| format!("{}: {}", field.name, all.join(", ")))
}

/// Puts new text in place of parts of the old one. The parts come in order and do not overlap.
pub(crate) fn splice<'t>(
    source: &'t str,
    edits: impl IntoIterator<Item = Edit>,
) -> Option<Cow<'t, str>> {
    let mut out = String::new();
    let mut done = 0;
    for edit in edits {
        out.push_str(source.get(done..edit.span.start)?);
        out.push_str(&edit.text);
        done = edit.span.end;
    }
    if done == 0 && out.is_empty() {
        return Some(Cow::Borrowed(source));
    }
    out.push_str(source.get(done..)?);
    Some(Cow::Owned(out))
}

/// A part of a source and the text that takes its place, encoded as the source is.
#[derive(Debug)]
pub(crate) struct Edit {
    pub(crate) span: std::ops::Range<usize>,
    pub(crate) text: String,
}
