//! `[text]`: how text fields are cleaned, and the text of responses.

use http::HeaderName;
use palisade_sanitize::{
    PersonalData, PersonalDataKind, ResponseRules, SanitizeLayer, SanitizeLayerBuilder, Sanitizer,
    SanitizerBuilder, StaleHeaders, UnknownPersonalDataKind, UnknownStaleHeaders,
};
use toml::Spanned;

use crate::config::{Config, ConfigFileError};
use crate::shield::ShieldBuilder;

/// Bytes of a kibibyte.
const KIB: usize = 1024;

/// The word for all kinds of personal data.
const ALL_KINDS: &str = "all";

impl Config {
    /// Reads the limits of text fields and bodies. Sizes are in KiB.
    pub(in crate::config) fn text(
        &self,
        shield: ShieldBuilder,
    ) -> Result<ShieldBuilder, ConfigFileError> {
        let text = &self.document.text;
        let layer = self.compressed(SanitizeLayer::builder())?;
        let mut layer = self.text_of_responses(layer)?;
        let sanitizer = self.default_sanitizer()?;
        layer = self.limits_of_bodies(layer.default_sanitizer(sanitizer.clone()));
        layer = self.text_of_heads(layer, &sanitizer)?;
        layer = self.signatures(layer)?;
        if let Some(kib) = text.max_body_kib {
            layer = layer.max_body(kib.saturating_mul(KIB));
        }
        if let Some(kib) = text.max_unread_body_kib {
            layer = layer.max_unread_body(kib.saturating_mul(KIB));
        }
        if self.only_shadow {
            layer = layer.dangerously_only_shadow();
        }
        let layer = layer.build();
        let layer =
            layer.map_err(|problem| self.source.whole(problem, "correct the section `text`"))?;
        Ok(shield.sanitize(layer))
    }

    /// Reads the sanitizer of text fields.
    fn default_sanitizer(&self) -> Result<Sanitizer, ConfigFileError> {
        let Some(most) = self.document.text.max_graphemes else {
            return Ok(Sanitizer::speech());
        };
        let speech = SanitizerBuilder::speech().max_graphemes(most);
        speech.build().map_err(|problem| {
            let remedy = "write a number of characters of at least 1";
            self.source
                .key_error("text", "max_graphemes", &problem.to_string(), remedy)
        })
    }

    /// Reads the limits of what is in a query, form or JSON.
    fn limits_of_bodies(&self, mut layer: SanitizeLayerBuilder) -> SanitizeLayerBuilder {
        let text = &self.document.text;
        if let Some(levels) = text.max_depth {
            layer = layer.max_depth(levels);
        }
        if let Some(exponent) = text.max_exponent {
            layer = layer.max_exponent(exponent);
        }
        if let Some(keys) = text.max_keys {
            layer = layer.max_keys(keys);
        }
        if let Some(digits) = text.max_number_digits {
            layer = layer.max_number_digits(digits);
        }
        if let Some(kib) = text.max_string_kib {
            layer = layer.max_string(kib.saturating_mul(KIB));
        }
        layer
    }

    /// Reads the headers and the parameters of paths that hold text.
    fn text_of_heads(
        &self,
        mut layer: SanitizeLayerBuilder,
        sanitizer: &Sanitizer,
    ) -> Result<SanitizeLayerBuilder, ConfigFileError> {
        for name in &self.document.text.headers {
            let header = HeaderName::try_from(name.get_ref().as_str()).map_err(|_| {
                let problem = "is not the name of a header";
                self.source
                    .at(name, problem, "write a name, such as \"x-title\"")
            })?;
            layer = layer.header(header, sanitizer.clone());
        }
        for name in &self.document.text.path_parameters {
            layer = layer.path_parameter(name.as_str(), sanitizer.clone());
        }
        Ok(layer)
    }

    /// Reads what is kept of a request that is changed.
    fn signatures(
        &self,
        layer: SanitizeLayerBuilder,
    ) -> Result<SanitizeLayerBuilder, ConfigFileError> {
        let text = &self.document.text;
        let layer = match text.raw_body {
            true => layer.keep_raw_body(),
            false => layer,
        };
        let Some(name) = &text.stale_headers else {
            return Ok(layer);
        };
        let stale: StaleHeaders =
            name.get_ref()
                .parse()
                .map_err(|problem: UnknownStaleHeaders| {
                    let remedy = "write \"drop-digests\", the default, or another of them";
                    self.source.at(name, problem, remedy)
                })?;
        Ok(layer.stale_headers(stale))
    }

    /// Reads what is done with the text of responses.
    fn text_of_responses(
        &self,
        layer: SanitizeLayerBuilder,
    ) -> Result<SanitizeLayerBuilder, ConfigFileError> {
        let text = &self.document.text;
        let masked = self.kinds_of_data(&text.mask_responses)?;
        let replaced = self.kinds_of_data(&text.placeholders)?;
        let rules = match masked {
            Some(finder) => Some(ResponseRules::new().mask(finder)),
            None => text.clean_responses.then(ResponseRules::new),
        };
        let layer = match rules {
            Some(rules) => layer.responses(rules),
            None => layer,
        };
        Ok(match replaced {
            Some(finder) => layer.placeholders(finder),
            None => layer,
        })
    }

    /// Reads kinds of personal data. `None`: the list is empty.
    fn kinds_of_data(
        &self,
        names: &[Spanned<String>],
    ) -> Result<Option<PersonalData>, ConfigFileError> {
        if names.is_empty() {
            return Ok(None);
        }
        if names.iter().any(|name| name.get_ref() == ALL_KINDS) {
            return Ok(Some(PersonalData::new()));
        }
        let kinds: Result<Vec<PersonalDataKind>, _> = names
            .iter()
            .map(|name| {
                let kind = name.get_ref().parse();
                kind.map_err(|problem: UnknownPersonalDataKind| {
                    let remedy = "write a kind, such as \"phone\", or \"all\"";
                    self.source.at(name, problem, remedy)
                })
            })
            .collect();
        Ok(Some(PersonalData::builder().kinds(kinds?).build()))
    }

    /// Reads the compressions of bodies that are undone.
    #[cfg(feature = "compression")]
    fn compressed(
        &self,
        layer: SanitizeLayerBuilder,
    ) -> Result<SanitizeLayerBuilder, ConfigFileError> {
        let names = self.document.text.compressed.iter();
        let codings: Result<Vec<palisade_sanitize::ContentCoding>, _> = names
            .map(|name| {
                let coding = name.get_ref().parse();
                coding.map_err(|_| {
                    let problem = "is no compression that can be undone";
                    self.source.at(name, problem, "write gzip, br or zstd")
                })
            })
            .collect();
        Ok(layer.accept_compressed(codings?))
    }

    /// Without the feature `compression`, none can be undone.
    #[cfg(not(feature = "compression"))]
    fn compressed(
        &self,
        layer: SanitizeLayerBuilder,
    ) -> Result<SanitizeLayerBuilder, ConfigFileError> {
        match self.document.text.compressed.first() {
            None => Ok(layer),
            Some(name) => {
                let problem = "this program was built without compression";
                let remedy = "use a program with the feature `compression`, or leave the key out";
                Err(self.source.at(name, problem, remedy))
            }
        }
    }
}
