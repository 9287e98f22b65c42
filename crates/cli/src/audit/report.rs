//! `palisade audit report`: writes a page that sums a trail up.
//!
//! The trail is verified first, so that the page says what its numbers are worth. The exit code is
//! that of `palisade audit verify`.
//!
//! The page is one file of HTML and SVG. It can be sent and archived without a server.

use std::{fs, io, path::PathBuf};

use clap::Args;
use palisade_audit::{TrailReport, VerifyOutcome, read_trail};

use super::{filter::Conditions, verify::Trail};
use crate::{failure::Failure, output};

const EXAMPLES: &str = "\
The page has no scripts and loads nothing. It shows requests and refusals over time, by layer and code, the principals
and addresses with the most, durations, costs, events, and the result of the verification.

Exit code 0: the trail is intact. 1: it is not. 2: it could not be read, or the page not be written. 3: incidents, such
as a damaged part. The page is written in each case but 2.

Examples:
  palisade audit report audit.jsonl --key audit.key --output report.html
  palisade audit report audit.jsonl --since 7d --output week.html
  palisade audit report audit.jsonl --principal anna --output anna.html";

/// Writes one HTML page about the records that meet all conditions
///
/// Names in the page are escaped. It says at the top whether the trail is intact.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Report {
    #[command(flatten)]
    trail: Trail,
    #[command(flatten)]
    conditions: Conditions,
    /// The file of the page; it is replaced
    ///
    /// Its folder must exist. The page may hold addresses and names of principals: protect it as the trail.
    #[arg(long, short, value_name = "FILE")]
    output: PathBuf,
}

impl Report {
    /// Writes the page. Exit code 0 if the trail is intact, 3 with incidents, otherwise 1.
    ///
    /// The page is written also if the trail is not intact. It then says so.
    ///
    /// # Errors
    ///
    /// Exit code 1 or 3 by the result. Exit code 2: the trail cannot be read, or the page cannot be written.
    pub(super) fn run(self) -> Result<(), Failure> {
        let file = &self.trail.file;
        let unreadable = |problem: io::Error| {
            Failure::new(format_args!("cannot read {}: {problem}", file.display()))
        };
        let verified = self.trail.verify_files(&self.trail.verify_options()?)?;
        let records = read_trail(file).map_err(unreadable)?;
        let filter = self.conditions.into_filter();
        let report = TrailReport::collect(records, filter).map_err(unreadable)?;
        let title = file.display().to_string();
        for part in report.unreadable_parts() {
            let part = part.display();
            output::print_note(format_args!(
                "cannot read {part} to its end; its records are missing in the page"
            ));
        }
        fs::write(&self.output, report.to_html(&title, Some(&verified))).map_err(|problem| {
            Failure::new(format_args!(
                "cannot write {}: {problem}",
                self.output.display()
            ))
        })?;
        output::print_result(format_args!(
            "{}: {} requests, {} refused",
            self.output.display(),
            report.requests(),
            report.refused()
        ))?;
        match verified.outcome() {
            VerifyOutcome::Intact => Ok(()),
            VerifyOutcome::Incidents => Err(Failure::Incidents),
            _ => Err(Failure::No),
        }
    }
}
