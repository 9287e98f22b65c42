//! The settings of the layer, and their defaults.

use std::path::PathBuf;
use std::sync::Arc;

use arc_swap::ArcSwap;

use super::InspectLayer;
use super::settings::{Settings, refusal};
use crate::error::InspectBuildError;
use crate::rules::{Exclusion, RuleSet};
use crate::words::PersonText;

/// The first id of the rules that exclusions become.
const FIRST_EXCLUSION: u64 = 899_100;

/// Configures an [`InspectLayer`].
///
/// | Setting | Default |
/// |---|---|
/// | Rules | those that are shipped |
/// | Enforcement | none: what would be refused is recorded |
/// | Paranoia level | that of the setup, else 1 |
/// | Body | at most 64 KiB |
/// | Text of persons | no field |
/// | Exclusions, paths that are not inspected | none |
/// | Rules that do not load | an error of [`build`](Self::build) |
#[derive(Clone, Debug)]
#[must_use]
pub struct InspectLayerBuilder {
    source: Source,
    enforce: bool,
    max_body: usize,
    person_text: PersonText,
    skipped_paths: Vec<String>,
}

/// Where the rules come from.
#[derive(Clone, Debug, Default)]
pub(super) struct Source {
    pub(super) folder: Option<PathBuf>,
    paranoia: Option<u8>,
    setup: String,
    exclusions: Vec<Exclusion>,
    accept_not_loaded: bool,
}

impl Default for InspectLayerBuilder {
    fn default() -> Self {
        Self {
            source: Source::default(),
            enforce: false,
            max_body: 64 * 1024,
            person_text: PersonText::default(),
            skipped_paths: Vec::new(),
        }
    }
}

impl InspectLayerBuilder {
    /// Reads the rules of a folder, with `crs-setup.conf` and `rules/`. Default: the rules that are
    /// shipped.
    pub fn rules(mut self, folder: impl Into<PathBuf>) -> Self {
        self.source.folder = Some(folder.into());
        self
    }

    /// Adds directives after the setup and before the rules.
    pub fn setup(mut self, directives: &str) -> Self {
        self.source.setup.push_str(directives);
        self.source.setup.push('\n');
        self
    }

    /// Sets the paranoia level, 1 to 4. Default: that of the setup, else 1.
    pub const fn paranoia(mut self, level: u8) -> Self {
        self.source.paranoia = Some(level);
        self
    }

    /// Adds an exclusion.
    pub fn exclude(mut self, exclusion: Exclusion) -> Self {
        self.source.exclusions.push(exclusion);
        self
    }

    /// Uses the rules that load and leaves out the others. Default: a rule that does not load is an
    /// error of [`build`](Self::build).
    ///
    /// The rules that are left out are in [`InspectLayer::report`]. What they would find is not found.
    pub const fn dangerously_accept_rules_not_loaded(mut self) -> Self {
        self.source.accept_not_loaded = true;
        self
    }

    /// Refuses what the rules refuse. Default: it is only recorded.
    ///
    /// Observe a new set of rules first, exclude what ordinary requests match, then enforce.
    pub const fn enforce(mut self) -> Self {
        self.enforce = true;
        self
    }

    /// Limits the body, in bytes. Default: 64 KiB. A longer one is refused with 413.
    ///
    /// While the layer only observes, a body whose declared length is longer passes without inspection
    /// and is recorded.
    pub const fn max_body(mut self, bytes: usize) -> Self {
        self.max_body = bytes;
        self
    }

    /// Names the fields that hold what a person wrote. Default: none.
    pub fn person_text(mut self, fields: PersonText) -> Self {
        self.person_text = fields;
        self
    }

    /// Does not inspect a path and what is below it. May be called again for more paths.
    pub fn skip_path(mut self, path: impl Into<String>) -> Self {
        self.skipped_paths.push(path.into());
        self
    }

    /// Loads the rules.
    ///
    /// # Errors
    ///
    /// As of [`RuleSetBuilder::load`](crate::RuleSetBuilder::load);
    /// [`InspectBuildError::NotLoaded`] if a rule does not load, and [`InspectBuildError::Exclusion`] if an
    /// exclusion has a character that is syntax.
    pub fn build(self) -> Result<InspectLayer, InspectBuildError> {
        let rules = self.source.load()?;
        Ok(InspectLayer(Arc::new(Settings {
            source: self.source,
            rules: ArcSwap::from_pointee(rules),
            enforce: self.enforce,
            max_body: self.max_body,
            person_text: self.person_text,
            skipped_paths: self.skipped_paths,
            refusal: refusal(),
        })))
    }
}

impl Source {
    /// Loads the rules.
    pub(super) fn load(&self) -> Result<RuleSet, InspectBuildError> {
        let mut setup = self.setup.clone();
        for (exclusion, id) in self.exclusions.iter().zip(FIRST_EXCLUSION..) {
            let directive = exclusion.directive(id);
            setup.push_str(
                &directive.ok_or_else(|| InspectBuildError::Exclusion(format!("{exclusion:?}")))?,
            );
        }
        let rules = match &self.folder {
            Some(folder) => {
                let builder = RuleSet::builder(folder).setup(&setup);
                self.paranoia
                    .map_or(builder.clone(), |level| builder.paranoia(level))
                    .load()?
            }
            None => RuleSet::shipped_with(&setup)?,
        };
        match rules.report().not_loaded.first() {
            Some(first) if !self.accept_not_loaded => Err(InspectBuildError::NotLoaded {
                first: first.to_string(),
                count: rules.report().not_loaded.len(),
            }),
            _ => Ok(rules),
        }
    }
}
