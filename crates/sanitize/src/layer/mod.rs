//! The layer and its settings.

use std::sync::Arc;

use palisade_core::{RouteMatch, Rule, SecurityContext, TextField};
use tower_layer::Layer;

use crate::error::BuildError;
use crate::field::Field;
use crate::json::Caps;
use crate::sanitizer::Sanitizer;
use crate::service::SanitizeService;
use crate::watch::Watch;

const KIB: usize = 1024;

/// The reader of JSON calls itself for each level, so there is a level at which it stops.
const DEEPEST: usize = 128;

/// Cleans the text fields of query, form and JSON before the handler sees them, or refuses the request.
///
/// Stands innermost, behind authentication and limits, because it reads bodies. Watches the fields it was
/// told of, and those that the rule of the route names ([`Rule::text`](palisade_core::Rule::text)): `text` must
/// be there, `title?` may be, `/input/text` is a JSON pointer.
///
/// * A request in which nothing had to change reaches the handler byte for byte. Where something did, only
///   the field is written anew, and `Content-Length` with it.
/// * A body in which fields are looked for is read up to [`max_body`](SanitizeLayerBuilder::max_body) and must be
///   JSON or a form in UTF-8, not compressed (415). Any other body passes unread, up to
///   [`max_unread_body`](SanitizeLayerBuilder::max_unread_body).
/// * What was cleaned is in the audit trail as a count; the text never is.
///
/// Deadlines are the server's: a body that never ends is for its body timeout to end.
/// What stood in the address before is still in axum's `OriginalUri`, if a router stands outside of this layer.
#[derive(Clone, Debug)]
#[must_use]
pub struct SanitizeLayer(Arc<Config>);

#[derive(Debug)]
pub(crate) struct Config {
    pub(crate) caps: Caps,
    pub(crate) default: Sanitizer,
    pub(crate) fields: Vec<Field>,
    pub(crate) max_body: usize,
    pub(crate) max_unread_body: usize,
    pub(crate) named: Vec<(Arc<str>, Sanitizer)>,
    pub(crate) pass_compressed: bool,
    pub(crate) pass_other_content: bool,
    pub(crate) shadow: bool,
}

/// Puts a [`SanitizeLayer`] together.
#[derive(Debug)]
#[must_use]
pub struct SanitizeLayerBuilder(Config);

impl SanitizeLayer {
    /// Cleans the fields that the rules of the routes name, as [`Sanitizer::speech`] does.
    pub fn new() -> Self {
        Self(Arc::new(SanitizeLayerBuilder::default().0))
    }

    /// Starts from the defaults: no fields of its own, [`Sanitizer::speech`] for those of the rules, bodies of at
    /// most 64 KiB where they are read and 1 MiB where not, JSON at most 32 deep with 1,000 members and elements.
    pub fn builder() -> SanitizeLayerBuilder {
        SanitizeLayerBuilder::default()
    }
}

impl Default for SanitizeLayer {
    fn default() -> Self {
        Self::new()
    }
}

impl Default for SanitizeLayerBuilder {
    fn default() -> Self {
        Self(Config {
            caps: Caps {
                depth: 32,
                keys: 1000,
            },
            default: Sanitizer::speech(),
            fields: Vec::new(),
            max_body: 64 * KIB,
            max_unread_body: KIB * KIB,
            named: Vec::new(),
            pass_compressed: false,
            pass_other_content: false,
            shadow: false,
        })
    }
}

impl SanitizeLayerBuilder {
    /// Watches a field in every request.
    pub fn field(mut self, field: Field) -> Self {
        self.0.fields.push(field);
        self
    }

    /// Cleans the fields that rules name as this sanitizer does, unless they have one of their own.
    pub fn default_sanitizer(mut self, sanitizer: Sanitizer) -> Self {
        self.0.default = sanitizer;
        self
    }

    /// Cleans a field as this sanitizer does, on routes whose rule names it.
    pub fn sanitizer_for(mut self, name: impl Into<Arc<str>>, sanitizer: Sanitizer) -> Self {
        self.0.named.push((name.into(), sanitizer));
        self
    }

    /// Limits the bytes of a body that is read. More is 413.
    pub fn max_body(mut self, bytes: usize) -> Self {
        self.0.max_body = bytes;
        self
    }

    /// Limits the bytes of a body that passes unread. More is 413, or an error while the handler reads it.
    pub fn max_unread_body(mut self, bytes: usize) -> Self {
        self.0.max_unread_body = bytes;
        self
    }

    /// Limits how deep JSON may be nested.
    pub fn max_depth(mut self, levels: usize) -> Self {
        self.0.caps.depth = levels;
        self
    }

    /// Limits the parameters of query and form, and the members and elements of JSON, in all.
    pub fn max_keys(mut self, count: usize) -> Self {
        self.0.caps.keys = count;
        self
    }

    /// Lets compressed bodies pass unread, with whatever their fields hold. Only for handlers that clean for themselves.
    pub fn dangerously_pass_compressed_bodies(mut self) -> Self {
        self.0.pass_compressed = true;
        self
    }

    /// Lets bodies of other types pass unread, with whatever their fields hold, also on routes with text fields.
    /// Only for handlers that clean for themselves.
    pub fn dangerously_pass_other_content(mut self) -> Self {
        self.0.pass_other_content = true;
        self
    }

    /// Changes and refuses nothing, but records what would have been. For the days of a roll-out only.
    ///
    /// The caps on bodies hold all the same: what was read for nothing must have an end.
    pub fn dangerously_only_shadow(mut self) -> Self {
        self.0.shadow = true;
        self
    }

    /// Checks the settings and finishes.
    ///
    /// # Errors
    ///
    /// [`BuildError`] if a field has no name or is named twice, or if JSON may be nested more than 128 deep.
    pub fn build(self) -> Result<SanitizeLayer, BuildError> {
        let config = self.0;
        if config.caps.depth > DEEPEST {
            return Err(BuildError::new("JSON may be nested at most 128 deep"));
        }
        for (index, field) in config.fields.iter().enumerate() {
            if field.name.is_empty() {
                return Err(BuildError::new("a field has no name"));
            }
            if config
                .fields
                .iter()
                .skip(index.saturating_add(1))
                .any(|other| other.name == field.name)
            {
                return Err(BuildError::new(format!(
                    "the field `{}` is named twice",
                    field.name
                )));
            }
        }
        Ok(SanitizeLayer(Arc::new(config)))
    }
}

impl Config {
    /// Finds out which fields of a request hold text.
    pub(crate) fn watch(&self, cx: &SecurityContext) -> Watch {
        // A preflight asks for the request to come; it has no text yet.
        if matches!(cx.route(), Some(RouteMatch::Preflight)) {
            return Watch::new(cx.clone(), self.shadow, std::iter::empty());
        }
        let named = cx.rule().map(Rule::fields).unwrap_or_default();
        let of_rule = named.iter().map(|name| self.field_of_rule(name));
        Watch::new(
            cx.clone(),
            self.shadow,
            self.fields.iter().cloned().chain(of_rule),
        )
    }

    fn field_of_rule(&self, field: &TextField) -> Field {
        let name = field.name();
        let own = self.named.iter().find(|(own, _)| own == name);
        let sanitizer = own.map_or(&self.default, |(_, sanitizer)| sanitizer);
        Field {
            name: Arc::clone(name),
            required: field.is_required(),
            sanitizer: sanitizer.clone(),
        }
    }
}

impl<S> Layer<S> for SanitizeLayer {
    type Service = SanitizeService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        SanitizeService::new(Arc::clone(&self.0), inner)
    }
}
