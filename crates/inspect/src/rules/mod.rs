//! Sets of rules: read from a folder, checked, and run on requests.

mod shipped;
mod load;
mod exclusion;
mod report;

use std::path::{Path, PathBuf};

use self::load::Loader;
pub use self::{
    exclusion::Exclusion,
    report::{LoadReport, NotLoaded},
};
use crate::engine::{Inspection, Plan, RequestView, ResponseView, Settings};
use crate::error::InspectBuildError;
use crate::verdict::Verdict;
use crate::words::PersonText;

/// The first id of the actions that set what the builder says.
const OWN_ID: u64 = 899_001;

/// A set of rules, ready to run. Cheap to share behind an `Arc`.
///
/// Each rule runs in a time that grows with the length of the value and no faster. Rules that cannot
/// be run are in [`report`](Self::report).
///
/// ```
/// use palisade_inspect::{RequestView, RuleSet};
///
/// let rules = RuleSet::parse(r#"
///     SecRule ARGS "@detectSQLi" "id:1,phase:2,deny,tag:'attack-sqli'"
/// "#)?;
/// let attack = RequestView { target: b"/?q=1'%20OR%20'1'='1", ..RequestView::default() };
/// assert_eq!(rules.inspect(&attack, None).refused_by, Some(1));
/// let benign = RequestView { target: b"/?q=hello", ..RequestView::default() };
/// assert!(!rules.inspect(&benign, None).is_refused());
/// # Ok::<(), palisade_inspect::InspectBuildError>(())
/// ```
#[derive(Debug)]
pub struct RuleSet {
    plan: Plan,
    report: LoadReport,
}

impl RuleSet {
    /// Reads rules from text. Data files are looked for in the current folder.
    ///
    /// # Errors
    ///
    /// [`InspectBuildError::Rules`] if the rules need too much memory.
    pub fn parse(text: &str) -> Result<Self, InspectBuildError> {
        let mut loader = Loader::default();
        loader.text(text, Path::new("text"), Path::new("."));
        Self::finish(loader)
    }

    /// Returns a builder that reads a folder.
    pub fn builder(folder: impl Into<PathBuf>) -> RuleSetBuilder {
        RuleSetBuilder {
            folder: folder.into(),
            paranoia: None,
            setup: String::new(),
        }
    }

    /// What was loaded and what was not.
    #[must_use]
    pub const fn report(&self) -> &LoadReport {
        &self.report
    }

    /// Inspects a request, and its response if there is one. All rules run, also after a refusal.
    #[must_use]
    pub fn inspect(
        &self,
        request: &RequestView<'_>,
        response: Option<&ResponseView<'_>>,
    ) -> Verdict {
        let settings = Settings {
            is_words: &|_, _| false,
            see_all: true,
        };
        self.inspect_with(request, response, &settings)
    }

    /// Inspects a request in which some fields hold what a person wrote; see [`PersonText`].
    #[must_use]
    pub fn inspect_person_text(
        &self,
        request: &RequestView<'_>,
        response: Option<&ResponseView<'_>>,
        fields: &PersonText,
    ) -> Verdict {
        let settings = Settings {
            is_words: &|name, value| fields.contains(name, value),
            see_all: true,
        };
        self.inspect_with(request, response, &settings)
    }

    /// Inspects with settings.
    pub(crate) fn inspect_with(
        &self,
        request: &RequestView<'_>,
        response: Option<&ResponseView<'_>>,
        settings: &Settings<'_>,
    ) -> Verdict {
        let mut inspection = Inspection::new(&self.plan, settings);
        inspection.request(request);
        if let Some(response) = response {
            inspection.response(response);
        }
        inspection.finish()
    }

    /// Prepares what was read.
    fn finish(loader: Loader) -> Result<Self, InspectBuildError> {
        let (plan, report) = loader.finish().map_err(InspectBuildError::Rules)?;
        Ok(Self { plan, report })
    }
}

/// Reads a folder of rules as their owner installs them.
///
/// The folder has `crs-setup.conf` and the folder `rules`. Read are, in this order: the setup, what
/// this builder sets, `plugins/*-config.conf`, `plugins/*-before.conf`, `rules/*.conf` in the order
/// of their names, and `plugins/*-after.conf`.
#[derive(Clone, Debug)]
#[must_use]
pub struct RuleSetBuilder {
    folder: PathBuf,
    paranoia: Option<u8>,
    setup: String,
}

impl RuleSetBuilder {
    /// Sets the paranoia level, 1 to 4. Default: what the setup says, else 1.
    ///
    /// Higher levels have more rules and refuse more ordinary requests.
    pub const fn paranoia(mut self, level: u8) -> Self {
        self.paranoia = Some(level);
        self
    }

    /// Adds directives after the setup and before the rules, such as `SecAction` with `setvar`.
    pub fn setup(mut self, directives: &str) -> Self {
        self.setup.push_str(directives);
        self.setup.push('\n');
        self
    }

    /// Reads the folder.
    ///
    /// # Errors
    ///
    /// [`InspectBuildError::Folder`] if a file cannot be read or there is no rule,
    /// [`InspectBuildError::Paranoia`] if the level is out of range.
    pub fn load(self) -> Result<RuleSet, InspectBuildError> {
        let mut loader = Loader::default();
        self.read_setup(&mut loader)?;
        let own = self.own_directives()?;
        loader.text(&own, &self.folder.join("builder"), &self.folder);
        for (folder, ending) in [
            ("plugins", "-config.conf"),
            ("plugins", "-before.conf"),
            ("rules", ".conf"),
            ("plugins", "-after.conf"),
        ] {
            for path in files(&self.folder.join(folder), ending) {
                loader
                    .file(&path)
                    .map_err(|error| folder_error(&path, &error.to_string()))?;
            }
        }
        let rules = RuleSet::finish(loader)?;
        if rules.report.rules == 0 {
            return Err(folder_error(
                &self.folder,
                "it has no rules; expected rules/*.conf",
            ));
        }
        Ok(rules)
    }

    /// Reads `crs-setup.conf`, or the example if the owner has not copied it.
    fn read_setup(&self, loader: &mut Loader) -> Result<(), InspectBuildError> {
        let names = ["crs-setup.conf", "crs-setup.conf.example"];
        let mut paths = names.iter().map(|name| self.folder.join(name));
        let Some(path) = paths.find(|path| path.is_file()) else {
            return Ok(());
        };
        loader
            .file(&path)
            .map_err(|error| folder_error(&path, &error.to_string()))
    }

    /// The directives that say what this builder was told.
    fn own_directives(&self) -> Result<String, InspectBuildError> {
        let mut text = self.setup.clone();
        let Some(level) = self.paranoia else {
            return Ok(text);
        };
        if !(1..=4).contains(&level) {
            return Err(InspectBuildError::Paranoia(level));
        }
        let (first, second) = (OWN_ID, OWN_ID + 1);
        text.push_str(&format!(
            "SecAction \"id:{first},phase:1,nolog,pass,setvar:tx.blocking_paranoia_level={level},\
             setvar:tx.executing_paranoia_level={level},setvar:tx.paranoia_level={level}\"\n\
             SecRule &TX:detection_paranoia_level \"@eq 1\" \"id:{second},phase:1,nolog,pass,chain\"\n\
             SecRule TX:detection_paranoia_level \"@lt {level}\" \"setvar:tx.detection_paranoia_level={level}\"\n"
        ));
        Ok(text)
    }
}

/// The files of a folder whose names end so, in the order of their names.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let named = |path: &PathBuf| {
        path.file_name()
            .and_then(|name| name.to_str())
            .is_some_and(|name| name.ends_with(ending))
    };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).filter(named).collect();
    paths.sort();
    paths
}

/// An error about a path.
fn folder_error(path: &Path, reason: &str) -> InspectBuildError {
    InspectBuildError::Folder {
        path: path.to_owned(),
        reason: reason.to_owned(),
    }
}
