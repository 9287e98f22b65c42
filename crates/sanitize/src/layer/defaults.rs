//! The settings of a layer before an application changes any.

use std::sync::{Arc, LazyLock};

use palisade_core::BodyKind;

use crate::{
    request::{Caps, Fields, ParsedFields, Settings, StaleHeaders},
    text::Sanitizer,
};

/// Limits are set in bytes; the defaults are round numbers of KiB.
const KIB: usize = 1024;

/// The defaults of `SanitizeLayerBuilder` and `SanitizeLayer::new`.
pub(super) fn default_settings() -> Settings {
    Settings {
        body_kind: BodyKind::Json,
        caps: Caps {
            depth: 32,
            keys: 1000,
            string: usize::MAX,
            digits: 128,
            exponent: 400,
        },
        codings: Vec::new(),
        default: Sanitizer::speech(),
        fields: ParsedFields::default(),
        head_fields: Vec::new(),
        keep_raw_body: false,
        max_body: 64 * KIB,
        #[cfg(feature = "compression")]
        max_ratio: 100,
        max_unread_body: KIB * KIB,
        #[cfg(feature = "moderation")]
        moderation: None,
        named: Vec::new(),
        placeholders: None,
        pass_compressed: false,
        pass_other_content: false,
        refuse_files: false,
        refuse_near_names: false,
        responses: None,
        schemas: READY_MADE_SCHEMAS.clone(),
        shadow: false,
        stale_headers: StaleHeaders::DropDigests,
    }
}

/// The predefined sets of fields, by name. Parsed once in a process. A test checks that each
/// parses.
static READY_MADE_SCHEMAS: LazyLock<Vec<(Arc<str>, Arc<ParsedFields>)>> = LazyLock::new(|| {
    let parse = |(name, fields): (&str, Fields)| {
        let fields = ParsedFields::parse(fields).ok()?;
        Some((Arc::from(name), Arc::new(fields)))
    };
    Fields::by_name().into_iter().filter_map(parse).collect()
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_ready_made_schema_is_there() {
        assert_eq!(READY_MADE_SCHEMAS.len(), Fields::by_name().len());
    }
}
