//! `[cross_origin]`: writes that pages of other origins cause.

#[cfg(feature = "session")]
use palisade_session::{CrossOriginBuildError, CrossOriginLayer};
#[cfg(feature = "session")]
use toml::Spanned;

use crate::config::{Config, ConfigFileError};
use crate::shield::ShieldBuilder;

#[cfg(feature = "session")]
impl Config {
    /// Adds the guard, if the file has the section.
    ///
    /// # Errors
    ///
    /// An origin is not written as browsers write it, or a path is none.
    pub(in crate::config) fn writes_of_other_origins(
        &self,
        shield: ShieldBuilder,
    ) -> Result<ShieldBuilder, ConfigFileError> {
        let Some(section) = &self.document.cross_origin else {
            return Ok(shield);
        };
        let mut layer = CrossOriginLayer::builder();
        for origin in &section.trusted_origins {
            layer = layer.trusted_origin(origin.get_ref().as_str());
        }
        for path in &section.except_paths {
            layer = layer.except_path(path.get_ref().as_str());
        }
        let all = section.trusted_origins.iter().chain(&section.except_paths);
        let layer = layer
            .build()
            .map_err(|problem| self.at_written(all, &problem))?;
        Ok(shield.cross_origin(layer))
    }

    /// Makes the error about the entry that the layer refused.
    fn at_written<'a>(
        &self,
        mut entries: impl Iterator<Item = &'a Spanned<String>>,
        problem: &CrossOriginBuildError,
    ) -> ConfigFileError {
        let remedy = "correct or remove it";
        let (CrossOriginBuildError::Origin(refused) | CrossOriginBuildError::Path(refused)) =
            problem
        else {
            return self.source.whole(problem, remedy);
        };
        match entries.find(|entry| **entry.get_ref() == **refused) {
            Some(entry) => self.source.at(entry, problem, remedy),
            None => self.source.whole(problem, remedy),
        }
    }
}

#[cfg(not(feature = "session"))]
impl Config {
    /// Refuses the section: this build has no such guard.
    ///
    /// # Errors
    ///
    /// The file has the section.
    pub(in crate::config) fn writes_of_other_origins(
        &self,
        shield: ShieldBuilder,
    ) -> Result<ShieldBuilder, ConfigFileError> {
        match self.document.cross_origin {
            None => Ok(shield),
            Some(_) => {
                let problem = "this build cannot refuse writes from other origins";
                let remedy = "build with the feature `session`, or remove the section";
                let key = "trusted_origins";
                Err(self.source.key_error("cross_origin", key, problem, remedy))
            }
        }
    }
}
