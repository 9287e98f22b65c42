//! `palisade inspect`: rules of a web application firewall, checked before a service uses them.
//!
//! The rules are in the language of `ModSecurity` (SecLang), such as the OWASP Core Rule Set.
//! `palisade try request` shows what they find in requests.
//!
//! # Output
//!
//! Line 1: the numbers of rules and files. Then one line for each directive that is not supported
//! or not valid: `not loaded:`, the place and the reason. Exit code 0 if there is none, 1 if there
//! is one, 2 if the folder has no rules or cannot be read.
//!
//! Nothing is fetched and nothing is changed.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use palisade_inspect::RuleSet;

use crate::{failure::Failure, output};

/// Where the rules come from, printed where there are none.
const WHERE: &str = "\
Thirteen rules are shipped. The OWASP Core Rule Set is not: it is at https://coreruleset.org (release
archives at https://github.com/coreruleset/coreruleset/releases), and in Debian as modsecurity-crs.
Put rules/ and a copy of crs-setup.conf.example, named crs-setup.conf, into one folder.";

/// What can be done with rules.
#[derive(Subcommand)]
pub(crate) enum Command {
    Rules(Rules),
}

/// Checks a folder of rules: what loads, what does not and why
///
/// The exit code is 1 if a rule does not load or a data file is missing. Such a rule never runs; the
/// others do.
#[derive(Args)]
#[command(after_help = WHERE)]
pub(crate) struct Rules {
    /// A folder with crs-setup.conf and rules/
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
}

impl Command {
    /// Runs the command that was given.
    ///
    /// # Errors
    ///
    /// The failure of the command.
    pub(crate) fn run(self) -> Result<(), Failure> {
        match self {
            Self::Rules(command) => command.run(),
        }
    }
}

impl Rules {
    /// Loads the folder and prints what came of it.
    ///
    /// # Errors
    ///
    /// Exit code 1: a rule cannot be used. Exit code 2: the folder cannot be read.
    fn run(self) -> Result<(), Failure> {
        if !self.folder.join("rules").is_dir() {
            let folder = self.folder.display();
            return Err(Failure::new(format_args!(
                "{folder} has no folder rules.\n{WHERE}"
            )));
        }
        if !self.folder.join("crs-setup.conf").is_file() {
            output::print_note(
                "crs-setup.conf is missing; copy crs-setup.conf.example to it. Until then the example is read.",
            );
        }
        let rules = RuleSet::builder(&self.folder).load()?;
        let report = rules.report();
        output::print_result(format_args!(
            "{} rules from {} files",
            report.rules, report.files
        ))?;
        for directive in &report.not_loaded {
            output::print_result(format_args!("not loaded: {directive}"))?;
        }
        match report.not_loaded.is_empty() {
            true => Ok(()),
            false => Err(Failure::No),
        }
    }
}
