//! The settings of the layer that are about responses.

use std::sync::Arc;

use super::builder::SanitizeLayerBuilder;
use crate::error::SanitizeBuildError;
use crate::personal_data::PersonalData;
use crate::response::ResponseRules;

impl SanitizeLayerBuilder {
    /// Cleans the text of responses on its way to the client. Default: responses pass as they are.
    ///
    /// ```
    /// use palisade_sanitize::{Fields, PersonalData, ResponseRules, SanitizeLayer};
    ///
    /// let layer = SanitizeLayer::builder()
    ///     .fields(Fields::ollama())
    ///     .responses(ResponseRules::new().mask(PersonalData::new()))
    ///     .build()?;
    /// # let _ = layer;
    /// # Ok::<(), palisade_sanitize::SanitizeBuildError>(())
    /// ```
    pub fn responses(mut self, rules: ResponseRules) -> Self {
        self.settings.responses = Some(Arc::new(rules));
        self
    }

    /// Replaces personal data in text fields by placeholders such as `‹PHONE_1›`, and restores them in
    /// the response. Default: off.
    ///
    /// The handler never sees the data. Placeholders hold for one request: those of another one, and
    /// those that a client writes itself, are not restored. The handler finds them in the extensions
    /// of the request, as `Arc<Placeholders>`, for what it sends in other ways.
    ///
    /// Without [`responses`](Self::responses), responses are cleaned by the defaults of
    /// [`ResponseRules`]. A service that keeps the conversation itself sees numbers begin at 1 in each
    /// request, so use it for services that get the whole conversation.
    ///
    /// ```
    /// use palisade_sanitize::{Fields, PersonalData, SanitizeLayer};
    ///
    /// let layer = SanitizeLayer::builder()
    ///     .fields(Fields::openai_chat())
    ///     .placeholders(PersonalData::new())
    ///     .build()?;
    /// # let _ = layer;
    /// # Ok::<(), palisade_sanitize::SanitizeBuildError>(())
    /// ```
    pub fn placeholders(mut self, finder: PersonalData) -> Self {
        self.settings.placeholders = Some(finder);
        self
    }

    /// Completes and checks the settings of responses.
    ///
    /// # Errors
    ///
    /// A path of [`ResponseRules::joined_text`] does not begin with `/`.
    pub(super) fn with_response_rules(mut self) -> Result<Self, SanitizeBuildError> {
        if self.settings.placeholders.is_some() {
            self.settings.responses.get_or_insert_default();
        }
        let rules = self.settings.responses.as_ref();
        match rules.and_then(|rules| rules.wrong_path()) {
            None => Ok(self),
            Some(path) => Err(SanitizeBuildError::InvalidPointer {
                pointer: Arc::clone(path),
                why: "must begin with `/`",
            }),
        }
    }
}
