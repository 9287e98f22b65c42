//! The settings of the layer, and their defaults.

use std::sync::{Arc, LazyLock};

use palisade_core::BodyKind;

use super::SanitizeLayer;
use crate::error::BuildError;
use crate::request::{Caps, Field, Fields, ParsedFields, Settings};
use crate::text::Sanitizer;

const KIB: usize = 1024;

/// The reader of JSON calls itself for each level, so there is a level at which it stops.
const DEEPEST: usize = 128;

/// Puts a [`SanitizeLayer`] together.
#[derive(Debug)]
#[must_use]
pub struct SanitizeLayerBuilder {
    settings: Settings,
    fields: Fields,
    schemas: Vec<(Arc<str>, Fields)>,
}

impl Default for SanitizeLayerBuilder {
    fn default() -> Self {
        Self {
            settings: default_settings(),
            fields: Fields::new(),
            schemas: Vec::new(),
        }
    }
}

pub(super) fn default_settings() -> Settings {
    Settings {
        body_kind: BodyKind::Json,
        caps: Caps {
            depth: 32,
            keys: 1000,
        },
        default: Sanitizer::speech(),
        fields: ParsedFields::default(),
        max_body: 64 * KIB,
        max_unread_body: KIB * KIB,
        named: Vec::new(),
        pass_compressed: false,
        pass_other_content: false,
        refuse_near_names: false,
        schemas: READY_MADE_SCHEMAS.clone(),
        shadow: false,
    }
}

/// The sets of fields that are always there. A test parses each.
static READY_MADE_SCHEMAS: LazyLock<Vec<(Arc<str>, Arc<ParsedFields>)>> = LazyLock::new(|| {
    let parse = |(name, fields): (&str, Fields)| {
        let fields = ParsedFields::parse(fields).ok()?;
        Some((Arc::from(name), Arc::new(fields)))
    };
    Fields::by_name().into_iter().filter_map(parse).collect()
});

impl SanitizeLayerBuilder {
    /// Watches a field in every request.
    pub fn field(mut self, field: Field) -> Self {
        self.fields = self.fields.field(field);
        self
    }

    /// Watches a set of fields in every request, such as [`Fields::openai_chat`].
    pub fn fields(mut self, fields: Fields) -> Self {
        self.fields = self.fields.merge(fields);
        self
    }

    /// Defines a set of fields that rules name ([`Rule::text_schema`](palisade_core::Rule::text_schema)). Without
    /// it there are `openai_chat`, `openai_responses`, `anthropic_messages` and `ollama`; one of these names takes
    /// the place of that set.
    pub fn schema(mut self, name: impl Into<Arc<str>>, fields: Fields) -> Self {
        self.schemas.push((name.into(), fields));
        self
    }

    /// Says which kind of body the handlers parse, where the rule of the route does not say it. Any other kind is
    /// 415 where text is looked for. Default: JSON.
    pub fn body(mut self, kind: BodyKind) -> Self {
        self.settings.body_kind = kind;
        self
    }

    /// Refuses names that other readers take for the name of a field (400): `Text`, `text[]`, `te_xt`, `text%00`,
    /// and `text` behind a `;`. For gateways, behind which unknown readers are. Default: such names are other
    /// names, and what they hold is not looked at.
    pub fn refuse_near_names(mut self) -> Self {
        self.settings.refuse_near_names = true;
        self
    }

    /// Cleans the fields that rules name as this sanitizer does, unless they have one of their own.
    pub fn default_sanitizer(mut self, sanitizer: Sanitizer) -> Self {
        self.settings.default = sanitizer;
        self
    }

    /// Cleans a field as this sanitizer does, on routes whose rule names it.
    pub fn sanitizer_for(mut self, name: impl Into<Arc<str>>, sanitizer: Sanitizer) -> Self {
        self.settings.named.push((name.into(), sanitizer));
        self
    }

    /// Limits the bytes of a body that is read. More is 413.
    pub fn max_body(mut self, bytes: usize) -> Self {
        self.settings.max_body = bytes;
        self
    }

    /// Limits the bytes of a body that passes unread. More is 413, or an error while the handler reads it.
    pub fn max_unread_body(mut self, bytes: usize) -> Self {
        self.settings.max_unread_body = bytes;
        self
    }

    /// Limits how deep JSON may be nested.
    pub fn max_depth(mut self, levels: usize) -> Self {
        self.settings.caps.depth = levels;
        self
    }

    /// Limits the parameters of query and form, and the members and elements of JSON, in all.
    pub fn max_keys(mut self, count: usize) -> Self {
        self.settings.caps.keys = count;
        self
    }

    /// Lets compressed bodies pass unread, with whatever their fields hold. Only for handlers that clean for themselves.
    pub fn dangerously_pass_compressed_bodies(mut self) -> Self {
        self.settings.pass_compressed = true;
        self
    }

    /// Lets bodies of other types pass unread, with whatever their fields hold, also on routes with text fields.
    /// Only for handlers that clean for themselves.
    pub fn dangerously_pass_other_content(mut self) -> Self {
        self.settings.pass_other_content = true;
        self
    }

    /// Changes and refuses nothing, but records what would have been. For the days of a roll-out only.
    ///
    /// The caps on bodies hold all the same: what was read for nothing must have an end.
    pub fn dangerously_only_shadow(mut self) -> Self {
        self.settings.shadow = true;
        self
    }

    /// Checks the settings and finishes.
    ///
    /// # Errors
    ///
    /// [`BuildError`] if a field is named twice or is no JSON pointer, or if JSON may be nested more than 128 deep.
    pub fn build(self) -> Result<SanitizeLayer, BuildError> {
        let mut settings = self.settings;
        if settings.caps.depth > DEEPEST {
            return Err(BuildError::new("JSON may be nested at most 128 deep"));
        }
        settings.fields = ParsedFields::parse(self.fields)?;
        for (name, fields) in self.schemas {
            let fields = Arc::new(ParsedFields::parse(fields)?);
            settings.schemas.retain(|(known, _)| *known != name);
            settings.schemas.push((name, fields));
        }
        Ok(SanitizeLayer(Arc::new(settings)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_ready_made_schema_is_there() {
        assert_eq!(READY_MADE_SCHEMAS.len(), Fields::by_name().len());
    }
}
