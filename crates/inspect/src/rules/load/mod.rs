//! Reads the directives of files into rules.
//!
//! One directive is read at a time; a failure concerns only that one and is written to the
//! report. "Configuration Directives" in the reference manual of ModSecurity lists them. Three
//! kinds exist here: those that make rules, those that change rules (kept until the end), and
//! those of the server or its log, which are ignored.
//!
//! Changes are applied after all files were read, so it does not matter whether
//! `SecRuleRemoveById` stands before or after its rule.

mod chain;
mod include;
mod update;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use self::chain::Chain;
use super::report::{LoadReport, NotLoaded};
use crate::engine::{Plan, prepare};
use crate::seclang::{Directive, EngineMode, Rule, directives, parse_link};
use crate::variables::TxNames;

/// Directives of a web server or of a log. The layer has its own settings for what they say.
///
/// They are sorted, in lower case. Each other directive that is unknown is reported.
const IGNORED: [&str; 30] = [
    "secargumentseparator",
    "secauditengine",
    "secauditlog",
    "secauditlogformat",
    "secauditlogparts",
    "secauditlogrelevantstatus",
    "secauditlogstoragedir",
    "secauditlogtype",
    "seccollectiontimeout",
    "seccomponentsignature",
    "seccookieformat",
    "secdatadir",
    "secdebuglog",
    "secdebugloglevel",
    "secpcrematchlimit",
    "secpcrematchlimitrecursion",
    "secrequestbodyaccess",
    "secrequestbodyinmemorylimit",
    "secrequestbodyjsondepthlimit",
    "secrequestbodylimit",
    "secrequestbodylimitaction",
    "secrequestbodynofileslimit",
    "secresponsebodyaccess",
    "secresponsebodylimit",
    "secresponsebodylimitaction",
    "secresponsebodymimetype",
    "secstatusengine",
    "sectmpdir",
    "secunicodemapfile",
    "secuploaddir",
];

/// Rules while they are read.
///
/// Call [`file`](Self::file) or [`text`](Self::text) as often as needed, then
/// [`finish`](Self::finish).
#[derive(Debug, Default)]
pub(super) struct Loader {
    /// Names of variables get their numbers as they are met.
    names: TxNames,
    /// Complete rules, in the order of reading.
    rules: Vec<Rule>,
    /// Each `SecMarker` and how many rules stand before it.
    markers: Vec<(String, usize)>,
    /// Ids that are taken. The first rule with an id stays.
    ids: BTreeSet<u64>,
    /// The last `SecRuleEngine`. Default: on.
    engine_mode: EngineMode,
    /// For each phase, whether `block` refuses. Default: no, as in ModSecurity.
    block_refuses: [bool; 5],
    /// It never reaches over the end of a file.
    chain: Chain,
    /// Changes of rules with their file, for `finish`.
    updates: Vec<(Directive, PathBuf)>,
    /// Why actions of the directive that was just read are left out.
    left_out: Vec<String>,
    /// What the owner gets to see.
    report: LoadReport,
}

impl Loader {
    /// Reads a file from disk.
    ///
    /// Bytes that are not UTF-8 become replacement characters. Relative names in the file are
    /// looked up in its own folder.
    pub(super) fn file(&mut self, path: &Path) -> std::io::Result<()> {
        let bytes = std::fs::read(path)?;
        let folder = path.parent().unwrap_or(Path::new("."));
        self.report.files += 1;
        self.text(&String::from_utf8_lossy(&bytes), path, folder);
        Ok(())
    }

    /// Reads directives. `path` stands in messages, data files are looked for in `folder`.
    ///
    /// It never fails: each failure is in the report.
    pub(super) fn text(&mut self, text: &str, path: &Path, folder: &Path) {
        for directive in directives(text) {
            self.left_out.clear();
            let failed = self.directive(&directive, path, folder).err();
            let reasons = match failed {
                Some(reason) => vec![reason],
                None => std::mem::take(&mut self.left_out),
            };
            for reason in reasons {
                self.not_loaded(&directive, path, reason);
            }
        }
        self.chain = Chain::None;
    }

    /// Keeps why a directive has no effect.
    ///
    /// The id is looked for in the text of the last argument, since the actions may be what
    /// failed.
    fn not_loaded(&mut self, directive: &Directive, path: &Path, reason: String) {
        let actions = directive
            .arguments
            .last()
            .map(String::as_str)
            .unwrap_or_default();
        let digits = actions
            .split_once("id:")
            .map(|(_, rest)| rest.trim_start_matches('\''));
        let digits = digits.map(|rest| {
            rest.split(|c: char| !c.is_ascii_digit())
                .next()
                .unwrap_or_default()
        });
        self.report.not_loaded.push(NotLoaded {
            file: path.to_owned(),
            line: directive.line,
            id: digits.and_then(|digits| digits.parse().ok()),
            reason,
        });
    }

    /// Reads one directive.
    ///
    /// Names of directives have no case. The error is the reason for the report.
    fn directive(
        &mut self,
        directive: &Directive,
        path: &Path,
        folder: &Path,
    ) -> Result<(), String> {
        let name = directive.name.to_ascii_lowercase();
        match (name.as_str(), directive.arguments.as_slice()) {
            ("secrule", arguments) => self.link(arguments, false, folder),
            ("secaction", arguments) => self.link(arguments, true, folder),
            ("secmarker", [marker]) => {
                self.markers.push((marker.clone(), self.rules.len()));
                Ok(())
            }
            ("secruleengine", [mode]) => {
                self.engine_mode = EngineMode::parse(mode)
                    .ok_or_else(|| format!("SecRuleEngine: {mode} is unknown"))?;
                Ok(())
            }
            ("secdefaultaction", [actions]) => self.default_action(actions),
            ("include", [file]) => self.include(file, folder),
            ("includeoptional", [file]) => self.include_optional(file, folder),
            (
                "secruleupdatetargetbyid"
                | "secruleupdatetargetbytag"
                | "secruleupdatetargetbymsg"
                | "secruleremovebyid"
                | "secruleremovebytag"
                | "secruleremovebymsg",
                [_, ..],
            ) => {
                self.updates.push((directive.clone(), path.to_owned()));
                Ok(())
            }
            (name, _) if IGNORED.contains(&name) => Ok(()),
            _ => Err(format!("the directive {} is not supported", directive.name)),
        }
    }

    /// Reads what `block` means in a phase.
    ///
    /// Of `SecDefaultAction` only the decision is used: whether `block` in that phase refuses.
    /// Transformations and logging in it are not inherited by rules.
    ///
    /// # Errors
    ///
    /// An action that cannot be read.
    fn default_action(&mut self, actions: &str) -> Result<(), String> {
        let (_, actions) =
            parse_link(&[actions.to_owned()], true, Path::new("."), &mut self.names)?;
        let phase = usize::from(actions.phase.unwrap_or(2).clamp(1, 5)) - 1;
        if let Some(refuses) = self.block_refuses.get_mut(phase) {
            *refuses = actions.disruption == Some(crate::seclang::Disruption::Deny);
        }
        Ok(())
    }

    /// Applies the updates and prepares the rules.
    ///
    /// `block` is replaced here, because `SecDefaultAction` may stand after rules.
    ///
    /// # Errors
    ///
    /// The rules cannot be prepared. A single directive that cannot be used is in the report.
    pub(super) fn finish(mut self) -> Result<(Plan, LoadReport), String> {
        for (directive, path) in std::mem::take(&mut self.updates) {
            if let Err(reason) = self.update(&directive) {
                self.not_loaded(&directive, &path, reason);
            }
        }
        for rule in &mut self.rules {
            let phase = usize::from(rule.head.phase.clamp(1, 5)) - 1;
            let refuses = self.block_refuses.get(phase).copied().unwrap_or_default();
            rule.head.resolve_block(refuses);
        }
        self.report.rules = self.rules.iter().filter(|rule| rule.head.id > 0).count();
        let plan = prepare(self.rules, &self.markers, self.names, self.engine_mode)?;
        Ok((plan, self.report))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str) -> (Plan, LoadReport) {
        let mut loader = Loader::default();
        loader.text(text, Path::new("test.conf"), Path::new("/nonexistent"));
        loader.finish().expect("few literals")
    }

    fn ids(plan: &Plan) -> Vec<u64> {
        plan.phases
            .iter()
            .flatten()
            .map(|rule| rule.head.id)
            .collect()
    }

    #[test]
    fn a_chain_is_one_rule() {
        let (plan, report) = load(
            "SecRule ARGS \"@rx a\" \"id:1,phase:2,deny,chain\"\nSecRule ARGS \"@rx b\" \"t:none\"\n\
             SecAction \"id:2,phase:1,pass\"",
        );
        assert_eq!((ids(&plan), report.rules), (vec![2, 1], 2));
        assert_eq!(plan.phases[1][0].checks.len(), 2);
    }

    #[test]
    fn what_cannot_be_loaded_is_named_with_its_line() {
        let (plan, report) = load(
            "SecRule ARGS \"@rx (?=a)\" \"id:1,chain\"\nSecRule ARGS \"@rx b\"\n\
             SecRule ARGS \"@pmFromFile none.data\" \"id:2\"\nSecAction \"id:3\"\nSecAction \"id:3\"\nSecStrange x",
        );
        assert_eq!(ids(&plan), [3]);
        let found: Vec<_> = report.not_loaded.iter().map(|n| (n.line, n.id)).collect();
        assert_eq!(found, [(1, Some(1)), (3, Some(2)), (5, Some(3)), (6, None)]);
    }

    #[test]
    fn a_rule_runs_without_an_action_on_what_outlives_a_request() {
        let (plan, report) = load(
            "SecRule ARGS \"@rx a\" \"id:1,deny,setvar:tx.a=1,setvar:'ip.block=1',setvar:ip.d=2,setvar:!session.b,chain\"\n\
             SecRule ARGS \"@rx b\" \"setvar:global.c=+1\"",
        );
        assert_eq!((ids(&plan), report.rules), (vec![1], 1));
        let actions = plan.phases[1][0]
            .checks
            .iter()
            .map(|check| check.actions.len());
        assert!(actions.eq([1, 0]));
        let named: Vec<_> = report.not_loaded.iter().map(ToString::to_string).collect();
        assert_eq!(named.len(), 3);
        assert_eq!(
            named[0],
            "test.conf:1: rule 1: setvar: the collection ip is not kept; the rule runs without this action"
        );
    }

    #[test]
    fn rules_are_removed_and_their_targets_changed() {
        let (plan, report) = load(
            "SecRule ARGS \"@rx a\" \"id:1,tag:'x'\"\nSecRule ARGS \"@rx a\" \"id:2,tag:'y'\"\n\
             SecMarker M\nSecAction \"id:3\"\nSecRuleRemoveByTag y\nSecRuleUpdateTargetById 1 \"!ARGS:q|ARGS_NAMES\"\n\
             SecRuleRemoveById 7-9 3",
        );
        assert_eq!((ids(&plan), report.not_loaded.len()), (vec![1], 0));
        let check = &plan.phases[1][0].checks[0];
        assert_eq!((check.sources.len(), check.excluded.len()), (2, 1));
    }
}
