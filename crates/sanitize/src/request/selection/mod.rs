//! The fields of one request: which are selected, which were found, and what was changed in them.
//!
//! `Settings::select` makes it from the configuration and the rule of the route. The parsers of
//! query, form and JSON call it for each string that they find. It writes the counts to the audit
//! trail.
//!
//! The same string can be selected by several fields: a pointer of the rule and a pattern such as `/**`.
//! Each cleans it in turn, until a turn changes nothing. Optional and required follow one rule: what is
//! empty and optional is absent.
//!
//! At the end `record` writes one fact for each field, with the number of removed characters, however
//! often the field occurred. A client cannot make the audit record long.
//!
//! | call | when |
//! |---|---|
//! | `new`, `add`, `add_opaque` | before the body is read, from the settings and the rule |
//! | `parameter`, `paths` | by the parsers, to find what is selected |
//! | `clean`, `clean_name` | once for each string that was found |
//! | `demand` | after query and body, for fields that must be there |
//! | `record` | once, whether the request was refused or not |

mod clean;
#[cfg(feature = "moderation")]
mod collected;
mod joined;
mod metrics;
mod replacing;
mod selected;

use std::sync::Arc;

use http::StatusCode;
use palisade_core::{BodyKind, Fact, Rejection, SecurityContext};
use smallvec::SmallVec;

use self::replacing::Replacing;
use self::selected::Selected;
#[cfg(feature = "moderation")]
use crate::moderation::ModeratedText;
#[cfg(feature = "compression")]
use crate::request::content_coding::ContentCoding;
use crate::{
    personal_data::{PersonalData, Placeholders},
    request::{
        field::Field,
        json::Path,
        near_name::is_near,
        refusal::{self, NAME},
    },
};

/// Cleans the fields of one request and remembers which it saw.
#[derive(Debug)]
pub(crate) struct Selection {
    /// Gets the facts of what was found.
    cx: SecurityContext,
    /// Whether nothing is changed or refused, and only recorded.
    shadow: bool,
    /// Whether `Text` is refused where `text` is a field, since some parsers ignore the case.
    refuse_near_names: bool,
    /// What the route accepts. It decides whether JSON that looks like a form is refused.
    body_kind: BodyKind,
    fields: SmallVec<[Selected; 2]>, // Few requests have more than one, so none allocates.
    /// Positions of data such as images in Base64, which are not cleaned if they can only be data.
    opaque: Vec<Arc<Path>>,
    /// What is replaced by placeholders.
    replacing: Option<Box<Replacing>>,
    /// The clean texts, if a moderator looks at them.
    #[cfg(feature = "moderation")]
    collected: Option<Vec<ModeratedText>>,
}

impl Selection {
    /// Starts without fields.
    pub(crate) fn new(cx: SecurityContext, body_kind: BodyKind) -> Self {
        Self {
            cx,
            shadow: false,
            refuse_near_names: false,
            body_kind,
            fields: SmallVec::new(),
            opaque: Vec::new(),
            replacing: None,
            #[cfg(feature = "moderation")]
            collected: None,
        }
    }

    /// Sets whether changes and refusals are only recorded.
    pub(crate) fn in_shadow(mut self, shadow: bool) -> Self {
        self.shadow = shadow;
        self
    }

    /// Sets whether names similar to a field's name are refused.
    pub(crate) fn refusing_near_names(mut self, refuse: bool) -> Self {
        self.refuse_near_names = refuse;
        self
    }

    /// Replaces what a finder finds by placeholders.
    pub(crate) fn with_placeholders(mut self, finder: Option<&PersonalData>) -> Self {
        self.replacing = finder.map(|finder| Box::new(Replacing::new(finder.clone())));
        self
    }

    /// Returns the placeholders that were made, for the response.
    pub(crate) fn take_placeholders(&mut self) -> Option<Arc<Placeholders>> {
        self.replacing.take()?.into_placeholders()
    }

    /// Adds a field. Of two with one name the first cleans, and it is required if either is.
    pub(crate) fn add(&mut self, field: Field, path: Option<Arc<Path>>) {
        let mut known = self.fields.iter_mut();
        if let Some(selected) = known.find(|selected| selected.field.name == field.name) {
            selected.field.required |= field.required;
            return;
        }
        self.push(field, path);
    }

    /// Adds a field that was not seen yet.
    fn push(&mut self, field: Field, path: Option<Arc<Path>>) {
        self.fields.push(Selected {
            field,
            path,
            seen: false,
            changed: false,
            removed: 0,
            flagged: Vec::new(),
            personal_data: Vec::new(),
        });
    }

    /// Adds a text of the head that is there. Returns its index.
    pub(crate) fn add_of_head(&mut self, field: &Field) -> usize {
        self.push(field.clone(), Some(Arc::new(Path::nothing())));
        self.fields.len().saturating_sub(1)
    }

    /// Adds positions of data that is not text.
    pub(crate) fn add_opaque(&mut self, paths: &[Arc<Path>]) {
        self.opaque.extend_from_slice(paths);
    }

    /// Without fields the body is passed on unread.
    pub(crate) fn is_empty(&self) -> bool {
        self.fields.iter().all(|selected| selected.field.of_head)
    }

    /// Tells whether the request is passed as it came.
    pub(crate) fn is_in_shadow(&self) -> bool {
        self.shadow
    }

    /// Returns which kind of body the route accepts.
    pub(crate) fn body_kind(&self) -> BodyKind {
        self.body_kind
    }

    /// Tells whether a name that differs only by case is refused.
    pub(crate) fn refuses_near_names(&self) -> bool {
        self.refuse_near_names
    }

    /// Finds the field of a parameter by its name.
    pub(crate) fn parameter(&self, name: &str) -> Option<usize> {
        self.fields
            .iter()
            .position(|selected| selected.field.is_parameter() && *selected.field.name == *name)
    }

    /// Finds the field that a lenient parser would use for a parameter of this name.
    pub(crate) fn near_parameter(&self, name: &str) -> Option<&str> {
        let mut fields = self.fields.iter().map(|selected| &selected.field);
        let near = fields.find(|field| field.is_parameter() && is_near(name, &field.name));
        near.map(|field| &*field.name)
    }

    /// Lists the pointers of the fields, then those of data, and whether names of members are
    /// selected.
    ///
    /// # Errors
    ///
    /// A field of a rule that is not a JSON pointer. A route table refuses such a rule when it is
    /// built.
    pub(crate) fn paths(&self) -> Result<SmallVec<[(Arc<Path>, bool); 4]>, Box<Rejection>> {
        let fields = self.fields.iter();
        let fields = fields.map(|selected| Ok((selected.path()?, selected.field.names)));
        let opaque = self.opaque.iter().map(|path| Ok((Arc::clone(path), false)));
        fields.chain(opaque).collect()
    }

    /// Returns the name of a field.
    pub(crate) fn name(&self, field: usize) -> &str {
        let selected = self.fields.get(field);
        selected.map_or("", |selected| &selected.field.name)
    }

    /// Refuses a value that is not a string where a string is required.
    pub(crate) fn refuse_other_type(&self, targets: &[usize]) -> Result<(), Box<Rejection>> {
        let fields = targets.iter().filter_map(|&target| self.fields.get(target));
        match fields
            .map(|selected| &selected.field)
            .find(|field| !field.skip_other_types)
        {
            Some(field) => Err(refusal::not_text(&field.name)),
            None => Ok(()),
        }
    }

    /// Tells whether the request continues in spite of a refusal.
    ///
    /// In shadow the refusal is recorded and the request continues unchanged, unless its body is
    /// too large.
    pub(crate) fn lets_pass(&self, rejection: &Rejection) -> bool {
        if !self.shadow || rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
            return false;
        }
        self.cx.would_refuse(NAME, rejection);
        true
    }

    /// Refuses a request without a required field.
    pub(crate) fn demand(&self) -> Result<(), Box<Rejection>> {
        match self
            .fields
            .iter()
            .find(|selected| selected.field.required && !selected.seen)
        {
            Some(selected) => Err(refusal::missing(&selected.field.name)),
            None => Ok(()),
        }
    }

    /// Records what was found and changed: at most one fact of each kind for a field, whatever a
    /// client sends.
    pub(crate) fn record(&mut self) {
        for selected in &mut self.fields {
            for (key, value) in selected.take_notes() {
                let value = value.into();
                self.cx.record(Fact::Noted { key, value });
            }
            if !std::mem::take(&mut selected.changed) {
                continue;
            }
            let (field, removed) = (
                Arc::clone(&selected.field.name),
                std::mem::take(&mut selected.removed),
            );
            self.cx.record(if self.shadow {
                Fact::Noted {
                    key: "text_would_be_cleaned",
                    value: format!("{field}: {removed}").into(),
                }
            } else {
                Fact::Cleaned { field, removed }
            });
        }
    }

    /// Records that the body was decompressed, with both lengths in bytes.
    #[cfg(feature = "compression")]
    pub(crate) fn note_decompressed(&self, coding: ContentCoding, from: usize, to: usize) {
        self.cx.record(Fact::Noted {
            key: "body_decompressed",
            value: format!("{coding}: {from} to {to} bytes").into(),
        });
    }

    /// Returns the security context of the request.
    pub(crate) fn context(&self) -> &SecurityContext {
        &self.cx
    }
}
