//! The settings of the layer that are about moderation.

use super::builder::SanitizeLayerBuilder;
use crate::moderation::Moderation;

impl SanitizeLayerBuilder {
    /// Asks a moderation model or an external service about the clean texts of each request. Default:
    /// none.
    ///
    /// It is asked after all other checks, with the texts as the handler gets them. A request without
    /// text is not moderated. The inner service is called after the verdict. See [`Moderation`] for its
    /// deadline and what happens without a verdict.
    #[cfg_attr(docsrs, doc(cfg(feature = "moderation")))]
    pub fn moderation(mut self, moderation: Moderation) -> Self {
        self.settings.moderation = Some(moderation);
        self
    }
}
