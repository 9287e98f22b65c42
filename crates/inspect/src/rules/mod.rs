//! Sets of rules: read from a folder, checked, and run on requests.
//!
//! Text becomes rules in these steps: `load` splits it into directives and reads each, `seclang`
//! parses rules, updates and removals are applied, and the engine prepares what is left
//! (`prepare`). A set never changes after that; a reload makes a new one.
//!
//! A set needs no lock and no memory that grows: all that a request changes is in its own
//! inspection.

mod shipped;
mod load;
mod exclusion;
mod packaged;
mod report;

#[cfg(test)]
mod filter_tests;

use std::path::{Path, PathBuf};

use self::load::Loader;
use self::packaged::OwnerFiles;
pub use self::{
    exclusion::Exclusion,
    report::{LoadReport, NotLoaded},
};
use crate::engine::{Inspection, Plan, RequestView, ResponseView, Settings};
use crate::error::InspectBuildError;
use crate::verdict::Verdict;
use crate::words::PersonText;

/// The first id of the actions that set what the builder says.
///
/// The paranoia level takes this id and the next. An owner must not use them.
const OWN_ID: u64 = 899_001;

/// How many times rules may read the longest body.
pub(crate) const READINGS: usize = 256;

/// The shortest body that this is counted by, in bytes. Heads are read too.
const SHORTEST_BODY: usize = 64 * 1024;

/// How much rules may read for one request, in bytes.
pub(crate) fn most_work(readings: usize, longest_body: usize) -> usize {
    readings.saturating_mul(longest_body.max(SHORTEST_BODY))
}

/// A set of rules, ready to run. Cheap to share behind an `Arc`.
///
/// The Core Rule Set takes far more memory than its files once it is compiled. Load it once and
/// share it.
///
/// To inspect with a set from a file, use [`builder`](Self::builder); to inspect all requests of
/// a service, use [`InspectLayer`](crate::InspectLayer).
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
    /// The rules in the form in which they run.
    plan: Plan,
    /// What became of the text.
    report: LoadReport,
}

impl RuleSet {
    /// Reads rules from text. Data files are looked for in the current folder.
    ///
    /// A directive that cannot be used is no error; it is in the [`report`](Self::report). An
    /// empty text gives a set that finds nothing. Data files are those of `@pmFromFile`, and
    /// files those of `Include`.
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
    ///
    /// The folder is not looked at before [`load`](RuleSetBuilder::load).
    pub fn builder(folder: impl Into<PathBuf>) -> RuleSetBuilder {
        RuleSetBuilder {
            folder: folder.into(),
            paranoia: None,
            setup: String::new(),
        }
    }

    /// What was loaded and what was not.
    ///
    /// Look at `not_loaded` before the set is used: what those rules would find is not found.
    #[must_use]
    pub const fn report(&self) -> &LoadReport {
        &self.report
    }

    /// Inspects a request, and its response if there is one. All rules run, also after a refusal.
    ///
    /// Phases 1, 2 and 5 run, with a response also 3 and 4. Nothing in the request makes it fail:
    /// what cannot be parsed is given to the rules as `REQBODY_ERROR`.
    ///
    /// It blocks the thread for the time that the rules take. The request is not changed.
    #[must_use]
    pub fn inspect(
        &self,
        request: &RequestView<'_>,
        response: Option<&ResponseView<'_>>,
    ) -> Verdict {
        let settings = Settings {
            is_words: &|_, _| false,
            see_all: true,
            max_work: most_work(READINGS, request.body.len()),
            text_key: None,
        };
        self.inspect_with(request, response, &settings)
    }

    /// Inspects a request in which some fields hold what a person wrote; see [`PersonText`].
    ///
    /// Rules for code that match only in such fields are in [`Verdict::words`] and refuse
    /// nothing.
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
            max_work: most_work(READINGS, request.body.len()),
            text_key: None,
        };
        self.inspect_with(request, response, &settings)
    }

    /// Inspects with settings.
    ///
    /// The phases run in their order; `finish` runs phase 5 and gives the verdict.
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

    /// Inspects a response alone.
    ///
    /// Phase 1 runs first on the head of the request, because its rules set the variables that
    /// rules on responses read. What it finds is not in the verdict. Phase 5 does not run.
    pub(crate) fn inspect_response(
        &self,
        request: &RequestView<'_>,
        response: &ResponseView<'_>,
        settings: &Settings<'_>,
    ) -> Verdict {
        let mut inspection = Inspection::new(&self.plan, settings);
        inspection.head_again(request);
        inspection.response(response);
        inspection.finish_response()
    }

    /// Prepares what was read.
    ///
    /// This is the only step in which a whole set can fail.
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
///
/// All of them but one file in `rules` may be missing. Without `crs-setup.conf`, its example is
/// read; without both, the files that `owasp-crs.load` names, as in Debian's
/// `/usr/share/modsecurity-crs`. Files of one folder are read in the order of the bytes of their names, so `REQUEST-901`
/// comes before `REQUEST-911`.
///
/// ```no_run
/// use palisade_inspect::RuleSet;
///
/// let rules = RuleSet::builder("/etc/palisade/crs")
///     .paranoia(2)
///     .setup(r#"SecAction "id:900110,phase:1,pass,nolog,setvar:tx.inbound_anomaly_score_threshold=10""#)
///     .load()?;
/// for rule in &rules.report().not_loaded {
///     eprintln!("{rule}");
/// }
/// # Ok::<_, palisade_inspect::InspectBuildError>(())
/// ```
///
/// A folder without rules is an error: a service must not start without the rules that its operator named.
///
/// ```
/// use palisade_inspect::RuleSet;
///
/// let nowhere = RuleSet::builder("/nowhere/crs").load();
/// assert!(nowhere.is_err());
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct RuleSetBuilder {
    /// Where the files are.
    folder: PathBuf,
    /// `None`: what the setup says.
    paranoia: Option<u8>,
    /// Directives of the owner.
    setup: String,
}

impl RuleSetBuilder {
    /// Sets the paranoia level, 1 to 4. Default: what the setup says, else 1.
    ///
    /// Higher levels have more rules and refuse more ordinary requests.
    ///
    /// It sets the blocking and the executing level. A detection level in the setup that is
    /// higher stays. The value is checked by [`load`](Self::load).
    pub const fn paranoia(mut self, level: u8) -> Self {
        self.paranoia = Some(level);
        self
    }

    /// Adds directives after the setup and before the rules, such as `SecAction` with `setvar`.
    ///
    /// Several calls add up, each on its own line. They come before all rules, so they can set
    /// what the rules read.
    pub fn setup(mut self, directives: &str) -> Self {
        self.setup.push_str(directives);
        self.setup.push('\n');
        self
    }

    /// Reads the folder.
    ///
    /// It reads all files and compiles all patterns, which can take seconds for the Core Rule
    /// Set. A directive that cannot be used is no error here; see [`RuleSet::report`].
    ///
    /// # Errors
    ///
    /// [`InspectBuildError::Folder`] if a file cannot be read or there is no rule,
    /// [`InspectBuildError::Paranoia`] if the level is out of range.
    pub fn load(self) -> Result<RuleSet, InspectBuildError> {
        let mut loader = Loader::default();
        let owner = OwnerFiles::of(&self.folder);
        self.read_setup(&mut loader, &owner.before)?;
        let own = self.own_directives()?;
        loader.text(&own, &self.folder.join("builder"), &self.folder);
        for (folder, ending) in [
            ("plugins", "-config.conf"),
            ("plugins", "-before.conf"),
            ("rules", ".conf"),
            ("plugins", "-after.conf"),
        ] {
            read_files(&mut loader, &files(&self.folder.join(folder), ending))?;
        }
        read_files(&mut loader, &owner.after)?;
        let rules = RuleSet::finish(loader)?;
        // If there are rules and none of them loads, the report says more.
        if rules.report.rules == 0 && rules.report.not_loaded.is_empty() {
            return Err(folder_error(
                &self.folder,
                "it has no rules; expected rules/*.conf",
            ));
        }
        Ok(rules)
    }

    /// Reads `crs-setup.conf`, or the example if the owner has not copied it. Without both, what a
    /// package names.
    ///
    /// None is needed: rules have their own defaults.
    fn read_setup(
        &self,
        loader: &mut Loader,
        packaged: &[PathBuf],
    ) -> Result<(), InspectBuildError> {
        let names = ["crs-setup.conf", "crs-setup.conf.example"];
        let mut paths = names.iter().map(|name| self.folder.join(name));
        match paths.find(|path| path.is_file()) {
            Some(path) => read_files(loader, &[path]),
            None => read_files(loader, packaged),
        }
    }

    /// The directives that say what this builder was told.
    ///
    /// The level is written under its names of CRS 4 and of CRS 3. The detection level must not
    /// be below the blocking level, so it is raised if needed.
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

/// Reads files.
fn read_files(loader: &mut Loader, paths: &[PathBuf]) -> Result<(), InspectBuildError> {
    for path in paths {
        loader
            .file(path)
            .map_err(|error| folder_error(path, &error.to_string()))?;
    }
    Ok(())
}

/// The files of a folder whose names end so, in the order of their names.
///
/// A folder that does not exist has none.
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
