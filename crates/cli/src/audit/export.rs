//! `palisade audit export`: writes records in a form that other systems read.
//!
//! One line a record, to standard output. Nothing is verified here.
//!
//! | form | for | one line is |
//! |---|---|---|
//! | CEF | ArcSight and other SIEMs by syslog | a header, then pairs of name and value |
//! | ECS | Elasticsearch | JSON |
//! | OCSF | Security Lake and other data lakes | JSON |
//!
//! A record about the trail itself makes no line.

use std::{io, path::PathBuf};

use clap::{Args, ValueEnum};
use palisade_audit::{ExportFormat, read_trail};

use super::{filter::Conditions, query::admitted_records, unreadable_parts::UnreadableParts};
use crate::{failure::Failure, output};

const EXAMPLES: &str = "\
Requests, refusals and events are written, one line each; records about the trail itself are not. Of a fail-closed
trail the `head` records are written.

Exit code 0: done, also without a line. 2: the trail could not be read, or a part of it: standard error names it, and
the records of the others are written, also if the reader closes the pipe (`| head`).

Examples:
  palisade audit export audit.jsonl --format ocsf --since 1h
  palisade audit export audit.jsonl --format cef --refused | logger --server siem.example
  palisade audit export audit.jsonl --format ecs > audit.ndjson";

/// Writes the records that meet all conditions in a form of other systems
///
/// Feed a log collector or a SIEM with it. Each line is complete, so a collector can read them one by one.
#[derive(Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Export {
    /// The file of the trail
    ///
    /// Rotated parts beside it are read too, oldest first.
    file: PathBuf,
    /// The form of each line
    ///
    /// See the possible values: cef for ArcSight, ecs for Elastic, ocsf for Amazon Security Lake and others.
    #[arg(long, value_name = "FORM")]
    format: Form,
    #[command(flatten)]
    conditions: Conditions,
}

/// The forms.
///
/// Each value is an [`ExportFormat`]. A form of the command is added here as well.
#[derive(Clone, Copy, ValueEnum)]
enum Form {
    /// Common Event Format, version 0
    Cef,
    /// Elastic Common Schema 8.11
    Ecs,
    /// Open Cybersecurity Schema Framework 1.3
    Ocsf,
}

impl From<Form> for ExportFormat {
    /// The two enumerations are apart so that clap is no dependency of the library.
    fn from(form: Form) -> Self {
        match form {
            Form::Cef => Self::Cef,
            Form::Ecs => Self::Ecs,
            Form::Ocsf => Self::Ocsf,
        }
    }
}

impl Export {
    /// Writes the records.
    ///
    /// Ends without an error if the reader closes the pipe.
    ///
    /// # Errors
    ///
    /// A file of the trail cannot be read, or the output cannot be written. A closed pipe is no error.
    pub(super) fn run(self) -> Result<(), Failure> {
        let unreadable = |problem: io::Error| {
            Failure::new(format_args!(
                "cannot read {}: {problem}",
                self.file.display()
            ))
        };
        let records = read_trail(&self.file).map_err(unreadable)?;
        let format = self.format.into();
        let mut lines = output::Lines::new();
        let mut parts = UnreadableParts::default();
        for record in admitted_records(records, self.conditions.into_filter()) {
            let record = parts.tell(record).map_err(unreadable)?;
            if let Some(line) = record.and_then(|record| record.export(format))
                && !lines.print_line(&line)?
            {
                break; // The reader has ended. What could not be read before counts.
            }
        }
        lines.finish()?;
        parts.into_result()
    }
}
