//! The settings of a layer, and the fields that follow from them for a request.
//!
//! The builder makes them once. The service calls `select` for each request.

use std::sync::Arc;

use palisade_core::{BodyKind, BoxFuture, Rejection, RouteMatch, Rule, SecurityContext, TextField};

use super::content_coding::{ContentCoding, Encoding};
use super::field::{Field, ParsedFields};
use super::head_fields::HeadField;
use super::json::Caps;
use super::selection::Selection;
use super::stale_headers::StaleHeaders;
#[cfg(feature = "moderation")]
use crate::moderation::Moderation;
use crate::personal_data::PersonalData;
use crate::response::ResponseRules;
use crate::text::Sanitizer;

/// A decision about a request that takes time: a refusal, or the request continues.
pub(crate) type Decision = BoxFuture<Result<(), Box<Rejection>>>;

/// The settings, with the sets of fields parsed.
///
/// Defaults and limits of each value are described at the builder of the layer.
#[derive(Debug)]
pub(crate) struct Settings {
    /// Used where the rule of the route names none.
    pub(crate) body_kind: BodyKind,
    /// The limits for JSON, forms and multipart.
    pub(crate) caps: Caps,
    /// The compressions that are undone. Empty without the feature `compression`.
    pub(crate) codings: Vec<ContentCoding>,
    /// The sanitizer of fields that name none.
    pub(crate) default: Sanitizer,
    /// Selected in every request, whatever its route.
    pub(crate) fields: ParsedFields,
    /// Header values and parameters of the path.
    pub(crate) head_fields: Vec<HeadField>,
    /// Whether the handler gets the bytes as they were sent, too.
    pub(crate) keep_raw_body: bool,
    /// In bytes, for bodies that are read.
    pub(crate) max_body: usize,
    /// How many times as long as the compressed body the plain one may be.
    #[cfg(feature = "compression")]
    pub(crate) max_ratio: usize,
    /// In bytes, for bodies that are passed on.
    pub(crate) max_unread_body: usize,
    /// Decides about the clean texts. `None`: they pass.
    #[cfg(feature = "moderation")]
    pub(crate) moderation: Option<Moderation>,
    /// Sanitizers that a rule can name.
    pub(crate) named: Vec<(Arc<str>, Sanitizer)>,
    /// Finds what is replaced by placeholders in the fields. `None`: nothing is.
    pub(crate) placeholders: Option<PersonalData>,
    /// Whether compressed bodies pass unread, in place of 415.
    pub(crate) pass_compressed: bool,
    /// Whether bodies of other types pass unread, in place of 415.
    pub(crate) pass_other_content: bool,
    /// Whether a multipart body with a file is refused.
    pub(crate) refuse_files: bool,
    pub(crate) refuse_near_names: bool,
    /// How responses are cleaned. `None`: they pass as they are.
    pub(crate) responses: Option<Arc<ResponseRules>>,
    /// Sets of fields that a rule can name.
    pub(crate) schemas: Vec<(Arc<str>, Arc<ParsedFields>)>,
    /// Whether nothing is changed or refused, only recorded.
    pub(crate) shadow: bool,
    /// What happens with digests and signatures of what was changed.
    pub(crate) stale_headers: StaleHeaders,
}

impl Settings {
    /// Tells whether a body of this encoding can be read.
    pub(crate) fn can_read(&self, encoding: Encoding) -> bool {
        match encoding {
            Encoding::Identity => true,
            Encoding::Known(coding) => self.codings.contains(&coding),
            Encoding::Other => false,
        }
    }

    /// Selects the fields of a request: those of the layer, then those of the rule, then its sets.
    ///
    /// # Errors
    ///
    /// The rule names a set of fields that is not defined. The server is misconfigured, and the
    /// request is refused with 500.
    pub(crate) fn select(&self, cx: &SecurityContext) -> Result<Selection, Box<Rejection>> {
        // A preflight asks for the request to come; it has no text yet.
        if matches!(cx.route(), Some(RouteMatch::Preflight)) {
            return Ok(Selection::new(cx.clone(), self.body_kind));
        }
        let rule = cx.rule();
        let body_kind = rule.and_then(|rule| rule.body_kind());
        let mut selection = Selection::new(cx.clone(), body_kind.unwrap_or(self.body_kind))
            .in_shadow(self.shadow)
            .refusing_near_names(self.refuse_near_names)
            .with_placeholders(self.placeholders.as_ref().filter(|_| !self.shadow));
        #[cfg(feature = "moderation")]
        if self.moderation.is_some() {
            selection.collect_texts();
        }
        add_all(&mut selection, &self.fields);
        for field in rule.map(Rule::fields).unwrap_or_default() {
            selection.add(self.field_of_rule(field), None);
        }
        for name in rule.map(Rule::text_schemas).unwrap_or_default() {
            let mut schemas = self.schemas.iter();
            let (_, fields) = schemas
                .find(|(known, _)| known == name)
                .ok_or_else(unknown_schema)?;
            add_all(&mut selection, fields);
        }
        Ok(selection)
    }

    /// Starts the moderation of the texts that were cleaned. `None`: there is nothing to wait for.
    #[cfg(feature = "moderation")]
    pub(crate) fn moderate(&self, selection: &mut Selection) -> Option<Decision> {
        let moderation = self.moderation.as_ref()?;
        let texts = selection.take_texts();
        let cx = selection.context().clone();
        (!texts.is_empty())
            .then(|| Box::pin(moderation.clone().decide(cx, texts, self.shadow)) as Decision)
    }

    /// Without the feature `moderation` there is nothing to wait for.
    #[cfg(not(feature = "moderation"))]
    #[allow(clippy::unused_self)] // The function with the feature has the same form.
    pub(crate) fn moderate(&self, _: &mut Selection) -> Option<Decision> {
        None
    }

    /// Makes the field that a rule names, with the sanitizer that is configured for it.
    fn field_of_rule(&self, field: &TextField) -> Field {
        let name = field.name();
        let own = self.named.iter().find(|(own, _)| own == name);
        let sanitizer = own
            .map_or(&self.default, |(_, sanitizer)| sanitizer)
            .clone();
        if field.is_required() {
            Field::required(Arc::clone(name), sanitizer)
        } else {
            Field::optional(Arc::clone(name), sanitizer)
        }
    }
}

/// Adds a set of fields to a selection.
fn add_all(selection: &mut Selection, fields: &ParsedFields) {
    for (field, path) in &fields.fields {
        selection.add(field.clone(), Some(Arc::clone(path)));
    }
    selection.add_opaque(&fields.opaque);
}

/// Refuses a request whose rule names an undefined set of fields.
fn unknown_schema() -> Box<Rejection> {
    let why =
        "the rule names a set of text fields that SanitizeLayerBuilder::schema did not define";
    Box::new(Rejection::misconfigured(why))
}
